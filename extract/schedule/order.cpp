#include "extract/schedule/order.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// Dependences between the places of a sequence, by the version that a launch reads.
struct Places {
  std::vector<std::vector<uint32_t>> before, after;  // by place
};

Places places_of(const Problem& problem, const std::vector<uint32_t>& launches) {
  Places out;
  out.before.resize(launches.size());
  out.after.resize(launches.size());
  std::vector<uint32_t> maker(problem.items, kNone);
  for (uint32_t p = 0; p < launches.size(); ++p) {
    const Candidate& c = problem.candidates[launches[p]];
    for (uint32_t o : c.operands) {
      if (maker[o] != kNone) out.before[p].push_back(maker[o]);
    }
    std::sort(out.before[p].begin(), out.before[p].end());
    out.before[p].erase(std::unique(out.before[p].begin(), out.before[p].end()), out.before[p].end());
    for (uint32_t q : out.before[p]) out.after[q].push_back(p);
    for (uint32_t r : c.results) maker[r] = p;
  }
  return out;
}

// Buffers that a launch fills, and those that it reads, each once, of a valid order.
struct Touches {
  std::vector<std::vector<uint32_t>> fills, reads;  // by place
  std::vector<uint32_t> readers;                    // by buffer; one more where it lives to the end
};

Touches touches_of(const MemoryFacts& facts, const std::vector<uint32_t>& launches, const Profile& given) {
  Touches out;
  out.fills.resize(launches.size());
  out.readers.assign(given.buffers.size(), 0);
  for (uint32_t b = 0; b < given.buffers.size(); ++b) out.readers[b] = given.buffers[b].last == static_cast<int>(launches.size());
  for (uint32_t p = 0; p < launches.size(); ++p) {
    const auto reads = given.reads(p), fills = given.fills(p);
    auto& once = out.reads.emplace_back(reads.begin(), reads.end());
    std::sort(once.begin(), once.end());
    once.erase(std::unique(once.begin(), once.end()), once.end());
    for (uint32_t b : once) ++out.readers[b];
    if (!facts.view[launches[p]]) out.fills[p].assign(fills.begin(), fills.end());
  }
  return out;
}

constexpr uint64_t kMostLooks = 5'000'000;  // at launches that may be next: beyond, a sequence is given up

// From the front: of the launches that may start, the one that leaves least behind; ties by what it needs, then by place.
std::vector<uint32_t> forward(const Places& places, const Touches& touches, const Profile& given) {
  const auto n = static_cast<uint32_t>(places.before.size());
  std::vector<uint32_t> missing(n), left = touches.readers, ready, out;
  uint64_t looks = 0;
  for (uint32_t p = 0; p < n; ++p) {
    missing[p] = static_cast<uint32_t>(places.before[p].size());
    if (missing[p] == 0) ready.push_back(p);
  }
  while (!ready.empty()) {
    if ((looks += ready.size()) > kMostLooks) return {};
    size_t best = 0;
    auto best_rank = std::tuple(INT64_MAX, INT64_MAX, kNone);
    for (size_t i = 0; i < ready.size(); ++i) {
      int64_t filled = 0, freed = 0;
      for (uint32_t b : touches.fills[ready[i]]) filled += static_cast<int64_t>(given.buffers[b].bytes);
      for (uint32_t b : touches.reads[ready[i]]) freed += left[b] == 1 ? static_cast<int64_t>(given.buffers[b].bytes) : 0;
      const auto rank = std::tuple(filled - freed, filled, ready[i]);
      if (rank < best_rank) best_rank = rank, best = i;
    }
    const uint32_t p = ready[best];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(best));
    out.push_back(p);
    for (uint32_t b : touches.reads[p]) --left[b];
    for (uint32_t q : places.after[p]) {
      if (--missing[q] == 0) ready.push_back(q);
    }
  }
  return out;
}

// From the back: of the launches whose readers all stand, the one before which least is alive.
std::vector<uint32_t> backward(const Places& places, const Touches& touches, const Profile& given) {
  const auto n = static_cast<uint32_t>(places.before.size());
  std::vector<uint32_t> missing(n), ready, out;
  uint64_t looks = 0;
  std::vector<uint8_t> alive(given.buffers.size(), 0);
  for (size_t b = 0; b < given.buffers.size(); ++b) alive[b] = given.buffers[b].last == static_cast<int>(n);
  for (uint32_t p = 0; p < n; ++p) {
    missing[p] = static_cast<uint32_t>(places.after[p].size());
    if (missing[p] == 0) ready.push_back(p);
  }
  while (!ready.empty()) {
    if ((looks += ready.size()) > kMostLooks) return {};
    size_t best = 0;
    auto best_rank = std::tuple(INT64_MAX, uint32_t{0});
    for (size_t i = 0; i < ready.size(); ++i) {
      int64_t change = 0;
      for (uint32_t b : touches.fills[ready[i]]) change -= alive[b] ? static_cast<int64_t>(given.buffers[b].bytes) : 0;
      for (uint32_t b : touches.reads[ready[i]]) change += alive[b] ? 0 : static_cast<int64_t>(given.buffers[b].bytes);
      const auto rank = std::tuple(change, n - ready[i]);
      if (rank < best_rank) best_rank = rank, best = i;
    }
    const uint32_t p = ready[best];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(best));
    out.push_back(p);
    for (uint32_t b : touches.fills[p]) alive[b] = 0;
    for (uint32_t b : touches.reads[p]) alive[b] = 1;
    for (uint32_t q : places.before[p]) {
      if (--missing[q] == 0) ready.push_back(q);
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

// Lower peak first, then less above nine tenths of it.
std::pair<uint64_t, uint64_t> rank_of(const Profile& p) { return {p.peak, p.over(p.peak / 10 * 9)}; }

class Improvement {
 public:
  Improvement(const Problem& problem, const MemoryFacts& facts, std::vector<uint32_t> order, uint64_t work)
      : problem_(problem), facts_(facts), order_(std::move(order)), work_(work), profile_(profile(problem, facts, order_)) {}

  std::vector<uint32_t> run() {
    while (step()) {
    }
    return std::move(order_);
  }

 private:
  // The best move of one launch across the peak; false where none helps.
  bool step() {
    const Places places = places_of(problem_, order_);
    const auto at = static_cast<int64_t>(profile_.at) - 1;
    const auto n = static_cast<int64_t>(order_.size());
    std::vector<std::pair<int64_t, int64_t>> moves;
    for (int64_t p = 0; p < n; ++p) {
      const auto& before = places.before[static_cast<size_t>(p)];
      const auto& after = places.after[static_cast<size_t>(p)];
      const int64_t earliest = before.empty() ? 0 : static_cast<int64_t>(before.back()) + 1;
      const int64_t latest = after.empty() ? n - 1 : static_cast<int64_t>(after.front()) - 1;
      if (p <= at && latest > at) {
        moves.emplace_back(p, latest);
        if (at < latest) moves.emplace_back(p, std::min(at + 1, latest));
      }
      if (p >= at && earliest <= at && earliest < p) {
        moves.emplace_back(p, std::max(earliest, std::min(at, p - 1)));
        moves.emplace_back(p, earliest);
      }
    }
    const auto now = rank_of(profile_);
    auto best = now;
    std::vector<uint32_t> best_order;
    for (const auto& [from, to] : moves) {
      const uint64_t steps = problem_.items + 8 * order_.size();
      if (steps > work_) break;
      work_ -= steps;
      std::vector<uint32_t> order = order_;
      const uint32_t launch = order[static_cast<size_t>(from)];
      order.erase(order.begin() + from);
      order.insert(order.begin() + to, launch);
      const Profile found = profile(problem_, facts_, order);
      if (!found.valid || rank_of(found) >= best) continue;
      best = rank_of(found);
      best_order = std::move(order);
    }
    if (best >= now) return false;
    order_ = std::move(best_order);
    profile_ = profile(problem_, facts_, order_);
    return true;
  }

  const Problem& problem_;
  const MemoryFacts& facts_;
  std::vector<uint32_t> order_;
  uint64_t work_;
  Profile profile_;
};

}  // namespace

std::vector<uint32_t> ordered_for_memory(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches,
                                         uint64_t work) {
  const Profile given = profile(problem, facts, launches);
  if (!given.valid || launches.empty()) return launches;
  const Places places = places_of(problem, launches);
  const Touches touches = touches_of(facts, launches, given);
  auto best = rank_of(given);
  std::vector<uint32_t> order = launches;
  for (const std::vector<uint32_t>& sequence : {forward(places, touches, given), backward(places, touches, given)}) {
    std::vector<uint32_t> other;
    for (uint32_t p : sequence) other.push_back(launches[p]);
    const Profile found = profile(problem, facts, other);
    if (!found.valid || rank_of(found) >= best) continue;
    best = rank_of(found);
    order = std::move(other);
  }
  order = Improvement(problem, facts, std::move(order), work).run();
  return profile(problem, facts, order).peak < given.peak ? order : launches;
}

}  // namespace egret::extract
