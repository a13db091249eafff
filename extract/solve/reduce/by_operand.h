// The producers of one item by the rarest of their operands: which of them read nothing but what is given is found
// without a look at the others.
#pragma once

#include "extract/solve/reduce/reduction_graph.h"

namespace egret::extract {

class ByOperand {
 public:
  explicit ByOperand(ReductionGraph& g) : g_(g), first_(g.items() + 1, kNone) {}

  void index(Span producers) {
    for (uint32_t key : keys_) first_[key] = kNone;
    keys_.clear();
    members_.assign(producers.begin(), producers.end());
    next_.resize(members_.size());
    for (size_t m = members_.size(); m-- > 0;) {
      const uint32_t key = rarest(g_.operands(members_[m]));
      if (first_[key] == kNone) keys_.push_back(key);
      next_[m] = first_[key];
      first_[key] = static_cast<uint32_t>(m);
    }
  }
  // Is it true of one of those that read nothing, or whose rarest operand is `operand`?
  template <typename Test>
  bool any_without_operands(const Test& test) const { return any(g_.items(), test); }
  template <typename Test>
  bool any(uint32_t operand, const Test& test) const {
    for (uint32_t m = first_[operand]; m != kNone; m = next_[m]) {
      if (test(members_[m])) return true;
    }
    return false;
  }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t rarest(Span reads) const {
    uint32_t best = g_.items();
    for (uint32_t o : reads) {
      if (best == g_.items() || g_.reader_count(o) < g_.reader_count(best)) best = o;
    }
    return best;
  }

  ReductionGraph& g_;
  List first_, next_, members_, keys_;
};

}  // namespace egret::extract
