// ENodes: the e-nodes as flat arrays, append-only.
//
// An e-node keeps its operands twice: exact (as given at insertion: the term it names) and canonical (as of the last
// repair).  Of several congruent e-nodes the lowest id is live; the others are buried: they keep their exact operands,
// and the place of their first canonical operand names the e-node that replaced them.
#pragma once

#include <span>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

class ENodes {
 public:
  ENodes() : offset_(1, 0) {}

  size_t size() const { return op_.size(); }
  OpKind op(Id n) const { return op_[n]; }
  AttrId attr(Id n) const { return attr_[n]; }
  uint32_t arity(Id n) const { return offset_[n + 1] - offset_[n]; }
  bool live(Id n) const { return !(buried_[n >> 6] >> (n & 63) & 1); }
  std::span<const Id> exact(Id n) const { return {exact_.data() + offset_[n], arity(n)}; }

  // Of a live e-node its own; of a buried one those of the e-node that replaced it.
  std::span<const Id> canonical(Id n) const {
    n = live_form(n);
    return {canonical_.data() + offset_[n], arity(n)};
  }
  // The fast path of `canonical`.  Requires: live(n).
  const Id* canonical_of_live(Id n) const { return canonical_.data() + offset_[n]; }
  Id* canonical_of_live(Id n) { return canonical_.data() + offset_[n]; }
  Id live_form(Id n) const {
    while (!live(n)) n = canonical_[offset_[n]];
    return n;
  }

  // Requires: `exact` and `canonical` do not point into these arrays.
  Id add(OpKind op, AttrId attr, std::span<const Id> exact, std::span<const Id> canonical) {
    const Id id = static_cast<Id>(op_.size());
    op_.push_back(op);
    attr_.push_back(attr);
    exact_.insert(exact_.end(), exact.begin(), exact.end());
    canonical_.insert(canonical_.end(), canonical.begin(), canonical.end());
    offset_.push_back(static_cast<uint32_t>(exact_.size()));
    if ((id & 63) == 0) buried_.push_back(0);
    return id;
  }

  // Requires: `n` is live, has operands (an e-node without operands is never added twice) and is congruent to `kept`.
  void bury(Id n, Id kept) {
    buried_[n >> 6] |= uint64_t{1} << (n & 63);
    canonical_[offset_[n]] = kept;
  }

  void reserve(size_t nodes, size_t operands) {
    op_.reserve(nodes);
    attr_.reserve(nodes);
    offset_.reserve(nodes + 1);
    buried_.reserve(nodes / 64 + 1);
    exact_.reserve(operands);
    canonical_.reserve(operands);
  }
  size_t operand_count() const { return exact_.size(); }
  uint64_t bytes() const {
    return (op_.capacity() + attr_.capacity() + offset_.capacity() + exact_.capacity() + canonical_.capacity()) *
               sizeof(uint32_t) +
           buried_.capacity() * sizeof(uint64_t);
  }

 private:
  std::vector<OpKind> op_;
  std::vector<AttrId> attr_;
  std::vector<uint32_t> offset_;  // operands of n: offset_[n] .. offset_[n + 1]
  std::vector<Id> exact_, canonical_;
  std::vector<uint64_t> buried_;  // one bit an e-node
};

}  // namespace egret::egraph
