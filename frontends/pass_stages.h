// The stages of the pass that need more than one call of a folder below.
#pragma once

#include <memory>

#include "extract/fusion/columns.h"
#include "extract/solve/solve.h"
#include "frontends/pass.h"
#include "frontends/program_builder.h"
#include "rules/rules.h"

namespace egret {

// The captured program as an e-graph.  Importing it again gives the same ids.
struct Imported {
  std::unique_ptr<rules::TensorEGraph> tensors;
  std::vector<egraph::Id> values;  // of the source's nodes
  std::vector<egraph::Id> roots;   // of its outputs
  std::vector<egraph::Id> panels;  // frozen matrices in the layout of pass_layouts.h
};
Result<Imported> import_program(const Graph& source, const OptimizeOptions& options);

struct Saturation {
  double seconds = 0;
  std::string stop_reason;         // the engine's, or "unsound"
  uint64_t iterations = 0;
  uint64_t dropped = 0;            // matches whose right side was ill-typed
  std::vector<std::string> quarantined;  // rules as written
  std::vector<std::string> uneven;       // rules as written, left out
  rules::RuleSet rules;            // without both
  rules::CompiledRules compiled;   // rewrite i of the run is rule compiled.rule_of[i]
};
// Saturates `program`.  A rule whose right side is provably of another type than its left is quarantined, as are those of
// weakest verdict that made constants one which differ by more than the licence explains, and the run starts again without them, from a fresh import; the restarts share one budget, and after kMaxRestarts the imported
// program is the result (design decision 8).
//
// `alike`: the program is equal layers for the most part.  Then rules of sets that grow without end, of which an iteration makes
// so many, are left out where one did not catch up in a first run: they reach a part of the equal layers only, which gains
// little there and makes them unequal.
inline constexpr int kMaxRestarts = 3;
Result<Saturation> saturate(Imported& program, const Graph& source, const rules::RuleSet& rules, const rules::Licence& licence,
                            const OptimizeOptions& options, const Stopwatch& total, bool alike = false);

// The saturated e-graph in the egraph-serialize format: operators without their attributes, and the type of each class.
Result<std::string> snapshot_of(const Imported& program);

// What the caller's limits leave.
Limits remaining(const OptimizeOptions& options, const Stopwatch& total);

// Kernels kept for a class, so few that the pool of a program of so many classes can be chosen from within the limit in seconds.
// Of the options alone: no clock is asked.
int affordable_bodies(const OptimizeOptions& options, size_t classes);

struct Choice {
  extract::FusionProblem problem;
  extract::Solution solution;
  extract::ColumnReport columns;
};
// The imported program as it stands: an operator a kernel, and fused greedily without algebra.
struct Baseline {
  Program unfused;
  Choice greedy;
  size_t ids = 0, classes = 0;     // of the e-graph then
};
// Requires: `program` is not saturated yet.
Result<Baseline> price_baseline(const Graph& source, const Imported& program, const Device& device, extract::FormTable& forms,
                                const OptimizeOptions& options, const Stopwatch& total);
// Candidates over the saturated graph, the baseline's among them, and the better of the greedy solutions to start from.  Where
// saturation has changed nothing they are the baseline's, taken from it.
Result<Choice> fuse_program(const Imported& program, extract::FormTable& forms, const OptimizeOptions& options, Baseline& baseline,
                            const Stopwatch& total);
// The baseline's choice, where it is cheaper than what was found over the saturated graph.
Choice without_algebra(Choice baseline, const extract::Solution& found);
// `equal_layers`: one problem of the kinds of items is tried first, where there are many candidates.
Status extract_program(Choice& choice, const OptimizeOptions& options, const Stopwatch& total, bool equal_layers);

// Which limits ended saturation, fusion and extraction.  `fewer`: the pool was kept small for the clock's sake.
void set_limits(OptimizeResult& result, const Choice& joint, bool fewer, const OptimizeOptions& options, const Stopwatch& total);
// The figures of a stage into the result.
void set_before(OptimizeResult& result, const Graph& source, const Baseline& baseline, const Device& device);
void set_saturated(OptimizeResult& result, const Imported& program, const Saturation& saturation);
void set_after(OptimizeResult& result, const Device& device);
void set_answer(OptimizeResult& result, const Choice& joint);  // after set_after

// Which rules the chosen term rests on, and the proof (design decision 10).
Status explain_choice(OptimizeResult& result, const Graph& source, const Imported& program, const Saturation& saturation,
                      const OptimizeOptions& options, const ChosenProgram& chosen);

// Whether kernels fold in index order and round products apart from sums: nothing in --numerics says otherwise.
bool in_order(const OptimizeOptions& options);
// Past the clock what has no code yet stays without, and the result says so.
Status lower_program(OptimizeResult& result, const Device& device, const OptimizeOptions& options, const Stopwatch& total);
// The imported program, a kernel an operator, against the chosen kernels, both lowered for the host.
Status check_program(OptimizeResult& result, const Graph& source, const OptimizeOptions& options);

}  // namespace egret
