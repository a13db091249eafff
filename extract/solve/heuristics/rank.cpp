// Orders of the items for the greedy covers.
#include <algorithm>
#include <numeric>
#include <queue>

#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr double kHuge = 1e300;  // tree costs double with every level of sharing; they saturate here

// Pairs (item, operand) over all candidates, without repeats.
Rows candidate_dependency(const Hypergraph& graph) {
  Rows out;
  std::vector<uint32_t> seen(graph.items, UINT32_MAX);
  for (uint32_t item = 0; item < graph.items; ++item) {
    for (uint32_t k : graph.producers[item]) {
      for (uint32_t o : graph.operands[k]) {
        if (seen[o] == item) continue;
        seen[o] = item;
        out.entries.push_back(o);
      }
    }
    out.close_row();
  }
  return out;
}

}  // namespace

std::vector<uint32_t> tree_rank(const Hypergraph& graph) {
  struct Entry {
    double cost;
    uint32_t candidate;
    bool operator>(const Entry& o) const { return cost != o.cost ? cost > o.cost : candidate > o.candidate; }
  };
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  std::vector<uint32_t> missing(graph.size()), rank(graph.items, UINT32_MAX);
  std::vector<double> cost(graph.cost);
  uint32_t next = 0;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    if (missing[k] == 0) queue.push({cost[k], k});
  }
  while (!queue.empty()) {
    const Entry top = queue.top();
    queue.pop();
    for (uint32_t item : graph.results[top.candidate]) {
      if (rank[item] != UINT32_MAX) continue;
      rank[item] = next++;
      for (uint32_t k : graph.consumers[item]) {
        cost[k] = std::min(kHuge, cost[k] + top.cost);
        if (--missing[k] == 0) queue.push({cost[k], k});
      }
    }
  }
  for (uint32_t item = 0; item < graph.items; ++item) {
    if (rank[item] == UINT32_MAX) rank[item] = next++;  // nobody makes it; it is never asked for
  }
  return rank;
}

std::vector<uint32_t> item_rank(const Hypergraph& graph, const Rows& dependency, const std::vector<uint32_t>& tree) {
  const auto component = components(dependency.size() == graph.items ? dependency : candidate_dependency(graph));
  std::vector<uint32_t> items(graph.items), rank(graph.items);
  std::iota(items.begin(), items.end(), 0);
  std::sort(items.begin(), items.end(), [&](uint32_t a, uint32_t b) {
    return component[a] != component[b] ? component[a] < component[b] : tree[a] < tree[b];
  });
  for (uint32_t p = 0; p < items.size(); ++p) rank[items[p]] = p;
  return rank;
}

Rows term_dependency(const Problem& problem) {
  Rows by_class;
  if (problem.term_nodes.empty()) return by_class;
  std::vector<std::vector<uint32_t>> lists(problem.items);
  for (const TermNode& node : problem.term_nodes) {
    lists[node.cls].insert(lists[node.cls].end(), node.operands.begin(), node.operands.end());
  }
  for (auto& list : lists) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    by_class.entries.insert(by_class.entries.end(), list.begin(), list.end());
    by_class.close_row();
  }
  return by_class;
}

}  // namespace egret::extract
