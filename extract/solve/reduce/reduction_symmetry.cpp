// R9: of two candidates that an automorphism of the problem exchanges, one is enough.
//
// The automorphism is found from the pair: what one reads must go to what the other reads, then its makers and readers
// to those of the other, until nothing is left over.  Colours (as in colour refinement) say what may go where; they are a
// guide only, each exchange is verified whole against the graph as it stands.
#include <algorithm>
#include <bit>
#include <utility>

#include "extract/solve/reduce/reduction_graph.h"
#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr int kMaxRounds = 12;              // of colour refinement,
constexpr int kLeastRounds = 3;             // so many even where they tell no more makers apart
constexpr size_t kMostExchanged = 2'000;    // items and candidates, in one exchange
constexpr uint64_t kSteps = 2'000'000;      // elementary ones, in all
constexpr uint64_t kPatience = 500'000;     // since the last exchange that was found
constexpr size_t kTries = 2;                // candidates of a colour that each other one is compared to

// A map of numbers to themselves that is its own inverse; what is not named stays.
class Exchange {
 public:
  explicit Exchange(uint32_t count) : to_(count, kNone) {}

  bool named(uint32_t x) const { return to_[x] != kNone; }
  uint32_t operator()(uint32_t x) const { return named(x) ? to_[x] : x; }
  void name(uint32_t a, uint32_t b) {
    to_[a] = b;
    to_[b] = a;
    pairs_.emplace_back(a, b);
  }
  void clear() {
    for (const auto& [a, b] : pairs_) to_[a] = to_[b] = kNone;
    pairs_.clear();
  }
  const std::vector<std::pair<uint32_t, uint32_t>>& pairs() const { return pairs_; }

 private:
  List to_;
  std::vector<std::pair<uint32_t, uint32_t>> pairs_;
};

class Symmetry {
 public:
  Symmetry(ReductionGraph& g, const StopCheck& stop)
      : g_(g), stop_(stop), item_colour_(g.items()), colour_(g.size()), items_(g.items()), candidates_(g.size()) {}

  bool run() {
    if (!refine()) return false;
    last_found_ = steps_;
    bool changed = false;
    for (uint32_t i : from_roots()) {
      const Span makers = g_.producers(i);
      if (spent() || stop_()) break;
      if (makers.size() > 1) changed |= thin_out(List(makers.begin(), makers.end()));
    }
    return changed;
  }

 private:
  bool spent() const { return steps_ >= kSteps || steps_ >= last_found_ + kPatience; }

  uint64_t sum(Span list, const std::vector<uint64_t>& colours) {
    uint64_t total = list.size();
    for (uint32_t x : list) total += hash_combine(colours[x], 0x9e3779b97f4a7c15);
    steps_ += list.size();
    return total;
  }

  // Each exchange that is used up leaves fewer for what comes after: those near the roots move the most.
  List from_roots() {
    List out;
    std::vector<uint8_t> seen(g_.root);
    for (uint32_t i = 0; i < g_.items(); ++i) {
      if (seen[i]) out.push_back(i);
    }
    for (size_t o = 0; o < out.size(); ++o) {
      for (uint32_t k : g_.producers(out[o])) {
        for (uint32_t i : g_.operands(k)) {
          if (!seen[i]) seen[i] = 1, out.push_back(i);
        }
      }
    }
    return out;
  }

  // False where no two makers of an item look alike.
  bool refine() {
    for (uint32_t i = 0; i < g_.items(); ++i) item_colour_[i] = g_.root[i];
    size_t alike = SIZE_MAX;
    for (int round = 0; round < kMaxRounds && !stop_(); ++round) {
      for (uint32_t k = 0; k < g_.size(); ++k) {
        if (!g_.alive[k]) continue;
        const uint64_t price = hash_combine(std::bit_cast<uint64_t>(g_.cost[k] + 0.0), std::bit_cast<uint64_t>(g_.fold[k] + 0.0));
        colour_[k] = hash_combine(price, hash_combine(sum(g_.operands(k), item_colour_), sum(g_.results(k), item_colour_)));
      }
      const size_t before = std::exchange(alike, look_alike());
      if (alike == 0 || (alike == before && round > kLeastRounds)) break;
      for (uint32_t i = 0; i < g_.items(); ++i) {
        item_colour_[i] = hash_combine(item_colour_[i], hash_combine(sum(g_.producers(i), colour_), sum(g_.consumers(i), colour_)));
      }
    }
    return alike > 0;
  }

  // Makers of an item that another one before has the colour of.
  size_t look_alike() {
    size_t count = 0;
    std::vector<uint64_t> colours;
    for (uint32_t i = 0; i < g_.items(); ++i) {
      const Span makers = g_.producers(i);
      if (makers.size() < 2) continue;
      colours.clear();
      for (uint32_t k : makers) colours.push_back(colour_[k]);
      std::sort(colours.begin(), colours.end());
      for (size_t c = 1; c < colours.size(); ++c) count += colours[c] == colours[c - 1];
    }
    return count;
  }

  // Of makers of one item.
  bool thin_out(List makers) {
    std::stable_sort(makers.begin(), makers.end(), [&](uint32_t a, uint32_t b) { return colour_[a] < colour_[b]; });
    bool changed = false;
    List kept;
    for (size_t m = 0; m < makers.size(); ++m) {
      if (m == 0 || colour_[makers[m]] != colour_[makers[m - 1]]) kept.clear();
      const uint32_t k = makers[m];
      const bool needless = std::any_of(kept.begin(), kept.end(), [&](uint32_t other) { return drop_for(k, other); });
      changed |= needless;
      if (!needless && kept.size() < kTries) kept.push_back(k);
    }
    return changed;
  }

  bool drop_for(uint32_t k, uint32_t other) {
    if (!g_.alive[k] || !g_.alive[other] || spent() || !std::ranges::equal(g_.results(k), g_.results(other))) return false;
    const bool found = exchange(k, other);
    if (found) {
      for (const auto& [a, b] : candidates_.pairs()) g_.note(Rule::kExchanged, a, b);
      for (const auto& [a, b] : items_.pairs()) g_.note(Rule::kExchangedItem, a, b);
      g_.note(Rule::kSymmetric, k, other);
      g_.kill(k);
      last_found_ = steps_;
    }
    items_.clear();
    candidates_.clear();
    return found;
  }

  bool exchange(uint32_t k, uint32_t other) {
    if (!name(candidates_, colour_, k, other)) return false;
    for (size_t c = 0, i = 0; c < candidates_.pairs().size() || i < items_.pairs().size();) {
      if (c + i > kMostExchanged || spent()) return false;
      if (c < candidates_.pairs().size()) {
        const auto [a, b] = candidates_.pairs()[c++];
        if (!match_items(g_.results(a), g_.results(b)) || !match_items(g_.operands(a), g_.operands(b))) return false;
      } else {
        const auto [a, b] = items_.pairs()[i++];
        if (!match_candidates(g_.producers(a), g_.producers(b)) || !match_candidates(g_.consumers(a), g_.consumers(b))) return false;
      }
    }
    return verified();
  }

  static bool name(Exchange& map, const std::vector<uint64_t>& colours, uint32_t a, uint32_t b) {
    if (map.named(a) || map.named(b)) return map(a) == b;
    if (colours[a] != colours[b]) return false;
    map.name(a, b);
    return true;
  }

  // What only one of both lists has and nothing is known of.
  static void left_over(Span from, Span without, const Exchange& map, const std::vector<uint64_t>& colours, List& out) {
    out.clear();
    std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(out));
    std::erase_if(out, [&](uint32_t x) { return map.named(x); });
    std::stable_sort(out.begin(), out.end(), [&](uint32_t a, uint32_t b) { return colours[a] < colours[b]; });
  }

  bool match_items(Span from, Span to) {
    if (from.size() != to.size()) return false;
    steps_ += from.size();
    left_over(from, to, items_, item_colour_, left_);
    left_over(to, from, items_, item_colour_, right_);
    if (left_.size() != right_.size()) return false;
    for (size_t x = 0; x < left_.size(); ++x) {
      if (!name(items_, item_colour_, left_[x], right_[x])) return false;
    }
    return true;
  }

  // Each with the one of its colour that reads the most of what it should.
  bool match_candidates(Span from, Span to) {
    if (from.size() != to.size()) return false;
    steps_ += from.size();
    left_over(from, to, candidates_, colour_, left_);
    left_over(to, from, candidates_, colour_, right_);
    if (left_.size() != right_.size()) return false;
    for (uint32_t a : left_) {
      uint32_t best = kNone;
      size_t most = 0;
      for (uint32_t b : right_) {
        if (candidates_.named(b) || colour_[a] != colour_[b]) continue;
        const size_t common = in_common(g_.operands(a), g_.operands(b)) + in_common(g_.results(a), g_.results(b));
        if (best == kNone || common > most) best = b, most = common;
      }
      if (best == kNone) return false;
      candidates_.name(a, best);
    }
    return true;
  }

  // Of `to`, how much the image of `from` holds as things stand.
  size_t in_common(Span from, Span to) {
    steps_ += from.size();
    return static_cast<size_t>(std::ranges::count_if(from, [&](uint32_t i) { return std::ranges::binary_search(to, items_(i)); }));
  }

  bool image_is(Span of, Span is) {
    steps_ += of.size();
    if (of.size() != is.size()) return false;
    image_.clear();
    for (uint32_t i : of) image_.push_back(items_(i));
    std::sort(image_.begin(), image_.end());
    return std::ranges::equal(image_, is);
  }
  bool fits(uint32_t a, uint32_t b) { return image_is(g_.operands(a), g_.operands(b)) && image_is(g_.results(a), g_.results(b)); }

  bool verified() {
    const auto good = [&](uint32_t k) {
      const uint32_t to = candidates_(k);
      return g_.cost[k] == g_.cost[to] && g_.fold[k] == g_.fold[to] && fits(k, to);
    };
    for (const auto& [a, b] : candidates_.pairs()) {
      if (!good(a)) return false;
    }
    for (const auto& [a, b] : items_.pairs()) {
      if (g_.root[a] != g_.root[b]) return false;
      for (uint32_t i : {a, b}) {
        const Span makers = g_.producers(i), readers = g_.consumers(i);
        if (!std::all_of(makers.begin(), makers.end(), good) || !std::all_of(readers.begin(), readers.end(), good)) return false;
      }
    }
    return true;
  }

  ReductionGraph& g_;
  const StopCheck& stop_;
  std::vector<uint64_t> item_colour_, colour_;
  Exchange items_, candidates_;
  List left_, right_, image_;
  uint64_t steps_ = 0, last_found_ = 0;
};

}  // namespace

bool drop_symmetric(ReductionGraph& g, const StopCheck& stop) { return Symmetry(g, stop).run(); }

}  // namespace egret::extract
