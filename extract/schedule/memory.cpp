#include "extract/schedule/memory.h"

#include <algorithm>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// A root takes an input's buffer where nothing reads the input any more when the root is made.
void share_inputs(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches,
                  const std::vector<uint32_t>& current, const std::vector<uint32_t>& input_buffer,
                  const std::vector<uint8_t>& viewed, std::vector<Buffer>& buffers) {
  std::vector<uint8_t> taken(buffers.size(), 0);
  for (const auto& [root, input] : facts.reuse) {
    const uint32_t to = current[root], from = input_buffer[input];
    if (to == kNone || from == kNone || to == from || taken[to] || taken[from] || viewed[root]) continue;
    Buffer &made = buffers[to], &given = buffers[from];
    if (made.item != root || made.first < 0 || given.last > made.first || made.bytes != given.bytes) continue;
    const uint32_t maker = launches[static_cast<size_t>(made.first)];
    const auto& reads = problem.candidates[maker].operands;
    if (given.last == made.first && std::find(reads.begin(), reads.end(), input) == reads.end()) continue;  // a view of it
    if (given.last == made.first && !facts.in_place(maker, input)) continue;
    given.last = made.last;
    made.bytes = 0;
    taken[to] = taken[from] = 1;
  }
}

}  // namespace

uint64_t Profile::over(uint64_t level) const {
  uint64_t sum = 0;
  for (uint64_t bytes : live) sum += bytes > level ? bytes - level : 0;
  return sum;
}

double cost_of(const Problem& problem, const std::vector<uint32_t>& launches) {
  double cost = 0;
  for (uint32_t c : launches) cost += problem.candidates[c].cost;
  return cost;
}

Profile profile(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches) {
  Profile out;
  const int end = static_cast<int>(launches.size());
  std::vector<uint32_t> current(problem.items, kNone);  // buffer of what was made last
  std::vector<uint8_t> viewed(problem.items, 0);        // that is a view
  for (uint32_t i = 0; i < problem.items; ++i) {
    if (!facts.at_start[i]) continue;
    current[i] = static_cast<uint32_t>(out.buffers.size());
    out.buffers.push_back({i, -1, -1, facts.bytes[i]});
  }
  const std::vector<uint32_t> input_buffer = current;
  for (int t = 0; t < end; ++t) {
    const uint32_t launch = launches[static_cast<size_t>(t)];
    const Candidate& c = problem.candidates[launch];
    for (uint32_t o : c.operands) {
      if (current[o] == kNone) return out;
      out.buffers[current[o]].last = t;
    }
    for (uint32_t r : c.results) {
      viewed[r] = facts.view[launch];
      if (facts.view[launch]) {
        current[r] = current[c.operands[0]];
      } else {
        current[r] = static_cast<uint32_t>(out.buffers.size());
        out.buffers.push_back({r, t, t, facts.bytes[r]});
      }
      out.slot.push_back(current[r]);
    }
  }
  for (uint32_t r : problem.roots) {
    if (current[r] == kNone) return out;
    out.buffers[current[r]].last = end;
  }
  share_inputs(problem, facts, launches, current, input_buffer, viewed, out.buffers);
  std::vector<int64_t> change(launches.size() + 3, 0);
  for (const Buffer& b : out.buffers) {
    change[static_cast<size_t>(b.first + 1)] += static_cast<int64_t>(b.bytes);
    change[static_cast<size_t>(b.last + 2)] -= static_cast<int64_t>(b.bytes);
  }
  out.live.reserve(launches.size() + 2);
  int64_t now = static_cast<int64_t>(facts.other_inputs);
  for (size_t t = 0; t < launches.size() + 2; ++t) {
    now += change[t];
    out.live.push_back(static_cast<uint64_t>(now));
    if (t == 0) now -= static_cast<int64_t>(facts.other_inputs);
    if (out.live.back() > out.peak) out.peak = out.live.back(), out.at = t;
  }
  out.valid = true;
  return out;
}

}  // namespace egret::extract
