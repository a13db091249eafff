// ProofForest: why ids are equal.  One tree a class over its exact ids, one edge a union; two ids of a class are joined
// by exactly one path, which later unions never change (Nieuwenhuis and Oliveras, "Fast congruence closure and
// extensions", 2007).  So a congruence edge whose operands were equal when it was made can be expanded into edges that
// are all older than itself, and expanding ends.
//
// An edge's ends are the id that holds the link and its parent, whichever way the tree hangs later; so 17 bytes an id
// and union suffice.
#pragma once

#include <string>
#include <vector>

#include "egraph/union_find.h"

namespace egret::egraph {

class ProofForest {
 public:
  void add(size_t count) {
    links_.resize(links_.size() + count, {kNoId, 0});
    rank_.resize(rank_.size() + count, 0);
  }

  // Joins the trees of a and b, whose classes are `root_a` and `root_b`; `older` is the root of the united class.
  void connect(Id a, Id b, Id root_a, Id root_b, Id older, Justification why);
  // The same where `fresh` is an id that nothing was united with.
  void connect_new(Id fresh, Id node, bool from_fresh, Justification why);

  // The steps from a to b.  Requires: in one tree.
  std::vector<EGraph::Edge> path(Id a, Id b) const;

  // Of arrays that were read from outside: what is wrong, or nothing.
  std::string check(const UnionFind& sets, size_t applications) const;

  void reserve(size_t ids) {
    links_.reserve(ids);
    rank_.reserve(ids);
  }
  uint64_t bytes() const { return links_.bytes() + rank_.bytes() + edges_.bytes(); }

  template <class Visit>
  void visit_arrays(Visit&& visit) {
    visit(links_), visit(edges_), visit(rank_);
  }

 private:
  struct Link {  // to the parent in the tree
    Id parent;   // kNoId: a root
    uint32_t edge;
  };
  struct Union {
    uint32_t index;
    uint32_t bits;  // kind in 2 bits, whether it reads from the lower id to the higher in 1, detail in the others
  };
  void make_root(Id id);
  uint32_t record(Id from, Id to, Justification why);
  EGraph::Edge step(Id from, Id to, uint32_t edge) const;

  Array<Link> links_;
  Array<Union> edges_;   // in order of time
  Array<uint8_t> rank_;  // of a class, at its canonical id: about the logarithm of its tree's size; stale elsewhere
};

}  // namespace egret::egraph
