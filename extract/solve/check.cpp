#include <algorithm>
#include <cmath>
#include <numeric>
#include <queue>

#include <fmt/format.h>

#include "extract/solve/solve.h"

namespace egret::extract {
namespace {

constexpr double kMostCost = 1e300;

// Kahn's algorithm over the chosen candidates; what can never start is absent from the answer.
std::vector<uint32_t> launch_order(const Problem& problem, const std::vector<uint32_t>& chosen) {
  std::vector<uint8_t> made(problem.items, 0);
  for (uint32_t i = 0; i < problem.items; ++i) made[i] = problem.is_free(i);
  std::vector<std::vector<uint32_t>> waiting(problem.items);  // positions in `chosen`
  std::vector<uint32_t> missing(chosen.size(), 0);
  std::priority_queue<uint32_t, std::vector<uint32_t>, std::greater<>> ready;
  for (uint32_t p = 0; p < chosen.size(); ++p) {
    for (uint32_t item : problem.candidates[chosen[p]].operands) {
      if (made[item]) continue;
      waiting[item].push_back(p);
      ++missing[p];
    }
    if (missing[p] == 0) ready.push(p);
  }
  std::vector<uint32_t> sequence;
  while (!ready.empty()) {
    const uint32_t p = ready.top();
    ready.pop();
    sequence.push_back(chosen[p]);
    for (uint32_t item : problem.candidates[chosen[p]].results) {
      if (made[item]) continue;
      made[item] = 1;
      for (uint32_t q : waiting[item]) {
        if (--missing[q] == 0) ready.push(q);
      }
    }
  }
  return sequence;
}

// Conditions (5) and (6) of problem.h.
Status check_terms(const Problem& problem, const std::vector<uint32_t>& chosen) {
  std::vector<uint32_t> maker(problem.items, UINT32_MAX), work(problem.roots);
  for (uint32_t k : chosen) {
    for (uint32_t item : problem.candidates[k].results) {
      if (maker[item] != UINT32_MAX) return input_error(fmt::format("solution: item {} is made twice", item));
      maker[item] = k;
    }
  }
  std::vector<uint8_t> seen(problem.items, 0), reached(problem.candidates.size(), 0);
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    if (seen[item] || maker[item] == UINT32_MAX) continue;
    seen[item] = reached[maker[item]] = 1;
    const auto& reads = problem.candidates[maker[item]].operands;
    work.insert(work.end(), reads.begin(), reads.end());
  }
  for (uint32_t k : chosen) {
    if (!reached[k]) return input_error(fmt::format("solution: no root needs candidate {}", k));
  }
  return {};
}

}  // namespace

Status validate(const Problem& problem) {
  const auto bad = [](std::string text) { return input_error("extraction problem: " + std::move(text)); };
  if (!problem.free_items.empty() && problem.free_items.size() != problem.items) {
    return bad("free_items must have one entry an item");
  }
  const auto in_range = [](const std::vector<uint32_t>& list, size_t size) {
    return std::all_of(list.begin(), list.end(), [&](uint32_t x) { return x < size; });
  };
  if (!in_range(problem.roots, problem.items)) return bad("a root is no item");
  for (size_t n = 0; n < problem.term_nodes.size(); ++n) {
    const TermNode& node = problem.term_nodes[n];
    if (node.cls >= problem.items || !in_range(node.operands, problem.items)) {
      return bad(fmt::format("term node {} names no class", n));
    }
  }
  double total = 0;
  for (size_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& c = problem.candidates[k];
    total += std::abs(c.cost);
    if (!std::isfinite(c.cost)) return bad(fmt::format("candidate {} has a cost of {}", k, c.cost));
    if (!std::isfinite(c.fold_bytes) || c.fold_bytes < 0) return bad(fmt::format("candidate {} has bad fold bytes", k));
    if (c.results.empty()) return bad(fmt::format("candidate {} makes nothing", k));
    if (!in_range(c.results, problem.items) || !in_range(c.operands, problem.items)) {
      return bad(fmt::format("candidate {} names no item", k));
    }
    if (!in_range(c.covers, problem.term_nodes.size())) return bad(fmt::format("candidate {} covers no term node", k));
  }
  if (total > kMostCost) return input_error(fmt::format("the costs add up to {}, more than sums of doubles hold", total), "scale the costs");
  return {};
}

Status check_solution(const Problem& problem, const Solution& solution) {
  EGRET_TRY_VOID(validate(problem));
  double cost = 0, size = 0, fold = 0;
  std::vector<uint8_t> made(problem.items, 0);
  for (size_t p = 0; p < solution.chosen.size(); ++p) {
    const uint32_t k = solution.chosen[p];
    if (k >= problem.candidates.size()) return input_error(fmt::format("solution: {} is no candidate", k));
    if (p > 0 && solution.chosen[p - 1] >= k) return input_error("solution: the choice is not strictly ascending");
    cost += problem.candidates[k].cost;
    size += std::abs(problem.candidates[k].cost);
    fold += problem.candidates[k].fold_bytes;
    for (uint32_t item : problem.candidates[k].results) made[item] = 1;
  }
  for (uint32_t item : problem.roots) {
    if (!made[item] && !problem.is_free(item)) return input_error(fmt::format("solution: root {} is not made", item));
  }
  for (uint32_t k : solution.chosen) {
    for (uint32_t item : problem.candidates[k].operands) {
      if (!made[item] && !problem.is_free(item)) {
        return input_error(fmt::format("solution: candidate {} reads item {}, which is not made", k, item));
      }
    }
  }
  if (launch_order(problem, solution.chosen).size() != solution.chosen.size()) {
    return input_error("solution: chosen candidates wait for each other");
  }
  if (problem.terms) EGRET_TRY_VOID(check_terms(problem, solution.chosen));
  if (fold > problem.fold_budget * (1 + 1e-9)) {
    return input_error(fmt::format("solution: {} bytes are folded, {} allowed", fold, problem.fold_budget));
  }
  if (std::abs(cost - solution.cost) > 1e-9 * std::max(1e-300, size)) {
    return input_error(fmt::format("solution: states a cost of {}, the sum is {}", solution.cost, cost));
  }
  return {};
}

std::optional<uint32_t> unmakeable_root(const Problem& problem) {
  std::vector<uint8_t> made(problem.items, 0);
  std::vector<uint32_t> first(problem.items, UINT32_MAX), work;  // readers of an item, linked: numbered by what they read
  std::vector<uint32_t> next, reader, missing(problem.candidates.size(), 0);
  const auto run = [&](uint32_t k) {
    for (uint32_t item : problem.candidates[k].results) {
      if (!made[item]) made[item] = 1, work.push_back(item);
    }
  };
  for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
    for (uint32_t item : problem.candidates[k].operands) {
      if (problem.is_free(item)) continue;
      next.push_back(first[item]);
      first[item] = static_cast<uint32_t>(reader.size());
      reader.push_back(k);
      ++missing[k];
    }
    if (missing[k] == 0) run(k);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t e = first[item]; e != UINT32_MAX; e = next[e]) {
      if (--missing[reader[e]] == 0) run(reader[e]);
    }
    first[item] = UINT32_MAX;
  }
  for (uint32_t r : problem.roots) {
    if (!made[r] && !problem.is_free(r)) return r;
  }
  return std::nullopt;
}

std::vector<uint32_t> order(const Problem& problem, const Solution& solution) {
  return launch_order(problem, solution.chosen);
}

Solution without_idle(const Problem& problem, Solution solution) {
  std::vector<uint8_t> read(problem.items, 0);
  for (uint32_t r : problem.roots) read[r] = 1;
  std::vector<uint32_t> kept = launch_order(problem, solution.chosen);
  std::reverse(kept.begin(), kept.end());
  std::erase_if(kept, [&](uint32_t k) {
    const Candidate& c = problem.candidates[k];
    const bool idle = c.cost >= 0 && std::none_of(c.results.begin(), c.results.end(), [&](uint32_t i) { return read[i] != 0; });
    if (idle) {
      solution.cost -= c.cost;
    } else {
      for (uint32_t o : c.operands) read[o] = 1;
    }
    return idle;
  });
  std::sort(kept.begin(), kept.end());
  solution.chosen = std::move(kept);
  return solution;
}

}  // namespace egret::extract
