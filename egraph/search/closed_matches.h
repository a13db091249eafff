// Which matches of a declared rewrite are closed: making their right side makes no class, for all its e-nodes are there
// but, perhaps, the one that joins the class of a left side.
//
// Closed matches first, then uniting, then the others: what the others would have made under each of several ids that
// became equal is then made once (runner.cpp).
#pragma once

#include "egraph/plan/rule_state.h"
#include "egraph/store/store.h"

namespace egret::egraph {

// E-nodes at the front of the right side that must be there.
uint32_t inner_nodes(const RightPlan& right);

// Which tags the hash-cons holds, and perhaps some others, in a bit each: small enough for a cache.  Most e-nodes
// that are looked up are not there.
class TagFilter {
 public:
  TagFilter() = default;  // of any table: lets everything through
  TagFilter(const HashCons& table, const Workers& workers);
  static uint64_t bytes_of(const HashCons& table) { return table.capacity(); }  // at most
  const uint64_t* word(uint32_t tag) const { return &words_[tag >> shift_ >> 6]; }
  bool test(uint32_t tag) const { return *word(tag) >> (tag >> shift_ & 63) & 1; }

 private:
  uint32_t shift_ = 31;
  std::vector<uint64_t> words_{~uint64_t{0}};
};

// Appends the closed ones of `count` matches to `closed`, each its e-nodes and then the inner e-nodes of the right side;
// moves the others to the front, in order, and returns their number.  Requires: the graph is congruent.
// Thread safety: any number at once on a graph that does not change.
size_t split_closed(const EGraph::Store& store, const TagFilter& filter, const RuleState& rule, Id* matches, size_t count,
                    Array<Id>& closed);
// How many of the matches, whose order changes, would unite two classes, for all of their right side is there.
size_t count_uniting(const EGraph::Store& store, const RuleState& rule, Id* matches, size_t count);

}  // namespace egret::egraph
