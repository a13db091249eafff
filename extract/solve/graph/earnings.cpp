#include "extract/solve/graph/earnings.h"

#include <algorithm>

namespace egret::extract {

Earnings::Earnings(const Problem& problem) : candidates_(static_cast<uint32_t>(problem.candidates.size())) {
  if (problem.terms) return;
  for (uint32_t k = 0; k < candidates_; ++k) {
    if (problem.candidates[k].cost < 0) earners_.push_back(k);
  }
  if (none()) return;
  problem_ = problem;
  for (uint32_t k : earners_) {
    const uint32_t item = problem_.items++;
    if (!problem_.free_items.empty()) problem_.free_items.push_back(0);
    problem_.roots.push_back(item);
    Candidate& earner = problem_.candidates[k];
    Candidate without;
    without.cost = -earner.cost;
    without.results = {item};
    earned_ += earner.cost;
    earner.cost = 0;
    earner.results.push_back(item);
    problem_.candidates.push_back(std::move(without));
  }
}

Solution Earnings::there(const Solution& solution) const {
  Solution out = solution;
  out.cost -= earned_;
  for (uint32_t e = 0; e < earners_.size(); ++e) {
    if (!std::binary_search(solution.chosen.begin(), solution.chosen.end(), earners_[e])) out.chosen.push_back(candidates_ + e);
  }
  return out;
}

Solution Earnings::back(const Solution& solution) const {
  Solution out = solution;
  std::erase_if(out.chosen, [&](uint32_t k) { return k >= candidates_; });
  out.cost += earned_;
  out.bound += earned_;
  return out;
}

}  // namespace egret::extract
