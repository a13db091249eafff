// Dominance alone, which keeps candidates as they are (the reductions of reduction.h change them): for those who choose
// among candidates without solving anything.  Costs >= 0.
#pragma once

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

// Without results nobody reads, and without candidates that another of at least their results, at most their operands,
// cost and folded bytes makes needless.
Hypergraph undominated(const Hypergraph& graph);

}  // namespace egret::extract
