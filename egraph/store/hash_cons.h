// HashCons: from the key of an e-node (operator, attributes, canonical operands) to its id.
//
// Open addressing with linear probing over slots of 8 bytes {32-bit tag, id}; the keys stay in the rows, so the caller
// passes a comparison.  The tag is the whole hash and its high bits are the home slot: growing reads no key and writes
// in order, within the memory that grows.  An erased entry leaves a tombstone until the table is written anew.
// Invariant: a live e-node stands here once, under the tag of its stored operands (which may be stale until the next
// rebuild).  Where a slot stands does not show in any result, so threads may insert in any order (intern.cpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "egraph/store/array.h"
#include "egraph/store/enodes.h"
#include "support/workers.h"

namespace egret::egraph {

inline uint32_t tag_of(uint32_t head, AttrId attr, const Id* operands, size_t count) {
  constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
  uint64_t hash = (uint64_t{attr} << 32 | head) * kMultiplier;
  for (size_t i = 0; i < count || i == 0; i += 2) {  // at least one pair, as in a row
    const uint64_t pair = (i < count ? operands[i] : 0) | uint64_t{i + 1 < count ? operands[i + 1] : 0} << 32;
    hash = ((hash ^ hash >> 29) + pair) * 0xd6e8feb86659fd93ULL;
  }
  return static_cast<uint32_t>((hash ^ hash >> 32) * kMultiplier >> 32);
}
inline uint32_t tag_of(const Row& key) { return tag_of(key.head, key.attr, key.operand, 2); }  // not of wide rows

class HashCons {
 public:
  using Slot = uint64_t;  // tag in the high half; in the low half ~id, so that zero is an empty slot
  static Slot slot(uint32_t tag, Id id) { return Slot{tag} << 32 | static_cast<uint32_t>(~id); }
  static Id id_of(Slot slot) { return ~static_cast<uint32_t>(slot); }
  static uint32_t tag_of_slot(Slot slot) { return static_cast<uint32_t>(slot >> 32); }
  static bool empty(Slot slot) { return static_cast<uint32_t>(slot) == 0; }
  static constexpr Id kTombstone = kNoId - 1;

  HashCons() { rewrite(kFirstCapacity, Workers()); }

  size_t home(uint32_t tag) const { return static_cast<size_t>((uint64_t{tag} << 32) >> shift_); }
  size_t next(size_t at) const { return (at + 1) & mask_; }
  Slot& at(size_t place) { return slots_[place]; }
  const Slot& at(size_t place) const { return slots_[place]; }
  // What the home slot of the tag holds, while other threads may write to it.
  Slot peek(uint32_t tag) const {
    return std::atomic_ref<Slot>(const_cast<Slot&>(slots_[home(tag)])).load(std::memory_order_relaxed);
  }
  void prefetch(uint32_t tag) const { __builtin_prefetch(&slots_[home(tag)]); }
  // As `prefetch`, and takes the slot from the caches of other processors: else the write would wait for that.
  void prefetch_to_write(uint32_t tag) const {
#ifdef __x86_64__
    asm volatile("prefetchw %0" : : "m"(slots_[home(tag)]));  // which compilers write only where all processors have it
#else
    __builtin_prefetch(&slots_[home(tag)], 1);
#endif
  }

  // The id under `tag` that satisfies `same`; kNoId where there is none.
  template <class Same>
  Id find(uint32_t tag, const Same& same) const {
    for (size_t i = home(tag);; i = next(i)) {
      const Slot found = slots_[i];
      if (empty(found)) return kNoId;
      if (tag_of_slot(found) == tag && id_of(found) < kTombstone && same(id_of(found))) return id_of(found);
    }
  }
  // Place of an entry known to be there.
  size_t place_of(uint32_t tag, Id id) const {
    size_t i = home(tag);
    while (slots_[i] != slot(tag, id)) i = next(i);
    return i;
  }
  // Requires: no entry with an equal key.
  void insert(uint32_t tag, Id id) {
    make_room(1, Workers());
    put(tag, id);
    note_inserted(1);
  }
  void erase(uint32_t tag, Id id) {
    slots_[place_of(tag, id)] = slot(tag, kTombstone);
    note_erased(1);
  }
  // Counts for entries that were written through `at`.
  void note_inserted(size_t count) { live_ += count, taken_ += count; }
  void note_erased(size_t count) { live_ -= count; }

  // Room for `count` more entries, at most three quarters full.
  void make_room(size_t count, const Workers& workers) {
    if (!has_room(count)) rewrite(capacity_for(live_ + count), workers);
  }
  // Forgets what was erased, in place.
  void purge(const Workers& workers) { rewrite(capacity(), workers); }
  // Whether purging is enough for make_room(count).
  bool fits(size_t count) const { return (live_ + count) * 4 <= capacity() * 3; }
  // Bytes that make_room(count) would add.
  uint64_t growth(size_t count) const {
    return has_room(count) ? 0 : (capacity_for(live_ + count) - capacity()) * sizeof(Slot);
  }
  void reserve(size_t entries) {
    if (capacity_for(entries) > capacity()) rewrite(capacity_for(entries), Workers());
  }
  size_t capacity() const { return mask_ + 1; }
  uint64_t bytes() const { return slots_.bytes(); }

 private:
  static constexpr size_t kFirstCapacity = 64;  // a power of two

  bool has_room(size_t count) const { return (taken_ + count) * 4 <= capacity() * 3; }
  size_t capacity_for(size_t entries) const {  // never smaller than it is
    size_t capacity = std::max(kFirstCapacity, slots_.size());
    while (entries * 3 > capacity * 2) capacity *= 2;
    return capacity;
  }
  void put(uint32_t tag, Id id) {
    size_t i = home(tag);
    while (!empty(slots_[i])) i = next(i);
    slots_[i] = slot(tag, id);
  }

  // hash_cons.cpp
  void rewrite(size_t capacity, const Workers& workers);
  void take_out(size_t begin, size_t end, std::vector<Slot>& out);
  void move(size_t begin, size_t end, size_t factor, const Workers& workers, std::vector<Slot>& left_over);
  size_t first_empty(size_t from, size_t end) const;

  Array<Slot> slots_;  // size is a power of two
  size_t mask_ = 0;
  uint32_t shift_ = 0;
  size_t live_ = 0, taken_ = 0;  // entries; entries and tombstones
};

}  // namespace egret::egraph
