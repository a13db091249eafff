#include "egraph/lang/conditions.h"

namespace egret::egraph::lang {
namespace {

template <class Test>
bool any_leaf(const EGraph& graph, Id cls, Test&& test) {
  for (const Id node : graph.nodes_of(cls)) {
    if (graph.operands(node).empty() && test(graph.op(node))) return true;
  }
  return false;
}

bool is_constant(const Language& language, const EGraph& graph, Id id) {
  if (language.fold()) return language.fold()->is_constant(graph, id);
  return any_leaf(graph, id, [&](OpKind op) { return language.is_number_op(op); });
}

bool is_zero(const Language& language, const EGraph& graph, Id id) {
  if (language.fold()) return language.fold()->value(graph, id) == Number{};
  return any_leaf(graph, id, [&](OpKind op) { return language.is_zero_op(op); });
}

bool is_symbol(const EGraph& graph, Id id) {
  return any_leaf(graph, id, [&](OpKind op) { return !is_number(graph.op_name(op)); });
}

}  // namespace

bool holds(const Condition& condition, const Language& language, const EGraph& graph,
           const std::function<Id(uint32_t)>& value) {
  const std::optional<Id> first = language.find(graph, condition.operands[0], value);
  switch (condition.kind) {
    case ConditionKind::kNotZero:
      return !first || !is_zero(language, graph, *first);
    case ConditionKind::kIsZero:
      return first && is_zero(language, graph, *first);
    case ConditionKind::kIsConst:
      return first && is_constant(language, graph, *first);
    case ConditionKind::kNotConst:
      return !first || !is_constant(language, graph, *first);
    case ConditionKind::kIsSymbol:
      return first && is_symbol(graph, *first);
    case ConditionKind::kNotSymbol:
      return !first || !is_symbol(graph, *first);
    case ConditionKind::kDiffer:
    case ConditionKind::kEqual: {
      const std::optional<Id> second = language.find(graph, condition.operands[1], value);
      const bool equal = first && second && graph.find(*first) == graph.find(*second);
      return equal == (condition.kind == ConditionKind::kEqual);
    }
  }
  return false;
}

}  // namespace egret::egraph::lang
