// Lower bounds from prices, and trees of cases each with its own: the dual of the linear program of extraction.  Rows,
// each true of some optimal choice x, and p(k) the sum of the prices in k's column:
//   u v L..:    what makes something of L, which holds a root, and reads nothing of L:  sum >= 1        (x v)
//   w v k L..:  the same, where k reads something of L:  sum >= x(k)
// The bound is the sum of u + sum of (cost - p) over what is in - sum of max(0, p - cost) over what is open.
#pragma once

#include "extract/certify/system.h"

namespace egret::certify {

class Prices {
 public:
  explicit Prices(const Part& part) : part_(part), left_(part.cost), state_(part.candidates(), State::kOpen) {}

  // Rows; K k..: k costs too much by the prices so far, so it is out; f: the prices prove this case; B k: the cases "k
  // is out" and, from /, "k is in"; ^: both are proved, so is what stood before; q: the prices are forgotten.
  void take(const Record& record) {
    switch (record.kind) {
      case 'K':
        return drop(record.indices(part_.candidates()));
      case 'B':
        need(!proved_, "this case is proved already");
        cases_.push_back({record.indices(part_.candidates(), 0, 1)[0]});
        return set(cases_.back().candidate, State::kOut);
      case '/':
      case '^':
        return close_case(record.kind == '^');
      case 'q':
        return forget();
      case 'f':
        need(part_.closes(bound()), "the prices do not prove the claim");
        proved_ = true;
        return forget();
      default:
        return add_row(record);
    }
  }
  bool proved() const { return proved_ && cases_.empty(); }
  // Candidates out in every case, as found by K outside of all cases.
  const List& out_for_good() const { return out_for_good_; }

 private:
  enum class State : char { kOpen, kOut, kIn };
  struct Case {
    uint32_t candidate = 0;
    bool second = false;  // it is in
    List decided = {};    // what was open before this case
  };

  void forget() {
    if (priced_) left_ = part_.cost;
    total_ = Exact();
    priced_ = false;
  }
  Exact bound() const {
    Exact bound = total_;
    for (uint32_t k = 0; k < part_.candidates(); ++k) {
      if (state_[k] == State::kIn || (state_[k] == State::kOpen && left_[k].negative())) bound += left_[k];
    }
    return bound;
  }
  void add_row(const Record& record) {
    const bool cut = record.kind == 'u';
    const Exact v(record.real);
    List set = record.indices(part_.items(), cut ? 0 : 1);
    sort_unique(set);
    need(!v.negative(), "a price is negative");
    priced_ = true;
    if (cut) {
      need(any_of(set, [&](uint32_t i) { return part_.root[i]; }), "no root in the set");
      total_ += v;
    } else {
      const uint32_t reader = record.first(part_.candidates());
      const List& reads = part_.reads[reader];
      need(any_of(reads, [&](uint32_t d) { return holds(set, d); }), "it reads nothing of the set");
      left_[reader] += v;
    }
    for (uint32_t k : part_.leading_in(set)) left_[k] -= v;
  }
  // A case in which what is in goes out, or the other way round, is empty: proved.
  void set(uint32_t k, State state) {
    if (state_[k] != State::kOpen) return void(proved_ |= state_[k] != state);
    (cases_.empty() ? out_for_good_ : cases_.back().decided).push_back(k);
    state_[k] = state;
  }
  // What each dropped candidate would add to the bound, taken in, closes the case.
  void drop(const List& list) {
    const Exact base = bound();
    for (uint32_t k : list) {
      const bool pays = !part_.closes(left_[k].negative() ? base : base + left_[k]);
      need(state_[k] != State::kOpen || !pays, "a dropped candidate could still pay");
      if (state_[k] == State::kOpen) set(k, State::kOut);
    }
  }
  void close_case(bool last) {
    forget();
    need(!cases_.empty() && proved_ && cases_.back().second == last, "no case is proved here, or the other is missing");
    for (uint32_t k : cases_.back().decided) state_[k] = State::kOpen;
    const uint32_t candidate = cases_.back().candidate;
    cases_.pop_back();
    if (last) return;
    proved_ = false;
    cases_.push_back({candidate, /*second=*/true});
    set(candidate, State::kIn);
  }

  const Part& part_;
  std::vector<Exact> left_;  // by candidate: its cost less its price
  Exact total_;              // of u
  std::vector<State> state_;
  std::vector<Case> cases_;
  List out_for_good_;
  bool proved_ = false, priced_ = false;
};

}  // namespace egret::certify
