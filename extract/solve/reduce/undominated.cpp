#include "extract/solve/reduce/undominated.h"

#include <algorithm>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr int kRounds = 4;

uint64_t signature(std::span<const uint32_t> row) {
  uint64_t bits = 0;
  for (uint32_t item : row) bits |= uint64_t{1} << (item * 0x9e3779b1u >> 26);
  return bits;
}

bool includes(std::span<const uint32_t> large, std::span<const uint32_t> small) {
  return std::includes(large.begin(), large.end(), small.begin(), small.end());
}

uint32_t rarest(const Hypergraph& graph, std::span<const uint32_t> items) {
  uint32_t best = kNone;
  for (uint32_t item : items) {
    if (best == kNone || graph.producers[item].size() < graph.producers[best].size()) best = item;
  }
  return best;
}

// 1 for every candidate that another one makes needless.
std::vector<uint8_t> dominated(const Hypergraph& graph) {
  std::vector<uint8_t> gone(graph.size(), 0);
  std::vector<uint64_t> makes(graph.size()), reads(graph.size());
  for (uint32_t k = 0; k < graph.size(); ++k) {
    makes[k] = signature(graph.results[k]);
    reads[k] = signature(graph.operands[k]);
  }
  for (uint32_t k = 0; k < graph.size(); ++k) {
    for (uint32_t other : graph.producers[rarest(graph, graph.results[k])]) {
      if (other == k || gone[other] || graph.cost[other] > graph.cost[k] || graph.fold[other] > graph.fold[k]) continue;
      if ((makes[k] & ~makes[other]) || (reads[other] & ~reads[k])) continue;
      if (!includes(graph.results[other], graph.results[k]) || !includes(graph.operands[k], graph.operands[other])) {
        continue;
      }
      gone[k] = 1;
      break;
    }
  }
  return gone;
}

// Removes results that are no root and that nobody reads.  Candidates left without results stay, empty.
bool strip_unread(Hypergraph& graph) {
  Rows results;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    for (uint32_t item : graph.results[k]) {
      const bool root = std::binary_search(graph.roots.begin(), graph.roots.end(), item);
      if (root || graph.consumers[item].size() > 0) results.entries.push_back(item);
    }
    results.close_row();
  }
  if (results.entries.size() == graph.results.entries.size()) return false;
  graph.results = std::move(results);
  graph.producers = graph.results.transposed(graph.items);
  return true;
}

}  // namespace

Hypergraph undominated(const Hypergraph& graph) {
  Hypergraph out = graph;
  for (int round = 0; round < kRounds; ++round) {
    const bool stripped = strip_unread(out);
    const auto gone = dominated(out);
    std::vector<uint8_t> keep(out.size());
    for (uint32_t k = 0; k < out.size(); ++k) keep[k] = !gone[k] && !out.results[k].empty();
    const size_t before = out.size();
    out = restrict_to(out, keep);
    if (out.size() == before && !stripped) break;
  }
  return out;
}

}  // namespace egret::extract
