// Rematerialization: launches run again instead of buffers kept (Griewank and Walther, "Revolve", 2000; Chen et al.,
// "Training deep nets with sublinear memory cost", 2016; Jain et al., "Checkmate", MLSys 2020).
//
// The answer is a frontier: sequences from the cheapest to the one that needs least memory.  No budget has a say in the
// search, so a larger budget is never dearer, and the last entry is the smallest budget that can be met.
#pragma once

#include "extract/schedule/memory.h"
#include "support/limits.h"

namespace egret::extract {

struct Sequence {
  std::vector<uint32_t> launches;
  double cost = 0;     // sum over the launches
  uint64_t peak = 0;   // of profile()
};

struct RematerializeOptions {
  std::vector<uint8_t> usable;        // candidates that may be launched beside those of the starts
  uint64_t work = 800'000'000;        // elementary steps; deterministic
  Limits limits;                      // the clock alone, as a safety net
};

// `starts`: valid sequences, the best first.  Peaks fall strictly along the answer, costs never do; the first is the
// cheapest start.
std::vector<Sequence> memory_frontier(const Problem& problem, const MemoryFacts& facts, const std::vector<std::vector<uint32_t>>& starts,
                                      const RematerializeOptions& options);

}  // namespace egret::extract
