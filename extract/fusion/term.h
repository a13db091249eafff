// One term of the saturated graph: an e-node a class, as some choice of kernels computes it.
#pragma once

#include <vector>

#include "extract/fusion/pool.h"

namespace egret::extract {

// Operators after their operands.  Splats and iotas, which every reader absorbs, and what is read but made before the run
// are left out.  Where two kernels of `solution` compute a class by different e-nodes, the first in launch order decides.
std::vector<Choice> term_of(const FusionGraph& graph, const FusionProblem& problem, const Solution& solution);

// The kernel of one operator of a term: the operator and the leaves that it absorbs.
Body single(const FusionGraph& graph, const Choice& choice);

// The solution whose kernels are `bodies` (of the pool) and what these need made before the run.  nullopt where it is none.
std::optional<Solution> solution_of(const FusionProblem& problem, std::vector<uint32_t> candidates, std::string method);

}  // namespace egret::extract
