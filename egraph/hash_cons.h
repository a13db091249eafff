// HashCons: from the key of an e-node (operator, attributes, canonical operands) to its id.
//
// Open addressing with linear probing over slots {32-bit tag, id}; the keys themselves stay in the e-node arrays, so
// the caller passes a comparison.  The tag is the whole hash and gives the home slot too: growing touches no key, and
// erasing shifts entries back instead of leaving tombstones.
// Invariant: a live e-node stands here once, under the tag of its stored canonical operands (which may be stale until
// the next rebuild).
#pragma once

#include <cstdint>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

inline uint32_t enode_tag(OpKind op, AttrId attr, const Id* operands, size_t count) {
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
  uint64_t hash = ((uint64_t{attr} << 32 | op) + count) * kMultiplier;
  for (size_t i = 0; i < count; ++i) {
    hash = ((hash << 23 | hash >> 41) ^ operands[i]) * kMultiplier;
  }
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
  return static_cast<uint32_t>(hash >> 32);
}

class HashCons {
 public:
  HashCons() : slots_(kFirstCapacity) {}

  // The slot's id, for reading or replacing; null where no entry has this tag and satisfies `same`.
  template <class Same>
  Id* find(uint32_t tag, const Same& same) {
    for (size_t i = tag & mask();; i = (i + 1) & mask()) {
      Slot& slot = slots_[i];
      if (slot.id == kNoId) return nullptr;
      if (slot.tag == tag && same(slot.id)) return &slot.id;
    }
  }
  template <class Same>
  const Id* find(uint32_t tag, const Same& same) const {
    return const_cast<HashCons*>(this)->find(tag, same);
  }

  // Requires: no entry with an equal key.
  void insert(uint32_t tag, Id id) {
    if ((used_ + 1) * 3 > slots_.size() * 2) grow(slots_.size() * 2);
    place(tag, id);
    ++used_;
  }

  // Requires: `id` stands under `tag`.
  void erase(uint32_t tag, Id id) {
    size_t hole = tag & mask();
    while (slots_[hole].id != id) hole = (hole + 1) & mask();
    for (size_t i = (hole + 1) & mask(); slots_[i].id != kNoId; i = (i + 1) & mask()) {
      const size_t home = slots_[i].tag & mask();
      if (((i - home) & mask()) < ((i - hole) & mask())) continue;  // would move before its home
      slots_[hole] = slots_[i];
      hole = i;
    }
    slots_[hole].id = kNoId;
    --used_;
  }

  void reserve(size_t entries) {
    size_t capacity = slots_.size();
    while (entries * 3 > capacity * 2) capacity *= 2;
    if (capacity > slots_.size()) grow(capacity);
  }

  uint64_t bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag = 0;
    Id id = kNoId;  // kNoId: empty
  };
  static constexpr size_t kFirstCapacity = 64;  // a power of two

  size_t mask() const { return slots_.size() - 1; }
  void place(uint32_t tag, Id id) {
    size_t i = tag & mask();
    while (slots_[i].id != kNoId) i = (i + 1) & mask();
    slots_[i] = {tag, id};
  }
  void grow(size_t capacity) {
    std::vector<Slot> old(capacity);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.id != kNoId) place(slot.tag, slot.id);
    }
  }

  std::vector<Slot> slots_;  // size is a power of two, at most two thirds full
  size_t used_ = 0;
};

}  // namespace egret::egraph
