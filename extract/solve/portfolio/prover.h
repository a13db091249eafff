// The proof of a lower bound, for a certificate: reductions, cuts of the dual ascent, and cores, written as the records
// of docs/certificates.md.  It is made after the search, with the cost that was found as the bound to reach: engines
// that keep no proof can so find what these prove.
#pragma once

#include <string>

#include "extract/solve/solve.h"

namespace egret::extract {

struct Proof {
  std::string records;
  double bound = 0;  // what they prove, but for rounding, which is on the safe side
};

// `upper`: the cost of a valid solution, or infinite.  Stopped by `options.limits`, it proves what it has.
Result<Proof> prove_bound(const Problem& problem, double upper, const SolveOptions& options);

}  // namespace egret::extract
