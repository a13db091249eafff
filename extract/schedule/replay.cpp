#include "extract/schedule/replay.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <unordered_map>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr int kDeepest = 24;         // launches on end that one item may ask for
constexpr size_t kMostItems = 400;   // that one derivation looks at

// The cheapest way to make an item from what is there: a term over candidates, shared parts paid at each use.
class Derivation {
 public:
  Derivation(const Problem& problem, const MemoryFacts& facts, const Makers& makers, uint32_t banned, double per_touched, uint64_t* steps)
      : problem_(problem), facts_(facts), makers_(makers), banned_(banned), per_touched_(per_touched), steps_(steps) {}

  // `price`: of what is there (0 or what keeping it costs), kNever for what is not.
  template <class Price>
  double cost(uint32_t item, Price&& price, int depth = 0) {
    if (const double there = price(item); there < kNever) return there;
    if (auto it = known_.find(item); it != known_.end()) return it->second.first;
    if (depth >= kDeepest || known_.size() >= kMostItems) return kNever;
    known_[item] = {kNever, kNone};  // while it is open: no cycle
    std::pair<double, uint32_t> best{kNever, kNone};
    for (uint32_t c : makers_.of(item)) {
      const Candidate& candidate = problem_.candidates[c];
      *steps_ += 1 + candidate.operands.size();
      if (c == banned_) continue;
      if (candidate.cost >= best.first) break;  // makers are cheapest first
      double sum = candidate.cost + per_touched_ * static_cast<double>(touched(candidate));
      for (uint32_t o : candidate.operands) {
        sum += cost(o, price, depth + 1);
        if (sum >= best.first) break;
      }
      if (sum < best.first) best = {sum, c};
    }
    return (known_[item] = best).first;
  }
  uint64_t touched(const Candidate& c) const {
    uint64_t bytes = 0;
    for (uint32_t r : c.results) bytes += facts_.bytes[r];
    for (uint32_t o : c.operands) bytes += facts_.bytes[o];
    return bytes;
  }
  uint32_t maker(uint32_t item) const {
    auto it = known_.find(item);
    return it == known_.end() ? kNone : it->second.second;
  }

 private:
  const Problem& problem_;
  const MemoryFacts& facts_;
  const Makers& makers_;
  const uint32_t banned_;
  const double per_touched_;
  uint64_t* steps_;
  std::unordered_map<uint32_t, std::pair<double, uint32_t>> known_;
};

class Replay {
 public:
  Replay(const Problem& problem, const MemoryFacts& facts, const Makers& makers, const Profile& profile, const GivenUp& gone,
         uint64_t* steps)
      : problem_(problem), facts_(facts), makers_(makers), profile_(profile), gone_(gone), steps_(steps), buffer_(problem.items, kNone) {}

  std::optional<std::vector<uint32_t>> run(const std::vector<uint32_t>& launches) {
    std::vector<uint8_t> lost(profile_.buffers.size(), 0);
    for (uint32_t b : gone_.buffers) lost[b] = 1;
    for (uint32_t b = 0; b < profile_.buffers.size(); ++b) {
      if (profile_.buffers[b].first < 0) buffer_[profile_.buffers[b].item] = b;
    }
    *steps_ += problem_.items + 4 * launches.size();
    size_t slot = 0;
    banned_ = gone_.launch ? launches[static_cast<size_t>(gone_.at)] : kNone;
    for (now_ = 0; now_ < static_cast<int>(launches.size()); ++now_) {
      const Candidate& c = problem_.candidates[launches[static_cast<size_t>(now_)]];
      if (gone_.launch && now_ == gone_.at) {
        slot += c.results.size();
        continue;
      }
      if (now_ > gone_.at) {
        for (uint32_t o : c.operands) {
          if (!there(o) && !make(o)) return std::nullopt;
        }
      }
      out_.push_back(launches[static_cast<size_t>(now_)]);
      for (uint32_t r : c.results) {
        buffer_[r] = profile_.filled[slot++];
        if (now_ > gone_.at && facts_.view[out_.back()]) buffer_[r] = buffer_[c.operands[0]];
      }
      if (now_ != gone_.at) continue;
      for (uint32_t& b : buffer_) {
        if (b != kNone && b != kFresh && lost[b]) b = kNone;
      }
    }
    for (uint32_t r : problem_.roots) {
      if (!there(r) && !make(r)) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  static constexpr uint32_t kFresh = kNone - 1;  // made in this replay

  bool there(uint32_t item) const { return buffer_[item] != kNone; }

  bool make(uint32_t item) {
    Derivation derivation(problem_, facts_, makers_, banned_, gone_.per_touched, steps_);
    auto price = [&](uint32_t i) {
      const uint32_t b = buffer_[i];
      if (b == kNone) return kNever;
      if (facts_.bytes[i] == 0 || b == kFresh || profile_.buffers[b].last >= now_) return 0.0;
      return gone_.per_byte * static_cast<double>(profile_.buffers[b].bytes);
    };
    if (derivation.cost(item, price) == kNever) return false;
    return emit(item, derivation);
  }

  bool emit(uint32_t item, const Derivation& derivation) {
    if (there(item)) return true;
    const uint32_t c = derivation.maker(item);
    if (c == kNone) return false;
    for (uint32_t o : problem_.candidates[c].operands) {
      if (!emit(o, derivation)) return false;
    }
    out_.push_back(c);
    for (uint32_t r : problem_.candidates[c].results) buffer_[r] = kFresh;
    return true;
  }

  const Problem& problem_;
  const MemoryFacts& facts_;
  const Makers& makers_;
  const Profile& profile_;
  const GivenUp& gone_;
  uint64_t* steps_;
  std::vector<uint32_t> buffer_;  // of each item's last version
  std::vector<uint32_t> out_;
  uint32_t banned_ = kNone;
  int now_ = 0;
};

// Of each launch, which results are read before they are made again, or are roots in the end.
std::vector<std::vector<uint8_t>> needed_results(const Problem& problem, const std::vector<uint32_t>& launches) {
  std::vector<std::vector<uint8_t>> out(launches.size());
  std::vector<uint8_t> wanted(problem.items, 0);
  for (uint32_t r : problem.roots) wanted[r] = 1;
  for (size_t t = launches.size(); t-- > 0;) {
    const Candidate& c = problem.candidates[launches[t]];
    bool any = false;
    for (uint32_t r : c.results) {
      out[t].push_back(wanted[r]);
      any |= wanted[r] != 0;
      wanted[r] = 0;
    }
    if (!any) continue;  // goes away: what it reads is not needed for it
    for (uint32_t o : c.operands) wanted[o] = 1;
  }
  return out;
}

// A usable candidate that makes just `wanted` (sorted) of what `launch` makes, from no other items; kNone where there is none.
uint32_t narrower(const Problem& problem, const Makers& makers, uint32_t launch, const std::vector<uint32_t>& wanted, uint64_t* steps) {
  std::vector<uint32_t> reads = problem.candidates[launch].operands;
  std::sort(reads.begin(), reads.end());
  for (uint32_t k : makers.of(wanted[0])) {
    const Candidate& other = problem.candidates[k];
    *steps += other.operands.size() + 1;
    std::vector<uint32_t> results = other.results;
    std::sort(results.begin(), results.end());
    const bool covered = std::all_of(other.operands.begin(), other.operands.end(),
                                     [&](uint32_t o) { return std::binary_search(reads.begin(), reads.end(), o); });
    if (results == wanted && covered) return k;
  }
  return kNone;
}

}  // namespace

Makers::Makers(const Problem& problem, std::vector<uint8_t> usable) : usable_(std::move(usable)), by_item_(problem.items) {
  for (uint32_t c = 0; c < problem.candidates.size(); ++c) {
    if (!usable_[c]) continue;
    for (uint32_t r : problem.candidates[c].results) by_item_[r].push_back(c);
  }
  for (auto& list : by_item_) {
    std::stable_sort(list.begin(), list.end(), [&](uint32_t a, uint32_t b) { return problem.candidates[a].cost < problem.candidates[b].cost; });
  }
}

std::optional<std::vector<uint32_t>> replayed(const Problem& problem, const MemoryFacts& facts, const Makers& makers,
                                              const std::vector<uint32_t>& launches, const Profile& profile, const GivenUp& gone,
                                              uint64_t* steps) {
  return Replay(problem, facts, makers, profile, gone, steps).run(launches);
}

std::vector<uint32_t> split(const Problem& problem, const Makers& makers, const std::vector<uint32_t>& launches) {
  std::vector<uint32_t> out;
  uint64_t steps = 0;
  for (uint32_t launch : launches) {
    const auto& results = problem.candidates[launch].results;
    std::vector<uint32_t> parts;
    for (uint32_t r : results) {
      if (results.size() > 1) parts.push_back(narrower(problem, makers, launch, {r}, &steps));
    }
    if (parts.empty() || std::find(parts.begin(), parts.end(), kNone) != parts.end()) parts = {launch};
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

std::vector<uint32_t> pruned(const Problem& problem, const MemoryFacts& facts, const Makers& makers, std::vector<uint32_t> launches,
                             uint64_t peak, uint64_t* steps) {
  const auto fits = [&](const std::vector<uint32_t>& sequence) {
    *steps += problem.items + 8 * sequence.size();
    const Profile p = profile(problem, facts, sequence);
    return p.valid && p.peak <= peak;
  };
  // What nobody reads.
  const auto needed = needed_results(problem, launches);
  std::vector<uint32_t> kept;
  for (size_t t = 0; t < launches.size(); ++t) {
    const auto count = std::count(needed[t].begin(), needed[t].end(), 1);
    if (count == 0) continue;
    kept.push_back(launches[t]);
    if (count == static_cast<std::ptrdiff_t>(needed[t].size()) || !makers.usable(launches[t])) continue;
    std::vector<uint32_t> wanted;
    for (size_t i = 0; i < needed[t].size(); ++i) {
      if (needed[t][i]) wanted.push_back(problem.candidates[launches[t]].results[i]);
    }
    std::sort(wanted.begin(), wanted.end());
    const uint32_t other = narrower(problem, makers, launches[t], wanted, steps);
    if (other != kNone && problem.candidates[other].cost <= problem.candidates[launches[t]].cost) kept.back() = other;
  }
  if (fits(kept)) launches = std::move(kept);
  // What an earlier version serves as well, the dearest first.
  std::vector<uint32_t> made(problem.items, 0);
  std::vector<size_t> again;
  for (size_t t = 0; t < launches.size(); ++t) {
    const auto& results = problem.candidates[launches[t]].results;
    if (std::all_of(results.begin(), results.end(), [&](uint32_t r) { return made[r] > 0; })) again.push_back(t);
    for (uint32_t r : results) ++made[r];
  }
  std::stable_sort(again.begin(), again.end(), [&](size_t a, size_t b) {
    return problem.candidates[launches[a]].cost > problem.candidates[launches[b]].cost;
  });
  std::vector<size_t> removed;
  for (size_t t : again) {
    if (problem.candidates[launches[t]].cost <= 0) continue;
    std::vector<uint32_t> without;
    for (size_t i = 0; i < launches.size(); ++i) {
      if (i != t && std::find(removed.begin(), removed.end(), i) == removed.end()) without.push_back(launches[i]);
    }
    if (fits(without)) removed.push_back(t);
  }
  std::sort(removed.begin(), removed.end());
  for (size_t i = removed.size(); i-- > 0;) launches.erase(launches.begin() + static_cast<std::ptrdiff_t>(removed[i]));
  return launches;
}

}  // namespace egret::extract
