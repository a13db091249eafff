#include "extract/certify/propagate.h"

#include <algorithm>

namespace egret::certify {

void Propagator::grow(const Clause& clause) {
  size_t largest = 0;
  for (int literal : clause) largest = std::max(largest, index(literal) | 1);
  if (largest < values_.size()) return;
  values_.resize(std::max(largest + 1, values_.size() * 2), 0);
  watches_.resize(values_.size());
}

void Propagator::assign(int literal) {
  values_[index(literal)] = 1;
  values_[index(-literal)] = -1;
  trail_.push_back(literal);
}

void Propagator::undo(size_t trail) {
  while (trail_.size() > trail) {
    values_[index(trail_.back())] = values_[index(-trail_.back())] = 0;
    trail_.pop_back();
  }
  next_ = trail;
}

uint64_t Propagator::hash(const Clause& clause) {
  uint64_t sum = 0, mixed = 0;  // whatever the order
  for (int literal : clause) {
    uint64_t x = static_cast<uint64_t>(index(literal)) * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    sum += x;
    mixed ^= x * 0xbf58476d1ce4e5b9u;
  }
  return sum ^ (mixed >> 7);
}

void Propagator::add(Clause clause) {
  if (contradiction_) return;
  std::sort(clause.begin(), clause.end());
  clause.erase(std::unique(clause.begin(), clause.end()), clause.end());
  grow(clause);
  // Two literals that are not false come first, where there are two.
  std::partition(clause.begin(), clause.end(), [&](int literal) { return value(literal) >= 0; });
  if (clause.empty() || value(clause[0]) < 0) {
    contradiction_ = true;
    return;
  }
  if (clause.size() == 1 || value(clause[1]) < 0) {
    if (value(clause[0]) == 0) {
      assign(clause[0]);
      contradiction_ = !propagate();
    }
    return;  // satisfied for good
  }
  const auto place = static_cast<uint32_t>(arena_.size());
  arena_.push_back(static_cast<int>(clause.size()));
  arena_.insert(arena_.end(), clause.begin(), clause.end());
  watches_[index(clause[0])].push_back({place, clause[1]});
  watches_[index(clause[1])].push_back({place, clause[0]});
  by_hash_.emplace(hash(clause), place);
}

void Propagator::drop(Clause clause) {
  Clause found;
  std::sort(clause.begin(), clause.end());
  const auto [begin, end] = by_hash_.equal_range(hash(clause));
  for (auto it = begin; it != end; ++it) {
    int& size = arena_[it->second];
    found.assign(arena_.begin() + it->second + 1, arena_.begin() + it->second + 1 + size);
    std::sort(found.begin(), found.end());
    if (found != clause) continue;
    size = 0;
    by_hash_.erase(it);
    return;
  }
}

bool Propagator::implies(const Clause& clause) {
  if (contradiction_) return true;
  grow(clause);
  const size_t mark = trail_.size();
  bool refuted = false;
  for (int literal : clause) {
    if (value(literal) > 0) {
      refuted = true;
      break;
    }
    if (value(literal) == 0) assign(-literal);
  }
  refuted = refuted || !propagate();
  undo(mark);
  return refuted;
}

bool Propagator::propagate() {
  while (next_ < trail_.size()) {
    if (!visit(-trail_[next_++])) return false;
  }
  return true;
}

bool Propagator::visit(int falsified) {
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

}  // namespace egret::certify
