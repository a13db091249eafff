// Kernels of one term by merging, as compilers do it: start with a kernel an operator, and take the best merge until none
// pays.  Both ways are sources of candidates and of covers, none is the last word.
#pragma once

#include <vector>

#include "extract/fusion/term.h"

namespace egret::extract {

enum class MergeWay : uint8_t {
  kProducerIntoConsumers,  // XLA's priority fusion: a producer is computed again inside each of its readers, and vanishes
  kBestSaving,             // TorchInductor's: two kernels become one, with several results; nothing is computed twice
};

// The kernels, in no order.  Empty where an operator of the term can be no kernel.  Where the clock runs out, what is merged by then.
std::vector<Body> merged(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                         const std::vector<Choice>& term, const std::vector<Id>& roots, MergeWay way, const Limits& limits);

// The same from the kernels of a cover: what is still worth a merge there.
std::vector<Body> merged_further(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                                 const FusionProblem& problem, const Solution& cover, const std::vector<Id>& roots, MergeWay way,
                                 const Limits& limits);

}  // namespace egret::extract
