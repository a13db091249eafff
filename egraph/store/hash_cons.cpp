// Writing the hash-cons anew, where it stands, in parallel.
//
// The home of an entry is its tag's high bits, so in a table of f times the slots the entries of slots [a, b) have their
// homes in [f a, f b), provided that slots a and b are empty: then no entry stands there for want of room elsewhere.  So
// the upper half of the slots moves into the new memory, then the upper half of the rest into where that stood, and so on;
// in each step ranges between empty slots move in parallel, and touch fresh memory in parallel too.
#include "egraph/store/hash_cons.h"

namespace egret::egraph {
namespace {

constexpr size_t kGrain = size_t{1} << 13;  // slots a task
constexpr size_t kFew = size_t{1} << 12;    // so many are taken out and put back

}  // namespace

size_t HashCons::first_empty(size_t from, size_t end) const {
  while (from < end && !empty(slots_[from])) ++from;
  return from;
}

void HashCons::take_out(size_t begin, size_t end, std::vector<Slot>& out) {
  for (size_t i = begin; i < end; ++i) {
    if (!empty(slots_[i]) && id_of(slots_[i]) != kTombstone) out.push_back(slots_[i]);
    slots_[i] = 0;
  }
}

// Moves the entries of slots [begin, end), whose homes are in [factor begin, factor end), to these homes or behind;
// `left_over`: those that found no place before the next range's homes.
void HashCons::move(size_t begin, size_t end, size_t factor, const Workers& workers, std::vector<Slot>& left_over) {
  std::vector<size_t> bounds{begin};
  while (bounds.back() < end) bounds.push_back(first_empty(std::min(bounds.back() + kGrain, end), end));
  std::vector<std::vector<Slot>> left(bounds.size() - 1);
  workers.for_each(left.size(), [&](size_t r) {
    const size_t limit = bounds[r + 1] * factor;
    for (size_t from = bounds[r]; from < bounds[r + 1]; ++from) {
      const Slot entry = slots_[from];
      if (empty(entry)) continue;
      slots_[from] = 0;
      if (id_of(entry) == kTombstone) continue;
      size_t to = home(tag_of_slot(entry));
      while (to < limit && !empty(slots_[to])) ++to;
      if (to < limit) {
        slots_[to] = entry;
      } else {
        left[r].push_back(entry);
      }
    }
  });
  for (const std::vector<Slot>& part : left) left_over.insert(left_over.end(), part.begin(), part.end());
}

void HashCons::rewrite(size_t capacity, const Workers& workers) {
  const size_t before = slots_.size(), factor = before == 0 ? 1 : capacity / before;
  slots_.extend_zero(capacity - before, workers);
  mask_ = capacity - 1;
  shift_ = 64 - static_cast<uint32_t>(__builtin_ctzll(capacity));
  std::vector<Slot> rest;
  size_t begin = 0, end = before;  // what is not moved yet
  if (before > kFew) {
    begin = first_empty(0, before);  // entries at the front may have their home at the end
    take_out(0, begin, rest);
    if (factor == 1) {
      move(begin, end, 1, workers, rest);
      end = begin;
    }
    while (end > kFew) {
      const size_t half = first_empty(std::max(begin, (end + 1) / 2), end);
      if (half == end) break;
      move(half, end, factor, workers, rest);
      end = half;
    }
  }
  take_out(begin, end, rest);
  for (const Slot entry : rest) put(tag_of_slot(entry), id_of(entry));
  taken_ = live_;
}

}  // namespace egret::egraph
