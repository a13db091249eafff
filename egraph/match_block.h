// MatchBlock: the matches of one rewrite whose first root was found in one range of ids, in the order of their e-nodes.
// Right sides are made block by block, and a block is a function of the graph, however the search was cut into tasks.
#pragma once

#include <vector>

#include "egraph/search.h"

namespace egret::egraph {

struct MatchBlock {
  SearchTask* task;
  Id* nodes;     // in the task; of each match, the e-nodes of the pattern's occurrences
  size_t count;
  Array<Id> closed = {};  // those of its matches that were closed and left it (closed_matches.h)
};

// Appends the blocks of a task's first `count` matches.
void split(SearchTask& task, uint64_t count, uint32_t stride, std::vector<MatchBlock>& blocks);

// Names e-nodes by the live ones that replaced them; `unique`: drops matches that so became equal to earlier ones.
void make_live(const EGraph::Store& store, uint32_t stride, bool unique, MatchBlock& block);

}  // namespace egret::egraph
