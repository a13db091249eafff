// Programs of named sizes (`f32[batch,32]`) at the sizes that a run gives them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "support/result.h"

namespace egret {

// The program with every name replaced by the size that `shapes` (by input) gives it.  Errors: a shape that is of no input or
// does not fit its type, a name with two sizes, and, of inputs and other values, a size that stays open.
Result<Graph> at_sizes(Graph graph, const std::map<std::string, std::vector<int64_t>>& shapes);

}  // namespace egret
