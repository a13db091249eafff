// The tree optimum: shared parts are paid each time.  Knuth's generalization of Dijkstra's algorithm (Information
// Processing Letters 6(1), 1977): a class is settled when its cheapest term is known; O(E log V).
#include <algorithm>
#include <limits>
#include <queue>

#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Sizes {
  std::vector<double> size;       // of the cheapest term, by item
  std::vector<uint32_t> maker;
};

struct Entry {
  double cost;
  uint32_t candidate;
  bool operator>(const Entry& o) const { return cost != o.cost ? cost > o.cost : candidate > o.candidate; }
};

double sum(const Candidate& c, const std::vector<double>& size) {
  double total = c.cost;
  for (uint32_t item : c.operands) total += size[item];
  return total;
}

Sizes settle(const Problem& problem, const Hypergraph& graph) {
  Sizes out{std::vector<double>(problem.items, 0), std::vector<uint32_t>(problem.items, kNone)};
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  std::vector<uint32_t> missing(graph.size());
  const auto push = [&](uint32_t k) { queue.push({sum(problem.candidates[graph.original[k]], out.size), k}); };
  for (uint32_t k = 0; k < graph.size(); ++k) {
    missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    if (missing[k] == 0) push(k);
  }
  while (!queue.empty()) {
    const auto [cost, k] = queue.top();
    queue.pop();
    for (uint32_t item : graph.results[k]) {
      if (out.maker[item] != kNone) continue;
      out.maker[item] = k;
      out.size[item] = cost;
      for (uint32_t reader : graph.consumers[item]) {
        if (--missing[reader] == 0) push(reader);
      }
    }
  }
  return out;
}

// With costs below zero: classes in order of what they may read.  Empty makers where that order does not exist.
Sizes settle_acyclic(const Problem& problem, const Hypergraph& graph) {
  Sizes out{std::vector<double>(problem.items, 0), std::vector<uint32_t>(problem.items, kNone)};
  Rows reads;
  for (uint32_t item = 0; item < graph.items; ++item) {
    for (uint32_t k : graph.producers[item]) {
      const auto row = graph.operands[k];
      reads.entries.insert(reads.entries.end(), row.begin(), row.end());
    }
    reads.close_row();
  }
  const auto component = components(reads);
  std::vector<uint32_t> items(graph.items);
  for (uint32_t i = 0; i < graph.items; ++i) items[component[i]] = i;
  if (*std::max_element(component.begin(), component.end()) + 1 != graph.items) return {};
  for (uint32_t item : items) {
    double best = kInfinity;
    for (uint32_t k : graph.producers[item]) {
      const double cost = sum(problem.candidates[graph.original[k]], out.size);
      if (cost < best) best = cost, out.maker[item] = k;
    }
    out.size[item] = best;
  }
  return out;
}

}  // namespace

Result<Solution> solve_tree(const Problem& problem) {
  Stopwatch clock;
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  const bool negative = graph.has_negative_cost();
  const Sizes sizes = negative ? settle_acyclic(problem, graph) : settle(problem, graph);
  if (sizes.maker.size() != problem.items) {
    return input_error("the tree cost has no least value that is known: costs below zero stand on a cycle of classes",
                       "use --cost dag");
  }
  Solution solution;
  solution.method = "tree";
  std::vector<uint8_t> seen(problem.items, 0);
  std::vector<uint32_t> work(graph.roots);
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    if (seen[item]) continue;
    seen[item] = 1;
    const uint32_t k = sizes.maker[item];
    solution.chosen.push_back(graph.original[k]);
    const auto reads = graph.operands[k];
    work.insert(work.end(), reads.begin(), reads.end());
  }
  std::sort(solution.chosen.begin(), solution.chosen.end());
  for (uint32_t k : solution.chosen) solution.cost += problem.candidates[k].cost;
  for (uint32_t root : problem.roots) solution.bound += sizes.size[root];
  solution.optimal = true;
  solution.seconds = clock.seconds();
  return solution;
}

}  // namespace egret::extract
