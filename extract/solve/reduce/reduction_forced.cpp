// The reductions that need to see the whole graph: what every way to make an item needs (dominators of an AND-OR
// graph, as the greatest fixed point), and which forced items nothing has to wait for.
#include <span>

#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

constexpr uint64_t kMaxBits = uint64_t{64} << 23;   // 64 MB of bit sets
constexpr size_t kMaxClass = 3000;                  // dominance looks at pairs

// Req(c) = {c} and, for every producer of c, all that its operands need, intersected over the producers: the greatest
// such sets.  They begin as sets of everything, and shrink.
class Requirements {
 public:
  Requirements(ReductionGraph& g, const StopCheck& stop)
      : g_(g), stop_(stop), component_(components(g.dependency())), number_(g.items(), UINT32_MAX), queued_(g.items(), 0) {
    find_order();
    for (uint32_t p = 0; p < order_.size(); ++p) number_[order_[p]] = p;
    words_ = (order_.size() + 63) / 64;
  }

  // False where it would take too much; then nothing is known.
  bool run() {
    if (uint64_t{words_} * 64 * order_.size() > kMaxBits) return false;
    bits_.assign(words_ * order_.size(), ~uint64_t{0});
    meet_.resize(words_);
    scratch_.resize(words_);
    for (size_t p = 0, end = 0; p < order_.size(); p = end) {
      while (end < order_.size() && component_[order_[end]] == component_[order_[p]]) ++end;
      if (!settle(std::span(order_).subspan(p, end - p))) return false;
    }
    return true;
  }

  // In the order of items.
  List needed_by(uint32_t item) const {
    List out;
    for (uint32_t other : order_) {
      if (has(row(item), other)) out.push_back(other);
    }
    return out;
  }
  // What has been made before `k` can start.
  const uint64_t* before(uint32_t k) {
    std::fill(scratch_.begin(), scratch_.end(), 0);
    for (uint32_t o : g_.operands[k]) {
      const uint64_t* need = row(o);
      for (size_t w = 0; w < words_; ++w) scratch_[w] |= need[w];
    }
    g_.requirement_steps -= std::min<uint64_t>(g_.requirement_steps, words_ * g_.operands[k].size());
    return scratch_.data();
  }
  bool has(const uint64_t* set, uint32_t item) const { return set[number_[item] / 64] >> (number_[item] % 64) & 1; }
  const List& order() const { return order_; }

 private:
  // Component by component from below, and within one as items can be made: most sets are right at first.
  void find_order() {
    List missing(g_.size(), 0), made, place(g_.items(), UINT32_MAX);
    const auto run = [&](uint32_t k) {
      for (uint32_t i : g_.results[k]) {
        if (place[i] == UINT32_MAX) place[i] = static_cast<uint32_t>(made.size()), made.push_back(i);
      }
    };
    for (uint32_t k = 0; k < g_.size(); ++k) {
      missing[k] = static_cast<uint32_t>(g_.operands[k].size());
      if (g_.alive[k] && missing[k] == 0) run(k);
    }
    for (size_t p = 0; p < made.size(); ++p) {
      for (uint32_t k : g_.consumers(made[p])) {
        if (--missing[k] == 0) run(k);
      }
    }
    order_ = made;
    std::stable_sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) { return component_[a] < component_[b]; });
  }

  bool settle(std::span<const uint32_t> together) {
    for (uint32_t i : together) queued_[i] = 1;
    for (bool again = true; again;) {
      again = false;
      for (uint32_t item : together) {
        if (!queued_[item]) continue;
        queued_[item] = 0;
        if (g_.requirement_steps == 0 || ((++looks_ & 63) == 0 && stop_())) return false;
        if (!update(item) || together.size() == 1) continue;
        for (uint32_t k : g_.consumers(item)) {
          for (uint32_t i : g_.results[k]) {
            if (component_[i] == component_[item]) queued_[i] = 1, again = true;
          }
        }
      }
    }
    return true;
  }

  const uint64_t* row(uint32_t item) const { return bits_.data() + words_ * number_[item]; }

  bool update(uint32_t item) {
    std::fill(meet_.begin(), meet_.end(), ~uint64_t{0});
    for (uint32_t k : g_.producers(item)) {
      const uint64_t* need = before(k);
      for (size_t w = 0; w < words_; ++w) meet_[w] &= need[w];
    }
    meet_[number_[item] / 64] |= uint64_t{1} << (number_[item] % 64);
    uint64_t* to = bits_.data() + words_ * number_[item];
    if (std::equal(meet_.begin(), meet_.end(), to)) return false;
    std::copy(meet_.begin(), meet_.end(), to);
    return true;
  }

  ReductionGraph& g_;
  const StopCheck& stop_;
  const List component_;
  List order_, number_;
  std::vector<uint8_t> queued_;
  size_t words_ = 0;
  std::vector<uint64_t> bits_, meet_, scratch_;
  uint64_t looks_ = 0;
};

bool drop_circular(ReductionGraph& g, Requirements& required, uint32_t k) {
  const uint64_t* before = required.before(k);
  List makes;
  for (uint32_t i : g.results[k]) {
    if (required.has(before, i)) {
      g.note(Rule::kCircular, k, i);
    } else {
      makes.push_back(i);
    }
  }
  if (makes.size() == g.results[k].size()) return false;
  g.set_results(k, std::move(makes));
  return true;
}

// `other` may stand for `k` where all that it reads is there before `k` starts.
bool drop_by_requirements(ReductionGraph& g, Requirements& required, uint32_t item) {
  const List list = g.producers(item);
  if (list.size() < 2 || list.size() > kMaxClass) return false;
  bool changed = false;
  for (uint32_t k : list) {
    const uint64_t* before = required.before(k);
    for (uint32_t other : list) {
      if (other == k || !g.alive[other] || g.cost[other] > g.cost[k] || g.fold[other] > g.fold[k]) continue;
      const auto& reads = g.operands[other];
      if (!std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return required.has(before, o); })) continue;
      if (!std::includes(g.results[other].begin(), g.results[other].end(), g.results[k].begin(), g.results[k].end())) continue;
      g.note(Rule::kDominated, k, other);
      g.kill(k);
      changed = true;
      break;
    }
  }
  return changed;
}

}  // namespace

bool unlink_forced(ReductionGraph& g) {
  const auto component = components(g.dependency());
  bool changed = false;
  for (uint32_t d = 0; d < g.items(); ++d) {
    if (!g.root[d]) continue;
    for (uint32_t k : List(g.consumers(d))) {
      const auto& makes = g.results[k];
      if (std::any_of(makes.begin(), makes.end(), [&](uint32_t i) { return component[i] == component[d]; })) continue;
      g.note(Rule::kUnlinked, k, d);
      g.set_operands(k, merged_without(g.operands[k], d, {}));
      changed = true;
    }
  }
  return changed;
}

bool use_requirements(ReductionGraph& g, const StopCheck& stop) {
  Requirements required(g, stop);
  if (!required.run()) return false;
  bool changed = false;
  for (uint32_t r : required.order()) {
    if (!g.root[r]) continue;
    for (uint32_t i : required.needed_by(r)) {
      if (g.root[i]) continue;
      g.force(i, r);
      changed = true;
    }
  }
  for (uint32_t k = 0; k < g.size(); ++k) {
    if (g.alive[k]) changed |= drop_circular(g, required, k);
  }
  for (uint32_t i : required.order()) changed |= drop_by_requirements(g, required, i);
  return changed;
}

}  // namespace egret::extract
