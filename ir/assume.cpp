#include "ir/assume.h"

#include <algorithm>

namespace egret {

namespace {

thread_local std::vector<SizeFact>* current = nullptr;

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

AssumeSizes::AssumeSizes(std::vector<SizeFact>& facts) : outer_(current) { current = &facts; }
AssumeSizes::~AssumeSizes() { current = outer_; }

bool AssumeSizes::active() { return current != nullptr; }

bool AssumeSizes::take(SizeFact fact) {
  if (!current || impossible(fact)) return false;
  if (std::find(current->begin(), current->end(), fact) == current->end()) current->push_back(fact);
  return true;
}

}  // namespace egret
