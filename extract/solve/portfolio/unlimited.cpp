#include "extract/solve/portfolio/unlimited.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "extract/solve/heuristics/cover.h"

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

}  // namespace

bool limited(const Hypergraph& graph) {
  return std::isfinite(graph.fold_budget) && std::accumulate(graph.fold.begin(), graph.fold.end(), 0.0) > graph.fold_budget;
}

Unlimited::Unlimited(const Hypergraph& graph) : limited_(graph), maker_(graph.items, kNone) {
  for (uint32_t k = 0; k < graph.size(); ++k) {
    if (graph.cost[k] > 0 || !graph.operands[k].empty()) continue;
    for (uint32_t item : graph.results[k]) {
      if (maker_[item] == kNone || graph.fold[k] < graph.fold[maker_[item]]) maker_[item] = k;
    }
  }
  const auto given = [&](uint32_t item) { return maker_[item] != kNone; };
  Hypergraph whole;
  whole.items = graph.items;
  whole.fold_budget = std::numeric_limits<double>::infinity();
  whole.terms = graph.terms;
  std::ranges::copy_if(graph.roots, std::back_inserter(whole.roots), [&](uint32_t r) { return !given(r); });
  for (uint32_t k = 0; k < graph.size(); ++k) {
    const auto makes = graph.results[k], reads = graph.operands[k];
    if (std::ranges::all_of(makes, given)) continue;
    std::ranges::copy_if(makes, std::back_inserter(whole.results.entries), [&](uint32_t i) { return !given(i); });
    std::ranges::copy_if(reads, std::back_inserter(whole.operands.entries), [&](uint32_t i) { return !given(i); });
    whole.results.close_row();
    whole.operands.close_row();
    whole.original.push_back(k);
    whole.cost.push_back(graph.cost[k]);
    whole.fold.push_back(0);
  }
  whole.producers = whole.results.transposed(whole.items);
  whole.consumers = whole.operands.transposed(whole.items);
  free_ = restrict_to(whole, std::vector<uint8_t>(whole.size(), 1));
  number_ = free_.original;
  for (uint32_t& k : free_.original) k = graph.original[k];
}

std::optional<std::vector<uint32_t>> Unlimited::lift(const std::vector<uint32_t>& chosen) const {
  Cover cover(limited_);
  for (uint32_t k : chosen) cover.add(number_[k]);
  for (uint32_t item = 0; item < limited_.items; ++item) {
    if (maker_[item] != kNone && cover.users(item) > 0) cover.add(maker_[item]);
  }
  if (!cover.prune_if_valid() || cover.fold() > limited_.fold_budget) return std::nullopt;
  return cover.list();
}

std::vector<uint32_t> Unlimited::lower(const std::vector<uint32_t>& chosen) const {
  std::vector<uint32_t> out;
  for (uint32_t k = 0; k < number_.size(); ++k) {
    if (std::binary_search(chosen.begin(), chosen.end(), number_[k])) out.push_back(k);
  }
  return out;
}

}  // namespace egret::extract
