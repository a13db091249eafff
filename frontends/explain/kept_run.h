// Kept runs: what `optimize --keep-run DIR` leaves so that `egret explain` can say later why the program was chosen.
//
//   run.json         the figures of the run, its options and rule files, and its kernels in order
//   choice.json      "egret-choice 1": the saturated e-graph e-node by e-node with attributes and classes, the extraction
//                    problem over it, the solution, and every application of a rule (the log of saturation)
//   egraph.json      the e-graph for tools of others (egraph-serialize)
//   source.egret, optimized.egret   both programs; values of parameters are the artifact's
//   proof.json ...   the artifact
//
// An e-node's number in choice.json is its id in the run; operands are as it was made, so an e-node is a term and a file is
// read back by adding terms and uniting classes.  A literal of more than 4,096 elements stands as an input `literal:N`.
// Reading order: kept_run.h, choice_text.cpp (written), kept_run.cpp (read), pricing.h, partial_match.h, explain.h.
// May include: everything below frontends/cli.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "extract/fusion/fusion.h"
#include "extract/solve/solve.h"
#include "ir/graph.h"
#include "rules/rules.h"
#include "support/result.h"

namespace egret::explain {

inline constexpr std::string_view kChoiceFormat = "egret-choice 1";

struct ChoiceInputs {
  const Graph* source = nullptr;
  const std::vector<egraph::Id>* values = nullptr;  // e-node of each value of `source`
  const rules::TensorEGraph* tensors = nullptr;     // saturated
  const extract::FusionProblem* problem = nullptr;
  const extract::Solution* solution = nullptr;
  const rules::CompiledRules* compiled = nullptr;   // of the saturation: Application::rule is a number of `rule_of`
  size_t imported = 0;                              // ids of the e-graph before it was saturated
  double taken = 0;                                 // seconds of the program in the end: the solution's, or the source's fused
};
std::string choice_text(const ChoiceInputs& inputs);

struct KeptRun {
  std::string model, target, numerics, stop_reason;
  bool freeze = false;
  rules::RuleSet rules;                    // as the run loaded them
  std::map<std::string, std::string> verdicts;  // of the rules that the program rests on
  std::unique_ptr<rules::TensorEGraph> tensors;
  std::map<egraph::Id, std::string> names; // source values by class
  extract::Problem problem;
  std::vector<egraph::Id> item_class;      // of each item
  std::vector<std::vector<egraph::Id>> inside;  // live e-nodes of each candidate
  extract::Solution solution;
  double taken = 0;
  struct Applied {
    std::string rule;
    std::vector<std::pair<egraph::Id, egraph::Id>> equations;  // e-nodes as they were made
    std::vector<egraph::Id> made;          // e-nodes that were not there before
  };
  std::vector<Applied> applied;            // every application of saturation, in order
  std::string proof;                       // proof.json; empty where the run kept none

  egraph::Id live(egraph::Id node) const;  // the e-node congruent to `node` that classes list
};

// Errors: `folder` is no kept run, or a file in it is damaged (names the entry).
Result<KeptRun> read_run(const std::string& folder);

}  // namespace egret::explain
