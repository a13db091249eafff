// The linear relaxation of the integer program (model.h), and what candidates that are not in it would be worth there.
#pragma once

#include <vector>

#include "extract/solve/exact/kinds.h"
#include "extract/solve/solve.h"

namespace egret::extract {

struct Relaxation {
  double bound = 0;                  // no choice among the candidates that are not held out is cheaper
  std::vector<double> value;         // by candidate: how much of it is chosen, 0..1
  std::vector<double> reduced_cost;  // by candidate: below zero for one held out: taking it in may lower the bound
  uint64_t iterations = 0;           // of the simplex method
};

// held[k] != 0: candidate k gets a price and is not taken (empty: none is held out).  Loops between candidates are not
// forbidden.  kLimit where the iterations or the clock end it first, kUnsupported where EGRET_ILP is off.
// With `colours` of items (kinds.h), equal parts have the same prices, where that makes a much smaller program.
Result<Relaxation> solve_relaxation(const Problem& problem, const std::vector<uint8_t>& held, const Colours& colours,
                                    uint64_t iterations, const Limits& limits);

}  // namespace egret::extract
