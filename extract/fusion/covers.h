// The portfolio of fast covers: each a program within the candidates, the best of them where a search starts.
#pragma once

#include "extract/fusion/pool.h"

namespace egret::extract {

// Covers of `problem` by name (Solution::method), cheapest first; at least one, where the problem has a solution.
//   tree        the cheapest term, shared parts counted once a reader; what is shared is stored
//   areaflow    iterated area flow over the candidates (Mishchenko et al., ICCAD 2005)
//   xla         merge.h over the term of the area-flow cover
//   inductor    the same
//   twophase    the term that is cheapest an operator a kernel, then area flow over the kernels of that term
//   merged      both from the kernels of the best of these, where that helps
// Past the clock areaflow alone.  Kernels that merging finds are added to the problem's candidates.
Result<std::vector<Solution>> cover_portfolio(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                                              const Limits& limits, const std::vector<Id>& roots, FusionProblem& problem, BodyKeys& seen);

}  // namespace egret::extract
