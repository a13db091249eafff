// A lower bound where costs below zero depend on pairs of choices, as in MAX-CUT and MAX-2-SAT written as e-graphs: linear
// programs and cores know next to nothing of these.
//
// An item that every solution makes in one of two ways is a sign.  An item that has one maker is made where one of the choices
// that lead to it is made, so with one or two of them its cost is a function of one or two signs; with more it is bounded by a
// constant.  The sum is a quadratic form s' Q s, at most sum(y) for all signs s where diag(y) - Q has no eigenvalue below zero
// (Goemans and Williamson, 1995).  y comes from the mixing method (Wang, Chang and Kolter, 2017); that the eigenvalues are as
// said is proved by a Cholesky decomposition with a margin for its rounding (Rump, 2006), so the bound holds whatever y is.
#pragma once

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

// For a graph of `terms`.  Minus infinity where it has no such pairs, or more signs than the dense matrix is worth.
double semidefinite_bound(const Hypergraph& graph);

}  // namespace egret::extract
