// What a sequence of launches needs of memory at once.
//
// A launch is a candidate of an extraction problem; it may stand several times.  Each time it makes its items anew, and a
// reader reads what was made last before it: all versions of an item are equal.  A buffer lives from the launch that fills
// it to the last that reads it, a root's to the end, an input's from the start.  This is the model by which
// lower/memory_plan.h places values, but for gaps between buffers.  Where a launch reads a buffer for the last time and may write
// a result into it (support/takeover.h), the two count once.
// Reading order: memory.h, part.h, order.h, replay.h, checkpoint.h, rematerialize.h.
// May include: support, extract/solve.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "extract/solve/problem.h"
#include "support/takeover.h"

namespace egret::extract {

struct MemoryFacts {
  std::vector<uint64_t> bytes;     // of each item's buffer, as the runtime rounds it; 0: it has none (made before the run)
  std::vector<uint8_t> at_start;   // by item: there before the first launch
  std::vector<uint8_t> view;       // by candidate: its result lies where its operand lies
  uint64_t other_inputs = 0;       // bytes of inputs that no candidate reads: there at the start alone
  std::vector<std::pair<uint32_t, uint32_t>> reuse;  // (root, input): the root may take the input's buffer
  std::vector<std::vector<Takeover>> in_place;       // by candidate: results that may lie where an operand lies (none where empty) ...
  std::function<std::vector<Takeover>(uint32_t candidate)> ask_in_place;  // ... which part_of asks for
};

struct Buffer {
  uint32_t item = 0;
  int first = 0, last = 0;         // launches; -1: before the first, the number of launches: at the end
  uint64_t bytes = 0;
};

struct Profile {
  bool valid = false;              // every launch reads what is there, and the roots are made
  std::vector<Buffer> buffers;
  std::vector<uint32_t> read, filled;               // buffer of each operand, and of each result, of each launch, in order ...
  std::vector<uint32_t> read_begin, filled_begin;   // ... those of launch t from [t] to [t + 1]
  std::vector<uint64_t> live;      // bytes at once: before the first launch, during each, at the end
  uint64_t peak = 0;
  size_t at = 0;                   // first place in `live` of the peak
  uint64_t over(uint64_t level) const;  // bytes above a level, summed over `live`
  std::span<const uint32_t> reads(size_t t) const { return std::span(read).subspan(read_begin[t], read_begin[t + 1] - read_begin[t]); }
  std::span<const uint32_t> fills(size_t t) const { return std::span(filled).subspan(filled_begin[t], filled_begin[t + 1] - filled_begin[t]); }
};

// Time: linear in the operands and results of the launches and in the number of items.
Profile profile(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches);

double cost_of(const Problem& problem, const std::vector<uint32_t>& launches);

}  // namespace egret::extract
