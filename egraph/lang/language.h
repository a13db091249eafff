// Language: the symbols of a program as operators of an e-graph, and terms as its e-nodes.
//
// With const-fold all spellings of a number are one operator, under its canonical text.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "egraph/lang/const_fold.h"
#include "egraph/lang/program.h"

namespace egret::egraph::lang {

class Language {
 public:
  // `program` and `graph` must outlive it; the graph is new, or holds what a program with these symbols made.
  Language(const Program& program, EGraph& graph);

  const Program& program() const { return *program_; }
  OpKind op(SymbolId symbol) const { return ops_[symbol]; }
  const ConstFold* fold() const { return fold_ ? &*fold_ : nullptr; }
  ConstFold* fold() { return fold_ ? &*fold_ : nullptr; }

  // False where a loaded graph holds facts that const-fold did not make.
  bool taken_up() const { return taken_up_; }

  // Whether an atom with this operator is a number.
  bool is_number_op(OpKind op) const { return op < number_ops_.size() && number_ops_[op]; }
  // Whether the operator is a number whose value is zero.
  bool is_zero_op(OpKind op) const { return op < zero_ops_.size() && zero_ops_[op]; }

  // Inserts a term without variables; its operands first, from left to right.
  Id insert(EGraph& graph, const Term& term) const;
  // The e-node of a term whose variables have values, where the graph holds it.  Reads only.
  std::optional<Id> find(const EGraph& graph, const Term& term, const std::function<Id(uint32_t)>& value) const;

 private:
  void intern_symbols(EGraph& graph);
  void mark_number(OpKind op, std::string_view name);

  const Program* program_;
  std::vector<OpKind> ops_;  // by symbol
  std::vector<bool> number_ops_, zero_ops_;
  std::optional<ConstFold> fold_;
  bool taken_up_ = true;
};

}  // namespace egret::egraph::lang
