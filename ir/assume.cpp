#include "ir/assume.h"

#include <algorithm>

namespace egret {

namespace {

thread_local AssumeSizes* current = nullptr;

bool impossible(const SizeFact& f) {
  const Dim difference = f.b - f.a;
  switch (f.kind) {
    case SizeFact::Kind::kEqual: return difference.low() > 0 || difference.high() < 0;
    case SizeFact::Kind::kNotEqual: return difference == Dim(0);
    case SizeFact::Kind::kLess: return difference.high() < 1;
    case SizeFact::Kind::kLessEqual: return difference.high() < 0;
  }
  return true;
}

}  // namespace

AssumeSizes::AssumeSizes(std::vector<SizeFact>& facts) : facts_(facts), outer_(current) { current = this; }
AssumeSizes::~AssumeSizes() { current = outer_; }

bool AssumeSizes::active() { return current != nullptr; }

bool AssumeSizes::take(SizeFact fact) {
  if (!current || impossible(fact)) return false;
  std::vector<SizeFact>& facts = current->facts_;
  if (std::find(facts.begin(), facts.end(), fact) == facts.end()) facts.push_back(fact);
  return true;
}

size_t AssumeSizes::choose(size_t n) {
  if (!current || n < 2) return 0;
  if (current->asked_ == current->choices_.size()) current->choices_.push_back({0, n});
  return current->choices_[current->asked_++].taken;
}

bool AssumeSizes::next() {
  facts_.clear();
  choices_.resize(asked_);  // of those that the last run asked for
  asked_ = 0;
  while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().of) choices_.pop_back();
  if (choices_.empty()) return false;
  ++choices_.back().taken;
  return true;
}

}  // namespace egret
