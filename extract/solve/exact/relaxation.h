// The linear relaxation of the integer program (model.h), and what candidates that are not in it would be worth there.
#pragma once

#include <unordered_map>
#include <vector>

#include "extract/solve/exact/kinds.h"
#include "extract/solve/solve.h"

namespace egret::extract {

struct Relaxation {
  double bound = 0;                  // no choice among the candidates that are not held out is cheaper
  std::vector<double> value;         // by candidate: how much of it is chosen, 0..1
  std::vector<double> reduced_cost;  // by candidate
  std::unordered_map<uint64_t, double> duals;  // of the rows, by what they say
  uint64_t iterations = 0;           // of the simplex method
};

// Loops between candidates are not forbidden.  kLimit where the iterations or the clock end it first, kUnsupported where EGRET_ILP is
// off.  With `colours` of items (kinds.h), equal parts have the same prices, where that makes a much smaller program.
Result<Relaxation> solve_relaxation(const Problem& problem, const Colours& colours, uint64_t iterations, const Limits& limits);

// Reduced costs of the candidates of `problem` by the prices of a relaxation of others of the same items: where one is below zero,
// the bound may fall with it.  Rows that say what none of the relaxation says cost nothing.
Result<std::vector<double>> priced(const Problem& problem, const Relaxation& relaxation);

}  // namespace egret::extract
