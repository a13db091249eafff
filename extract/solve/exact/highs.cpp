#include "extract/solve/exact/highs.h"

#include <algorithm>
#include <cmath>

#include "support/module.h"

namespace egret::extract {
namespace {

constexpr int32_t kBasic = 1;  // HiGHS' code

int stop_asked(void* interrupt) { return (*static_cast<const Interrupt*>(interrupt))(); }

}  // namespace

std::optional<Highs> Highs::open() {
#ifdef EGRET_HAVE_ILP
  const auto symbol = open_module_symbol("egret_highs", "egret_highs_solve");
  if (symbol.ok()) return Highs(reinterpret_cast<EgretHighsSolve>(*symbol));
#endif
  return std::nullopt;
}

HighsAnswer Highs::solve(const IlpModel& model, const HighsRun& run) const {
  HighsAnswer answer;
  EgretHighsModel view = model.view(run.linear);
  answer.x.resize(model.cost.size());
  answer.state.solution = answer.x.data();
  if (run.linear) {
    answer.reduced_cost.resize(model.cost.size());
    answer.row_dual.resize(model.row_lower.size());
    answer.state.reduced_cost = answer.reduced_cost.data();
    answer.state.row_dual = answer.row_dual.data();
  }
  Basis ended{std::vector<int32_t>(model.cost.size()), std::vector<int32_t>(model.row_lower.size())};
  if (run.basis) {
    Basis& from = *run.basis;
    if (from.columns.size() == model.cost.size() && from.rows.size() <= model.row_lower.size()) {
      from.rows.resize(model.row_lower.size(), kBasic);
      view.column_basis = from.columns.data();
      view.row_basis = from.rows.data();
    }
    answer.state.column_basis = ended.columns.data();
    answer.state.row_basis = ended.rows.data();
  }
  if (run.start && !run.start->empty()) view.start = run.start->data();
  view.iteration_limit = static_cast<int64_t>(std::min<uint64_t>(run.iterations, INT64_MAX));
  view.seconds = std::max(0.0, run.interrupt->limits->seconds - run.interrupt->clock->seconds());
  view.absolute_gap = run.absolute_gap;
  view.stop = stop_asked;
  view.stop_context = const_cast<Interrupt*>(run.interrupt);
  solve_(&view, &answer.state);
  if (run.basis && answer.state.has_basis) *run.basis = std::move(ended);
  return answer;
}

double scale_to(double cost, int bits) {
  int exponent = 0;
  std::frexp(cost, &exponent);
  return std::ldexp(1.0, bits - exponent);
}

double cost_scale(const Hypergraph& graph) {
  double dearest = 0;
  for (double c : graph.cost) dearest = std::max(dearest, c);
  return scale_to(dearest, 7);
}

}  // namespace egret::extract
