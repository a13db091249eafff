#include "extract/fusion/depth.h"

#include <algorithm>
#include <numeric>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {
namespace {

// Classes that the roots need by the least number of operators above what is there: what can be made at all.
std::vector<std::vector<Id>> least_levels(const FusionGraph& graph, const std::vector<Id>& roots) {
  const egraph::EGraph& g = graph.tensors().graph();
  std::vector<uint8_t> needed(graph.ids(), 0);
  std::vector<Id> classes;
  auto push = [&](Id c) {
    if (!needed[c]) classes.push_back(c);
    needed[c] = 1;
  };
  for (Id r : roots) push(graph.find(r));
  for (size_t i = 0; i < classes.size(); ++i) {
    if (graph.is_input(classes[i])) continue;
    for (Id n : g.nodes_of(classes[i])) {
      if (!graph.usable(n)) continue;
      for (Id o : graph.operands(n)) push(graph.find(o));
    }
  }
  // An e-node can be computed one level above the last of its operands.
  std::vector<uint32_t> waiting(graph.ids(), 0);
  std::vector<uint8_t> settled(graph.ids(), 0);
  std::vector<std::vector<Id>> out(1);
  std::vector<std::vector<Id>> readers(graph.ids());  // e-nodes, once for each place in which they read the class
  for (Id c : classes) {
    if (graph.is_leaf(c)) {
      settled[c] = 1;
      out[0].push_back(c);
      continue;
    }
    for (Id n : g.nodes_of(c)) {
      if (!graph.usable(n)) continue;
      waiting[n] = static_cast<uint32_t>(graph.operands(n).size());
      for (Id o : graph.operands(n)) readers[graph.find(o)].push_back(n);
      if (waiting[n] > 0 || settled[c]) continue;
      settled[c] = 1;
      if (out.size() < 2) out.resize(2);
      out[1].push_back(c);
    }
  }
  for (size_t level = 0; level < out.size(); ++level) {
    std::sort(out[level].begin(), out[level].end());
    std::vector<Id> next;
    for (Id c : out[level]) {
      for (Id n : readers[c]) {
        const Id made = graph.find(n);
        if (--waiting[n] > 0 || settled[made]) continue;
        settled[made] = 1;
        next.push_back(made);
      }
    }
    if (next.empty()) continue;
    if (level + 1 == out.size()) out.emplace_back();
    out[level + 1].insert(out[level + 1].end(), next.begin(), next.end());
  }
  return out;
}

}  // namespace

std::vector<std::vector<Id>> levels(const FusionGraph& graph, const std::vector<Id>& roots) {
  const egraph::EGraph& g = graph.tensors().graph();
  std::vector<Id> classes;
  std::vector<uint32_t> least;  // level of each
  std::vector<uint32_t> number(graph.ids(), UINT32_MAX);
  uint32_t depth = 0;
  for (const std::vector<Id>& level : least_levels(graph, roots)) {
    for (Id c : level) {
      number[c] = static_cast<uint32_t>(classes.size());
      classes.push_back(c);
      least.push_back(depth);
    }
    ++depth;
  }
  Rows reads;
  for (Id c : classes) {
    for (Id n : g.nodes_of(c)) {
      if (graph.is_leaf(c) || !graph.usable(n)) continue;
      const auto operands = graph.operands(n);
      auto makeable = [&](Id o) { return number[graph.find(o)] != UINT32_MAX; };
      if (!std::all_of(operands.begin(), operands.end(), makeable)) continue;
      for (Id o : operands) reads.entries.push_back(number[graph.find(o)]);
    }
    reads.close_row();
  }
  const std::vector<uint32_t> component = components(reads);
  std::vector<uint32_t> order(classes.size()), level(classes.size(), 0);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return component[a] < component[b]; });
  std::vector<std::vector<Id>> out(1);
  for (size_t from = 0, to = 0; from < order.size(); from = to) {
    uint32_t above = 0;  // the first level above all that the component reads
    for (to = from; to < order.size() && component[order[to]] == component[order[from]]; ++to) {
      if (!graph.is_leaf(classes[order[to]])) above = std::max(above, 1u);
      for (uint32_t o : reads[order[to]]) {
        if (component[o] != component[order[from]]) above = std::max(above, level[o] + 1);
      }
    }
    for (size_t i = from; i < to; ++i) {  // ascending by least level
      if (i > from && least[order[i]] > least[order[i - 1]]) ++above;
      level[order[i]] = above;
      if (above >= out.size()) out.resize(above + 1);
      out[above].push_back(classes[order[i]]);
    }
  }
  for (auto& l : out) std::sort(l.begin(), l.end());
  return out;
}

}  // namespace egret::extract
