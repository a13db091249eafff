// Reductions that keep the optimum (shared/anchors/extraction.md 4.2): results nobody reads, and candidates
// dominated by another of at least their results, at most their operands, cost and folded bytes.
#pragma once

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

// `protect[k] != 0` keeps candidate k whatever dominates it (empty: none is kept so).
Hypergraph reduce(const Hypergraph& graph, std::vector<uint8_t> protect);

// A candidate that makes what `k` makes except `item`, reads no more and costs no more, and is cheaper or makes
// fewer items; UINT32_MAX where there is none.  Asked of candidates with at least two results.
uint32_t replacement_without(const Hypergraph& graph, uint32_t k, uint32_t item);

}  // namespace egret::extract
