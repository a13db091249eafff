// Memory of an operand that a launch reads for the last time, taken over by a result of the launch.
#pragma once

#include <cstdint>
#include <span>

namespace egret {

struct Takeover {
  uint32_t operand = 0, result = 0;  // positions among a launch's operands and results
};

// Calls take(pair) for the pairs of `allowed` that come about, in their order: each buffer and each result once.  `buffers`: of the
// operands; one that stands at several must be allowed at each.  fits(pair): the operand dies here, and the result needs its memory.
template <class Fits, class Take>
void take_over(std::span<const Takeover> allowed, std::span<const uint32_t> buffers, const Fits& fits, const Take& take) {
  if (buffers.size() > 64) return;  // kernels have few ports
  uint64_t taken_operands = 0, taken_results = 0;
  for (const Takeover& pair : allowed) {
    if (pair.operand >= buffers.size() || pair.result >= 64 || (taken_operands >> pair.operand & 1) || (taken_results >> pair.result & 1)) continue;
    uint64_t same = 0;
    bool everywhere = true;
    for (uint32_t o = 0; o < buffers.size(); ++o) {
      if (buffers[o] != buffers[pair.operand]) continue;
      same |= uint64_t{1} << o;
      bool listed = false;
      for (const Takeover& other : allowed) listed |= other.operand == o && other.result == pair.result;
      everywhere &= listed;
    }
    if (!everywhere || !fits(pair)) continue;
    taken_operands |= same;
    taken_results |= uint64_t{1} << pair.result;
    take(pair);
  }
}

}  // namespace egret
