#include "extract/solve/exact/model.h"

#include <algorithm>
#include <cmath>

namespace egret::extract {
namespace {

constexpr int32_t kOne = -1;   // the column of a variable that is 1 in every solution
constexpr double kFree = HUGE_VAL;

// A candidate that makes what `k` makes except `item`, reads no more and costs no more, and is cheaper or makes fewer
// items: is there one?  Asked of candidates with at least two results.
bool has_replacement_without(const Hypergraph& graph, uint32_t k, uint32_t item) {
  const auto makes = graph.results[k], reads = graph.operands[k];
  uint32_t rarest = UINT32_MAX;
  for (uint32_t i : makes) {
    if (i == item) continue;
    if (rarest == UINT32_MAX || graph.producers[i].size() < graph.producers[rarest].size()) rarest = i;
  }
  for (uint32_t other : graph.producers[rarest]) {
    if (other == k || graph.cost[other] > graph.cost[k] || graph.fold[other] > graph.fold[k]) continue;
    const auto theirs = graph.results[other], needs = graph.operands[other];
    if (theirs.size() >= makes.size() && graph.cost[other] == graph.cost[k]) continue;
    if (std::binary_search(theirs.begin(), theirs.end(), item)) continue;
    const bool rest = std::all_of(makes.begin(), makes.end(), [&](uint32_t i) {
      return i == item || std::binary_search(theirs.begin(), theirs.end(), i);
    });
    if (rest && std::includes(reads.begin(), reads.end(), needs.begin(), needs.end())) return true;
  }
  return false;
}

class Builder {
 public:
  Builder(const Hypergraph& graph, const Terms& terms, double scale) : graph_(graph), terms_(terms) {
    for (uint32_t k = 0; k < graph.size(); ++k) column(graph.cost[k] * scale, true);
    stored_.assign(graph.items, kOne);
    for (uint32_t i = 0; i < graph.items; ++i) {
      const bool root = std::binary_search(graph.roots.begin(), graph.roots.end(), i);
      if (!root && !graph.producers[i].empty()) stored_[i] = column(0, false);
    }
  }

  IlpModel build(const std::vector<Loop>& loops, const std::vector<SideRow>& side_rows, const std::vector<CutMembers>& cuts) {
    find_droppable(side_rows.empty());
    for (uint32_t i = 0; i < graph_.items; ++i) production_row(i);
    for (uint32_t i = 0; i < graph_.items; ++i) price_rows(i);
    for (uint32_t k = 0; k < graph_.size(); ++k) lone_price_rows(k);
    if (graph_.has_negative_cost()) support_rows();
    if (!terms_.empty()) add_term_rows();
    fold_row();
    for (const SideRow& row : side_rows) {
      for (uint32_t k = 0; k < graph_.size(); ++k) {
        if (row.member[graph_.original[k]]) put(static_cast<int32_t>(k), 1);
      }
      close_row(-kFree, row.most, {RowName::What::kSide});
    }
    for (const Loop& loop : loops) loop_rows(loop);
    for (const CutMembers& cut : cuts) {  // last: a basis holds for what comes before
      for (uint32_t k : cut) put(static_cast<int32_t>(k), 1);
      close_row(1, kFree, {RowName::What::kCut});
    }
    return std::move(model_);
  }

 private:
  int32_t column(double cost, bool integer) {
    model_.cost.push_back(cost);
    model_.lower.push_back(0);
    model_.upper.push_back(1);
    model_.integer.push_back(integer);
    return static_cast<int32_t>(model_.cost.size() - 1);
  }

  // Rows are put together entry by entry; a kOne column moves into the bounds.
  void put(int32_t column, double value) {
    if (column == kOne) {
      constant_ += value;
      return;
    }
    model_.index.push_back(column);
    model_.value.push_back(value);
  }
  void close_row(double lower, double upper, RowName name) {
    model_.row_name.push_back(name);
    model_.row_start.push_back(static_cast<int32_t>(model_.index.size()));
    model_.row_lower.push_back(lower - constant_);
    model_.row_upper.push_back(upper - constant_);
    constant_ = 0;
  }

  // droppable_[p], p a place in results.entries: an optimal solution needs this result of this candidate only
  // where nobody else makes the item.  Then at most one chosen candidate of those makes it.
  void find_droppable(bool by_dominance) {
    droppable_.resize(graph_.results.entries.size());
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      const auto row = graph_.results[k];
      for (size_t r = 0; r < row.size(); ++r) {
        droppable_[graph_.results.start[k] + r] =
            row.size() == 1 || (by_dominance && has_replacement_without(graph_, k, row[r]));
      }
    }
  }
  bool droppable(uint32_t k, uint32_t item) const {
    const auto row = graph_.results[k];
    return droppable_[graph_.results.start[k] + (std::lower_bound(row.begin(), row.end(), item) - row.begin())];
  }

  // What is stored is made; exactly once where every producer could do without it.
  void production_row(uint32_t item) {
    if (graph_.producers[item].empty()) return;
    bool once = true;
    for (uint32_t k : graph_.producers[item]) {
      put(static_cast<int32_t>(k), 1);
      once = once && droppable(k, item);
    }
    put(stored_[item], -1);
    close_row(0, once ? 0 : kFree, {RowName::What::kMade, item});
  }

  // What the producers of `item` read is stored, in one row for each operand.
  void price_rows(uint32_t item) {
    std::vector<std::pair<uint32_t, uint32_t>> pairs;  // operand, candidate
    for (uint32_t k : graph_.producers[item]) {
      if (!droppable(k, item)) continue;
      for (uint32_t o : graph_.operands[k]) pairs.emplace_back(o, k);
    }
    std::sort(pairs.begin(), pairs.end());
    for (size_t p = 0; p < pairs.size();) {
      const uint32_t operand = pairs[p].first;
      for (; p < pairs.size() && pairs[p].first == operand; ++p) put(static_cast<int32_t>(pairs[p].second), 1);
      put(stored_[operand], -1);
      close_row(-kFree, 0, {RowName::What::kRead, item, operand});
    }
  }

  void lone_price_rows(uint32_t k) {
    const auto row = graph_.results[k];
    if (std::any_of(row.begin(), row.end(), [&](uint32_t i) { return droppable(k, i); })) return;
    for (uint32_t o : graph_.operands[k]) {
      if (stored_[o] == kOne) continue;
      put(static_cast<int32_t>(k), 1);
      put(stored_[o], -1);
      close_row(-kFree, 0, {RowName::What::kReadAlone, row[0], o});
    }
  }

  // A cost below zero is earned only where the item is a root or read (condition 6 of problem.h).
  void support_rows() {
    for (uint32_t i = 0; i < graph_.items; ++i) {
      if (stored_[i] == kOne || graph_.producers[i].empty()) continue;
      put(stored_[i], 1);
      for (uint32_t k : graph_.consumers[i]) put(static_cast<int32_t>(k), -1);
      close_row(-kFree, 0, {RowName::What::kServes, i});
    }
  }

  void add_term_rows() {
    const Dominators dominators = term_dominators(terms_, graph_);
    computed_.assign(graph_.items, kOne);
    node_.assign(terms_.node_class.size(), kOne);
    for (uint32_t c = 0; c < graph_.items; ++c) {
      const auto nodes = terms_.class_nodes[c];
      if (nodes.empty()) continue;
      if (!dominators.forced[c]) computed_[c] = column(0, false);
      for (uint32_t n : nodes) node_[n] = nodes.size() == 1 ? computed_[c] : column(0, false);
    }
    for (uint32_t c = 0; c < graph_.items; ++c) {
      class_rows(c);
      for (uint32_t d : dominators.immediate[c]) {
        put(computed_[c], 1);
        put(computed_[d], -1);
        close_row(-kFree, 0, {RowName::What::kNeeds, c, d});
      }
      if (stored_[c] != kOne && computed_[c] != kOne) {
        put(stored_[c], 1);
        put(computed_[c], -1);
        close_row(-kFree, 0, {RowName::What::kStoredComputed, c});
      }
    }
    for (uint32_t n = 0; n < terms_.node_class.size(); ++n) {
      put(node_[n], 1);
      for (uint32_t k : terms_.covered_by[n]) put(static_cast<int32_t>(k), -1);
      close_row(-kFree, 0, {RowName::What::kCover, n});
      for (uint32_t d : terms_.node_operands[n]) edge_row(n, d);
    }
  }

  // A computed class has one node, and its node's operands are computed.
  void class_rows(uint32_t c) {
    const auto nodes = terms_.class_nodes[c];
    if (nodes.size() > 1) {
      for (uint32_t n : nodes) put(node_[n], 1);
      put(computed_[c], -1);
      close_row(0, 0, {RowName::What::kOneNode, c});
    }
    std::vector<std::pair<uint32_t, uint32_t>> pairs;  // operand, node
    for (uint32_t n : nodes) {
      for (uint32_t d : terms_.node_operands[n]) {
        if (computed_[d] != kOne) pairs.emplace_back(d, n);
      }
    }
    std::sort(pairs.begin(), pairs.end());
    for (size_t p = 0; p < pairs.size();) {
      const uint32_t operand = pairs[p].first;
      for (; p < pairs.size() && pairs[p].first == operand; ++p) put(node_[pairs[p].second], 1);
      put(computed_[operand], -1);
      close_row(-kFree, 0, {RowName::What::kNodeNeeds, c, operand});
    }
  }

  // Where `node` runs, its operand is computed in the same candidate or stored.
  void edge_row(uint32_t node, uint32_t operand) {
    const bool storable = !graph_.producers[operand].empty();
    if (storable && stored_[operand] == kOne) return;  // a root: always stored
    size_t inside = 0;
    for (uint32_t k : terms_.covered_by[node]) inside += !reads(k, operand);
    if (inside == terms_.covered_by[node].size()) return;  // the cover row says it already
    put(node_[node], 1);
    for (uint32_t k : terms_.covered_by[node]) {
      if (!reads(k, operand)) put(static_cast<int32_t>(k), -1);
    }
    if (storable) put(stored_[operand], -1);
    close_row(-kFree, 0, {RowName::What::kEdge, node, operand});
  }
  bool reads(uint32_t k, uint32_t item) const {
    const auto row = graph_.operands[k];
    return std::binary_search(row.begin(), row.end(), item);
  }

  void loop_rows(const Loop& loop) {
    std::vector<uint32_t> outside;
    for (uint32_t item : loop) {
      for (uint32_t k : graph_.producers[item]) {
        const auto row = graph_.operands[k];
        const bool waits = std::any_of(row.begin(), row.end(), [&](uint32_t o) {
          return std::binary_search(loop.begin(), loop.end(), o);
        });
        if (!waits) outside.push_back(k);
      }
    }
    std::sort(outside.begin(), outside.end());
    outside.erase(std::unique(outside.begin(), outside.end()), outside.end());
    for (uint32_t item : loop) {
      if (graph_.producers[item].empty()) continue;
      for (uint32_t k : outside) put(static_cast<int32_t>(k), 1);
      put(stored_[item], -1);
      close_row(0, kFree, {RowName::What::kLoop, item});
    }
  }

  void fold_row() {
    if (!std::isfinite(graph_.fold_budget)) return;
    const double unit = std::max(graph_.fold_budget, 1.0);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (graph_.fold[k] > 0) put(static_cast<int32_t>(k), graph_.fold[k] / unit);
    }
    close_row(-kFree, graph_.fold_budget / unit, {RowName::What::kFold});
  }

  const Hypergraph& graph_;
  const Terms& terms_;
  IlpModel model_;
  std::vector<int32_t> stored_, computed_, node_;
  std::vector<uint8_t> droppable_;
  double constant_ = 0;
};

}  // namespace

EgretHighsModel IlpModel::view(bool linear) const {
  EgretHighsModel out{};
  out.columns = static_cast<int32_t>(cost.size());
  out.rows = static_cast<int32_t>(row_lower.size());
  out.cost = cost.data();
  out.lower = lower.data();
  out.upper = upper.data();
  out.integer = linear ? nullptr : integer.data();
  out.row_lower = row_lower.data();
  out.row_upper = row_upper.data();
  out.row_start = row_start.data();
  out.index = index.data();
  out.value = value.data();
  return out;
}

IlpModel build_model(const Hypergraph& graph, const Terms& terms, const std::vector<Loop>& loops, double scale,
                     const std::vector<SideRow>& side_rows, const std::vector<CutMembers>& cuts) {
  return Builder(graph, terms, scale).build(loops, side_rows, cuts);
}

std::vector<Loop> find_loops(const Hypergraph& graph, const std::vector<uint32_t>& chosen) {
  std::vector<uint8_t> allowed(graph.size(), 0), made_by_chosen(graph.items, 0);
  for (uint32_t k : chosen) {
    allowed[k] = 1;
    for (uint32_t item : graph.results[k]) made_by_chosen[item] = 1;
  }
  const auto started = makeable(graph, allowed);
  Rows waits;
  std::vector<std::vector<uint32_t>> lists(graph.items);
  for (uint32_t k : chosen) {
    for (uint32_t item : graph.results[k]) {
      if (started[item]) continue;
      for (uint32_t o : graph.operands[k]) {
        if (!started[o]) lists[item].push_back(o);
      }
    }
  }
  for (const auto& list : lists) {
    waits.entries.insert(waits.entries.end(), list.begin(), list.end());
    waits.close_row();
  }
  const auto component = components(waits);
  std::vector<uint8_t> bottom(graph.items, 1);  // by component
  std::vector<Loop> members(graph.items);
  for (uint32_t i = 0; i < graph.items; ++i) {
    if (started[i] || !made_by_chosen[i]) continue;
    members[component[i]].push_back(i);
    for (uint32_t o : waits[i]) {
      if (component[o] != component[i]) bottom[component[i]] = 0;
    }
  }
  std::vector<Loop> loops;
  for (uint32_t c = 0; c < graph.items; ++c) {
    if (bottom[c] && members[c].size() > 1) loops.push_back(std::move(members[c]));
  }
  return loops;
}

}  // namespace egret::extract
