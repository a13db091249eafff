// MatchSet: a set of matches, compared whole.  Rewrites whose callbacks may look anywhere in the graph are searched
// anew each iteration and skip what they applied before.
//
// Thread safety: any number of readers, no writer.
#pragma once

#include <span>

#include "egraph/store/array.h"
#include "support/hash.h"

namespace egret::egraph {

class MatchSet {
 public:
  MatchSet() { slots_.resize(16, 0); }

  bool contains(std::span<const uint32_t> key) const { return slots_[place_of(key)] != 0; }

  // False if it was there.
  bool insert(std::span<const uint32_t> key) {
    if ((starts_.size() + 1) * 3 > slots_.size() * 2) grow();
    uint32_t& slot = slots_[place_of(key)];
    if (slot != 0) return false;
    starts_.push_back(words_.size());
    words_.push_back(static_cast<uint32_t>(key.size()));
    words_.append(key.data(), key.size());
    slot = static_cast<uint32_t>(starts_.size());
    return true;
  }
  uint64_t bytes() const { return slots_.bytes() + starts_.bytes() + words_.bytes(); }

 private:
  std::span<const uint32_t> key_of(uint32_t slot) const {
    const uint32_t* const entry = words_.data() + starts_[slot - 1];
    return {entry + 1, *entry};
  }
  size_t place_of(std::span<const uint32_t> key) const {
    size_t i = hash_bytes(key.data(), key.size_bytes()) & (slots_.size() - 1);
    for (; slots_[i] != 0; i = (i + 1) & (slots_.size() - 1)) {
      const std::span<const uint32_t> known = key_of(slots_[i]);
      if (known.size() == key.size() && std::equal(known.begin(), known.end(), key.begin())) break;
    }
    return i;
  }
  void grow() {
    Array<uint32_t> old;
    old.swap(slots_);
    slots_.resize(old.size() * 2, 0);
    for (const uint32_t slot : old) {
      if (slot != 0) slots_[place_of(key_of(slot))] = slot;
    }
  }

  Array<uint32_t> slots_;  // 0: empty; else the number of an entry, from 1; size a power of two
  Array<uint64_t> starts_;
  Array<uint32_t> words_;  // entries: length, words
};

}  // namespace egret::egraph
