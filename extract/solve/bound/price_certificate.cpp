#include "extract/solve/bound/price_certificate.h"

#include <algorithm>
#include <numeric>

namespace egret::extract {
namespace {

constexpr uint64_t kMaxSteps = 100'000'000;
constexpr uint64_t kMaxCutItems = 2'000'000;

// Items that no order of candidates makes: a candidate that reads one of them then leads out of no cut.
std::vector<uint32_t> unmakeable(const Problem& problem) {
  std::vector<std::vector<uint32_t>> readers(problem.items);
  std::vector<uint32_t> missing(problem.candidates.size()), work;
  std::vector<uint8_t> made(problem.items, 0);
  const auto make = [&](uint32_t item) {
    if (!made[item]) made[item] = 1, work.push_back(item);
  };
  for (uint32_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& c = problem.candidates[k];
    missing[k] = static_cast<uint32_t>(c.operands.size());
    for (uint32_t o : c.operands) readers[o].push_back(k);
    if (c.operands.empty()) std::for_each(c.results.begin(), c.results.end(), make);
  }
  for (uint32_t i = 0; i < problem.items; ++i) {
    if (problem.is_free(i)) make(i);
  }
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    for (uint32_t k : readers[item]) {
      if (--missing[k] == 0) std::for_each(problem.candidates[k].results.begin(), problem.candidates[k].results.end(), make);
    }
  }
  std::vector<uint32_t> out;
  for (uint32_t i = 0; i < problem.items; ++i) {
    if (!made[i]) out.push_back(i);
  }
  return out;
}

}  // namespace

Result<PriceCertificate> price_certificate(const Problem& problem) {
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  if (graph.has_negative_cost()) return unsupported_error("a price certificate needs costs of at least 0");
  DualAscent best;
  for (RootOrder order : {RootOrder::kCheapFirst, RootOrder::kDearFirst}) {
    DualAscent found = dual_ascent(graph, order, kMaxSteps, /*with_cuts=*/true, kMaxCutItems);
    if (found.bound > best.bound) best = std::move(found);
  }
  PriceCertificate out;
  out.bound = std::max(0.0, best.bound - best.error);
  out.cuts = std::move(best.cuts);
  const auto never = unmakeable(problem);
  for (Cut& cut : out.cuts) {
    std::vector<uint32_t> all;
    std::set_union(cut.items.begin(), cut.items.end(), never.begin(), never.end(), std::back_inserter(all));
    cut.items = std::move(all);
  }
  return out;
}

}  // namespace egret::extract
