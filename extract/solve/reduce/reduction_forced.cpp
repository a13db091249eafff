// The reductions that need to see the whole graph: what every way to make an item needs (dominators of an AND-OR
// graph, as the greatest fixed point), and which forced items nothing has to wait for.
#include <bit>
#include <span>

#include "extract/solve/reduce/by_operand.h"
#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {
namespace {

constexpr uint64_t kMaxBits = uint64_t{64} << 23;   // 64 MB of bit sets

// Req(c) = {c} and, for every producer of c, all that its operands need, intersected over the producers: the greatest
// such sets.  They begin as sets of everything, and shrink.  Nothing of a later component is in them, so their words end
// with their own.
class Requirements {
 public:
  Requirements(ReductionGraph& g, const StopCheck& stop)
      : g_(g), stop_(stop), component_(components(g.dependency())), number_(g.items(), UINT32_MAX), queued_(g.items(), 0) {
    find_order();
    for (uint32_t p = 0; p < order_.size(); ++p) number_[order_[p]] = p;
  }

  // False where it would take too much; then nothing is known.
  bool run() {
    if (!lay_out()) return false;
    for (size_t p = 0, end = 0; p < order_.size(); p = end) {
      end = end_of_component(p);
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
  std::span<const uint64_t> before(uint32_t k) {
    const Span reads = g_.operands(k);
    if (reads.size() == 1) return row(reads[0]);
    size_t top = 0;
    for (uint32_t o : reads) {
      const auto need = row(o);
      for (size_t w = 0; w < std::min(top, need.size()); ++w) scratch_[w] |= need[w];
      for (size_t w = top; w < need.size(); ++w) scratch_[w] = need[w];
      top = std::max(top, need.size());
    }
    spend(top * reads.size());
    return {scratch_.data(), top};
  }
  bool before_has(uint32_t k, uint32_t item) const {
    const Span reads = g_.operands(k);
    return std::any_of(reads.begin(), reads.end(), [&](uint32_t o) { return has(row(o), item); });
  }
  bool has(std::span<const uint64_t> set, uint32_t item) const {
    const size_t word = number_[item] / 64;
    return word < set.size() && (set[word] >> (number_[item] % 64) & 1);
  }
  template <typename Test>
  bool any_in(std::span<const uint64_t> set, const Test& test) const {
    for (size_t w = 0; w < set.size(); ++w) {
      for (uint64_t bits = set[w]; bits != 0; bits &= bits - 1) {
        if (test(order_[64 * w + static_cast<size_t>(std::countr_zero(bits))])) return true;
      }
    }
    return false;
  }
  const List& order() const { return order_; }

 private:
  // Component by component from below, and within one as items can be made: most sets are right at first.
  void find_order() {
    List missing(g_.size(), 0), made, place(g_.items(), UINT32_MAX);
    const auto run = [&](uint32_t k) {
      for (uint32_t i : g_.results(k)) {
        if (place[i] == UINT32_MAX) place[i] = static_cast<uint32_t>(made.size()), made.push_back(i);
      }
    };
    for (uint32_t k = 0; k < g_.size(); ++k) {
      missing[k] = static_cast<uint32_t>(g_.operands(k).size());
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

  size_t end_of_component(size_t p) const {
    size_t end = p + 1;
    while (end < order_.size() && component_[order_[end]] == component_[order_[p]]) ++end;
    return end;
  }

  bool lay_out() {
    start_.assign(1, 0);
    for (size_t p = 0; p < order_.size();) {
      const size_t end = end_of_component(p);
      for (; p < end; ++p) start_.push_back(start_.back() + (end + 63) / 64);
      if (64 * start_.back() > kMaxBits) return false;
    }
    bits_.assign(start_.back(), ~uint64_t{0});
    meet_.resize((order_.size() + 63) / 64);
    scratch_.resize(meet_.size());
    return true;
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
          for (uint32_t i : g_.results(k)) {
            if (component_[i] == component_[item]) queued_[i] = 1, again = true;
          }
        }
      }
    }
    return true;
  }

  std::span<const uint64_t> row(uint32_t item) const {
    const uint32_t p = number_[item];
    return {bits_.data() + start_[p], start_[p + 1] - start_[p]};
  }
  void spend(size_t words) { g_.requirement_steps -= std::min<uint64_t>(g_.requirement_steps, words); }

  bool update(uint32_t item) {
    uint64_t* const to = bits_.data() + start_[number_[item]];
    const size_t words = row(item).size();
    size_t top = words;  // nothing above it is in the meet
    bool first = true;
    for (uint32_t k : g_.producers(item)) {
      const auto need = before(k);
      top = std::min(top, need.size());
      if (first) {
        std::copy_n(need.begin(), top, meet_.begin());
      } else {
        for (size_t w = 0; w < top; ++w) meet_[w] &= need[w];
      }
      first = false;
      spend(top);
    }
    std::fill(meet_.begin() + static_cast<ptrdiff_t>(top), meet_.begin() + static_cast<ptrdiff_t>(words), 0);
    meet_[number_[item] / 64] |= uint64_t{1} << (number_[item] % 64);
    if (std::equal(to, to + words, meet_.begin())) return false;
    std::copy_n(meet_.begin(), words, to);
    return true;
  }

  ReductionGraph& g_;
  const StopCheck& stop_;
  const List component_;
  List order_, number_;
  std::vector<uint8_t> queued_;
  std::vector<size_t> start_;   // of the words of each item, in the order of items
  std::vector<uint64_t> bits_, meet_, scratch_;
  uint64_t looks_ = 0;
};

bool drop_circular(ReductionGraph& g, const Requirements& required, uint32_t k) {
  List makes;
  for (uint32_t i : g.results(k)) {
    if (required.before_has(k, i)) {
      g.note(Rule::kCircular, k, i);
    } else {
      makes.push_back(i);
    }
  }
  if (makes.size() == g.results(k).size()) return false;
  g.set_results(k, makes);
  return true;
}

// Another may stand for `k` where all that it reads is there before `k` starts.
bool drop_by_requirements(ReductionGraph& g, Requirements& required, uint32_t item, ByOperand& index) {
  const Span list = g.producers(item);
  if (list.size() < 2) return false;
  bool changed = false;
  index.index(list);
  for (uint32_t k : list) {
    const auto before = required.before(k);
    const auto stands_for_it = [&](uint32_t other) {
      if (other == k || !g.alive[other] || g.cost[other] > g.cost[k] || g.fold[other] > g.fold[k]) return false;
      const Span reads = g.operands(other);
      if (!std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return required.has(before, o); })) return false;
      if (!std::ranges::includes(g.results(other), g.results(k))) return false;
      g.note(Rule::kDominated, k, other);
      return true;
    };
    if (!index.any_without_operands(stands_for_it) && !required.any_in(before, [&](uint32_t o) { return index.any(o, stands_for_it); })) continue;
    g.kill(k);
    changed = true;
  }
  return changed;
}

}  // namespace

bool unlink_forced(ReductionGraph& g) {
  const auto component = components(g.dependency());
  bool changed = false;
  for (uint32_t d = 0; d < g.items(); ++d) {
    if (!g.root[d]) continue;
    for (uint32_t k : g.consumers(d)) {
      const Span makes = g.results(k);
      if (std::any_of(makes.begin(), makes.end(), [&](uint32_t i) { return component[i] == component[d]; })) continue;
      g.note(Rule::kUnlinked, k, d);
      g.replace_operand(k, d, {});
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
  ByOperand index(g);
  for (uint32_t i : required.order()) changed |= drop_by_requirements(g, required, i, index);
  return changed;
}

}  // namespace egret::extract
