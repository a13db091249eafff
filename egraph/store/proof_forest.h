// ProofForest: why ids are equal.  One tree a class over its exact ids, one edge a union; two ids of a class are joined
// by exactly one path, which later unions never change (Nieuwenhuis and Oliveras, "Fast congruence closure and
// extensions", 2007).  So a congruence edge whose operands were equal when it was made can be expanded into edges that
// are all older than itself, and expanding ends.
//
// An edge's ends are the id that holds the link and its parent, whichever way the tree hangs later; so 8 bytes an id and
// 5 a union suffice.
#pragma once

#include <string>
#include <vector>

#include "egraph/store/union_find.h"

namespace egret::egraph {

class ProofForest {
 public:
  void add(size_t count) {
    links_.resize(links_.size() + count, {kNoId, 0});
  }

  // Joins the trees of a and b.  Requires: they are two.
  void connect(Id a, Id b, Justification why);
  // The same where `fresh` is an id that nothing was united with.
  void connect_new(Id fresh, Id node, bool from_fresh, Justification why);

  // The steps from a to b.  Requires: in one tree.
  std::vector<EGraph::Edge> path(Id a, Id b) const;

  // Of arrays that were read from outside: what is wrong, or nothing.
  std::string check(const UnionFind& sets, size_t applications) const;

  uint64_t growth(size_t ids) const { return links_.growth(ids) + indices_.growth(ids) + bits_.growth(ids); }  // each united
  void reserve(size_t ids) { links_.reserve(ids); }
  uint64_t bytes() const { return links_.bytes() + indices_.bytes() + bits_.bytes() + details_.bytes(); }

  template <class Visit>
  void visit_arrays(Visit&& visit) {
    visit(links_), visit(indices_), visit(bits_), visit(details_);
  }

 private:
  struct Link {     // to the parent in the tree
    Id parent;      // kNoId: a root
    uint32_t edge;  // of a root: about the logarithm of its tree's size
  };
  struct Detail {
    uint32_t edge, detail;
  };
  Id root_of(Id id) const;
  void make_root(Id id);
  uint32_t record(Id from, Id to, Justification why);
  EGraph::Edge step(Id from, Id to, uint32_t edge) const;

  Array<Link> links_;
  // Of each union, in order of time: the justification's index; its kind in 2 bits, whether it reads from the lower id to
  // the higher in 1, and its detail in the others, or kElsewhere for one that stands in details_.
  Array<uint32_t> indices_;
  Array<uint8_t> bits_;
  Array<Detail> details_;  // ascending
};

}  // namespace egret::egraph
