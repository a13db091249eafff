// Texts numbered as they come up, each kept once, one behind the other in one buffer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/hash.h"

namespace egret {

class Names {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // That of the text; the next one if it is new.
  uint32_t number(std::string_view name) {
    if (2 * (size() + 1) > slots_.size()) grow();
    const auto hash = static_cast<uint32_t>(hash_string(name));
    const size_t slot = place(name, hash);
    if (slots_[slot].number == kNone) {
      slots_[slot] = {hash, static_cast<uint32_t>(size())};
      text_ += name;
      start_.push_back(text_.size());
    }
    return slots_[slot].number;
  }
  uint32_t find(std::string_view name) const { return slots_.empty() ? kNone : slots_[place(name, static_cast<uint32_t>(hash_string(name)))].number; }
  size_t size() const { return start_.size() - 1; }
  // Good until the next text comes.
  std::string_view operator[](uint32_t number) const {
    return std::string_view(text_).substr(start_[number], start_[number + 1] - start_[number]);
  }

 private:
  struct Slot {
    uint32_t hash = 0, number = kNone;
  };

  size_t place(std::string_view name, uint32_t hash) const {
    size_t slot = hash & (slots_.size() - 1);
    for (; slots_[slot].number != kNone; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot].hash == hash && (*this)[slots_[slot].number] == name) break;
    }
    return slot;
  }
  void grow() {
    const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(std::max<size_t>(64, 2 * slots_.size())));
    for (const Slot& old : before) {
      if (old.number == kNone) continue;
      size_t slot = old.hash & (slots_.size() - 1);
      while (slots_[slot].number != kNone) slot = (slot + 1) & (slots_.size() - 1);
      slots_[slot] = old;
    }
  }

  std::string text_;
  std::vector<size_t> start_{0};
  std::vector<Slot> slots_;  // a power of two of them, at most half of them taken
};

}  // namespace egret
