#include "extract/schedule/memory.h"

#include <algorithm>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

std::span<const Takeover> allowed(const MemoryFacts& facts, uint32_t candidate) {
  return candidate < facts.in_place.size() ? std::span<const Takeover>(facts.in_place[candidate]) : std::span<const Takeover>();
}

// A root takes an input's buffer where nothing reads the input any more when the root is made.
void share_inputs(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches,
                  const std::vector<uint32_t>& current, const std::vector<uint32_t>& input_buffer,
                  const std::vector<uint8_t>& viewed, Profile& p) {
  std::vector<uint8_t> taken(p.buffers.size(), 0);
  for (const auto& [root, input] : facts.reuse) {
    const uint32_t to = current[root], from = input_buffer[input];
    if (to == kNone || from == kNone || to == from || taken[to] || taken[from] || viewed[root]) continue;
    Buffer &made = p.buffers[to], &given = p.buffers[from];
    if (made.item != root || made.first < 0 || given.last > made.first || made.bytes != given.bytes) continue;
    if (given.last == made.first) {
      const auto t = static_cast<size_t>(made.first);
      const auto& results = problem.candidates[launches[t]].results;
      bool safe = false;
      take_over(allowed(facts, launches[t]), p.reads(t),
                [&](const Takeover& pair) { return results[pair.result] == root && p.reads(t)[pair.operand] == from; },
                [&](const Takeover&) { safe = true; });
      if (!safe) continue;
    }
    given.last = made.last;
    made.bytes = 0;
    taken[to] = taken[from] = 1;
  }
}

// Bytes that launch t does not need because results lie where operands lay.
uint64_t taken_over(const MemoryFacts& facts, uint32_t launch, size_t t, const Profile& p) {
  uint64_t bytes = 0;
  take_over(allowed(facts, launch), p.reads(t),
            [&](const Takeover& pair) {
              const Buffer &given = p.buffers[p.reads(t)[pair.operand]], &made = p.buffers[p.fills(t)[pair.result]];
              const int now = static_cast<int>(t);
              return given.last == now && given.first < now && made.first == now && made.bytes == given.bytes;
            },
            [&](const Takeover& pair) { bytes += p.buffers[p.fills(t)[pair.result]].bytes; });
  return bytes;
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
  out.read_begin.reserve(launches.size() + 1);
  out.filled_begin.reserve(launches.size() + 1);
  out.read_begin.push_back(0);
  out.filled_begin.push_back(0);
  for (int t = 0; t < end; ++t) {
    const uint32_t launch = launches[static_cast<size_t>(t)];
    const Candidate& c = problem.candidates[launch];
    for (uint32_t o : c.operands) {
      if (current[o] == kNone) return out;
      out.buffers[current[o]].last = t;
      out.read.push_back(current[o]);
    }
    for (uint32_t r : c.results) {
      viewed[r] = facts.view[launch];
      if (facts.view[launch]) {
        current[r] = current[c.operands[0]];
      } else {
        current[r] = static_cast<uint32_t>(out.buffers.size());
        out.buffers.push_back({r, t, t, facts.bytes[r]});
      }
      out.filled.push_back(current[r]);
    }
    out.read_begin.push_back(static_cast<uint32_t>(out.read.size()));
    out.filled_begin.push_back(static_cast<uint32_t>(out.filled.size()));
  }
  for (uint32_t r : problem.roots) {
    if (current[r] == kNone) return out;
    out.buffers[current[r]].last = end;
  }
  share_inputs(problem, facts, launches, current, input_buffer, viewed, out);
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
    if (t > 0 && t <= launches.size()) out.live.back() -= taken_over(facts, launches[t - 1], t - 1, out);
    if (t == 0) now -= static_cast<int64_t>(facts.other_inputs);
    if (out.live.back() > out.peak) out.peak = out.live.back(), out.at = t;
  }
  out.valid = true;
  return out;
}

}  // namespace egret::extract
