#include "extract/schedule/checkpoint.h"

#include <algorithm>

namespace egret::extract {
namespace {

constexpr int kRounds = 4;                             // peaks, one after another
constexpr uint32_t kEvery[] = {2, 3, 4, 6, 8, 12, 16};  // one in so many is kept
constexpr uint32_t kParts = 8;                         // of the waiting buffers the first so many parts

struct Found {
  std::vector<uint32_t> launches;
  double cost = 0;
  uint64_t peak = 0;
};

// Buffers that wait while the peak is reached: made before, read after, and not touched there; in the order they were made.
std::vector<uint32_t> waiting(const std::vector<uint32_t>& launches, const Profile& profile, int at) {
  std::vector<uint8_t> touched(profile.buffers.size(), 0);
  if (at >= 0 && at < static_cast<int>(launches.size())) {
    for (uint32_t b : profile.reads(static_cast<size_t>(at))) touched[b] = 1;
  }
  std::vector<uint32_t> out;
  for (uint32_t b = 0; b < profile.buffers.size(); ++b) {
    const Buffer& buffer = profile.buffers[b];
    if (buffer.bytes > 0 && buffer.first >= 0 && buffer.first < at && buffer.last > at && !touched[b]) out.push_back(b);
  }
  return out;
}

}  // namespace

std::vector<std::vector<uint32_t>> checkpointed(const Problem& problem, const MemoryFacts& facts, const Makers& makers,
                                                const std::vector<uint32_t>& start) {
  Found least{start, cost_of(problem, start), profile(problem, facts, start).peak};
  std::vector<Found> all;
  for (int round = 0; round < kRounds; ++round) {
    const Found from = least;
    const Profile now = profile(problem, facts, from.launches);
    const int at = static_cast<int>(now.at) - 1;
    const std::vector<uint32_t> buffers = waiting(from.launches, now, at);
    const double dear = 1e3 * from.cost / static_cast<double>(std::max<uint64_t>(1, from.peak));  // nothing else is kept longer
    for (uint32_t every : kEvery) {
      for (uint32_t part = 1; part <= kParts; ++part) {
        GivenUp gone{at, {}, false, dear, 0};
        for (size_t i = 0; i < buffers.size() * part / kParts; ++i) {
          if (i % every != 0) gone.buffers.push_back(buffers[i]);
        }
        if (gone.buffers.empty()) continue;
        uint64_t steps = 0;
        auto launches = replayed(problem, facts, makers, from.launches, now, gone, &steps);
        if (!launches) continue;
        const Profile p = profile(problem, facts, *launches);
        if (!p.valid || p.peak >= from.peak) continue;
        all.push_back({std::move(*launches), 0, p.peak});
        all.back().cost = cost_of(problem, all.back().launches);
        if (p.peak < least.peak) least = all.back();
      }
    }
    if (least.peak >= from.peak) break;
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) { return a.cost != b.cost ? a.cost < b.cost : a.peak < b.peak; });
  std::vector<std::vector<uint32_t>> out;
  uint64_t peak = UINT64_MAX;
  for (Found& f : all) {
    if (f.peak >= peak) continue;
    peak = f.peak;
    uint64_t steps = 0;
    out.push_back(pruned(problem, facts, makers, std::move(f.launches), peak, &steps));
  }
  return out;
}

}  // namespace egret::extract
