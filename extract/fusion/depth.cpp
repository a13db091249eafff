#include "extract/fusion/depth.h"

#include <algorithm>

namespace egret::extract {

std::vector<std::vector<Id>> levels(const FusionGraph& graph, const std::vector<Id>& roots) {
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

}  // namespace egret::extract
