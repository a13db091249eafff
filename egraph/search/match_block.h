// MatchBlock: the matches of one rewrite whose first root was found in one range of ids, in the order of their e-nodes.
// Right sides are made block by block, and a block is a function of the graph, however the search was cut into tasks.
#pragma once

#include <vector>

#include "egraph/search/search.h"

namespace egret::egraph {

struct MatchBlock {
  SearchTask* task;
  Id* nodes;     // of each match, the e-nodes of the pattern's occurrences; none while they are products
  size_t count;
  Id range;            // of the first root
  bool asked = false;  // for its closed matches
  size_t classes = 0;  // of the graph when its e-nodes were named last; 0: when it was searched
  Array<Id> closed = {};   // those of its matches that were closed and left it (closed_matches.h)
  Array<Id> written = {};  // `nodes` of matches that were products

  bool products() const { return nodes == nullptr; }
};

// Appends the blocks of a task's first `count` matches.
void split(SearchTask& task, uint64_t count, uint32_t stride, std::vector<MatchBlock>& blocks);

// Of a part of the matches, one in kSampled, how many are not closed, and how many would unite two classes.  Matches that were
// there before are neither, so that it is the same however many of these were searched.
inline constexpr uint64_t kSampled = 64;
uint64_t open_in_sample(const EGraph::Store& store, const RuleState& rule, const MatchBlock& block);
uint64_t uniting_in_sample(const EGraph::Store& store, const RuleState& rule, const MatchBlock& block);

// Names e-nodes by the live ones that replaced them; `unique`: drops matches that so became equal to earlier ones.
void make_live(const EGraph::Store& store, uint32_t stride, bool unique, MatchBlock& block);

}  // namespace egret::egraph
