// Which classes the roots need, and in which order they can be made.
#pragma once

#include <vector>

#include "extract/fusion/graph.h"

namespace egret::extract {

// Classes below the roots by the least number of operators above what is there without a kernel: level 0 is that, and a
// class of level d has an e-node whose operands lie on lower levels.  Ascending in each level; linear time.
std::vector<std::vector<Id>> levels(const FusionGraph& graph, const std::vector<Id>& roots);

}  // namespace egret::extract
