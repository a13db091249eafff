// Local search on a valid cover.  Three moves, each tried on a transaction and kept only when the cover gets
// cheaper, stays valid and within the fold budget:
//   adopt   take one more candidate, complete its operands, drop what becomes redundant (it may replace several);
//   avoid   stop storing an item: every candidate that reads it is replaced by ones that do not (recomputation);
//   store   start storing an item, and adopt candidates that read it while each of them pays.
#include <algorithm>

#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

class Search {
 public:
  Search(Cover& cover, const std::vector<uint32_t>& producer, uint64_t steps, const Limits& limits,
         const Stopwatch& clock)
      : cover_(cover), graph_(cover.graph()), producer_(producer), limits_(limits), clock_(clock),
        last_step_(cover.steps() + steps), best_(cover.cost()) {}

  void run() {
    for (bool again = true; again && !spent();) {
      again = false;
      for (uint32_t k = 0; k < graph_.size() && !spent(); ++k) again |= attempt(&Search::adopt, k);
      for (uint32_t i = 0; i < graph_.items && !spent(); ++i) again |= attempt(&Search::avoid, i);
      for (uint32_t i = 0; i < graph_.items && !spent(); ++i) again |= attempt(&Search::store, i);
    }
  }

 private:
  bool spent() const { return cover_.steps() >= last_step_ || clock_.expired(limits_); }
  double threshold() const { return best_ - 1e-9 * best_; }
  bool wanted(uint32_t k) const {
    const auto row = graph_.results[k];
    return std::any_of(row.begin(), row.end(), [&](uint32_t i) { return cover_.users(i) > 0; });
  }

  // Makes the move, and keeps it or takes it back.
  bool attempt(bool (Search::*move)(uint32_t), uint32_t argument) {
    const Cover::Mark mark = cover_.mark();
    const bool complete = (this->*move)(argument);
    if (mark.trail == cover_.mark().trail) return false;
    if (complete && cover_.cost() < threshold() && cover_.fold() <= graph_.fold_budget && cover_.still_valid(mark)) {
      best_ = cover_.cost();
      return true;
    }
    cover_.rollback(mark);
    return false;
  }

  bool add_and_prune(uint32_t k) {
    cover_.add(k);
    const auto reads = graph_.operands[k];
    const auto makes = graph_.results[k];
    if (!cover_.complete({reads.begin(), reads.end()}, producer_, limit_)) return false;
    cover_.prune({makes.begin(), makes.end()}, k);
    return true;
  }

  bool adopt(uint32_t k) {
    if (cover_.chosen(k) || !wanted(k)) return true;
    limit_ = 2 * best_ + graph_.cost[k];
    return add_and_prune(k);
  }

  bool avoid(uint32_t item) {
    if (cover_.users(item) == 0 || cover_.makers(item) == 0) return true;
    if (std::binary_search(graph_.roots.begin(), graph_.roots.end(), item)) return true;
    limit_ = 2 * best_;
    std::vector<uint32_t> readers;
    for (uint32_t k : graph_.consumers[item]) {
      if (cover_.chosen(k)) readers.push_back(k);
    }
    for (uint32_t reader : readers) {
      for (uint32_t result : graph_.results[reader]) {
        if (!cover_.chosen(reader)) break;
        if (cover_.users(result) == 0 || cover_.makers(result) > 1) continue;
        const uint32_t k = cheapest_without(result, item);
        if (k == kNone || !add_and_prune(k)) return false;
      }
      if (cover_.chosen(reader)) return false;
    }
    return true;
  }

  // The producer of `result` that does not read `item` and leaves the cheapest cover.
  uint32_t cheapest_without(uint32_t result, uint32_t item) {
    uint32_t best = kNone;
    double least = 0;
    for (uint32_t k : graph_.producers[result]) {
      const auto reads = graph_.operands[k];
      if (cover_.chosen(k) || std::binary_search(reads.begin(), reads.end(), item)) continue;
      const auto mark = cover_.mark();
      if (add_and_prune(k) && (best == kNone || cover_.cost() < least)) best = k, least = cover_.cost();
      cover_.rollback(mark);
      if (spent()) return kNone;
    }
    return best;
  }

  bool store(uint32_t item) {
    if (cover_.makers(item) > 0 || producer_[item] == kNone) return true;
    limit_ = 2 * best_;
    const uint32_t maker = producer_[item];
    if (cover_.chosen(maker)) return true;
    cover_.add(maker);
    const auto reads = graph_.operands[maker];
    if (!cover_.complete({reads.begin(), reads.end()}, producer_, limit_)) return false;
    for (uint32_t k : graph_.consumers[item]) {
      if (cover_.chosen(k) || !wanted(k)) continue;
      const auto mark = cover_.mark();
      const double before = cover_.cost();
      if (!add_and_prune(k) || cover_.cost() >= before) cover_.rollback(mark);
      if (spent()) break;
    }
    cover_.prune({item});
    return true;
  }

  Cover& cover_;
  const Hypergraph& graph_;
  const std::vector<uint32_t>& producer_;
  const Limits& limits_;
  const Stopwatch& clock_;
  const uint64_t last_step_;
  double best_, limit_ = 0;
};

}  // namespace

void local_search(Cover& cover, const std::vector<uint32_t>& producer, uint64_t steps, const Limits& limits,
                  const Stopwatch& clock) {
  Search(cover, producer, steps, limits, clock).run();
}

}  // namespace egret::extract
