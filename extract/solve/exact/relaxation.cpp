#include "extract/solve/exact/relaxation.h"

#include <cmath>

#include "extract/solve/exact/highs.h"

namespace egret::extract {
namespace {

constexpr double kWorthLumping = 0.4;  // of the columns: more kinds save too little

}  // namespace

Result<Relaxation> solve_relaxation(const Problem& problem, const std::vector<uint8_t>& held, const Colours& colours,
                                    uint64_t iterations, const Limits& limits) {
  const auto highs = Highs::open();
  if (!highs) {
    return unsupported_error("a linear relaxation needs HiGHS, which this build was configured without",
                             "configure with EGRET_ILP=ON, or use the greedy extractor");
  }
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const double scale = cost_scale(graph);
  const Terms terms = trusted_terms(problem, graph, graph.original);
  IlpModel model = build_model(graph, terms, {}, scale);
  for (uint32_t k = 0; k < graph.size() && !held.empty(); ++k) {
    if (held[graph.original[k]]) model.upper[k] = 0;
  }
  const Stopwatch clock;
  const Interrupt interrupt{&limits, &clock, nullptr};
  Kinds kinds;
  if (!colours.empty()) kinds = find_kinds(model, terms, colours);
  const bool lumped = !colours.empty() && static_cast<double>(kinds.columns) < kWorthLumping * static_cast<double>(model.cost.size());
  const HighsAnswer answer = highs->solve(lumped ? lump(model, kinds, /*uniform=*/false) : model, {.linear = true, .iterations = iterations, .interrupt = &interrupt});
  if (answer.state.status == kHighsInfeasible) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
  if (answer.state.status != kHighsOptimal) return limit_error("the linear relaxation: no optimum within its limits", "raise --time-limit");
  Relaxation out;
  out.bound = answer.state.objective / scale;
  out.iterations = answer.iterations();
  out.value.assign(problem.candidates.size(), 0);
  out.reduced_cost.assign(problem.candidates.size(), HUGE_VAL);
  for (uint32_t k = 0; k < graph.size(); ++k) {
    const uint32_t c = lumped ? kinds.column[k] : k;
    out.value[graph.original[k]] = answer.x[c] / (lumped ? kinds.copies[c] : 1);
    out.reduced_cost[graph.original[k]] = answer.reduced_cost[c] / scale;
  }
  return out;
}

}  // namespace egret::extract
