#include "extract/solve/reduce/reduction.h"

#include <numeric>

#include "extract/solve/heuristics/cover.h"
#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

constexpr int kMaxRounds = 100;

// What an item and its neighbours show; true where something changed.
bool use_neighbours(ReductionGraph& g) {
  bool changed = free_closure(g);
  changed |= pay_forced(g);
  changed |= contract(g);
  changed |= fold_single_readers(g);
  changed |= drop_dominated(g);
  return changed;
}

// A graph as make_hypergraph and restrict_to leave it has no useless candidates, but may have useless results.
void to_fixpoint(ReductionGraph& g, bool several_results, const StopCheck& stop, int most_global) {
  if (several_results) drop_useless(g);
  bool symmetric = false;
  for (int global = 0; global <= most_global; ++global) {
    for (int round = 0; round < kMaxRounds && (round == 0 || !stop()); ++round) {
      bool changed = false;
      for (int inner = 0; inner < kMaxRounds && use_neighbours(g); ++inner) changed = true;
      if (round > 0 && !changed) break;
      changed = unlink_forced(g);
      changed |= drop_useless(g);
      if (!changed) break;
    }
    if (stop() || symmetric || global == most_global) break;
    if (use_requirements(g, stop)) continue;
    symmetric = most_global == kMaxGlobalRounds && drop_symmetric(g, stop);  // last, once: what then goes shows nearby
    if (!symmetric) break;
  }
}

class Islands {
 public:
  explicit Islands(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), 0); }
  uint32_t find(uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(uint32_t a, uint32_t b) {
    a = find(a), b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  List parent_;
};

// `number[item]` is set for the items.
Component extract_component(ReductionGraph& g, Span items, Span candidates, List& number) {
  Component out;
  Hypergraph& h = out.graph;
  h.items = static_cast<uint32_t>(items.size());
  h.fold_budget = std::numeric_limits<double>::infinity();
  out.item.assign(items.begin(), items.end());
  for (uint32_t p = 0; p < items.size(); ++p) {
    number[items[p]] = p;
    if (g.root[items[p]]) h.roots.push_back(p);
  }
  for (uint32_t k : candidates) {
    h.original.push_back(k);
    h.cost.push_back(g.cost[k]);
    h.fold.push_back(g.fold[k]);
    for (uint32_t i : g.results(k)) h.results.entries.push_back(number[i]);
    for (uint32_t i : g.operands(k)) h.operands.entries.push_back(number[i]);
    h.results.close_row();
    h.operands.close_row();
  }
  h.producers = h.results.transposed(h.items);
  h.consumers = h.operands.transposed(h.items);
  return out;
}

// Row r of the answer: the members whose island is r, ascending.
Rows by_island(const List& members, const List& island, uint32_t islands) {
  Rows apart;
  for (uint32_t m : members) apart.entries.push_back(island[m]), apart.close_row();
  Rows out = apart.transposed(islands);
  for (uint32_t& e : out.entries) e = members[e];
  return out;
}

std::vector<Component> divide(ReductionGraph& g, bool terms) {
  Islands islands(g.items());
  double fold = 0;
  List candidates, items;
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (!g.alive[k]) continue;
    candidates.push_back(k);
    fold += g.fold[k];
    for (uint32_t i : g.results(k)) islands.join(g.results(k)[0], i);
    for (uint32_t i : g.operands(k)) islands.join(g.results(k)[0], i);
  }
  const bool budget = fold > g.fold_budget;
  if (budget) {  // one row holds all together
    for (uint32_t k : candidates) islands.join(0, g.results(k)[0]);
  }
  List of_candidate(g.size()), of_item(g.items());
  for (uint32_t k : candidates) of_candidate[k] = islands.find(g.results(k)[0]);
  for (uint32_t i = 0; i < g.items(); ++i) {
    of_item[i] = islands.find(i);
    if (!g.gone[i] && !g.producers(i).empty()) items.push_back(i);
  }
  const Rows candidates_of = by_island(candidates, of_candidate, g.items()), items_of = by_island(items, of_item, g.items());
  std::vector<Component> out;
  List number(g.items(), UINT32_MAX);
  for (uint32_t i = 0; i < g.items(); ++i) {
    if (candidates_of[i].empty()) continue;
    out.push_back(extract_component(g, items_of[i], candidates_of[i], number));
    out.back().graph.terms = terms;
    if (budget) out.back().graph.fold_budget = g.fold_budget;
  }
  return out;
}

// The chosen of a component in an order in which they can run; what makes nothing new is left out.
List running_order(const Hypergraph& graph, const List& chosen) {
  List order, work, missing(graph.size(), UINT32_MAX);
  std::vector<uint8_t> made(graph.items, 0);
  for (uint32_t k : chosen) {
    missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    if (missing[k] == 0) work.push_back(k);
  }
  for (size_t p = 0; p < work.size(); ++p) {
    const uint32_t k = work[p];
    bool fresh = false;
    for (uint32_t i : graph.results[k]) {
      if (made[i]) continue;
      made[i] = 1;
      fresh = true;
      for (uint32_t reader : graph.consumers[i]) {
        if (missing[reader] != UINT32_MAX && --missing[reader] == 0) work.push_back(reader);
      }
    }
    if (fresh) order.push_back(k);
  }
  return order;
}

}  // namespace

size_t Reduction::size() const {
  size_t total = 0;
  for (const Component& c : components) total += c.graph.size();
  return total;
}

std::vector<uint32_t> Reduction::lift(const Hypergraph& before, const std::vector<std::vector<uint32_t>>& chosen) const {
  Cover cover(before);
  const auto add = [&](Span members) {
    for (uint32_t k : members) cover.add(k);
  };
  for (size_t c = 0; c < components.size(); ++c) {
    for (uint32_t k : running_order(components[c].graph, chosen[c])) add(bundles[components[c].graph.original[k]]);
  }
  // An item that is gone is made as it was meant to be, whatever else makes it too late.
  List work(before.roots);
  std::vector<uint8_t> seen(before.items, 0);
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    if (seen[item]) continue;
    seen[item] = 1;
    add(maker[item]);
    for (uint32_t k : before.producers[item]) {
      if (!cover.chosen(k)) continue;
      for (uint32_t o : before.operands[k]) work.push_back(o);
    }
  }
  // What no root reaches goes; in a problem of several results also what became needless.
  if (!before.has_negative_cost()) cover.prune_if_valid();
  return cover.list();
}

Reduction reduce_to_components(const Hypergraph& graph, const StopCheck& stop, int global) {
  ReductionGraph g(graph);
  if (!graph.has_negative_cost()) to_fixpoint(g, graph.results.entries.size() > graph.size(), stop, global);
  Reduction out;
  out.components = divide(g, graph.terms);
  out.constant = g.constant;
  out.over_budget = g.fold_budget < -1e-9 * graph.fold_budget;
  out.bundles = std::move(g.bundle);
  out.maker = std::move(g.maker);
  out.log = std::move(g.log);
  return out;
}

}  // namespace egret::extract
