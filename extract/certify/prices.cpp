#include "extract/certify/prices.h"

namespace egret::certify {

Prices::Prices(const Part& part) : part_(part), left_(part.cost), state_(part.candidates(), State::kOpen) {}

void Prices::forget() {
  if (priced_) left_ = part_.cost;
  total_ = Exact();
  priced_ = false;
}

Exact Prices::bound() const {
  Exact bound = total_;
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    if (state_[k] == State::kIn || (state_[k] == State::kOpen && left_[k].negative())) bound += left_[k];
  }
  return bound;
}

void Prices::add_row(const Record& record) {
  const bool cut = record.kind == 'u';
  const Exact v(record.real);
  List set = record.indices(part_.items(), cut ? 0 : 1);
  sort_unique(set);
  need(!v.negative(), "a price is negative");
  priced_ = true;
  if (cut) {
    need(std::any_of(set.begin(), set.end(), [&](uint32_t i) { return part_.root[i]; }), "no root in the set");
    total_ += v;
  } else {
    const uint32_t reader = record.first(part_.candidates());
    const List& reads = part_.reads[reader];
    need(std::any_of(reads.begin(), reads.end(), [&](uint32_t d) { return holds(set, d); }), "it reads nothing of the set");
    left_[reader] += v;
  }
  for (uint32_t k : part_.leading_in(set)) left_[k] -= v;
}

// A case in which what is in goes out, or the other way round, is empty: proved.
void Prices::set(uint32_t k, State state) {
  if (state_[k] == state) return;
  if (state_[k] != State::kOpen) {
    proved_ = true;
    return;
  }
  if (cases_.empty()) {
    out_for_good_.push_back(k);
  } else {
    cases_.back().before.emplace_back(k, state_[k]);
  }
  state_[k] = state;
}

// What each dropped candidate would add to the bound, taken in, closes the case.
void Prices::drop(const List& list) {
  const Exact base = bound();
  for (uint32_t k : list) {
    const bool pays = !part_.closes(left_[k].negative() ? base : base + left_[k]);
    need(state_[k] != State::kOpen || !pays, "a dropped candidate could still pay");
  }
  for (uint32_t k : list) {
    if (state_[k] == State::kOpen) set(k, State::kOut);
  }
}

void Prices::close_case(bool last) {
  forget();
  need(!cases_.empty() && proved_ && cases_.back().second == last, "no case is proved here, or the other is missing");
  Case& top = cases_.back();
  for (; !top.before.empty(); top.before.pop_back()) state_[top.before.back().first] = top.before.back().second;
  if (last) return cases_.pop_back();
  top.second = true;
  proved_ = false;
  set(top.candidate, State::kIn);
}

void Prices::take(const Record& record) {
  switch (record.kind) {
    case 'K':
      return drop(record.indices(part_.candidates()));
    case 'B':
      need(!proved_, "this case is proved already");
      cases_.push_back({record.indices(part_.candidates(), 0, 1)[0], false, {}});
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

}  // namespace egret::certify
