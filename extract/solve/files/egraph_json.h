// Extraction problems from egraph-serialize (support/egraph_text.h), the format of the extraction gym
// (https://github.com/egraphs-good/extraction-gym).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "extract/solve/problem.h"

namespace egret::extract {

// A candidate a node (items are classes), in the order of the file; children keep their order and repeats in
// `operands`.  Nodes that say `subsumed` are none of it.
struct EGraphFile {
  Problem problem;                       // `terms` is set; roots with their repeats
  std::vector<std::string> node_names;   // by candidate
  std::vector<std::string> class_names;  // by item
};

// Errors are those of read_egraph_text, and kInput where it has no roots or one that names no class; `path` is named.
Result<EGraphFile> parse_egraph(std::string_view json, const std::string& path = {});

// Is this text an e-graph (has "nodes"), rather than an egret-problem?  Looks at the top-level keys alone.
bool looks_like_egraph(std::string_view json);

// The sum over the root list of each term's size in costs, shared parts paid each time.  `chosen` is valid and has
// one candidate an item it reaches.  Infinite where it passes the range of a double.
double tree_cost(const Problem& problem, const std::vector<uint32_t>& chosen);

}  // namespace egret::extract
