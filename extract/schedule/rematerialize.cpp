#include "extract/schedule/rematerialize.h"

#include <algorithm>
#include <set>
#include <span>

#include "extract/schedule/checkpoint.h"
#include "extract/schedule/order.h"
#include "extract/schedule/part.h"
#include "extract/schedule/replay.h"

namespace egret::extract {
namespace {

constexpr uint64_t kOrderWork = 2'000'000;  // of putting a sequence in order anew
constexpr size_t kPlateau = 6;              // places near the peak that are looked at where the peak itself gives no move
constexpr double kNear = 0.97;              // of the peak: what counts as over
constexpr size_t kMostBeam = 8, kLeastBeam = 2, kSteps = 256;  // sequences at a time; launches in them together
constexpr int kMostIdle = 10;               // steps without less memory

// One sequence, and what may be changed about it.
struct State {
  std::vector<uint32_t> launches;
  Profile profile;
  double cost = 0;
};

// A beam over sequences: each step lowers what lies near the peak, by the moves that cost least for what they save.
class Descent {
 public:
  Descent(const Problem& problem, const MemoryFacts& facts, const Makers& makers, const RematerializeOptions& options)
      : problem_(problem), facts_(facts), makers_(makers), options_(options) {}

  // `touched`: prices of bytes that added launches touch are tried too.
  std::vector<Sequence> run(const std::vector<uint32_t>& start, bool touched, uint64_t work) {
    work_ = work;
    spent_ = 0;
    touched_ = touched;
    seen_.clear();
    std::vector<Sequence> found;
    std::vector<State> beam{state_of(start)};
    found.push_back({start, beam[0].cost, beam[0].profile.peak});
    uint64_t least = beam[0].profile.peak;
    for (int idle = 0; !beam.empty() && idle < kMostIdle && !expired(); ++idle) {
      std::vector<Move> moves;
      for (size_t i = 0; i < beam.size(); ++i) {
        std::vector<Move> some = moves_of(beam[i]);
        for (Move& m : some) moves.push_back(std::move(m));
      }
      std::stable_sort(moves.begin(), moves.end(), [](const Move& a, const Move& b) {
        if ((a.gain == 0) != (b.gain == 0)) return b.gain == 0;
        return a.score != b.score ? a.score < b.score : a.gain > b.gain;
      });
      std::vector<State> next;
      for (Move& m : moves) {
        if (next.size() >= width_of(beam[0]) || expired()) break;
        uint64_t steps = 0;
        m.launches = pruned(problem_, facts_, makers_, std::move(m.launches), m.peak, &steps);
        spent_ += steps + kOrderWork / 4;
        State s = state_of(ordered_for_memory(problem_, facts_, m.launches, kOrderWork));
        const bool known = std::any_of(next.begin(), next.end(), [&](const State& other) { return other.launches == s.launches; });
        if (known || !seen_.insert(s.launches).second) continue;
        found.push_back({s.launches, s.cost, s.profile.peak});
        if (s.profile.peak < least) least = s.profile.peak, idle = -1;
        next.push_back(std::move(s));
      }
      beam = std::move(next);
    }
    return found;
  }

 private:
  struct Move {
    std::vector<uint32_t> launches;
    uint64_t peak = 0, gain = 0;  // bytes; gain: less above the level
    double score = 0;             // seconds of the whole for a byte less above the level: small is good
  };

  State state_of(std::vector<uint32_t> launches) {
    State s;
    s.profile = profile(problem_, facts_, launches);
    s.cost = cost_of(problem_, launches);
    s.launches = std::move(launches);
    return s;
  }

  // Fewer at a time where each is long.
  static size_t width_of(const State& s) { return std::clamp<size_t>(kSteps / (s.launches.size() + 1), kLeastBeam, kMostBeam); }

  bool expired() const { return spent_ >= work_ || watch_.expired(options_.limits); }

  void consider(const State& s, const GivenUp& gone, uint64_t level, std::vector<Move>& moves) {
    uint64_t steps = 0;
    auto launches = replayed(problem_, facts_, makers_, s.launches, s.profile, gone, &steps);
    spent_ += steps;
    if (!launches || *launches == last_ || launches->size() > 4 * problem_.items + 64) return;
    last_ = *launches;
    spent_ += problem_.items + 8 * launches->size();
    const Profile p = profile(problem_, facts_, *launches);
    const uint64_t over = s.profile.over(level);
    if (!p.valid || p.peak > s.profile.peak + s.profile.peak / 4) return;
    Move move{std::move(*launches), p.peak, over > p.over(level) ? over - p.over(level) : 0, 0};
    move.score = std::max(0.0, cost_of(problem_, move.launches) - s.cost) / static_cast<double>(std::max<uint64_t>(1, move.gain));
    moves.push_back(std::move(move));
  }

  // What may be given up while launch `at` runs: the launch, a buffer that it does not touch, a later reader of one.
  void moves_at(const State& s, int at, uint64_t level, std::vector<Move>& moves) {
    const double rate = s.cost / static_cast<double>(std::max<uint64_t>(1, s.profile.peak));
    // Of a byte kept longer, and of one touched: much, little, next to nothing.
    const std::pair<double, double> all[] = {{1e3 * rate, 0}, {rate, 0}, {0.05 * rate, 0}, {rate, rate}};
    const auto rates = std::span(all).first(touched_ ? 4 : 3);
    const auto n = static_cast<int>(s.launches.size());
    auto leave_out = [&](int t) {
      if (!makers_.usable(s.launches[static_cast<size_t>(t)])) return;
      for (const auto& [kept, touched] : rates) consider(s, {t, {}, true, kept, touched}, level, moves);
    };
    if (at >= 0 && at < n) leave_out(at);
    std::vector<uint8_t> across(s.profile.buffers.size(), 0);
    for (uint32_t b = 0; b < s.profile.buffers.size(); ++b) {
      const Buffer& buffer = s.profile.buffers[b];
      if (buffer.bytes == 0 || buffer.first >= at || buffer.last <= at) continue;
      if (at >= 0 && at < n && std::ranges::count(s.profile.reads(static_cast<size_t>(at)), b) > 0) continue;
      across[b] = 1;
      if (buffer.first < 0) continue;
      for (const auto& [kept, touched] : rates) consider(s, {at, {b}, false, kept, touched}, level, moves);
      if (expired()) return;
    }
    for (int t = std::max(0, at + 1); t < n && !expired(); ++t) {
      if (std::ranges::any_of(s.profile.reads(static_cast<size_t>(t)), [&](uint32_t b) { return across[b] != 0; })) leave_out(t);
    }
  }

  // At the peak, or where nothing helps there at the next places near it.
  std::vector<Move> moves_of(const State& s) {
    const auto level = static_cast<uint64_t>(kNear * static_cast<double>(s.profile.peak));
    std::vector<size_t> places;
    for (size_t t = 0; t < s.profile.live.size(); ++t) {
      if (s.profile.live[t] > level) places.push_back(t);
    }
    std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) { return s.profile.live[a] > s.profile.live[b]; });
    std::vector<Move> moves;
    const size_t width = width_of(s);
    for (size_t i = 0; i < std::min(places.size(), kPlateau); ++i) {
      const auto helps = std::ranges::count_if(moves, [](const Move& m) { return m.gain > 0; });
      if (static_cast<size_t>(helps) >= width) break;
      moves_at(s, static_cast<int>(places[i]) - 1, level, moves);
    }
    return moves;
  }

  const Problem& problem_;
  const MemoryFacts& facts_;
  const Makers& makers_;
  const RematerializeOptions& options_;
  const Stopwatch watch_;
  bool touched_ = false;
  uint64_t work_ = 0, spent_ = 0;
  std::set<std::vector<uint32_t>> seen_;
  std::vector<uint32_t> last_;  // that was considered
};

}  // namespace

std::vector<Sequence> memory_frontier(const Problem& problem, const MemoryFacts& facts, const std::vector<std::vector<uint32_t>>& starts,
                                      const RematerializeOptions& options) {
  const Part part = part_of(problem, facts, starts, options.usable);
  const Makers makers(part.problem, part.usable);
  std::vector<Sequence> all;
  Descent descent(part.problem, part.facts, makers, options);
  std::vector<std::vector<uint32_t>> all_starts = part.starts;
  for (const auto& start : part.starts) {
    std::vector<uint32_t> apart = split(part.problem, makers, start);
    if (apart != start) all_starts.push_back(ordered_for_memory(part.problem, part.facts, apart));
  }
  for (const auto& start : all_starts) {
    if (!profile(part.problem, part.facts, start).valid) continue;
    for (auto& launches : checkpointed(part.problem, part.facts, makers, start)) {
      const uint64_t peak = profile(part.problem, part.facts, launches).peak;
      const double cost = cost_of(part.problem, launches);
      all.push_back({std::move(launches), cost, peak});
    }
    for (bool touched : {false, true}) {
      for (Sequence& s : descent.run(start, touched, options.work / (2 * all_starts.size()))) all.push_back(std::move(s));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Sequence& a, const Sequence& b) { return a.cost != b.cost ? a.cost < b.cost : a.peak < b.peak; });
  std::vector<Sequence> frontier;
  for (Sequence& s : all) {
    if (!frontier.empty() && s.peak >= frontier.back().peak) continue;
    for (uint32_t& c : s.launches) c = part.candidate[c];
    frontier.push_back(std::move(s));
  }
  return frontier;
}

}  // namespace egret::extract
