// Simulated annealing over the choices of an e-graph's classes, for costs of any sign: one class is chosen anew, what
// the roots no longer reach is let go, what they now reach comes in.  Deterministic: the seed is fixed, the schedule
// counts moves.
#pragma once

#include <vector>

#include "extract/solve/graph/hypergraph.h"
#include "support/limits.h"

namespace egret::extract {

// Every candidate makes one item.  `start` is a valid choice with one candidate an item it reaches; the answer is one
// that is no dearer.  Ends after about `steps` elementary steps.
std::vector<uint32_t> anneal(const Hypergraph& graph, const std::vector<uint32_t>& start, uint64_t steps,
                             const Limits& limits, const Stopwatch& clock);

}  // namespace egret::extract
