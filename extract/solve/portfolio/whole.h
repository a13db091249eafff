// HiGHS alone on a whole problem, all its work in one slice: for rows that parts of a reduced problem do not have, what
// candidates compute inside and side rows.
#pragma once

#include "extract/solve/exact/highs_engine.h"
#include "extract/solve/solve.h"

namespace egret::extract {

// `start`, if it has a solution, keeps the side rows.  The graph's `original` numbers the problem; side rows number the
// graph.  Where `lower` reaches an infinite `upper`, nothing keeps all rows.  What is left of `work` comes back.
Incumbent solve_whole(const Hypergraph& graph, const Problem& problem, Incumbent start, std::vector<SideRow> side_rows,
                      const SolveOptions& options, uint64_t& work, const Stopwatch& clock);

}  // namespace egret::extract
