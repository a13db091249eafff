#include "extract/fusion/runner_up.h"

#include <algorithm>
#include <cmath>

namespace egret::extract {
namespace {

constexpr size_t kMostAround = 16;       // kernels that may change
constexpr size_t kMostCandidates = 1'500;
constexpr uint64_t kGreedySteps = 200'000;
constexpr double kRounding = 1e-9;

// The chosen kernels that may change with `kernel`: who makes what it reads, and who reads what it makes.
std::vector<uint32_t> around(const Problem& problem, const Solution& solution, uint32_t kernel) {
  const Candidate& k = problem.candidates[kernel];
  const auto meets = [](const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
    return std::any_of(a.begin(), a.end(), [&](uint32_t x) { return std::find(b.begin(), b.end(), x) != b.end(); });
  };
  std::vector<uint32_t> out{kernel};
  for (uint32_t c : solution.chosen) {
    const Candidate& other = problem.candidates[c];
    if (c != kernel && !other.operands.empty() && (meets(other.results, k.operands) || meets(other.operands, k.results))) out.push_back(c);
  }
  if (out.size() > kMostAround) out.resize(1);
  std::sort(out.begin(), out.end());
  return out;
}

// What the kernels outside make is there, what they read must be made, and `kernel` may not do it.
class Neighbourhood {
 public:
  Neighbourhood(const Problem& problem, const Solution& solution, uint32_t kernel, const std::vector<uint32_t>& inside)
      : problem_(problem), solution_(solution), kernel_(kernel), inside_(inside), number_(problem.items, kNone), free_(problem.items, 0) {}

  std::optional<RunnerUp> solve() {
    std::vector<uint8_t> wanted(problem_.items, 0);
    for (uint32_t r : problem_.roots) wanted[r] = 1;
    for (uint32_t i = 0; i < problem_.items; ++i) free_[i] = problem_.is_free(i);
    part_.fold_budget = problem_.fold_budget;
    for (uint32_t c : solution_.chosen) {
      if (std::binary_search(inside_.begin(), inside_.end(), c)) continue;
      for (uint32_t r : problem_.candidates[c].results) free_[r] = 1;
      for (uint32_t o : problem_.candidates[c].operands) wanted[o] = 1;
      part_.fold_budget -= problem_.candidates[c].fold_bytes;
    }
    for (uint32_t c : inside_) {
      for (uint32_t r : problem_.candidates[c].results) {
        if (wanted[r] && !free_[r] && number_[r] == kNone) part_.roots.push_back(number(r));
      }
    }
    collect();
    SolveOptions options;
    options.engines = Engines::kNone;
    options.greedy_steps = kGreedySteps;
    const auto found = solve_portfolio(part_, options);
    if (!found.ok()) return std::nullopt;
    return answer(*found);
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t number(uint32_t item) {
    if (number_[item] == kNone) {
      number_[item] = part_.items++;
      part_.free_items.push_back(free_[item]);
      items_.push_back(item);
    }
    return number_[item];
  }

  // Candidates backwards from the roots, level by level; makers of an item are looked up in one pass a level.
  void collect() {
    std::vector<uint8_t> taken(problem_.candidates.size(), 0);
    for (size_t done = 0; done < items_.size() && candidate_.size() < kMostCandidates;) {
      const size_t level = items_.size();
      for (uint32_t c = 0; c < problem_.candidates.size() && candidate_.size() < kMostCandidates; ++c) {
        if (taken[c] || c == kernel_) continue;
        const Candidate& whole = problem_.candidates[c];
        const bool makes = std::any_of(whole.results.begin(), whole.results.end(), [&](uint32_t r) {
          return number_[r] != kNone && number_[r] >= done && number_[r] < level && !free_[r];
        });
        if (!makes) continue;
        taken[c] = 1;
        Candidate copy;
        copy.cost = whole.cost;
        copy.fold_bytes = whole.fold_bytes;
        for (uint32_t r : whole.results) copy.results.push_back(number(r));
        for (uint32_t o : whole.operands) copy.operands.push_back(number(o));
        part_.candidates.push_back(std::move(copy));
        candidate_.push_back(c);
      }
      done = level;
    }
  }

  std::optional<RunnerUp> answer(const Solution& found) const {
    std::vector<uint32_t> now;
    for (uint32_t c : found.chosen) now.push_back(candidate_[c]);
    std::sort(now.begin(), now.end());
    Solution whole;
    for (uint32_t c : solution_.chosen) {
      if (!std::binary_search(inside_.begin(), inside_.end(), c)) whole.chosen.push_back(c);
    }
    RunnerUp out;
    std::set_difference(now.begin(), now.end(), inside_.begin(), inside_.end(), std::back_inserter(out.in));
    std::set_difference(inside_.begin(), inside_.end(), now.begin(), now.end(), std::back_inserter(out.out));
    whole.chosen.insert(whole.chosen.end(), now.begin(), now.end());
    std::sort(whole.chosen.begin(), whole.chosen.end());
    whole.chosen.erase(std::unique(whole.chosen.begin(), whole.chosen.end()), whole.chosen.end());
    for (uint32_t c : whole.chosen) whole.cost += problem_.candidates[c].cost;
    if (!check_solution(problem_, whole).ok()) return std::nullopt;  // kernels that wait for each other
    double moved = 0;
    for (uint32_t c : out.in) moved += problem_.candidates[c].cost;
    out.dearer = moved;
    for (uint32_t c : out.out) out.dearer -= problem_.candidates[c].cost;
    if (std::abs(out.dearer) < kRounding * moved) out.dearer = 0;  // the same seconds, added up in another order
    return out;
  }

  const Problem& problem_;
  const Solution& solution_;
  const uint32_t kernel_;
  const std::vector<uint32_t>& inside_;
  Problem part_;
  std::vector<uint32_t> number_, items_, candidate_;  // numbers in the part; items and candidates of the whole
  std::vector<uint8_t> free_;
};

}  // namespace

std::optional<RunnerUp> runner_up(const Problem& problem, const Solution& solution, uint32_t kernel) {
  const std::vector<uint32_t> inside = around(problem, solution, kernel), alone{kernel};
  auto best = Neighbourhood(problem, solution, kernel, inside).solve();
  if (inside.size() > 1) {
    auto other = Neighbourhood(problem, solution, kernel, alone).solve();
    if (other && (!best || other->dearer < best->dearer)) best = std::move(other);
  }
  return best;
}

}  // namespace egret::extract
