// The problem as the checker of certificates reads it, from the file that the solver was given: egraph-serialize or
// egret-problem 1.  A reader of its own, so that a fault of the solver's reader is found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/result.h"

namespace egret::certify {

struct Choice {
  double cost = 0;
  std::vector<uint32_t> makes, reads;  // ascending, each once
};

// Candidates are numbered as they stand in the file (nodes that are `subsumed` left out); items as they first occur:
// an e-graph's as the class of a node, a problem's in `goals`, then each candidate's `makes` and `reads`.
struct Instance {
  bool egraph = false;
  std::vector<Choice> choices;
  uint32_t items = 0;
  std::vector<uint32_t> roots;                        // ascending, each once
  std::unordered_map<std::string, uint32_t> item_of;  // e-graph: class name -> item
};

Result<Instance> read_instance(std::string_view json);

}  // namespace egret::certify
