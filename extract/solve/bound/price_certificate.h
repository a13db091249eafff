// A price certificate of an e-graph: a dual solution that shared/tools/check_extraction.py, or anybody, adds up in
// exact rationals, and that proves a lower bound with no other trust.  It is the dual ascent on the problem as it was
// read, so that no reduction stands between it and the file.
#pragma once

#include <vector>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/problem.h"

namespace egret::extract {

struct PriceCertificate {
  double bound = 0;                      // rounded down: what the prices prove
  std::vector<Cut> cuts;                 // their items are the problem's; each also holds what can never be made
};

// Expects a valid problem with costs >= 0 whose roots can be made.
Result<PriceCertificate> price_certificate(const Problem& problem);

}  // namespace egret::extract
