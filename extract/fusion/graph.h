// FusionGraph: classes and e-nodes of a saturated graph as fusion sees them, in flat columns by id: canonical ids, the
// operators that may stand in kernels, what is there without a kernel.  The e-graph must not change while one stands.
// Thread safety: reading, any number of threads.
#pragma once

#include <span>
#include <vector>

#include "egraph/egraph.h"
#include "rules/lang/language.h"

namespace egret::extract {

using egraph::Id;

class FusionGraph {
 public:
  explicit FusionGraph(const rules::TensorEGraph& graph);

  const rules::TensorEGraph& tensors() const { return graph_; }
  size_t ids() const { return canonical_.size(); }
  Id find(Id id) const { return canonical_[id]; }
  std::span<const Id> operands(Id node) const { return graph_.graph().canonical_operands(node); }
  const OpDef& op(Id node) const { return *op_[node]; }
  bool usable(Id node) const { return usable_[node]; }  // a pure operator with a definition; no composite, tuple or literal
  bool is_input(Id cls) const { return flags_[canonical_[cls]] & kInput; }
  bool is_leaf(Id cls) const { return flags_[canonical_[cls]] & (kInput | kLiteral); }  // there without a kernel
  bool given(Id cls) const { return flags_[canonical_[cls]] & kGiven; }  // an input, or free at run time: no data in it
  bool absorbed_leaf(Id cls, Id* node) const;  // a splat or iota, which every reader absorbs

  uint64_t type_hash(Id cls) const { return type_hash_[canonical_[cls]]; }
  // Operator, attributes and result type of an e-node as one number.
  uint64_t kind(Id node) const { return kind_[node]; }

 private:
  enum Flag : uint8_t { kInput = 1, kLiteral = 2, kGiven = 4 };
  const rules::TensorEGraph& graph_;
  std::vector<Id> canonical_, leaf_;
  std::vector<const OpDef*> op_;
  std::vector<uint8_t> usable_, flags_;
  std::vector<uint64_t> type_hash_, kind_;
};

}  // namespace egret::extract
