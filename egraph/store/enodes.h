// ENodes: the e-nodes as flat arrays, append-only.
//
// An e-node is one row of 16 bytes under its id: operator, arity, attributes and up to two operands in place; more
// operands stand in a pool and the row names their place.  Operands are canonical as of the last repair.  Of several
// congruent e-nodes the lowest id is live; the others are buried: their first operand names the e-node that replaced
// them.  With explanations, the operands as given at insertion (the exact term) are kept besides.
#pragma once

#include <span>
#include <string>

#include "egraph/egraph.h"
#include "egraph/store/array.h"

namespace egret::egraph {

struct Row {
  uint32_t head;   // operator in 24 bits, arity in 8 (255: that or more)
  AttrId attr;
  Id operand[2];   // unused ones are 0; of a wide row {place in the pool, number of operands}

  OpKind op() const { return head & 0xffffff; }
  bool wide() const { return head >> 24 > 2; }
  uint32_t arity() const { return wide() ? operand[1] : head >> 24; }
};
static_assert(sizeof(Row) == 16);
inline constexpr OpKind kMaxOp = 0xffffff;

inline uint32_t row_head(OpKind op, size_t arity) { return op | static_cast<uint32_t>(arity < 255 ? arity : 255) << 24; }

class ENodes {
 public:
  size_t size() const { return rows_.size(); }
  const Row& row(Id n) const { return rows_[n]; }
  Row& row(Id n) { return rows_[n]; }
  OpKind op(Id n) const { return rows_[n].op(); }
  AttrId attr(Id n) const { return rows_[n].attr; }
  bool live(Id n) const { return !buried_.test(n); }

  // Calls visit(e-node) for the live ones from `begin` (a multiple of 64) to `end`, ascending.
  template <class Visit>
  void for_each_live(size_t begin, size_t end, const Visit& visit) const {
    for (size_t at = begin; at < end; at += 64) {
      uint64_t left = ~buried_.words()[at >> 6];
      if (end - at < 64) left &= (uint64_t{1} << (end - at)) - 1;
      for (; left != 0; left &= left - 1) visit(static_cast<Id>(at + static_cast<size_t>(__builtin_ctzll(left))));
    }
  }
  template <class Visit>
  void for_each_live(const Visit& visit) const {
    for_each_live(0, size(), visit);
  }

  // Calls visit(e-node) for the live ones from `begin` to `end`, ascending, that have an operand whose bit is set.
  template <class Visit>
  void for_each_reading(const Bits& among, size_t begin, size_t end, const Visit& visit) const {
    const uint64_t* const words = among.words().data();
    const auto bit = [words](Id operand) { return words[operand >> 6] >> (operand & 63); };
    for (size_t n = begin; n < end; ++n) {
      // Of small ones what stands in place: operands, or 0, or, of buried ones, another id.
      const Row& row = rows_[n];
      if (!row.wide() && ((bit(row.operand[0]) | bit(row.operand[1])) & 1) == 0) continue;
      const Id node = static_cast<Id>(n);
      if (!live(node)) continue;
      for (const Id operand : of_live(node)) {
        if (!among.test(operand)) continue;
        visit(node);
        break;
      }
    }
  }

  // Operands of a row, in place or in the pool.
  const Id* operands_of(const Row& row) const { return row.wide() ? pool_.data() + row.operand[0] : row.operand; }
  std::span<const Id> of_live(Id n) const { return {operands_of(rows_[n]), rows_[n].arity()}; }
  Id* writable(Id n) { return const_cast<Id*>(operands_of(rows_[n])); }

  // Of a live e-node its own; of a buried one those of the e-node that replaced it.
  std::span<const Id> canonical(Id n) const { return of_live(live_form(n)); }
  Id live_form(Id n) const {
    while (!live(n)) n = rows_[n].operand[0];
    return n;
  }
  // As given at insertion.  Where `keeps_exact` is off, as `canonical`.
  std::span<const Id> exact(Id n) const {
    if (!keeps_exact_) return canonical(n);
    const uint32_t arity = rows_[n].head >> 24;
    if (arity <= 2) return {exact_[n].operand, arity};
    return {exact_pool_.data() + exact_[n].operand[0], exact_[n].operand[1]};
  }

  void keep_exact(bool keep) { keeps_exact_ = keep; }
  bool keeps_exact() const { return keeps_exact_; }

  // A key with at most two operands.
  static Row key(OpKind op, AttrId attr, const Id* operands, size_t count) {
    return {row_head(op, count), attr, {count > 0 ? operands[0] : 0, count > 1 ? operands[1] : 0}};
  }
  // Appends an e-node.  Requires: the operands do not point into these arrays.
  Id add(OpKind op, AttrId attr, std::span<const Id> exact, std::span<const Id> canonical) {
    Row row = key(op, attr, canonical.data(), canonical.size() > 2 ? 0 : canonical.size());
    Pair pair{};
    if (canonical.size() > 2) {
      row.head = row_head(op, canonical.size());
      const uint32_t place = static_cast<uint32_t>(pool_.size()), count = static_cast<uint32_t>(canonical.size());
      row.operand[0] = place;
      row.operand[1] = count;
      pool_.append(canonical.data(), count);
      if (keeps_exact_) exact_pool_.append(exact.data(), count);
      pair = {{place, count}};
    } else {
      for (size_t i = 0; i < exact.size(); ++i) pair.operand[i] = exact[i];
    }
    rows_.push_back(row);
    if (keeps_exact_) exact_.push_back(pair);
    buried_.cover(rows_.size());
    return static_cast<Id>(rows_.size() - 1);
  }
  // Appends `count` e-nodes of at most two operands, to be written by `row` and `set_exact`.
  template <class Workers>
  void add_rows(size_t count, const Workers& workers) {
    rows_.extend(count, workers);
    if (keeps_exact_) exact_.extend(count, workers);
    buried_.cover(rows_.size());
  }
  void set_exact(Id n, Id first, Id second) { exact_[n] = {{first, second}}; }
  // Of the e-nodes from `first` on (at most two operands): exact operands are the canonical ones.
  void copy_exact(Id first) {
    for (size_t n = first; n < size(); ++n) exact_[n] = {{rows_[n].operand[0], rows_[n].operand[1]}};
  }
  // Forgets the last e-nodes.
  void truncate(size_t count) {
    rows_.resize(count);
    if (keeps_exact_) exact_.resize(count);
    buried_.cover(count);
  }

  // Requires: `n` is live, has operands (an e-node without operands is never added twice) and is congruent to `kept`.
  void bury(Id n, Id kept) {
    buried_.set(n);
    if (!rows_[n].wide()) rows_[n].operand[1] = 0;
    rows_[n].operand[0] = kept;
  }

  void reserve(size_t nodes, size_t operands) {
    rows_.reserve(nodes);
    if (operands > 2 * nodes) pool_.reserve(operands - 2 * nodes);
    if (keeps_exact_) exact_.reserve(nodes);
  }
  // Of arrays that were read from outside: what is wrong with their lengths and exact operands, or nothing.
  std::string check_lengths() const {
    if (buried_.words().size() != (size() + 63) / 64) return "its arrays differ in length";
    if (exact_.size() != (keeps_exact_ ? size() : 0)) return "its arrays differ in length";
    if (exact_pool_.size() != (keeps_exact_ ? pool_.size() : 0)) return "its arrays differ in length";
    for (Id n = 0; keeps_exact_ && n < size(); ++n) {
      if (rows_[n].head >> 24 > 2 && uint64_t{exact_[n].operand[0]} + exact_[n].operand[1] > exact_pool_.size()) {
        return "an e-node's operands are wrong";
      }
      for (const Id operand : exact(n)) {
        if (operand >= size()) return "an operand is no e-node";
      }
    }
    return {};
  }
  size_t pool_size() const { return pool_.size(); }
  uint64_t bytes() const {
    return rows_.bytes() + pool_.bytes() + exact_.bytes() + exact_pool_.bytes() + buried_.bytes();
  }

  // Bytes that so many more e-nodes of at most two operands take.
  uint64_t growth(size_t nodes) const { return rows_.growth(nodes) + (keeps_exact_ ? exact_.growth(nodes) : 0) + nodes / 8; }

  template <class Visit>
  void visit_arrays(Visit&& visit) {  // for snapshots
    visit(rows_), visit(pool_), visit(exact_), visit(exact_pool_), visit(buried_.words());
  }

 private:
  struct Pair {
    Id operand[2];
  };
  Array<Row> rows_;
  Array<Id> pool_;
  Array<Pair> exact_;
  Array<Id> exact_pool_;  // in step with pool_
  Bits buried_;
  bool keeps_exact_ = false;
};

}  // namespace egret::egraph
