#include "egraph/pattern.h"

#include "egraph/match.h"

namespace egret::egraph {

PatternTerm PatternTerm::variable_of(uint32_t number) {
  PatternTerm term;
  term.variable = number;
  return term;
}

PatternTerm PatternTerm::operator_of(OpKind op, std::vector<PatternTerm> operands) {
  PatternTerm term;
  term.kind = Kind::kOperator;
  term.op = op;
  term.operands = std::move(operands);
  return term;
}

PatternTerm PatternTerm::with_attr(AttrId fixed) const {
  PatternTerm term = *this;
  term.attr_kind = Attr::kFixed;
  term.attr = fixed;
  return term;
}

PatternTerm PatternTerm::with_attr_variable(uint32_t number) const {
  PatternTerm term = *this;
  term.attr_kind = Attr::kVariable;
  term.attr = number;
  return term;
}

Pattern::Pattern(std::vector<PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables)
    : roots_(std::move(roots)), class_variables_(class_variables), attr_variables_(attr_variables) {
  program_ = std::make_shared<const MatchProgram>(roots_, class_variables, attr_variables);
  occurrences_ = program_->occurrences();
}

void Pattern::search_with(const EGraph& graph, std::span<const Id> root_nodes,
                          const std::function<bool(const Match&)>& emit) const {
  EGRET_CHECK(!roots_.empty(), "searching an empty pattern");
  program_->run(graph, root_nodes, emit, {});
}

}  // namespace egret::egraph
