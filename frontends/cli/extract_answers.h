// What `egret extract` reads, and its modes with more than one answer.
#pragma once

#include "extract/solve/solve.h"
#include "frontends/cli/cli.h"

namespace egret::cli {

// A problem, and the names of an e-graph's nodes and classes, or else of its items.
struct ExtractInput {
  extract::Problem problem;
  bool egraph = false;
  std::vector<std::string> node_names, class_names, item_names;
  std::string item_name(uint32_t item) const;
  std::string candidate_name(size_t k) const;
};
Result<ExtractInput> read_extract_input(const std::string& path);

// The choice as --solution writes it: class -> node, or {"choice": [index]}; with `tree`, what is known of its cost.
std::string solution_text(const ExtractInput& input, const extract::Solution& answer, double tree, bool by_tree);

inline Json finite(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

struct AnswersRequest {
  uint64_t top = 0, distance = 1, uncertain = UINT32_MAX;
  std::string pareto, intervals;
  bool wanted() const { return top > 0 || !pareto.empty() || !intervals.empty(); }
};

// Prints; writes the first answer to `solution_file` (empty: nowhere).  `input` was read from `file`.
Status several_answers(const AnswersRequest& request, const std::string& file, const ExtractInput& input,
                       const extract::SolveOptions& options, const std::string& solution_file, Context& context);

}  // namespace egret::cli
