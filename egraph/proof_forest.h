// ProofForest: why ids are equal.  One tree a class over its exact ids, one edge a union; two ids of a class are joined
// by exactly one path, which later unions never change (Nieuwenhuis and Oliveras, "Fast congruence closure and
// extensions", 2007).  So a congruence edge whose operands were equal when it was made can be expanded into edges that
// are all older than itself, and expanding ends.
#pragma once

#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

class ProofForest {
 public:
  void add() {
    links_.push_back({kNoId, 0});
    tree_size_.push_back(1);
  }

  // Joins the trees of a and b, whose classes are `root_a` and `root_b`; `older` is the root of the united class.
  void connect(Id a, Id b, Id root_a, Id root_b, Id older, Justification why);

  // The steps from a to b.  Requires: in one tree.
  std::vector<EGraph::Edge> path(Id a, Id b) const;

  void reserve(size_t ids) {
    links_.reserve(ids);
    tree_size_.reserve(ids);
  }
  uint64_t bytes() const {
    return links_.capacity() * sizeof(Link) + tree_size_.capacity() * sizeof(uint32_t) +
           edges_.capacity() * sizeof(Union);
  }

 private:
  struct Link {  // to the parent in the tree
    Id parent;   // kNoId: a root
    uint32_t edge;
  };
  struct Union {
    Id from, to;
    Justification why;
  };
  void make_root(Id id);
  EGraph::Edge step(Id from, Id to, uint32_t edge) const;

  std::vector<Link> links_;
  std::vector<Union> edges_;         // in order of time
  std::vector<uint32_t> tree_size_;  // of a class, at its canonical id; stale elsewhere
};

}  // namespace egret::egraph
