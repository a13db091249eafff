// The stages of the pass that grow the e-graph: import, and saturation that survives an unsound rule.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "egraph/interchange/interchange.h"
#include "egraph/proof.h"
#include "frontends/pass_stages.h"

namespace egret {

Result<Imported> import_program(const Graph& source, const OptimizeOptions& options) {
  Imported out;
  EGRET_TRY(const rules::Licence licence, rules::Licence::parse(options.numerics));
  out.tensors = std::make_unique<rules::TensorEGraph>(
      rules::TensorEGraph::Options{.freeze = options.freeze, .explanations = options.proof, .slack = licence.slack()});
  EGRET_TRY(out.values, out.tensors->insert(source));
  out.tensors->fold_constants();
  for (const GraphOutput& o : source.outputs) out.roots.push_back(out.values[o.value]);
  return out;
}

Result<std::string> snapshot_of(const Imported& program) {
  const rules::TensorEGraph& tensors = *program.tensors;
  egraph::WriteOptions options;
  for (egraph::Id r : program.roots) options.roots.push_back(tensors.graph().find(r));
  options.visible = [](egraph::Id) { return true; };
  options.class_data = [&](egraph::Id cls) { return egraph::ClassData{{"type", tensors.type(cls).to_string()}}; };
  std::string text;
  EGRET_TRY_VOID(egraph::write_json(tensors.graph(), options, [&](std::string_view piece) -> Status {
    text += piece;
    return {};
  }));
  return text;
}

namespace {

// The rules as written that raised the alarm, in order of the rule set.
std::vector<const rules::Rule*> alarms(const rules::CompiledRules& compiled) {
  std::vector<const rules::Rule*> out;
  std::set<std::string> names;
  for (size_t i = 0; i < compiled.rewrites.size(); ++i) {
    if (compiled.other_type[i]->load() && names.insert(compiled.rule_of[i]->written).second) out.push_back(compiled.rule_of[i]);
  }
  return out;
}

// Every rule on which a contradiction rests: those by which its two e-nodes became one class, those that made their operands
// what gives them their values, and those that made so what an application of a rule read.
class Reasons {
 public:
  Reasons(rules::TensorEGraph& tensors, const rules::CompiledRules& compiled) : tensors_(tensors), compiled_(compiled) {}

  std::set<const rules::Rule*> of(egraph::Id left, egraph::Id right) {
    open_.emplace_back(left, right);
    nodes_ = {left, right};
    while (!open_.empty() || !nodes_.empty()) {
      follow();
      if (open_.empty()) break;
      const auto [from, to] = open_.back();
      open_.pop_back();
      for (const egraph::ProofStep& step : egraph::prove(tensors_.graph(), compiled_.rewrites, from, to).steps) {
        if (step.why.kind != egraph::Justification::Kind::kRule) continue;
        const egraph::Application application = tensors_.graph().application(step.why.index);
        found_.insert(compiled_.rule_of[application.rule]);
        nodes_.insert(nodes_.end(), application.nodes.begin(), application.nodes.end());
      }
    }
    return found_;
  }

 private:
  using Id = egraph::Id;
  // Why the operands of `nodes_` have the values that they are known to have.
  void follow() {
    while (!nodes_.empty()) {
      const Id node = nodes_.back();
      nodes_.pop_back();
      if (!followed_.insert(node).second) continue;
      for (const Id operand : tensors_.graph().operands(node)) {
        const auto source = tensors_.value_source(operand);
        if (!source) continue;
        if (*source != operand) open_.emplace_back(operand, *source);
        nodes_.push_back(*source);
      }
    }
  }

  rules::TensorEGraph& tensors_;
  const rules::CompiledRules& compiled_;
  std::vector<std::pair<Id, Id>> open_;
  std::vector<Id> nodes_;
  std::set<Id> followed_;
  std::set<const rules::Rule*> found_;
};

// The rules of weakest verdict among those on which the contradiction rests, in order of name.
std::vector<const rules::Rule*> contradicted(const Imported& program, const rules::CompiledRules& compiled) {
  const auto nodes = program.tensors->contradiction();
  std::map<std::string, const rules::Rule*> weakest;  // by name as written
  int least = 0;
  for (const rules::Rule* rule : Reasons(*program.tensors, compiled).of(nodes->first, nodes->second)) {
    const int rank = rule->verdict == rules::Verdict::kProved ? 2 : rule->verdict == rules::Verdict::kUnproved ? 1 : 0;
    if (weakest.empty() || rank < least) weakest.clear();
    if (weakest.empty()) least = rank;
    if (rank == least) weakest.emplace(rule->written, rule);
  }
  std::vector<const rules::Rule*> out;
  for (const auto& [name, rule] : weakest) out.push_back(rule);
  return out;
}

// The rules as written of which an iteration makes so many applications, where one of them had matches left over in most iterations.
std::vector<std::string> behind(const rules::CompiledRules& compiled, const egraph::Report& report) {
  std::set<std::string> written;
  bool any = false;
  for (size_t i = 0; i < compiled.rewrites.size(); ++i) {
    if (compiled.rewrites[i].matches_per_iteration == 0) continue;
    written.insert(compiled.rule_of[i]->written);
    any |= 2 * report.rewrites[i].cut > report.iterations.size();
  }
  if (!any) return {};
  return {written.begin(), written.end()};
}

// What one run used of the budget that all restarts share.
void spend(Limits& limits, const egraph::Report& report) {
  limits.iterations -= std::min<uint64_t>(limits.iterations, report.iterations.size());
  for (const egraph::RewriteCount& c : report.rewrites) limits.matches -= std::min(limits.matches, c.applied);
}

}  // namespace

Result<Saturation> saturate(Imported& program, const Graph& source, const rules::RuleSet& rules, const rules::Licence& licence,
                            const OptimizeOptions& options, const Stopwatch& total, bool alike) {
  Stopwatch watch;
  Saturation out;
  out.rules = rules;
  Limits budget = options.limits;
  for (int restarts = 0;;) {
    EGRET_TRY(out.compiled, rules::compile(out.rules, licence, *program.tensors));
    egraph::RunOptions run;
    run.limits = budget;
    run.limits.seconds = remaining(options, total).seconds;
    run.threads = options.threads;
    run.after_iteration = [&](egraph::EGraph& graph, const egraph::Iteration&) {
      if (!alarms(out.compiled).empty() || program.tensors->contradiction()) return false;
      if (program.tensors->fold_constants() > 0 && !graph.clean()) graph.rebuild();
      return true;
    };
    const egraph::Report report = egraph::run(program.tensors->graph(), out.compiled.rewrites, run);
    out.stop_reason = egraph::to_string(report.stop_reason);
    std::vector<const rules::Rule*> unsound = alarms(out.compiled);
    const bool contradiction = unsound.empty() && program.tensors->contradiction();
    if (contradiction && !program.tensors->graph().explains()) {
      // The same run with its reasons recorded tells which rules it was: it is not counted.
      OptimizeOptions explained = options;
      explained.proof = true;
      EGRET_TRY(program, import_program(source, explained));
      continue;
    }
    if (alike && !contradiction && unsound.empty() && out.uneven.empty() && remaining(options, total).seconds > report.seconds) {
      out.uneven = behind(out.compiled, report);
      if (!out.uneven.empty()) {  // the first run is not counted
        out.compiled = {};
        out.rules.remove(out.uneven);
        EGRET_TRY(program, import_program(source, options));
        continue;
      }
    }
    spend(budget, report);
    out.iterations += report.iterations.size();
    for (const egraph::RewriteCount& c : report.rewrites) out.dropped += c.dropped;
    if (contradiction) unsound = contradicted(program, out.compiled);
    if (unsound.empty() && !contradiction) break;
    if (options.strict_rules) {
      if (unsound.empty()) return internal_error("two constants of one class contradict each other, and no rule made them one");
      return input_error(contradiction ? fmt::format("rule {} makes two constants one that differ by more than rounding", unsound[0]->name)
                                       : fmt::format("rule {} gives a term of another type than the one it rewrites", unsound[0]->name),
                         "without --strict-rules the rule is quarantined and the run goes on", {unsound[0]->file, unsound[0]->line, 0, {}});
    }
    for (const rules::Rule* rule : unsound) out.quarantined.push_back(rule->written);
    out.compiled = {};
    out.rules.remove(out.quarantined);
    EGRET_TRY(program, import_program(source, options));
    if (restarts++ == kMaxRestarts || unsound.empty()) {
      out.stop_reason = "unsound";
      break;
    }
  }
  out.seconds = watch.seconds();
  return out;
}

}  // namespace egret
