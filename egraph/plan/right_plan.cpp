#include "egraph/plan/right_plan.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr uint32_t kMaxDepth = 256;

}  // namespace

RightPlan::RightPlan(const Query& query, std::span<const PatternTerm> sides, std::span<const uint32_t> united) {
  if (united.empty()) {
    for (const uint32_t root : query.roots()) left.push_back({root, Applications::Place::kItself});
  }
  for (const uint32_t variable : united) {
    EGRET_CHECK(variable < query.class_places().size(), "uniting a variable that the left side lacks");
    left.push_back(query.class_places()[variable]);
  }
  EGRET_CHECK(sides.size() == left.size(), "a right side for each root or class to unite");
  for (const PatternTerm& term : sides) right.push_back(add(query, term, 0));
  const auto use = [&](const Operand& operand) {
    if (!operand.made) variables.push_back(operand.index);
  };
  for (const Node& node : nodes) std::for_each(node.operands.begin(), node.operands.end(), use);
  std::for_each(right.begin(), right.end(), use);
  std::sort(variables.begin(), variables.end());
  variables.erase(std::unique(variables.begin(), variables.end()), variables.end());
  joining = static_cast<uint32_t>(right.size());
  if (nodes.empty()) return;
  const Operand last{true, static_cast<uint32_t>(nodes.size() - 1)};
  if (std::count(right.begin(), right.end(), last) != 1) return;
  joining = static_cast<uint32_t>(std::find(right.begin(), right.end(), last) - right.begin());
}

RightPlan::Operand RightPlan::add(const Query& query, const PatternTerm& term, uint32_t depth) {
  EGRET_CHECK(depth < kMaxDepth, "a right side is nested too deeply");
  if (term.kind == PatternTerm::Kind::kVariable) {
    EGRET_CHECK(term.variable < query.class_places().size(), "a right side with a variable that its left side lacks");
    return {false, term.variable};
  }
  Node node{term.op, term.attr_kind == PatternTerm::Attr::kVariable, 0, {}};
  if (term.attr_kind != PatternTerm::Attr::kAny) node.attr = term.attr;
  EGRET_CHECK(!node.attr_is_variable || node.attr < query.attr_places().size(),
              "a right side with a variable that its left side lacks");
  for (const PatternTerm& operand : term.operands) node.operands.push_back(add(query, operand, depth + 1));
  const auto known = std::find(nodes.begin(), nodes.end(), node);
  if (known != nodes.end()) return {true, static_cast<uint32_t>(known - nodes.begin())};
  nodes.push_back(std::move(node));
  return {true, static_cast<uint32_t>(nodes.size() - 1)};
}

Applications::Shape RightPlan::shape(const Query& query, uint32_t rule) const {
  Applications::Shape shape;
  shape.rule = rule;
  shape.nodes = static_cast<uint32_t>(query.atoms().size());
  shape.made = static_cast<uint32_t>(nodes.size());
  shape.classes.assign(query.class_places().begin(), query.class_places().end());
  shape.attrs.assign(query.attr_places().begin(), query.attr_places().end());
  shape.left = left;
  for (const Operand& side : right) shape.right.push_back({side.made, side.index});
  return shape;
}

}  // namespace egret::egraph
