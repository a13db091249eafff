#include "extract/certify/prices.h"

#include <algorithm>

namespace egret::certify {
namespace {

bool holds(const std::vector<uint32_t>& sorted, uint32_t x) {
  return std::binary_search(sorted.begin(), sorted.end(), x);
}

}  // namespace

Prices::Prices(const Part& part)
    : part_(part), income_(part.items()), extra_(part.candidates()), state_(part.candidates(), State::kOpen) {}

void Prices::forget() {
  if (!priced_) return;
  std::fill(income_.begin(), income_.end(), Exact());
  std::fill(extra_.begin(), extra_.end(), Exact());
  total_ = Exact();
  priced_ = false;
}

Exact Prices::price(uint32_t k) const {
  Exact sum = extra_[k];
  for (uint32_t item : part_.makes[k]) sum += income_[item];
  return sum;
}

Exact Prices::bound() const {
  Exact bound = total_;
  for (uint32_t k = 0; k < part_.candidates(); ++k) {
    if (state_[k] == State::kOut) continue;
    const Exact left = part_.cost[k] - price(k);
    if (state_[k] == State::kIn || left.negative()) bound += left;
  }
  return bound;
}

Status Prices::add_row(const Record& record) {
  std::vector<uint32_t> n;
  const uint32_t limit = std::max(part_.items(), part_.candidates());
  if (record.real < 0) return refused(record, "a price is negative");
  priced_ = true;
  if (record.kind == 'u' || record.kind == 'g') return add_set_row(record);
  if (!indices(record, 0, limit, n)) return refused(record, "an index is out of range");
  const auto item = [&](size_t at) { return n[at] < part_.items(); };
  const Exact v(record.real);
  switch (record.kind) {
    case 'r':
      if (n.size() != 1 || !item(0) || !part_.root[n[0]]) return refused(record, "not a root");
      total_ += v;
      income_[n[0]] += v;
      return {};
    case 'e':
      if (n.size() != 2 || !item(0) || !item(1)) return refused(record, "expected two items");
      if (!part_.one_maker(n[0])) return refused(record, "several makers of the item may be chosen");
      income_[n[1]] += v;
      for (uint32_t k : part_.makers[n[0]]) {
        if (holds(part_.reads[k], n[1])) extra_[k] -= v;
      }
      return {};
    default:
      break;  // b
  }
  if (n.size() != 2 || n[0] >= part_.candidates() || !item(1) || !holds(part_.reads[n[0]], n[1])) {
    return refused(record, "the candidate does not read the item");
  }
  income_[n[1]] += v;
  extra_[n[0]] -= v;
  return {};
}

// u and g: prices on what leads out of a set of items.
Status Prices::add_set_row(const Record& record) {
  std::vector<uint32_t> loop;
  const bool cut = record.kind == 'u';
  if (!indices(record, cut ? 0 : 1, part_.items(), loop) || loop.empty()) return refused(record, "expected items");
  std::sort(loop.begin(), loop.end());
  const Exact v(record.real);
  if (cut) {
    if (std::none_of(loop.begin(), loop.end(), [&](uint32_t i) { return part_.root[i]; }))
      return refused(record, "no root in the set");
    total_ += v;
  } else {
    const auto root = static_cast<uint32_t>(record.numbers[0]);
    if (!holds(loop, root) || !part_.one_maker(root))
      return refused(record, "the root is not in the set, or may have several makers");
    for (uint32_t k : part_.makers[root]) extra_[k] -= v;
  }
  std::vector<uint32_t> outside;
  for (uint32_t i : loop) {
    for (uint32_t k : part_.makers[i]) {
      const auto& reads = part_.reads[k];
      if (std::none_of(reads.begin(), reads.end(), [&](uint32_t d) { return holds(loop, d); })) outside.push_back(k);
    }
  }
  std::sort(outside.begin(), outside.end());
  outside.erase(std::unique(outside.begin(), outside.end()), outside.end());
  for (uint32_t k : outside) extra_[k] += v;
  return {};
}

void Prices::set(uint32_t k, State state) {
  if (cases_.empty()) {
    if (state == State::kOut) out_for_good_.push_back(k);
  } else {
    cases_.back().before.emplace_back(k, state_[k]);
  }
  state_[k] = state;
}

// What each dropped candidate would add to the bound, taken in, closes the case.
Status Prices::drop(const Record& record) {
  std::vector<uint32_t> list;
  if (!indices(record, 0, part_.candidates(), list)) return refused(record, "a candidate is out of range");
  const Exact base = bound();
  for (uint32_t k : list) {
    if (state_[k] != State::kOpen) continue;
    const Exact left = part_.cost[k] - price(k);
    if (!part_.closes(left.negative() ? base : base + left))
      return refused(record, "a dropped candidate could still pay");
  }
  for (uint32_t k : list) {
    if (state_[k] == State::kOpen) set(k, State::kOut);
  }
  return {};
}

Status Prices::split(const Record& record) {
  std::vector<uint32_t> n;
  if (!indices(record, 0, std::max(part_.items(), part_.candidates()), n) || n.empty())
    return refused(record, "nothing to split on");
  Case next;
  if (record.kind == 'B') {
    if (n.size() != 1 || n[0] >= part_.candidates()) return refused(record, "expected a candidate");
    next.first = n;
    next.candidate = static_cast<int>(n[0]);
  } else {
    if (n[0] >= part_.items() || !part_.one_maker(n[0]))
      return refused(record, "several makers of the item may be chosen");
    next.first.assign(n.begin() + 1, n.end());
    std::sort(next.first.begin(), next.first.end());
    for (uint32_t k : part_.makers[n[0]]) {
      if (!holds(next.first, k)) next.second.push_back(k);
    }
    if (!next.first.empty() && next.first.back() >= part_.candidates())
      return refused(record, "a candidate is out of range");
    for (uint32_t k : next.first) {
      if (!holds(part_.makers[n[0]], k)) return refused(record, "a candidate does not make the item");
    }
  }
  cases_.push_back(std::move(next));
  for (uint32_t k : cases_.back().first) {
    if (state_[k] == State::kIn) {
      proved_ = true;  // against what stands: the case is empty
      continue;
    }
    set(k, State::kOut);
  }
  return {};
}

Status Prices::close_case(const Record& record) {
  if (cases_.empty() || !proved_) return refused(record, "no case is proved here");
  Case& top = cases_.back();
  while (!top.before.empty()) {
    state_[top.before.back().first] = top.before.back().second;
    top.before.pop_back();
  }
  if (record.kind == '^') {
    if (!top.second_open) return refused(record, "the second case is missing");
    cases_.pop_back();
    return {};
  }
  if (top.second_open) return refused(record, "there is no third case");
  top.second_open = true;
  proved_ = false;
  if (top.candidate >= 0) {
    const auto k = static_cast<uint32_t>(top.candidate);
    if (state_[k] == State::kOut) {
      proved_ = true;
    } else {
      set(k, State::kIn);
    }
  }
  for (uint32_t k : top.second) {
    if (state_[k] == State::kIn) {
      proved_ = true;
    } else {
      set(k, State::kOut);
    }
  }
  return {};
}

Status Prices::take(const Record& record) {
  switch (record.kind) {
    case 'r':
    case 'e':
    case 'b':
    case 'u':
    case 'g':
      return add_row(record);
    case 'K':
      return drop(record);
    case 'B':
    case 'C':
      return proved_ ? refused(record, "this case is proved already") : split(record);
    case '/':
    case '^':
      forget();
      return close_case(record);
    case 'q':
      forget();
      return {};
    default:
      break;  // f
  }
  if (!part_.closes(bound())) return refused(record, "the prices do not prove the claim");
  proved_ = true;
  forget();
  return {};
}

}  // namespace egret::certify
