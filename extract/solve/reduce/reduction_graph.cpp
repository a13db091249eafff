#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

List to_list(std::span<const uint32_t> row) { return {row.begin(), row.end()}; }

}  // namespace

List merged_without(const List& a, uint32_t item, const List& b) {
  List out;
  out.reserve(a.size() + b.size());
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  if (!std::binary_search(b.begin(), b.end(), item)) std::erase(out, item);
  return out;
}

ReductionGraph::ReductionGraph(const Hypergraph& graph)
    : cost(graph.cost), fold(graph.fold), alive(graph.size(), 1), root(graph.items, 0), gone(graph.items, 0),
      touched(graph.items, 1), maker(graph.items), fold_budget(graph.fold_budget), producers_(graph.items),
      consumers_(graph.items), stale_producers_(graph.items, 0), stale_consumers_(graph.items, 0) {
  for (uint32_t r : graph.roots) root[r] = 1;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    results.push_back(to_list(graph.results[k]));
    operands.push_back(to_list(graph.operands[k]));
    bundle.push_back({k});
  }
  for (uint32_t i = 0; i < graph.items; ++i) {
    producers_[i] = to_list(graph.producers[i]);
    consumers_[i] = to_list(graph.consumers[i]);
  }
}

const List& ReductionGraph::producers(uint32_t item) {
  List& list = producers_[item];
  if (stale_producers_[item]) {
    stale_producers_[item] = 0;
    std::erase_if(list, [&](uint32_t k) { return !alive[k] || !makes(k, item); });
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return list;
}

const List& ReductionGraph::consumers(uint32_t item) {
  List& list = consumers_[item];
  if (stale_consumers_[item]) {
    stale_consumers_[item] = 0;
    std::erase_if(list, [&](uint32_t k) { return !alive[k] || !reads(k, item); });
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  return list;
}

void ReductionGraph::kill(uint32_t k) {
  alive[k] = 0;
  for (uint32_t i : results[k]) stale_producers_[i] = 1;
  for (uint32_t i : operands[k]) stale_consumers_[i] = 1;
}

void ReductionGraph::force(uint32_t item, uint32_t reason) {
  if (root[item]) return;
  root[item] = 1;
  note(Rule::kForced, item, reason);
}

void ReductionGraph::set_operands(uint32_t k, List reads) {
  const List& before = operands[k];
  for (uint32_t i : before) {
    if (!std::binary_search(reads.begin(), reads.end(), i)) stale_consumers_[i] = 1;
  }
  for (uint32_t i : reads) {
    if (std::binary_search(before.begin(), before.end(), i)) continue;
    consumers_[i].push_back(k);
    stale_consumers_[i] = 1;
  }
  operands[k] = std::move(reads);
  for (uint32_t i : results[k]) touched[i] = 1;
  List makes;
  std::set_difference(results[k].begin(), results[k].end(), operands[k].begin(), operands[k].end(), std::back_inserter(makes));
  if (makes.size() < results[k].size()) set_results(k, std::move(makes));
}

void ReductionGraph::set_results(uint32_t k, List makes) {
  for (uint32_t i : results[k]) {
    stale_producers_[i] = 1;
    touched[i] = 1;
  }
  if (makes.empty()) return kill(k);
  results[k] = std::move(makes);
}

uint32_t ReductionGraph::append(double new_cost, double new_fold, List makes, List reads, List members) {
  const uint32_t k = size();
  cost.push_back(new_cost);
  fold.push_back(new_fold);
  alive.push_back(1);
  bundle.push_back(std::move(members));
  for (uint32_t i : makes) {
    producers_[i].push_back(k);
    touched[i] = 1;
  }
  results.push_back(std::move(makes));
  operands.emplace_back();
  set_operands(k, std::move(reads));
  return k;
}

void ReductionGraph::retire(uint32_t item, const List& made_by) {
  gone[item] = 1;
  root[item] = 0;
  maker[item] = made_by;
}

Rows ReductionGraph::dependency() {
  Rows out;
  List seen(items(), UINT32_MAX);
  for (uint32_t i = 0; i < items(); ++i) {
    for (uint32_t k : producers(i)) {
      for (uint32_t o : operands[k]) {
        if (seen[o] == i) continue;
        seen[o] = i;
        out.entries.push_back(o);
      }
    }
    out.close_row();
  }
  return out;
}

}  // namespace egret::extract
