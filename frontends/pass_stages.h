// The stages of the pass that need more than one call of a folder below.
#pragma once

#include "extract/fusion/fusion.h"
#include "extract/solve/solve.h"
#include "frontends/pass.h"
#include "frontends/program_builder.h"
#include "rules/rules.h"

namespace egret {

Result<rules::RuleSet> load_rules(const OptimizeOptions& options);

struct Saturation {
  double seconds = 0;
  std::string stop_reason;
  uint64_t iterations = 0;
  std::vector<std::string> quarantined;
  rules::CompiledRules compiled;   // rewrite i of the run is rule compiled.rule_of[i]
  egraph::Report report;
};
Result<Saturation> saturate(rules::TensorEGraph& tensors, const rules::RuleSet& rules, const rules::Licence& licence,
                            const OptimizeOptions& options, const Stopwatch& total);

std::vector<egraph::Id> roots_of(const Graph& source, const std::vector<egraph::Id>& values);

struct Choice {
  extract::FusionProblem problem;
  extract::Solution solution;
};
// The imported program as it stands: an operator a kernel, and fused greedily without algebra.
struct Baseline {
  Program unfused;
  double unfused_seconds = 0;
  Choice greedy;
};
// Requires: `tensors` is not saturated yet.
Result<Baseline> price_baseline(const Graph& source, const rules::TensorEGraph& tensors, const std::vector<egraph::Id>& roots,
                                const Device& device, const rules::RuleSet& rules, const OptimizeOptions& options,
                                const Stopwatch& total);
// Candidates over the saturated graph, the baseline's among them, and the better of the greedy solutions to start from.
Result<Choice> fuse_program(const rules::TensorEGraph& tensors, const std::vector<egraph::Id>& roots, const Device& device,
                            const rules::RuleSet& rules, const OptimizeOptions& options, const Baseline* baseline,
                            const Stopwatch& total);
Status extract_program(Choice& choice, const OptimizeOptions& options, const Stopwatch& total);

void set_before(OptimizeResult& result, const Graph& source, const Baseline& baseline, const Device& device);
void set_after(OptimizeResult& result, const Device& device);

// Which rules the chosen term rests on, and the proof (design decision 10).
Status explain_choice(OptimizeResult& result, const Graph& source, const std::vector<egraph::Id>& values,
                      const rules::TensorEGraph& tensors, const Saturation& saturation, const rules::RuleSet& rules,
                      const OptimizeOptions& options, const ChosenProgram& chosen);

Status lower_program(OptimizeResult& result, const Device& device, const OptimizeOptions& options);
// The imported program, a kernel an operator, against the chosen kernels, both lowered for the host.
Status check_program(OptimizeResult& result, const Graph& source, const OptimizeOptions& options);

}  // namespace egret
