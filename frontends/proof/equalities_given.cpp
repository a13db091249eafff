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

// E-nodes that state the values of a member's operands and make it evaluate to `leaf`; nothing where there are none.
// `newer_folds`: an operand may have been united with its literal after this class, in the same batch.
Result<std::optional<std::vector<Id>>> Equalities::fold_operands(Id member, Id leaf, uint32_t number, bool newer_folds) {
  std::vector<Id> chosen;
  for (Id o : graph_.operands(member)) {
    std::optional<Id> found;
    for (Id m : members(o)) {
      if (found || !states_value(m)) continue;
      bool usable = true;
      for (const egraph::EGraph::Edge& e : graph_.explain(o, m)) {
        if (e.number < number) continue;
        const bool fold = e.why.kind == egraph::Justification::Kind::kGiven && e.why.detail == rules::TensorEGraph::kFolded;
        usable &= newer_folds && fold && !folding_.contains(e.number);
      }
      if (usable) found = m;
    }
    if (!found) return std::optional<std::vector<Id>>();
    chosen.push_back(*found);
  }
  std::vector<TermId> operands;
  for (Id m : chosen) {
    EGRET_TRY(const TermId t, exact(m));
    operands.push_back(t);
  }
  EGRET_TRY(const TermId leaf_term, exact(leaf));
  EGRET_TRY(const TermId own, exact(member));
  const rules::TermNode node = proof_.terms.node(own);
  EGRET_TRY(const TermId folded, proof_.terms.add(*node.op, node.attrs, operands));
  if (!proof_.terms.folds_to(folded, leaf_term)) return std::optional<std::vector<Id>>();
  return std::optional(std::move(chosen));
}

Equalities::Attempt Equalities::attempt_fold(Id cls, Id leaf, uint32_t number) {
  const std::vector<Id> candidates = members(cls);
  for (const bool newer_folds : {false, true}) {
    for (Id m : candidates) {
      if (m == leaf || newest_union(m, cls) > number) continue;
      EGRET_TRY(const auto operands, fold_operands(m, leaf, number, newer_folds));
      if (!operands) continue;
      EGRET_TRY(const TermId left, exact(cls));
      EGRET_TRY(const TermId own, exact(m));
      EGRET_TRY(const TermId right, exact(leaf));
      const auto first = need(cls, m);
      std::vector<TermId> terms;
      std::vector<int64_t> premises;
      bool all = first.has_value();
      for (size_t i = 0; i < operands->size(); ++i) {
        const auto premise = need(graph_.operands(m)[i], (*operands)[i]);
        all &= premise.has_value();
        premises.push_back(premise.value_or(0));
        EGRET_TRY(const TermId t, exact((*operands)[i]));
        terms.push_back(t);
      }
      if (!all) return std::optional<int64_t>();
      const rules::TermNode node = proof_.terms.node(own);
      EGRET_TRY(const TermId folded, proof_.terms.add(*node.op, node.attrs, terms));
      const int64_t second = congruence(own, folded, std::move(premises));
      Step fold;
      fold.kind = Step::Kind::kFold;
      fold.left = folded;
      fold.right = right;
      return std::optional(chain(left, right, {*first, second, add_step(std::move(fold))}));
    }
  }
  return internal_error(fmt::format("no evaluation gives the value of e-node {}", cls));
}

}  // namespace egret::proof
