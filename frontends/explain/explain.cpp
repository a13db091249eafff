#include "frontends/explain/explain.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "extract/fusion/runner_up.h"
#include "frontends/explain/partial_match.h"
#include "frontends/proof/proof.h"

namespace egret::explain {
namespace {

using egraph::Id;
using egraph::kNoId;

// Terms of the proof as e-nodes of the run; kNoId where the e-graph lacks one.
std::vector<Id> nodes_of_terms(const KeptRun& run, const proof::ProofTerms& terms) {
  const egraph::EGraph& g = run.tensors->graph();
  std::vector<Id> out;
  for (proof::TermId t = 0; t < terms.size(); ++t) {
    const rules::TermNode& n = terms.node(t);
    std::vector<Id> operands;
    bool known = true;
    for (proof::TermId o : n.operands) {
      known &= out[o] != kNoId;
      operands.push_back(out[o]);
    }
    const uint32_t attr = run.tensors->attrs().intern(n.attrs);
    const auto found = known ? g.lookup(run.tensors->op_kind(*n.op), attr, operands) : std::nullopt;
    out.push_back(found.value_or(kNoId));
  }
  return out;
}

struct Application {
  StepReason step;
  std::vector<Id> made;    // terms of its right side that a kernel of the chosen program computes
};

// The applications that the proof rests on, in its order.
std::vector<Application> applications(const KeptRun& run, const proof::Proof& proof, const Pricing& pricing,
                                      std::map<Id, std::set<std::string>>& made_by) {
  const std::vector<Id> nodes = nodes_of_terms(run, proof.terms);
  std::map<std::tuple<std::string, Id, Id>, size_t> logged;  // of the run, by rule and equation
  for (size_t i = 0; i < run.applied.size(); ++i) {
    for (const auto& [left, right] : run.applied[i].equations) logged.try_emplace({run.applied[i].rule, run.live(left), run.live(right)}, i);
    for (Id n : run.applied[i].made) made_by[run.live(n)].insert(run.applied[i].rule);
  }
  std::map<size_t, size_t> place;  // by number in the log
  std::vector<Application> out;
  for (const proof::Step& s : proof.steps) {
    if (s.kind != proof::Step::Kind::kRule) continue;
    const Id left = nodes[s.left], right = nodes[s.right];
    auto found = logged.find({proof.rules[s.rule].name, left, right});
    const size_t number = found == logged.end() ? run.applied.size() + out.size() : found->second;
    const auto [it, fresh] = place.try_emplace(number, out.size());
    if (fresh) {
      Application a;
      a.step.rule = proof.rules[s.rule].name;
      if (const rules::Rule* rule = run.rules.find(a.step.rule)) {
        a.step.needs = rule->needs.to_string();
      }
      if (auto verdict = run.verdicts.find(a.step.rule); verdict != run.verdicts.end()) a.step.verdict = verdict->second;
      std::vector<Id> made{right};
      if (found != logged.end()) {
        for (Id n : run.applied[number].made) made.push_back(run.live(n));
      }
      for (Id n : made) {
        const bool listed = n == kNoId || std::count(a.made.begin(), a.made.end(), n) > 0;
        if (!listed && pricing.chosen(n)) a.made.push_back(n);
      }
      a.step.chosen = !a.made.empty();
      out.push_back(std::move(a));
    }
    Application& a = out[it->second];
    a.step.from.push_back(left == kNoId ? proof.terms.node(s.left).op->name + "(..)" : describe_node(run, left));
    a.step.to.push_back(right == kNoId ? proof.terms.node(s.right).op->name + "(..)" : describe_node(run, right));
  }
  return out;
}

// What each operator of a kernel would cost as a kernel of its own.
std::optional<double> cost_apart(const KeptRun& run, const Device& device, const std::vector<Id>& inside) {
  double total = 0;
  for (Id n : inside) {
    std::vector<Type> types;
    for (Id o : run.tensors->graph().canonical_operands(n)) types.push_back(run.tensors->type(o));
    if (types.empty()) continue;  // every reader absorbs it
    const auto kernel = kernel_of(run.tensors->op(n), run.tensors->attrs_of(n), types);
    if (!kernel.ok()) return std::nullopt;
    total += estimate(*kernel, device).seconds;
  }
  return total;
}

KernelReason kernel_reason(const KeptRun& run, const Device& device, uint32_t candidate, const std::map<Id, std::set<std::string>>& made_by) {
  KernelReason out;
  std::set<std::string> names;
  for (Id n : run.inside[candidate]) {
    out.covers.push_back(describe_node(run, n, 1));
    if (auto it = made_by.find(n); it != made_by.end()) names.insert(it->second.begin(), it->second.end());
  }
  out.rules.assign(names.begin(), names.end());
  for (uint32_t r : run.problem.candidates[candidate].results) out.results.push_back(describe(run, run.item_class[r]));
  out.seconds = run.problem.candidates[candidate].cost;
  out.alone = cost_apart(run, device, run.inside[candidate]);
  if (const auto next = extract::runner_up(run.problem, run.solution, candidate)) {
    out.dearer = next->dearer;
    for (uint32_t c : next->in) {
      out.instead.emplace_back();
      for (Id n : run.inside[c]) out.instead.back().push_back(describe_node(run, n, 1));
    }
  }
  return out;
}

}  // namespace

Result<Explanation> explain_run(const KeptRun& run, const Device& device, const Limits& limits) {
  Explanation out;
  const Pricing pricing(run, device, limits);
  std::map<Id, std::set<std::string>> made_by;
  std::vector<Application> made;
  if (!run.proof.empty()) {
    EGRET_TRY(const proof::Proof proof, proof::read(run.proof, {}));
    made = applications(run, proof, pricing, made_by);
  }
  auto saving = [&](const std::vector<Id>& nodes) -> Result<std::optional<double>> {
    EGRET_TRY(const auto price, pricing.without(nodes));
    if (!price) return std::optional<double>();
    return std::optional<double>(price->cost - run.taken);
  };
  std::map<std::string, std::vector<Id>> by_rule;
  std::vector<std::string> order;
  size_t priced = 0;
  for (Application& a : made) {
    auto [it, fresh] = by_rule.try_emplace(a.step.rule);
    if (fresh) {
      order.push_back(a.step.rule);
      out.rules.push_back({a.step.rule, 0, {}});
    }
    ++out.rules[static_cast<size_t>(std::find(order.begin(), order.end(), a.step.rule) - order.begin())].applications;
    it->second.insert(it->second.end(), a.made.begin(), a.made.end());
    if (a.step.chosen && priced < kPricedSteps) {
      ++priced;
      EGRET_TRY(a.step.saves, saving(a.made));
    }
    out.steps.push_back(std::move(a.step));
  }
  priced = 0;
  for (RuleReason& r : out.rules) {
    const std::vector<Id>& nodes = by_rule.at(r.rule);
    if (nodes.empty() || ++priced > kPricedRules) continue;
    EGRET_TRY(r.saves, saving(nodes));
  }
  for (uint32_t c : extract::order(run.problem, run.solution)) {
    if (!run.inside[c].empty()) out.kernels.push_back(kernel_reason(run, device, c, made_by));
  }
  return out;
}

}  // namespace egret::explain
