#include "egraph/lang/language.h"

namespace egret::egraph::lang {

Language::Language(const Program& program, EGraph& graph) : program_(&program) {
  if (program.const_fold) fold_.emplace(graph);
  intern_symbols(graph);
  if (fold_ && !fold_->take_up(graph)) {  // made by another program: its numbers come first
    taken_up_ = fold_->take_up(graph);
    intern_symbols(graph);
  }
}

void Language::intern_symbols(EGraph& graph) {
  ops_.clear();
  for (SymbolId symbol = 0; symbol < program_->symbols.size(); ++symbol) {
    const uint32_t operands = program_->arity[symbol];
    std::string name = program_->symbols.name(symbol);
    const std::optional<Number> number = fold_ && operands == 0 ? parse_number(name) : std::nullopt;
    if (number) name = to_string(*number);
    const OpKind op = graph.intern_op(name);
    ops_.push_back(op);
    if (fold_) fold_->declare(op, name, operands);
    if (operands == 0) mark_number(op, name);
  }
}

void Language::mark_number(OpKind op, std::string_view name) {
  if (!is_number(name)) return;
  if (number_ops_.size() <= op) {
    number_ops_.resize(op + 1, false);
    zero_ops_.resize(op + 1, false);
  }
  number_ops_[op] = true;
  zero_ops_[op] = parse_number(name) == Number{};
}

Id Language::insert(EGraph& graph, const Term& term) const {
  struct Open {
    SymbolId symbol;
    uint32_t operands, left;
  };
  std::vector<Open> open;
  std::vector<Id> made;
  for (const TermNode& node : term) {
    EGRET_CHECK(!node.is_variable(), "inserting a term without variables");
    open.push_back({node.value, node.operands, node.operands});
    while (!open.empty() && open.back().left == 0) {
      const Open done = open.back();
      open.pop_back();
      const std::span<const Id> operands(made.data() + made.size() - done.operands, done.operands);
      const Id id = graph.add(ops_[done.symbol], 0, operands);
      made.resize(made.size() - done.operands);
      made.push_back(id);
      if (!open.empty()) --open.back().left;
    }
  }
  return made.back();
}

std::optional<Id> Language::find(const EGraph& graph, const Term& term, const std::function<Id(uint32_t)>& value) const {
  std::vector<Id> found, operands;  // from the last node back: the first operand is on top
  for (size_t i = term.size(); i-- > 0;) {
    if (term[i].is_variable()) {
      found.push_back(value(term[i].value));
      continue;
    }
    operands.assign(found.rbegin(), found.rbegin() + term[i].operands);
    found.resize(found.size() - term[i].operands);
    const std::optional<Id> id = graph.lookup(ops_[term[i].value], 0, operands);
    if (!id) return std::nullopt;
    found.push_back(*id);
  }
  return found.back();
}

}  // namespace egret::egraph::lang
