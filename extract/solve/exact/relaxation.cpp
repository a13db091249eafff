#include "extract/solve/exact/relaxation.h"

#include <algorithm>
#include <cmath>

#include "extract/solve/exact/model.h"
#include "support/module.h"

namespace egret::extract {
namespace {

#ifdef EGRET_HAVE_ILP
int stop_asked(void* token) { return static_cast<const StopToken*>(token)->stop_requested(); }

double scale_for(const Hypergraph& graph) {
  double total = 0;
  for (double c : graph.cost) total = std::max(total, c);
  int exponent = 0;
  std::frexp(total, &exponent);
  return std::ldexp(1.0, 7 - exponent);  // HiGHS' tolerances are absolute: the dearest candidate becomes about 100
}
#endif

}  // namespace

Result<Relaxation> solve_relaxation(const Problem& problem, const std::vector<uint8_t>& held, uint64_t iterations,
                                    const Limits& limits) {
#ifdef EGRET_HAVE_ILP
  EGRET_TRY(void* symbol, open_module_symbol("egret_highs", "egret_highs_solve"));
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const double scale = scale_for(graph);
  IlpModel model = build_model(graph, trusted_terms(problem, graph, graph.original), {}, scale);
  for (uint32_t k = 0; k < graph.size() && !held.empty(); ++k) {
    if (held[graph.original[k]]) model.upper[k] = 0;
  }
  std::vector<double> x(model.cost.size()), reduced(model.cost.size());
  EgretHighsModel view = model.view(/*linear=*/true);
  view.iteration_limit = static_cast<int64_t>(std::min<uint64_t>(iterations, INT64_MAX));
  view.seconds = limits.seconds;
  if (limits.stop) {
    view.stop = stop_asked;
    view.stop_context = const_cast<StopToken*>(limits.stop);
  }
  EgretHighsAnswer answer{};
  answer.solution = x.data();
  answer.reduced_cost = reduced.data();
  reinterpret_cast<EgretHighsSolve>(symbol)(&view, &answer);
  if (answer.status == kHighsInfeasible) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
  if (answer.status != kHighsOptimal) return limit_error("the linear relaxation: no optimum within its limits", "raise --time-limit");
  Relaxation out;
  out.bound = answer.objective / scale;
  out.iterations = static_cast<uint64_t>(std::max<int64_t>(0, answer.iterations));
  out.value.assign(problem.candidates.size(), 0);
  out.reduced_cost.assign(problem.candidates.size(), HUGE_VAL);
  for (uint32_t k = 0; k < graph.size(); ++k) {
    out.value[graph.original[k]] = x[k];
    out.reduced_cost[graph.original[k]] = reduced[k] / scale;
  }
  return out;
#else
  (void)problem, (void)held, (void)iterations, (void)limits;
  return unsupported_error("a linear relaxation needs HiGHS, which this build was configured without",
                           "configure with EGRET_ILP=ON, or use the greedy extractor");
#endif
}

}  // namespace egret::extract
