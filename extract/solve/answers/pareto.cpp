// The front of two costs: the least first cost under a falling limit on the second, which is the row of folded bytes of
// an ordinary problem; then the least second cost at that first cost.
#include <algorithm>
#include <cmath>

#include "extract/solve/answers/answers.h"
#include "extract/solve/graph/grain.h"

namespace egret::extract {
namespace {

constexpr double kResolution = 1e-5;  // relative: what integer programs tell apart with safety
constexpr size_t kMostPoints = 10'000;

double sum_over(const std::vector<double>& costs, const Solution& solution) {
  double sum = 0;
  for (uint32_t k : solution.chosen) sum += costs[k];
  return sum;
}

// The least `costs` where `limited` sums to at most `budget`; no value: there is no such choice.
Result<std::optional<Solution>> least(const Problem& problem, const std::vector<double>& costs, const std::vector<double>& limited,
                                      double budget, const SolveOptions& options) {
  Problem bounded = problem;
  for (size_t k = 0; k < costs.size(); ++k) {
    bounded.candidates[k].cost = costs[k];
    bounded.candidates[k].fold_bytes = limited[k];
  }
  bounded.fold_budget = budget;
  auto found = solve_portfolio(bounded, options);
  if (found.ok()) return std::optional<Solution>(*std::move(found));
  if (found.error().code == ErrorCode::kInput) return std::optional<Solution>();
  return found.take_error();
}

// A limit that leaves out `value` and all that lies within the resolution.
double below(double value, double grain) {
  const double step = kResolution * std::abs(value);
  return value - std::max(step, grain > 2 * step ? grain / 2 : 0);
}

}  // namespace

Result<Front> solve_pareto(const Problem& problem, const std::vector<double>& second, const SolveOptions& options) {
  const Stopwatch clock;
  std::vector<double> first;
  for (const Candidate& c : problem.candidates) first.push_back(c.cost);
  if (second.size() != first.size()) return input_error("a second cost is missing", "give one for each candidate");
  const auto below_zero = [](double c) { return !(c >= 0) || !std::isfinite(c); };
  if (std::any_of(second.begin(), second.end(), below_zero) || std::any_of(first.begin(), first.end(), below_zero)) {
    return input_error("a front needs costs that are finite and not below zero", "shift them, or leave candidates out");
  }
  if (std::isfinite(problem.fold_budget)) return input_error("a front needs a problem without a limit on folded bytes");
  const double grain = cost_grain(second);
  Front out;
  double limit = std::numeric_limits<double>::infinity();
  while (out.points.size() < kMostPoints) {
    auto cheapest = least(problem, first, second, limit, left_of(options, clock));
    if (!cheapest.ok()) {  // a limit: what was found so far stands
      if (out.points.empty() || cheapest.error().code != ErrorCode::kLimit) return cheapest.take_error();
      return out;
    }
    if (!*cheapest) {
      if (out.points.empty()) return input_error("infeasible: no choice makes every root");
      out.complete = true;
      return out;
    }
    FrontPoint point{**cheapest, sum_over(second, **cheapest)};
    const double dearest = point.solution.cost + 1e-9 * std::abs(point.solution.cost);
    EGRET_TRY(const auto leaner, least(problem, second, first, dearest, left_of(options, clock)));
    const bool proved = point.solution.optimal && leaner && leaner->optimal;
    if (leaner && sum_over(second, *leaner) < point.second) {
      point.solution.chosen = leaner->chosen;
      point.solution.cost = sum_over(first, *leaner);
      point.second = sum_over(second, *leaner);
    }
    point.solution.bound = std::min(point.solution.bound, point.solution.cost);
    point.solution.optimal = proved;
    point.solution.method = "pareto";
    const bool least_second = point.second <= 0;
    limit = below(point.second, grain);
    out.points.push_back(std::move(point));
    if (least_second || limit < 0) {
      out.complete = proved;
      return out;
    }
    if (!proved) return out;
  }
  return out;
}

}  // namespace egret::extract
