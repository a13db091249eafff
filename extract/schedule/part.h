// The part of a problem that sequences of launches can be made of: small where the pool of kernels is large.
#pragma once

#include "extract/schedule/memory.h"

namespace egret::extract {

// Usable candidates and those of the starts, over the items that they touch.
struct Part {
  Problem problem;
  MemoryFacts facts;
  std::vector<uint8_t> usable;
  std::vector<uint32_t> candidate, item;  // numbers in the whole
  std::vector<std::vector<uint32_t>> starts;
};

// `usable`: by candidate; empty: none but those of the starts.
Part part_of(const Problem& problem, const MemoryFacts& facts, const std::vector<std::vector<uint32_t>>& starts,
             const std::vector<uint8_t>& usable);

}  // namespace egret::extract
