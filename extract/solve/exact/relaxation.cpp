#include "extract/solve/exact/relaxation.h"

#include <algorithm>
#include <cmath>

#include "extract/solve/exact/highs.h"

namespace egret::extract {

Result<Relaxation> solve_relaxation(const Problem& problem, const std::vector<uint8_t>& held, uint64_t iterations,
                                    const Limits& limits) {
  const auto highs = Highs::open();
  if (!highs) {
    return unsupported_error("a linear relaxation needs HiGHS, which this build was configured without",
                             "configure with EGRET_ILP=ON, or use the greedy extractor");
  }
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const double dearest = graph.cost.empty() ? 0 : std::max(0.0, *std::max_element(graph.cost.begin(), graph.cost.end()));
  const double scale = scale_to(dearest, 7);
  IlpModel model = build_model(graph, trusted_terms(problem, graph, graph.original), {}, scale);
  for (uint32_t k = 0; k < graph.size() && !held.empty(); ++k) {
    if (held[graph.original[k]]) model.upper[k] = 0;
  }
  const Stopwatch clock;
  const Interrupt interrupt{&limits, &clock, nullptr};
  const HighsAnswer answer = highs->solve(model, {.linear = true, .iterations = iterations, .interrupt = &interrupt});
  if (answer.state.status == kHighsInfeasible) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
  if (answer.state.status != kHighsOptimal) return limit_error("the linear relaxation: no optimum within its limits", "raise --time-limit");
  Relaxation out;
  out.bound = answer.state.objective / scale;
  out.iterations = answer.iterations();
  out.value.assign(problem.candidates.size(), 0);
  out.reduced_cost.assign(problem.candidates.size(), HUGE_VAL);
  for (uint32_t k = 0; k < graph.size(); ++k) {
    out.value[graph.original[k]] = answer.x[k];
    out.reduced_cost[graph.original[k]] = answer.reduced_cost[k] / scale;
  }
  return out;
}

}  // namespace egret::extract
