// Unit propagation over a growing set of clauses: what makes a clause "RUP", implied because assuming its negation
// runs into a contradiction.  Two watched literals a clause; what follows without assumptions is kept for good.
#pragma once

#include <cstdlib>

#include "extract/certify/record.h"

namespace egret::certify {

class Propagator {
 public:
  using Clause = std::vector<int>;  // literals: +-variable, from 1
  explicit Propagator(uint32_t variables) : values_(2 * variables + 2), watches_(2 * variables + 2) {}
  int variables() const { return static_cast<int>(values_.size() / 2) - 1; }
  int add_variable() {
    values_.resize(values_.size() + 2);
    watches_.resize(values_.size());
    return variables();
  }

  // Takes the clause as true; the answer is its place, kNowhere where it is not kept.
  static constexpr size_t kNowhere = SIZE_MAX;
  size_t add(Clause clause) {
    if (contradiction_) return kNowhere;
    sort_unique(clause);
    // Two literals that are not false come first, where there are two.
    std::partition(clause.begin(), clause.end(), [&](int literal) { return value(literal) >= 0; });
    contradiction_ = clause.empty() || value(clause[0]) < 0;
    if (contradiction_) return kNowhere;
    if (clause.size() == 1 || value(clause[1]) < 0) {
      if (value(clause[0]) > 0) return kNowhere;  // satisfied for good
      assign(clause[0]);
      contradiction_ = !propagate();
      return kNowhere;
    }
    const auto place = static_cast<uint32_t>(arena_.size());
    arena_.push_back(static_cast<int>(clause.size()));
    arena_.insert(arena_.end(), clause.begin(), clause.end());
    watches_[index(clause[0])].push_back({place, clause[1]});
    watches_[index(clause[1])].push_back({place, clause[0]});
    return place;
  }
  // Does the clause follow by propagation?
  bool implies(const Clause& clause) {
    if (contradiction_) return true;
    const size_t mark = trail_.size();
    bool refuted = false;
    for (size_t i = 0; i < clause.size() && !refuted; ++i) {
      refuted = value(clause[i]) > 0;
      if (value(clause[i]) == 0) assign(-clause[i]);
    }
    refuted = refuted || !propagate();
    for (; trail_.size() > mark; trail_.pop_back()) values_[index(trail_.back())] = values_[index(-trail_.back())] = 0;
    next_ = mark;
    return refuted;
  }
  // Forgets the clause: that can only make fewer clauses follow.
  void drop(size_t place) { if (place != kNowhere) arena_[place] = 0; }
  // The clauses have been refuted.
  bool contradiction() const { return contradiction_; }

 private:
  struct Watch {
    uint32_t clause;
    int other;  // a literal of the clause: where it holds, the clause needs no look
  };

  static size_t index(int literal) { return 2 * static_cast<size_t>(std::abs(literal)) + (literal < 0); }
  int8_t value(int literal) const { return values_[index(literal)]; }

  void assign(int literal) {
    values_[index(literal)] = 1;
    values_[index(-literal)] = -1;
    trail_.push_back(literal);
  }
  // False: a contradiction.
  bool propagate() {
    while (next_ < trail_.size() && visit(-trail_[next_])) ++next_;
    return next_ == trail_.size();
  }
  bool visit(int falsified) {
    auto& list = watches_[index(falsified)];
    size_t kept = 0;
    bool fine = true;
    for (size_t w = 0; w < list.size(); ++w) {
      Watch watch = list[w];
      if (fine && value(watch.other) <= 0) {
        const int size = arena_[watch.clause];
        if (size == 0) continue;  // dropped
        int* literals = &arena_[watch.clause + 1];
        if (literals[0] == falsified) std::swap(literals[0], literals[1]);
        watch.other = literals[0];
        int next = 2;
        while (value(watch.other) <= 0 && next < size && value(literals[next]) < 0) ++next;
        if (value(watch.other) <= 0 && next < size) {
          std::swap(literals[1], literals[next]);
          watches_[index(literals[1])].push_back(watch);
          continue;
        }
        fine = value(watch.other) >= 0;
        if (value(watch.other) == 0) assign(watch.other);
      }
      list[kept++] = watch;
    }
    list.resize(kept);
    return fine;
  }

  std::vector<int> arena_;                   // a clause: its size, then its literals; size 0: dropped
  std::vector<int8_t> values_;               // by literal index: 1 true, -1 false
  std::vector<std::vector<Watch>> watches_;  // of the literal that must not become false
  std::vector<int> trail_;
  size_t next_ = 0;
  bool contradiction_ = false;
};

}  // namespace egret::certify
