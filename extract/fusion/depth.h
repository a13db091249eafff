// Which classes the roots need, and in which order they can be made.
#pragma once

#include <vector>

#include "extract/fusion/graph.h"

namespace egret::extract {

// Classes that the roots need, in an order in which they can be made: level 0 is there without a kernel, and a class of level d has
// an e-node whose operands lie on lower levels.  Where classes do not read each other in a circle, all operands of all e-nodes do; in
// a circle, classes stand by the least number of operators above what is there.  Ascending in each level; linear time but for sorting.
std::vector<std::vector<Id>> levels(const FusionGraph& graph, const std::vector<Id>& roots);

}  // namespace egret::extract
