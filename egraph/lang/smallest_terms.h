// SmallestTerms: for classes of a saturated graph the smallest term, counted in symbols of its text (tree size).
//
// Knuth's generalisation of shortest paths, as sweeps over the e-nodes: only e-nodes that read a class which became
// smaller are looked at again.  Sizes above `bound` are not told apart, so that a sweep costs four bytes an id.
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
  uint32_t size(Id id) const { return size_[graph_.find(id)]; }
  // Of several of one size the one whose e-nodes are oldest.  Requires: size(id) <= bound.
  std::string text(Id id) const;

 private:
  void sweep();
  bool relax(Id node);  // whether it made its class smaller
  bool changed(Id cls) const { return (changed_[cls >> 6] | changed_before_[cls >> 6]) >> (cls & 63) & 1; }
  Id choice(Id cls) const;

  const EGraph& graph_;
  const uint32_t bound_;
  std::vector<uint32_t> size_;                      // by canonical id
  std::vector<uint64_t> changed_, changed_before_;  // a bit a class: became smaller in this sweep, in the one before
};

}  // namespace egret::egraph::lang
