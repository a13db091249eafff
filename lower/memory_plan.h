// Memory plan: where every value of the run plan lies.
//
// Values that live at different times share memory: each in the tightest gap that its lifetime leaves, in several orders of
// which the one that needs least counts.
// Results of kAlias launches lie where their operand lies.  Where the signature allows an output to reuse an input's
// buffer, it does if every later reader is done and the kernel that makes it reads that input only in place (ir/in_place.h).  While
// that launch runs at which most is alive, so does any result whose kernel reads an operand of that size for the last time.
#pragma once

#include <cstdint>
#include <vector>

#include "lower/program.h"

namespace egret::lower {

struct MemoryPlan {
  enum class Place : uint8_t { kNone, kArena, kWeights };  // kNone: only the prepare plan uses it
  std::vector<Place> places;
  std::vector<uint64_t> offsets;  // multiples of 64
  uint64_t arena_bytes = 0, weight_bytes = 0;
  std::vector<uint8_t> skipped;   // run launches that need not be run: aliases
  std::vector<uint8_t> in_place;  // kernels that write where a port of theirs lies
};

MemoryPlan plan_memory(const Program& program);

}  // namespace egret::lower
