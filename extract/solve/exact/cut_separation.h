// Cuts that a fractional choice breaks.  A cut is a set of items around a root: some chosen candidate makes one of them
// and reads none.  Those that do are a *blocking set*: without them the root cannot be made, so cuts are all that a linear
// program over the candidates needs, loops included.
#pragma once

#include <cstdint>
#include <vector>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

// Items of a cut, ascending, and the candidates that lead into it, ascending.
struct CutRow {
  uint32_t root = 0;
  std::vector<uint32_t> items, leading;
};

// The candidates that make one of `items` and read none, ascending.
std::vector<uint32_t> leading_into(const Hypergraph& graph, const std::vector<uint32_t>& items);

// For a root that x does not make: candidates are let in by falling x, then by rising reduced cost, while the root stays unmade; what is left out
// blocks it.  `shut[k]`: never let in.  Finds one cut for each root whose blocking set weighs less than 1, each set
// once, at most `most`; `turn` says at which root to begin.  The answer is right for any x; none found does not mean that there is none.
std::vector<CutRow> broken_cuts(const Hypergraph& graph, const std::vector<double>& x, const std::vector<double>& reduced_cost,
                                const std::vector<uint8_t>& shut, size_t most, uint32_t turn);

// The same for a program of many roots, where each cut's leading candidates are taken for chosen as soon as it is found: cuts that have little in
// common raise a bound in a fraction of the rounds (nested cuts: Koch and Martin, "Solving Steiner tree problems in graphs to optimality",
// Networks 32, 1998).  That is done several times, from other roots on; each cut is found once.
std::vector<CutRow> nested_cuts(const Hypergraph& graph, const std::vector<double>& x, const std::vector<double>& reduced_cost,
                                const std::vector<uint8_t>& shut, size_t most, uint32_t turn);

}  // namespace egret::extract
