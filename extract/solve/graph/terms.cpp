#include "extract/solve/graph/terms.h"

#include <algorithm>
#include <numeric>

namespace egret::extract {
namespace {

constexpr uint64_t kMaxBits = uint64_t{512} << 23;
constexpr int kMaxPasses = 50;
constexpr int kMaxRounds = 64;

// Collects trusted covers candidate by candidate.
class Collector {
 public:
  Collector(const Problem& problem, const Hypergraph& graph, const std::vector<uint32_t>& candidate)
      : problem_(problem), graph_(graph), candidate_(candidate), known_(problem.items, UINT32_MAX),
        node_of_(problem.term_nodes.size(), UINT32_MAX) {}

  Terms collect() {
    for (uint32_t k = 0; k < graph_.size(); ++k) add(k);
    terms_.covered_by = terms_.covers.transposed(terms_.node_class.size());
    Rows classes;
    for (uint32_t c : terms_.node_class) {
      classes.entries.push_back(c);
      classes.close_row();
    }
    terms_.class_nodes = classes.transposed(graph_.items);
    return std::move(terms_);
  }

 private:
  bool have(uint32_t item, uint32_t k) const { return known_[item] == k || problem_.is_free(item); }

  void add(uint32_t k) {
    for (uint32_t o : graph_.operands[k]) known_[o] = k;
    std::vector<uint32_t> left = problem_.candidates[candidate_[k]].covers;
    size_t before = left.size() + 1;
    for (int round = 0; round < kMaxRounds && left.size() < before; ++round) {  // covers mostly come in order
      before = left.size();
      std::erase_if(left, [&](uint32_t n) {
        const TermNode& node = problem_.term_nodes[n];
        if (!std::all_of(node.operands.begin(), node.operands.end(), [&](uint32_t o) { return have(o, k); })) {
          return false;
        }
        if (!have(node.cls, k)) {
          terms_.covers.entries.push_back(number(n));
          known_[node.cls] = k;
        }
        return true;
      });
    }
    for (uint32_t item : graph_.results[k]) {
      if (have(item, k)) continue;
      terms_.covers.entries.push_back(new_node(item, graph_.operands[k]));
      known_[item] = k;
    }
    terms_.covers.close_row();
  }

  uint32_t number(uint32_t n) {
    if (node_of_[n] == UINT32_MAX) {
      const TermNode& node = problem_.term_nodes[n];
      std::vector<uint32_t> reads;
      for (uint32_t o : node.operands) {
        if (!problem_.is_free(o)) reads.push_back(o);
      }
      std::sort(reads.begin(), reads.end());
      reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
      node_of_[n] = new_node(node.cls, reads);
    }
    return node_of_[n];
  }

  uint32_t new_node(uint32_t cls, std::span<const uint32_t> reads) {
    terms_.node_class.push_back(cls);
    terms_.node_operands.entries.insert(terms_.node_operands.entries.end(), reads.begin(), reads.end());
    terms_.node_operands.close_row();
    return static_cast<uint32_t>(terms_.node_class.size() - 1);
  }

  const Problem& problem_;
  const Hypergraph& graph_;
  const std::vector<uint32_t>& candidate_;
  std::vector<uint32_t> known_;    // item -> the candidate in which it is known
  std::vector<uint32_t> node_of_;  // term node of the problem -> ours
  Terms terms_;
};

class Required {
 public:
  Required(const Terms& terms, uint32_t items)
      : terms_(terms), words_((items + 63) / 64), bits_(uint64_t{items} * words_, ~uint64_t{0}),
        meet_(words_), scratch_(words_) {
    Rows reads;
    for (uint32_t c = 0; c < items; ++c) {
      for (uint32_t n : terms.class_nodes[c]) {
        const auto row = terms.node_operands[n];
        reads.entries.insert(reads.entries.end(), row.begin(), row.end());
      }
      reads.close_row();
    }
    const auto component = components(reads);
    order_.resize(items);
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return component[a] < component[b]; });
  }

  // False where the fixed point was not reached: the sets would then be too large.
  bool run() {
    for (int pass = 0; pass < kMaxPasses; ++pass) {
      bool changed = false;
      for (uint32_t c : order_) changed |= update(c);
      if (!changed) return true;
    }
    return false;
  }

  const uint64_t* row(uint32_t c) const { return bits_.data() + uint64_t{c} * words_; }
  uint64_t words() const { return words_; }
  // Nearest first: of what `set` holds, each class that no other one there needs, latest in order first.
  void nearest(std::vector<uint64_t> set, Rows& out) const {
    for (size_t p = order_.size(); p-- > 0;) {
      const uint32_t d = order_[p];
      if (!has(set.data(), d)) continue;
      out.entries.push_back(d);
      for (uint64_t w = 0; w < words_; ++w) set[w] &= ~row(d)[w];
    }
  }
  static bool has(const uint64_t* row, uint32_t c) { return row[c / 64] >> (c % 64) & 1; }

 private:
  bool update(uint32_t c) {
    if (terms_.class_nodes[c].empty()) return false;  // given, or never computed
    std::fill(meet_.begin(), meet_.end(), ~uint64_t{0});
    for (uint32_t n : terms_.class_nodes[c]) {
      std::fill(scratch_.begin(), scratch_.end(), 0);
      for (uint32_t o : terms_.node_operands[n]) {
        const uint64_t* from = row(o);
        for (uint64_t w = 0; w < words_; ++w) scratch_[w] |= from[w];
      }
      for (uint64_t w = 0; w < words_; ++w) meet_[w] &= scratch_[w];
    }
    meet_[c / 64] |= uint64_t{1} << (c % 64);
    uint64_t* to = bits_.data() + uint64_t{c} * words_;
    const bool changed = !std::equal(meet_.begin(), meet_.end(), to);
    std::copy(meet_.begin(), meet_.end(), to);
    return changed;
  }

  const Terms& terms_;
  uint64_t words_;
  std::vector<uint64_t> bits_, meet_, scratch_;
  std::vector<uint32_t> order_;
};

}  // namespace

Terms trusted_terms(const Problem& problem, const Hypergraph& graph, const std::vector<uint32_t>& candidate) {
  if (problem.term_nodes.empty()) return {};
  return Collector(problem, graph, candidate).collect();
}

Dominators term_dominators(const Terms& terms, const Hypergraph& graph) {
  Dominators out;
  out.forced.assign(graph.items, 0);
  for (uint32_t r : graph.roots) out.forced[r] = 1;
  if (uint64_t{graph.items} * graph.items > kMaxBits) {
    for (uint32_t c = 0; c < graph.items; ++c) out.immediate.close_row();
    return out;
  }
  Required required(terms, graph.items);
  const bool reached = required.run();
  for (uint32_t r : graph.roots) {
    for (uint32_t c = 0; reached && c < graph.items; ++c) {
      if (Required::has(required.row(r), c) && !terms.class_nodes[c].empty()) out.forced[c] = 1;
    }
  }
  std::vector<uint64_t> open(required.words(), 0), set;  // classes that may be computed and need not
  for (uint32_t c = 0; c < graph.items; ++c) {
    if (!out.forced[c] && !terms.class_nodes[c].empty()) open[c / 64] |= uint64_t{1} << (c % 64);
  }
  for (uint32_t c = 0; c < graph.items; ++c) {
    if (reached && Required::has(open.data(), c)) {
      set = open;
      for (uint64_t w = 0; w < required.words(); ++w) set[w] &= required.row(c)[w];
      set[c / 64] &= ~(uint64_t{1} << (c % 64));
      required.nearest(std::move(set), out.immediate);
    }
    out.immediate.close_row();
  }
  return out;
}

Hypergraph with_computed(const Hypergraph& graph, const Terms& terms) {
  const std::vector<uint8_t> forced = term_dominators(terms, graph).forced;
  Hypergraph out = graph;
  out.items = 2 * graph.items;
  out.results = {};
  for (uint32_t k = 0; k < graph.size(); ++k) {
    std::vector<uint32_t> row(graph.results[k].begin(), graph.results[k].end());
    for (uint32_t n : terms.covers[k]) {
      if (forced[terms.node_class[n]]) row.push_back(graph.items + terms.node_class[n]);
    }
    std::sort(row.begin(), row.end());
    row.erase(std::unique(row.begin(), row.end()), row.end());
    out.results.entries.insert(out.results.entries.end(), row.begin(), row.end());
    out.results.close_row();
  }
  for (uint32_t c = 0; c < graph.items; ++c) {
    if (forced[c] && !terms.class_nodes[c].empty()) out.roots.push_back(graph.items + c);
  }
  out.producers = out.results.transposed(out.items);
  out.consumers = out.operands.transposed(out.items);
  return out;
}

}  // namespace egret::extract
