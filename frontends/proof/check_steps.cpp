// Replay of the steps: each is looked at once, with nothing but the terms and the claims of earlier steps.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "frontends/proof/check.h"

namespace egret::proof {
namespace {

class StepChecker {
 public:
  StepChecker(Proof& proof, const rules::RuleSet& rules) : proof_(proof), terms_(proof.terms) {
    for (const RuleText& r : proof.rules) rules_.push_back(rules.find(r.name));
  }

  Status check_all() {
    for (size_t i = 0; i < proof_.steps.size(); ++i) {
      const Step& s = proof_.steps[i];
      Status status = check(s);
      if (status.ok()) continue;
      Error e = status.take_error();
      std::string rule = s.kind == Step::Kind::kRule ? " " + proof_.rules[s.rule].name : "";
      e.message = fmt::format("step {} ({}{}): {}", i + 1, to_string(s.kind), rule, e.message);
      return e;
    }
    return {};
  }

 private:
  Status check(const Step& s) {
    if (s.left == s.right) return input_error("both sides are one term");
    if (!(terms_.type(s.left) == terms_.type(s.right))) {
      return input_error(fmt::format("the types {} and {} differ", terms_.type(s.left).to_string(), terms_.type(s.right).to_string()));
    }
    switch (s.kind) {
      case Step::Kind::kCongruence: return congruence(s);
      case Step::Kind::kChain: return chain(s);
      case Step::Kind::kRule: return rule(s);
      case Step::Kind::kExpand: return expand(s);
      case Step::Kind::kFold: break;
    }
    if (terms_.folds_to(s.left, s.right)) return {};
    return input_error(fmt::format("term {} does not evaluate to term {}", s.left, s.right));
  }

  // What a premise claims, as it is read.
  std::pair<TermId, TermId> claim(int64_t premise) const {
    const Step& s = proof_.steps[static_cast<size_t>(std::abs(premise)) - 1];
    return premise > 0 ? std::pair(s.left, s.right) : std::pair(s.right, s.left);
  }

  Status congruence(const Step& s) const {
    const rules::TermNode &a = terms_.node(s.left), &b = terms_.node(s.right);
    if (a.op != b.op || !equal(a.attrs, b.attrs)) return input_error("the operators or their attributes differ");
    if (a.operands.size() != b.operands.size() || s.premises.size() != a.operands.size()) {
      return input_error(fmt::format("{} and {} operands, {} premises", a.operands.size(), b.operands.size(), s.premises.size()));
    }
    for (size_t i = 0; i < s.premises.size(); ++i) {
      const TermId x = a.operands[i], y = b.operands[i];
      if (s.premises[i] == 0 ? x == y : claim(s.premises[i]) == std::pair(x, y)) continue;
      return input_error(fmt::format("premise {} does not equate the operands {} and {}", s.premises[i], x, y));
    }
    return {};
  }

  Status chain(const Step& s) const {
    TermId at = s.left;
    for (int64_t p : s.premises) {
      if (p == 0 || claim(p).first != at) return input_error(fmt::format("premise {} does not start at term {}", p, at));
      at = claim(p).second;
    }
    return at == s.right ? Status{} : input_error(fmt::format("the premises end at term {}, not {}", at, s.right));
  }

  Status expand(const Step& s) {
    const rules::TermNode node = terms_.node(s.left);
    if (!node.op->expand) return input_error(node.op->name + " is no composite");
    GraphBuilder builder("expansion");
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < node.operands.size(); ++i) inputs.push_back(builder.input(fmt::format("x{}", i), terms_.type(node.operands[i])));
    EGRET_TRY(const ValueId result, node.op->expand(builder, inputs, node.attrs));
    const Graph graph = builder.take();
    std::map<ValueId, TermId> term;
    for (size_t i = 0; i < graph.inputs.size(); ++i) term[graph.inputs[i].value] = node.operands[i];
    for (ValueId v = 0; v < graph.nodes.size(); ++v) {
      if (term.contains(v)) continue;
      std::vector<TermId> operands;
      for (ValueId o : graph.node(v).operands) {
        if (term.contains(o)) operands.push_back(term.at(o));
      }
      // A node that the result does not need may be absent.
      if (operands.size() != graph.node(v).operands.size()) continue;
      if (auto t = terms_.find(*graph.node(v).op, graph.node(v).attrs, operands)) term[v] = *t;
    }
    auto found = term.find(result);
    if (found != term.end() && found->second == s.right) return {};
    return input_error("the decomposition is not the right term");
  }

  Status rule(const Step& s) {
    const rules::Rule* rule = rules_[s.rule];
    rules::TermTable& table = terms_.table();
    if (std::ranges::adjacent_find(s.facts, std::not_fn(stands_before)) != s.facts.end()) return input_error("facts are not in order, or one is said twice");
    for (const TermFact& f : s.facts) {
      if (!f.splat == !f.depends || (f.splat && table.splat[f.term])) return input_error("a fact that says nothing");
      if (f.splat && terms_.stated_splat(f.term) != f.splat) return input_error(fmt::format("term {} is not stated to be {}", f.term, *f.splat));
      if (f.depends && terms_.depends(f.term) != *f.depends) return input_error(fmt::format("term {} depends on something else than is said", f.term));
    }
    for (const TermFact& f : s.facts) {
      if (f.splat) table.splat[f.term] = f.splat;
      if (f.depends) table.depends[f.term] = *f.depends;
    }
    const size_t size = terms_.size();
    auto equations = rules::replay(*rule, s.form, s.roots, table);
    Status status = equations.ok() ? compare(s, *equations, size) : Status(equations.take_error());
    terms_.truncate(size);
    for (const TermFact& f : s.facts) {
      if (f.splat) table.splat[f.term] = std::nullopt;
      if (f.depends) table.depends[f.term] = rules::Dependence::kData;
    }
    return status;
  }

  // The terms that replaying appended are mapped to those of the file.
  Status compare(const Step& s, const std::vector<std::pair<uint32_t, uint32_t>>& equations, size_t size) {
    if (s.equation >= equations.size()) return input_error(fmt::format("the rule has no equation {}", s.equation));
    const auto [right, left] = equations[s.equation];
    std::vector<std::optional<TermId>> known(terms_.table().nodes.size() - size);
    auto term = [&](uint32_t t) -> std::optional<TermId> { return t < size ? std::optional<TermId>(t) : known[t - size]; };
    for (size_t i = 0; i < known.size(); ++i) {
      const rules::TermNode& n = terms_.table().nodes[size + i];
      std::vector<TermId> operands;
      for (uint32_t o : n.operands) {
        if (auto t = term(o)) operands.push_back(*t);
      }
      if (operands.size() == n.operands.size()) known[i] = terms_.find(*n.op, n.attrs, operands);
    }
    if (term(left) != s.left) return input_error(fmt::format("equation {} does not speak of term {}", s.equation, s.left));
    if (term(right) != s.right) return input_error(fmt::format("the rule does not give term {} there", s.right));
    return {};
  }

  Proof& proof_;
  ProofTerms& terms_;
  std::vector<const rules::Rule*> rules_;
};

}  // namespace

Status check_steps(Proof& proof, const rules::RuleSet& rules) { return StepChecker(proof, rules).check_all(); }

}  // namespace egret::proof
