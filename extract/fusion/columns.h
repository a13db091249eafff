// Column generation: kernels that the pool lacks, found by moves on what the linear relaxation chooses and priced by it
// (Desaulniers, Desrosiers, Solomon, "Column Generation", 2005).  Pricing is heuristic: a bound holds for the candidates of
// the problem, these included.
#pragma once

#include "extract/fusion/pool.h"

namespace egret::extract {

struct ColumnReport {
  int rounds = 0;
  size_t offered = 0, taken = 0;  // bodies priced; bodies that became candidates
  double first_bound = 0, last_bound = 0;  // of the relaxation over the pool, and over what it became
  uint64_t iterations = 0;        // of the simplex method
};

// Adds candidates to `problem`; those that are there keep their numbers.  `incumbent`: the cheapest cover known.  Without
// HiGHS, or where its budget of iterations ends, what was found until then is added.
ColumnReport generate_columns(FusionSpace& space, const FusionOptions& options, const Solution& incumbent, FusionProblem& problem);

}  // namespace egret::extract
