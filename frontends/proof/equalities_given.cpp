// Equalities that no rule made: a composite and its decomposition, a constant and its value.
#include <algorithm>

#include <fmt/format.h>

#include "frontends/proof/equalities.h"

namespace egret::proof {

// The oldest e-node of this operator whose operands were known to be equal to those given before union `before`.
std::optional<Id> Equalities::find_enode(const OpDef& op, const Attrs& attrs, const std::vector<Id>& operands, uint32_t before) {
  if (by_operator_.empty()) {
    for (Id id = 0; id < graph_.id_count(); ++id) by_operator_[{graph_.op(id), graph_.attr(id)}].push_back(id);
  }
  const auto kind = graph_.find_op(op.name);
  if (!kind) return std::nullopt;
  for (auto it = by_operator_.lower_bound({*kind, 0}); it != by_operator_.end() && it->first.first == *kind; ++it) {
    if (!equal(tensors_.attrs_of(it->second.front()), attrs)) continue;
    for (Id id : it->second) {
      const auto exact = graph_.operands(id);
      bool same = exact.size() == operands.size();
      for (size_t i = 0; same && i < operands.size(); ++i) {
        same = graph_.find(exact[i]) == graph_.find(operands[i]) && newest_union(exact[i], operands[i]) <= before;
      }
      if (same) return id;
    }
  }
  return std::nullopt;
}

Equalities::Attempt Equalities::attempt_decomposition(Id composite, Id other, uint32_t before) {
  const OpDef& op = tensors_.op(composite);
  EGRET_CHECK(op.expand, "a decomposition of what is no composite");
  GraphBuilder builder("expansion");
  std::vector<ValueId> inputs;
  std::vector<Id> node;          // e-node of each value
  std::vector<TermId> term;      // of the expansion, over the composite's exact operands
  std::vector<int64_t> step;     // term = term of the e-node
  for (Id o : graph_.operands(composite)) {
    inputs.push_back(builder.input(fmt::format("x{}", inputs.size()), tensors_.type(o)));
    EGRET_TRY(const TermId t, exact(o));
    node.push_back(o);
    term.push_back(t);
    step.push_back(0);
  }
  EGRET_TRY(const ValueId result, op.expand(builder, inputs, tensors_.attrs_of(composite)));
  const Graph graph = builder.take();
  bool all = true;
  for (ValueId v = static_cast<ValueId>(inputs.size()); v <= result; ++v) {
    const GraphNode& n = graph.node(v);
    std::vector<Id> operands;
    std::vector<TermId> operand_terms;
    for (ValueId o : n.operands) {
      operands.push_back(node[o]);
      operand_terms.push_back(term[o]);
    }
    const auto found = find_enode(*n.op, n.attrs, operands, before);
    if (!found) return internal_error(fmt::format("{} of the decomposition of {} has no e-node", n.op->name, op.name));
    EGRET_TRY(const TermId t, proof_.terms.add(*n.op, n.attrs, operand_terms));
    EGRET_TRY(const TermId exact_term, exact(*found));
    std::vector<int64_t> premises;
    for (size_t i = 0; i < operands.size(); ++i) {
      EGRET_TRY(const TermId end, exact(graph_.operands(*found)[i]));
      const auto equal = need(operands[i], graph_.operands(*found)[i]);
      all &= equal.has_value();
      premises.push_back(all ? chain(operand_terms[i], end, {step[n.operands[i]], *equal}) : 0);
    }
    node.push_back(*found);
    term.push_back(t);
    step.push_back(all ? congruence(t, exact_term, std::move(premises)) : 0);
  }
  const auto last = need(node[result], other);
  if (!all || !last) return std::optional<int64_t>();
  EGRET_TRY(const TermId left, exact(composite));
  EGRET_TRY(const TermId right, exact(other));
  Step expand;
  expand.kind = Step::Kind::kExpand;
  expand.left = left;
  expand.right = term[result];
  const int64_t first = add_step(std::move(expand));
  return std::optional(chain(left, right, {first, step[result], *last}));
}

bool Equalities::states_value(Id node) {
  if (!graph_.operands(node).empty()) return false;
  const auto term = exact(node);
  return term.ok() && proof_.terms.stated(*term) != nullptr;
}

// Whether a class's e-node `m` was known to be `o` before union `number`.  `newer_folds`: or was united with it as its
// literal later, in the same batch.
bool Equalities::known_by(Id o, Id m, uint32_t number, bool newer_folds) const {
  for (const egraph::EGraph::Edge& e : graph_.explain(o, m)) {
    if (e.number < number) continue;
    const bool fold = e.why.kind == egraph::Justification::Kind::kGiven && e.why.detail == rules::TensorEGraph::kFolded;
    if (!newer_folds || !fold || folding_.contains(e.number)) return false;
  }
  return true;
}

// The values that the class was known to have before union `number`: those that its e-nodes state, and with `depth` > 0
// those that they have on such values of their operands (a class's fact is the best of these, its literal an older one).
Result<std::vector<Equalities::FoldValue>> Equalities::fold_values(Id cls, uint32_t number, bool newer_folds, int depth) {
  std::vector<FoldValue> found;
  auto fresh = [&](TermId leaf) { return std::ranges::none_of(found, [&](const FoldValue& v) { return v.leaf == leaf; }); };
  for (Id m : members(cls)) {
    if (!states_value(m) || !known_by(cls, m, number, newer_folds)) continue;
    EGRET_TRY(const TermId leaf, exact(m));
    if (fresh(leaf)) found.push_back({leaf, m, {}});
  }
  for (Id m : members(cls)) {
    if (depth == 0 || found.size() >= kMaxFoldValues) break;
    if (graph_.operands(m).empty() || newest_union(cls, m) > number) continue;
    EGRET_TRY_VOID(each_fold(m, number, newer_folds, depth - 1, [&](TermId folded, const std::vector<FoldValue>& operands) -> Result<bool> {
      const TensorRef value = proof_.terms.evaluated(folded);
      if (!value) return false;
      const Type type = proof_.terms.type(folded);
      const TensorRef element = uniform(*value);
      Attrs attrs = element ? Attrs{{"value", element->get(0)}, {"dtype", type.dtype}, {"sizes", type.dims}} : Attrs{{"value", value}};
      EGRET_TRY(const TermId leaf, proof_.terms.add(op_named(element ? "splat" : "constant"), std::move(attrs), {}));
      if (fresh(leaf)) found.push_back({leaf, m, operands});
      return found.size() >= kMaxFoldValues;
    }));
  }
  return found;
}

// Calls `take` with the member's operator on known values of its operands, and these, until it answers true.
Status Equalities::each_fold(Id member, uint32_t number, bool newer_folds, int depth, const TakeFold& take) {
  std::vector<std::vector<FoldValue>> choices;
  for (Id o : graph_.operands(member)) {
    EGRET_TRY(auto values, fold_values(o, number, newer_folds, depth));
    if (values.empty()) return {};
    choices.push_back(std::move(values));
  }
  EGRET_TRY(const TermId own, exact(member));
  const rules::TermNode node = proof_.terms.node(own);
  std::vector<size_t> at(choices.size(), 0);
  for (size_t tried = 0; tried < kMaxFoldTries; ++tried) {
    std::vector<FoldValue> operands;
    std::vector<TermId> terms;
    for (size_t i = 0; i < choices.size(); ++i) {
      operands.push_back(choices[i][at[i]]);
      terms.push_back(operands.back().leaf);
    }
    EGRET_TRY(const TermId folded, proof_.terms.add(*node.op, node.attrs, std::move(terms)));
    EGRET_TRY(const bool taken, take(folded, operands));
    size_t next = 0;
    while (next < at.size() && ++at[next] == choices[next].size()) at[next++] = 0;
    if (taken || next == at.size()) return {};
  }
  return {};
}

// Asks for the equalities on which e-node `o` = the value rests; false where some are missing.
bool Equalities::need_fold(Id o, const FoldValue& value) {
  bool all = need(o, value.node).has_value();
  for (size_t i = 0; i < value.operands.size(); ++i) all &= need_fold(graph_.operands(value.node)[i], value.operands[i]);
  return all;
}

// e-node `o` = the value.  Requires: need_fold.
Result<int64_t> Equalities::fold_premise(Id o, const FoldValue& value) {
  const int64_t first = *need(o, value.node);
  EGRET_TRY(const TermId left, exact(o));
  EGRET_TRY(const TermId own, exact(value.node));
  if (own == value.leaf) return first;
  std::vector<TermId> terms;
  std::vector<int64_t> premises;
  for (size_t i = 0; i < value.operands.size(); ++i) {
    EGRET_TRY(const int64_t premise, fold_premise(graph_.operands(value.node)[i], value.operands[i]));
    premises.push_back(premise);
    terms.push_back(value.operands[i].leaf);
  }
  const rules::TermNode node = proof_.terms.node(own);
  EGRET_TRY(const TermId folded, proof_.terms.add(*node.op, node.attrs, terms));
  const int64_t second = own == folded ? 0 : congruence(own, folded, std::move(premises));
  Step fold;
  fold.kind = Step::Kind::kFold;
  fold.left = folded;
  fold.right = value.leaf;
  return chain(left, value.leaf, {first, second, add_step(std::move(fold))});
}

Equalities::Attempt Equalities::attempt_fold(Id cls, Id leaf, uint32_t number) {
  EGRET_TRY(const TermId right, exact(leaf));
  const std::vector<Id> candidates = members(cls);
  for (int depth = 0; depth <= kMaxFoldDepth; ++depth) {
    for (const bool newer_folds : {false, true}) {
      for (Id m : candidates) {
        if (m == leaf || newest_union(m, cls) > number) continue;
        std::optional<FoldValue> chosen;
        EGRET_TRY_VOID(each_fold(m, number, newer_folds, depth, [&](TermId folded, const std::vector<FoldValue>& operands) -> Result<bool> {
          if (proof_.terms.folds_to(folded, right)) chosen = FoldValue{right, m, operands};
          return chosen.has_value();
        }));
        if (!chosen) continue;
        if (!need_fold(cls, *chosen)) return std::optional<int64_t>();
        EGRET_TRY(const int64_t proved, fold_premise(cls, *chosen));
        return std::optional(proved);
      }
    }
  }
  return internal_error(fmt::format("no evaluation gives the value of e-node {}", cls));
}

}  // namespace egret::proof
