// SmallestTerms: for classes of a saturated graph the smallest term, counted in symbols of its text (tree size).
//
// A few sweeps over the rows, in which most e-nodes come after their operands, mostly find them all; where they do not, Knuth's
// generalisation of shortest paths goes on ("A generalization of Dijkstra's algorithm", 1977).  Sizes above `bound` are not
// told apart, so that one byte an id mostly holds them.
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
  uint32_t size(Id id) const { return bytes_.empty() ? sizes_[graph_.find(id)] : bytes_[graph_.find(id)]; }
  // Of several of one size the one whose e-nodes are oldest.  Requires: size(id) <= bound.
  std::string text(Id id) const;

 private:
  // Whether the e-node gives its class a smaller term than is known; it is known then.
  template <class Size>
  bool improves(std::vector<Size>& sizes, Id node) const;
  template <class Size>
  void settle(std::vector<Size>& sizes);
  template <class Size>
  void settle_slowly(std::vector<Size>& sizes);

  const EGraph& graph_;
  const uint32_t bound_;
  std::vector<uint8_t> bytes_;   // by canonical id, the size of the smallest term: of a small bound,
  std::vector<uint32_t> sizes_;  // or else
  std::vector<Id> nodes_;        // the oldest e-node that gives it
};

}  // namespace egret::egraph::lang
