// Cardinalities: how many e-nodes an operator has, and how long the lists are that lead to them, from a sample.
//
// A plan is chosen by them.  They depend on the graph alone, so plans do.
#pragma once

#include <vector>

#include "egraph/store.h"

namespace egret::egraph {

class Cardinalities {
 public:
  // Requires: the lists of `store.links` are active.
  explicit Cardinalities(const EGraph::Store& store);

  double scan(OpKind op) const { return op < ops_.size() ? ops_[op].seen * scale_ : 0; }
  // Members of the class of an e-node with the operator, on average.
  double members(OpKind op) const { return op < ops_.size() ? mean(ops_[op].members, ops_[op].seen) : 1; }
  // Readers, of any operator, of what such an e-node has as operand `position`.
  double readers(OpKind op, uint32_t position) const {
    if (op >= ops_.size()) return 1;
    return mean(ops_[op].readers[std::min(position, kPositions - 1)], ops_[op].seen);
  }

 private:
  static constexpr uint32_t kPositions = 4;  // later ones count with the last
  static constexpr size_t kSample = size_t{1} << 14;
  struct Of {
    double seen = 0, members = 0, readers[kPositions] = {};
  };
  static double mean(double sum, double count) { return count > 0 ? sum / count : 1; }

  std::vector<Of> ops_;
  double scale_ = 1;
};

}  // namespace egret::egraph
