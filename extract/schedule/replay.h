// A sequence of launches carried on from one place as if some buffers had been given up there, or one launch had not been:
// what is read later and is not there any more is made again just before, by whatever candidates do it for least.
#pragma once

#include <optional>

#include "extract/schedule/memory.h"

namespace egret::extract {

// Which candidates make an item.
class Makers {
 public:
  // `usable`: by candidate; no other launch is ever added.
  Makers(const Problem& problem, std::vector<uint8_t> usable);
  const std::vector<uint32_t>& of(uint32_t item) const { return by_item_[item]; }
  bool usable(uint32_t candidate) const { return usable_[candidate]; }

 private:
  std::vector<uint8_t> usable_;
  std::vector<std::vector<uint32_t>> by_item_;  // cheapest first
};

struct GivenUp {
  int at = 0;                       // launch during which they are given up
  std::vector<uint32_t> buffers;    // of the profile: not touched by that launch
  bool launch = false;              // the launch itself is left out
  double per_byte = 0;              // seconds that a byte of a buffer kept longer than before counts
  double per_touched = 0;           // and a byte that a launch added reads or makes, at once with all its others
};

// nullopt where something cannot be made again.  `steps` receives the elementary steps it took.
std::optional<std::vector<uint32_t>> replayed(const Problem& problem, const MemoryFacts& facts, const Makers& makers,
                                              const std::vector<uint32_t>& launches, const Profile& profile, const GivenUp& gone,
                                              uint64_t* steps);

// Every launch of several results as one launch a result, where the pool has those: so that no value must be made before it is read.
std::vector<uint32_t> split(const Problem& problem, const Makers& makers, const std::vector<uint32_t>& launches);

// Without launches that the rest does not need, and with cheaper candidates where some results are read by nobody, as
// long as no more than `peak` bytes are alive.
std::vector<uint32_t> pruned(const Problem& problem, const MemoryFacts& facts, const Makers& makers, std::vector<uint32_t> launches,
                             uint64_t peak, uint64_t* steps);

}  // namespace egret::extract
