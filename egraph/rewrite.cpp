// What runner.h offers beside the loop: a declared right side as an applier, and the names of the reasons to stop.
#include "egraph/plan/query.h"
#include "egraph/runner.h"

namespace egret::egraph {
namespace {

// Appends the plan of `term` to `side` and returns the operand that stands for it.
RightSide::Operand plan_term(const PatternTerm& term, const Match& match, RightSide& side) {
  if (term.kind == PatternTerm::Kind::kVariable) return {false, match.classes[term.variable]};
  RightSide::Node node;
  node.op = term.op;
  if (term.attr_kind == PatternTerm::Attr::kFixed) node.attr = term.attr;
  if (term.attr_kind == PatternTerm::Attr::kVariable) node.attr = match.attrs[term.attr];
  node.operands.reserve(term.operands.size());
  for (const PatternTerm& operand : term.operands) node.operands.push_back(plan_term(operand, match, side));
  side.nodes.push_back(std::move(node));
  return {true, static_cast<uint32_t>(side.nodes.size() - 1)};
}

}  // namespace

const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kSaturated:
      return "saturated";
    case StopReason::kNodeLimit:
      return "node_limit";
    case StopReason::kMatchLimit:
      return "match_limit";
    case StopReason::kByteLimit:
      return "byte_limit";
    case StopReason::kTimeLimit:
      return "time_limit";
    case StopReason::kIterationLimit:
      return "iteration_limit";
    case StopReason::kStopped:
      return "stopped";
  }
  return "unknown";
}

std::function<bool(const EGraph&, const Match&, RightSide&)> instantiate(const Pattern& pattern,
                                                                         std::vector<PatternTerm> right) {
  const std::span<const uint32_t> roots = pattern.query().roots();
  EGRET_CHECK(right.size() == roots.size(), "a right side for each root");
  return [right = std::move(right), roots = std::vector<uint32_t>(roots.begin(), roots.end())](
             const EGraph&, const Match& match, RightSide& side) {
    for (size_t r = 0; r < right.size(); ++r) {
      const RightSide::Operand made = plan_term(right[r], match, side);
      side.equations.emplace_back(match.nodes[roots[r]], made);
    }
    return true;
  };
}

}  // namespace egret::egraph
