// The stages of the pass that grow the e-graph: import, and saturation that survives an unsound rule.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "egraph/interchange/interchange.h"
#include "frontends/pass_stages.h"

namespace egret {

Result<Imported> import_program(const Graph& source, const OptimizeOptions& options) {
  Imported out;
  out.tensors = std::make_unique<rules::TensorEGraph>(
      rules::TensorEGraph::Options{.freeze = options.freeze, .explanations = options.proof});
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

// What one run used of the budget that all restarts share.
void spend(Limits& limits, const egraph::Report& report) {
  limits.iterations -= std::min<uint64_t>(limits.iterations, report.iterations.size());
  for (const egraph::RewriteCount& c : report.rewrites) limits.matches -= std::min(limits.matches, c.applied);
}

}  // namespace

Result<Saturation> saturate(Imported& program, const Graph& source, const rules::RuleSet& rules, const rules::Licence& licence,
                            const OptimizeOptions& options, const Stopwatch& total) {
  Stopwatch watch;
  Saturation out;
  out.rules = rules;
  Limits budget = options.limits;
  for (int restarts = 0;; ++restarts) {
    EGRET_TRY(out.compiled, rules::compile(out.rules, licence, *program.tensors));
    egraph::RunOptions run;
    run.limits = budget;
    run.limits.seconds = remaining(options, total).seconds;
    run.threads = options.threads;
    run.after_iteration = [&](egraph::EGraph& graph, const egraph::Iteration&) {
      if (!alarms(out.compiled).empty()) return false;
      if (program.tensors->fold_constants() > 0 && !graph.clean()) graph.rebuild();
      return true;
    };
    const egraph::Report report = egraph::run(program.tensors->graph(), out.compiled.rewrites, run);
    out.stop_reason = egraph::to_string(report.stop_reason);
    out.iterations += report.iterations.size();
    for (const egraph::RewriteCount& c : report.rewrites) out.dropped += c.dropped;
    spend(budget, report);
    const std::vector<const rules::Rule*> unsound = alarms(out.compiled);
    if (unsound.empty()) break;
    if (options.strict_rules) {
      return input_error(fmt::format("rule {} gives a term of another type than the one it rewrites", unsound[0]->name),
                         "without --strict-rules the rule is quarantined and the run goes on", {unsound[0]->file, unsound[0]->line, 0, {}});
    }
    for (const rules::Rule* rule : unsound) out.quarantined.push_back(rule->written);
    out.compiled = {};
    for (const std::string& name : out.quarantined) out.rules.remove(name);
    EGRET_TRY(program, import_program(source, options));
    if (restarts == kMaxRestarts) {
      out.stop_reason = "unsound";
      break;
    }
  }
  out.seconds = watch.seconds();
  return out;
}

}  // namespace egret
