// SmallestTerms: for classes of a saturated graph the smallest term, counted in symbols of its text (tree size).
//
// Knuth's generalisation of shortest paths, as sweeps over the rows: after the first, only e-nodes that read a class
// which became smaller are looked at.  Sizes above `bound` are not told apart, so that a sweep costs eight bytes an id.
#pragma once

#include <string>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph::lang {

class SmallestTerms {
 public:
  // Requires: graph.clean() while this lives.
  SmallestTerms(const EGraph& graph, uint32_t bound);

  // bound + 1 where there is no term of at most `bound` symbols.
  uint32_t size(Id id) const { return best_[graph_.find(id)].size; }
  // Of several of one size the one whose e-nodes are oldest.  Requires: size(id) <= bound.
  std::string text(Id id) const;

 private:
  struct Best {  // of a class: the size of its smallest term, and the oldest e-node that gives it
    uint32_t size;
    Id node;
  };
  void sweep();

  const EGraph& graph_;
  const uint32_t bound_;
  std::vector<Best> best_;  // by canonical id
};

}  // namespace egret::egraph::lang
