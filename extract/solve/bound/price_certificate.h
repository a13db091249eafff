// A price certificate of an e-graph: a dual solution that shared/tools/check_extraction.py, or anybody, adds up in
// exact rationals, and that proves a lower bound with no other trust.  It is the dual ascent on the problem as it was
// read, so that no reduction stands between it and the file.
//
// Cuts around a root that grow, each within the next, are the bulk of an ascent; written one by one they take the square
// of their depth.  Where each class of the largest is read by one class of it alone, they are a tree along which the
// root's price is handed down: a price a class.  The others are written as they are, in no more room than the file's own.
#pragma once

#include <vector>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/problem.h"

namespace egret::extract {

struct PriceCertificate {
  struct Root {
    uint32_t cls;
    double price;
  };
  struct Edge {
    uint32_t cls, child;
    double price;
  };
  double bound = 0;                      // what the prices prove, less what rounding may take
  std::vector<Root> roots;               // by class
  std::vector<Edge> edges;               // class `cls` pays its child; by class, then child
  std::vector<Cut> loops;                // their items are the problem's; each also holds what can never be made and would lead in
};

// Expects a valid e-graph with costs >= 0 whose roots can be made.
Result<PriceCertificate> price_certificate(const Problem& problem);

}  // namespace egret::extract
