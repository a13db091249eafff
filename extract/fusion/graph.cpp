#include "extract/fusion/graph.h"

#include "support/hash.h"

namespace egret::extract {

FusionGraph::FusionGraph(const rules::TensorEGraph& graph) : graph_(graph) {
  const egraph::EGraph& g = graph.graph();
  const size_t n = g.id_count();
  canonical_.resize(n);
  leaf_.assign(n, egraph::kNoId);
  op_.assign(n, nullptr);
  usable_.assign(n, 0);
  flags_.assign(n, 0);
  type_hash_.assign(n, 0);
  kind_.assign(n, 0);
  std::vector<uint64_t> attr_hash(graph.attrs().size() + 1, 0);
  for (Id id = 0; id < n; ++id) canonical_[id] = g.find(id);
  for (Id c : g.classes()) {
    const Type& type = graph.type(c);
    type_hash_[c] = type.hash();
    for (Id node : g.nodes_of(c)) {
      const OpDef& op = graph.op(node);
      op_[node] = &op;
      usable_[node] = op.purity == Purity::kPure && op.definition && op.name != "input" && op.name != "constant" &&
                      type.is_tensor() && op.op_class != OpClass::kTuple;
      if (graph.input(node)) flags_[c] |= kInput;
      if (op.name == "constant") flags_[c] |= kLiteral;
      if (!usable_[node]) continue;
      uint64_t& attrs = attr_hash[g.attr(node)];
      if (attrs == 0) attrs = hash(graph.attrs_of(node));
      kind_[node] = hash_combine(hash_combine(reinterpret_cast<uintptr_t>(&op), attrs), type_hash_[c]);
      if (leaf_[c] == egraph::kNoId && g.operands(node).empty()) leaf_[c] = node;
    }
    if (graph.depends(c) != rules::Dependence::kData || (flags_[c] & kInput)) flags_[c] |= kGiven;
  }
}

bool FusionGraph::absorbed_leaf(Id cls, Id* node) const {
  const Id leaf = leaf_[canonical_[cls]];
  if (leaf != egraph::kNoId) *node = leaf;
  return leaf != egraph::kNoId;
}

}  // namespace egret::extract
