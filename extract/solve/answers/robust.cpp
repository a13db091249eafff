// Costs within intervals.  With a threshold t, every candidate costs its least + max(0, spread - t), and `uncertain` x t
// comes on top: the least over all thresholds that are a spread, or 0, is the robust optimum.  As the ordinary optimum
// falls and the addition rises with t, what lies between two thresholds is at least (addition of the lower) + (optimum of
// the higher): most thresholds need no problem solved.
#include <algorithm>
#include <cmath>

#include "extract/solve/answers/answers.h"

namespace egret::extract {
namespace {

class Search {
 public:
  Search(const Problem& problem, const std::vector<double>& spread, size_t uncertain, const SolveOptions& options)
      : problem_(problem), spread_(spread), uncertain_(uncertain), options_(options), thresholds_(spread) {
    thresholds_.push_back(0);
    std::sort(thresholds_.begin(), thresholds_.end());
    thresholds_.erase(std::unique(thresholds_.begin(), thresholds_.end()), thresholds_.end());
    lower_.assign(thresholds_.size(), -std::numeric_limits<double>::infinity());
  }

  Result<Solution> run() {
    const size_t last = thresholds_.size() - 1;
    EGRET_TRY_VOID(solve(last));
    if (last > 0) EGRET_TRY_VOID(solve(0));
    std::vector<std::pair<size_t, size_t>> open{{0, last}};
    while (!open.empty()) {
      const auto [low, high] = open.back();
      open.pop_back();
      if (high - low < 2) continue;
      const double bound = addition(low + 1) + lower_[high];
      if (bound >= best_.cost - kMargin * std::abs(best_.cost)) continue;
      if (clock_.expired(options_.limits)) {
        bound_ = std::min(bound_, bound);
        continue;
      }
      const size_t middle = low + (high - low) / 2;
      EGRET_TRY_VOID(solve(middle));
      open.emplace_back(low, middle);
      open.emplace_back(middle, high);
    }
    best_.bound = std::min(bound_, best_.cost);
    best_.optimal = best_.cost - best_.bound <= kMargin * std::abs(best_.cost);
    best_.method = "robust";
    best_.seconds = clock_.seconds();
    return best_;
  }

 private:
  static constexpr double kMargin = 1e-9;
  double addition(size_t t) const { return uncertain_ == 0 ? 0 : static_cast<double>(uncertain_) * thresholds_[t]; }

  Status solve(size_t t) {
    Problem fixed = problem_;
    for (size_t k = 0; k < spread_.size(); ++k) fixed.candidates[k].cost += std::max(0.0, spread_[k] - thresholds_[t]);
    auto found = solve_portfolio(fixed, left_of(options_, clock_));
    if (!found.ok()) {
      if (have_ && found.error().code == ErrorCode::kLimit) return bound_ = -std::numeric_limits<double>::infinity(), Status();
      return found.take_error();
    }
    lower_[t] = found->bound;
    bound_ = std::min(bound_, found->bound + addition(t));
    const double greatest = greatest_cost(problem_, spread_, uncertain_, found->chosen);
    if (have_ && greatest >= best_.cost) return {};
    have_ = true;
    best_ = *std::move(found);
    best_.cost = greatest;
    return {};
  }

  const Problem& problem_;
  const std::vector<double>& spread_;
  const size_t uncertain_;
  const SolveOptions& options_;
  const Stopwatch clock_;
  std::vector<double> thresholds_, lower_;  // ascending; of the ordinary optimum at each
  bool have_ = false;
  Solution best_;
  double bound_ = std::numeric_limits<double>::infinity();
};

}  // namespace

double greatest_cost(const Problem& problem, const std::vector<double>& spread, size_t uncertain,
                     const std::vector<uint32_t>& chosen) {
  double cost = 0;
  std::vector<double> spreads;
  for (uint32_t k : chosen) {
    cost += problem.candidates[k].cost;
    spreads.push_back(spread[k]);
  }
  std::sort(spreads.rbegin(), spreads.rend());
  for (size_t s = 0; s < std::min(uncertain, spreads.size()); ++s) cost += spreads[s];
  return cost;
}

Result<Solution> solve_robust(const Problem& problem, const std::vector<double>& spread, size_t uncertain,
                              const SolveOptions& options) {
  if (spread.size() != problem.candidates.size()) return input_error("a spread is missing", "give one for each candidate");
  if (std::any_of(spread.begin(), spread.end(), [](double s) { return !(s >= 0) || !std::isfinite(s); })) {
    return input_error("a spread is below zero or no finite number", "an interval goes from the least cost to the greatest");
  }
  return Search(problem, spread, uncertain, options).run();
}

}  // namespace egret::extract
