// AppliedSet: 64-bit keys of the matches already applied.  A match whose key collides with another's would be lost:
// with ten million matches the chance is below one in 300,000, and the same in every run.
//
// Thread safety: any number of readers, no writer.
#pragma once

#include <cstdint>
#include <vector>

namespace egret::egraph {

class AppliedSet {
 public:
  AppliedSet() : slots_(1024, 0) {}

  bool contains(uint64_t key) const { return slots_[slot_of(key)] != 0; }

  // False if it was there.
  bool insert(uint64_t key) {
    if ((used_ + 1) * 3 > slots_.size() * 2) grow();
    uint64_t& slot = slots_[slot_of(key)];
    if (slot != 0) return false;
    slot = key | uint64_t{key == 0};
    ++used_;
    return true;
  }

  uint64_t bytes() const { return slots_.capacity() * sizeof(uint64_t); }

 private:
  size_t slot_of(uint64_t key) const {
    key |= uint64_t{key == 0};
    size_t i = key & (slots_.size() - 1);
    while (slots_[i] != 0 && slots_[i] != key) i = (i + 1) & (slots_.size() - 1);
    return i;
  }
  void grow() {
    std::vector<uint64_t> old(slots_.size() * 2, 0);
    old.swap(slots_);
    for (const uint64_t key : old) {
      if (key != 0) slots_[slot_of(key)] = key;
    }
  }

  std::vector<uint64_t> slots_;  // 0: empty; size a power of two
  size_t used_ = 0;
};

}  // namespace egret::egraph
