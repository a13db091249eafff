// Cardinalities: how many e-nodes an operator has, and how long the lists are that lead to them, from a sample.
//
// A plan is chosen by them.  They depend on the graph alone, so plans do.
#pragma once

#include <vector>

#include "egraph/store/store.h"

namespace egret::egraph {

class Cardinalities {
 public:
  // Requires: the lists of `store.links` are active.
  explicit Cardinalities(const EGraph::Store& store);

  // The operator's e-nodes that the sample stands for.
  double count(OpKind op) const { return op < ops_.size() ? ops_[op].seen * scale_ : 0; }
  bool knows(OpKind op) const { return op < ops_.size() && ops_[op].seen > 0; }
  // Lengths of the lists of one kind.
  struct Length {
    double sum = 0, inverse_sum = 0;
    double of_class(double seen) const { return seen / inverse_sum; }  // mean over the classes
    double of_node(double seen) const { return sum / seen; }           // over the e-nodes: long lists weigh more
  };
  // Members of the class of an e-node with the operator.  Requires: knows(op).
  double members(OpKind op, bool by_node) const { return mean(op, ops_[op].members, by_node); }
  // Likewise: readers, of any operator, of what such an e-node has as operand `position`.
  double readers(OpKind op, uint32_t position, bool by_node) const {
    return mean(op, ops_[op].readers[std::min(position, kPositions - 1)], by_node);
  }

 private:
  static constexpr uint32_t kPositions = 8;  // later ones count as the last of these
  static constexpr size_t kSample = size_t{1} << 14;
  struct Of {
    double seen = 0;
    Length members, readers[kPositions];
  };
  double mean(OpKind op, const Length& length, bool by_node) const {
    return by_node ? length.of_node(ops_[op].seen) : length.of_class(ops_[op].seen);
  }

  std::vector<Of> ops_;
  double scale_ = 1;
};

}  // namespace egret::egraph
