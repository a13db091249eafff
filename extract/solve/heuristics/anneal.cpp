#include "extract/solve/heuristics/anneal.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace egret::extract {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr double kCooling = 1e-3;      // last temperature over the first
constexpr int kStarts = 3;             // runs, each from the best so far

class Annealing {
 public:
  Annealing(const Hypergraph& graph, const std::vector<uint32_t>& start)
      : graph_(graph), choice_(graph.items, kNone), users_(graph.items, 0), place_(graph.items, kNone),
        seen_(graph.items, 0) {
    // A class that is not reached keeps a choice for when it is: at first its producer in an order of making.
    std::vector<uint32_t> missing(graph.size()), work;
    const auto run = [&](uint32_t k) {
      const uint32_t item = graph.results[k][0];
      if (choice_[item] == kNone) choice_[item] = k, work.push_back(item);
    };
    for (uint32_t k = 0; k < graph.size(); ++k) missing[k] = static_cast<uint32_t>(graph.operands[k].size());
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (missing[k] == 0) run(k);
    }
    for (size_t w = 0; w < work.size(); ++w) {
      for (uint32_t k : graph.consumers[work[w]]) {
        if (--missing[k] == 0) run(k);
      }
    }
    for (uint32_t k : start) choice_[graph.results[k][0]] = k;
    for (uint32_t r : graph.roots) {
      if (users_[r]++ == 0) enter(r);
    }
    best_ = reached();
    best_cost_ = cost_;
    scale_ = 0;
    for (double c : graph.cost) scale_ = std::max(scale_, std::abs(c));
  }

  void run(uint64_t steps, const Limits& limits, const Stopwatch& clock) {
    const uint64_t last = steps_ + steps, first = steps_;
    while (steps_ < last && !members_.empty() && scale_ > 0) {
      if ((++moves_ & 1023) == 0 && clock.expired(limits)) return;
      ++steps_;
      const double done = static_cast<double>(steps_ - first) / static_cast<double>(steps);
      move(0.5 * scale_ * std::pow(kCooling, done));
    }
  }

  void restart() {
    for (uint32_t k : best_) choice_[graph_.results[k][0]] = k;
    std::fill(users_.begin(), users_.end(), 0);
    std::fill(place_.begin(), place_.end(), kNone);
    members_.clear();
    cost_ = 0;
    for (uint32_t r : graph_.roots) {
      if (users_[r]++ == 0) enter(r);
    }
  }

  const std::vector<uint32_t>& best() const { return best_; }

 private:
  std::vector<uint32_t> reached() const {
    std::vector<uint32_t> out;
    for (uint32_t i : members_) out.push_back(choice_[i]);
    std::sort(out.begin(), out.end());
    return out;
  }

  // The item is used for the first time: its choice counts, and uses what it reads.
  void enter(uint32_t item) {
    work_.assign(1, item);
    while (!work_.empty()) {
      const uint32_t i = work_.back();
      work_.pop_back();
      place_[i] = static_cast<uint32_t>(members_.size());
      members_.push_back(i);
      cost_ += graph_.cost[choice_[i]];
      for (uint32_t o : graph_.operands[choice_[i]]) {
        ++steps_;
        if (users_[o]++ == 0) work_.push_back(o);
      }
    }
  }
  void leave(uint32_t item) {
    work_.assign(1, item);
    while (!work_.empty()) {
      const uint32_t i = work_.back();
      work_.pop_back();
      place_[members_.back()] = place_[i];
      members_[place_[i]] = members_.back();
      members_.pop_back();
      place_[i] = kNone;
      cost_ -= graph_.cost[choice_[i]];
      for (uint32_t o : graph_.operands[choice_[i]]) {
        ++steps_;
        if (--users_[o] == 0) work_.push_back(o);
      }
    }
  }

  // Is `item` among what `k` needs, through the choices as they stand?
  bool needs(uint32_t k, uint32_t item) {
    ++stamp_;
    work_.assign(graph_.operands[k].begin(), graph_.operands[k].end());
    while (!work_.empty()) {
      const uint32_t i = work_.back();
      work_.pop_back();
      if (i == item) return true;
      if (seen_[i] == stamp_) continue;
      seen_[i] = stamp_;
      ++steps_;
      const auto reads = graph_.operands[choice_[i]];
      work_.insert(work_.end(), reads.begin(), reads.end());
    }
    return false;
  }

  void choose(uint32_t item, uint32_t k) {
    const uint32_t old = choice_[item];
    cost_ += graph_.cost[k] - graph_.cost[old];
    choice_[item] = k;
    for (uint32_t o : graph_.operands[k]) {
      if (users_[o]++ == 0) enter(o);
    }
    for (uint32_t o : graph_.operands[old]) {
      if (--users_[o] == 0) leave(o);
    }
  }

  void move(double temperature) {
    const uint32_t item = members_[random_() % members_.size()];
    const auto producers = graph_.producers[item];
    if (producers.size() < 2) return;
    const uint32_t old = choice_[item], k = producers[random_() % producers.size()];
    if (k == old || needs(k, item)) return;
    const double before = cost_;
    choose(item, k);
    const double worse = cost_ - before;
    const double draw = static_cast<double>(random_() >> 11) * 0x1p-53;
    if (worse > 0 && draw >= std::exp(-worse / temperature)) {
      choose(item, old);
      cost_ = before;
      return;
    }
    if (cost_ < best_cost_ - 1e-12 * scale_) {
      best_cost_ = cost_;
      best_ = reached();
      steps_ += best_.size();
    }
  }

  const Hypergraph& graph_;
  std::vector<uint32_t> choice_, users_, place_, members_, work_, best_;
  std::vector<uint64_t> seen_;
  std::mt19937_64 random_{1};
  uint64_t steps_ = 0, moves_ = 0, stamp_ = 0;
  double cost_ = 0, best_cost_ = 0, scale_ = 0;
};

}  // namespace

std::vector<uint32_t> anneal(const Hypergraph& graph, const std::vector<uint32_t>& start, uint64_t steps,
                             const Limits& limits, const Stopwatch& clock) {
  Annealing annealing(graph, start);
  for (int run = 0; run < kStarts; ++run) {
    if (run > 0) annealing.restart();
    annealing.run(steps / kStarts, limits, clock);
  }
  return annealing.best();
}

}  // namespace egret::extract
