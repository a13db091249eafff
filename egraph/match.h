// Matching program: a pattern compiled to one step an operator occurrence, in pre-order, root by root.
//
// A step draws candidate e-nodes from one source, checks operator, arity, attributes and the operands that are
// variables, and goes on with the next step; running out of candidates goes back.  Which occurrence of a variable binds
// it is known when compiling, so nothing is undone on the way back.
#pragma once

#include <vector>

#include "egraph/pattern.h"

namespace egret::egraph {

class MatchProgram {
 public:
  MatchProgram(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables);

  // As Pattern::search_with.  `poll`, where given, is called now and then and returns false to stop.
  void run(const EGraph& graph, std::span<const Id> root_nodes, const std::function<bool(const Match&)>& emit,
           const std::function<bool()>& poll) const;

  uint32_t occurrences() const { return static_cast<uint32_t>(steps_.size()); }
  std::span<const OpKind> ops() const { return ops_; }  // every operator of the pattern, ascending

 private:
  friend class Matcher;
  enum class Source : uint8_t {
    kGiven,    // first root: the root nodes given
    kOperand,  // e-nodes of the class that an operand of an earlier step names
    kJoin,     // a later root: those above the class of a bound variable
    kScan,     // a later root that shares no bound class variable: every e-node with the operator
  };
  struct VariableOperand {
    uint32_t position, variable;
    bool binds;
  };
  struct Join {  // from a bound variable up to the root
    uint32_t variable = 0;
    std::vector<OpKind> inner_ops;  // operators between the variable and the root, from below; empty: a direct operand
  };
  struct Step {
    Source source = Source::kGiven;
    OpKind op = 0;
    uint32_t arity = 0;
    PatternTerm::Attr attr_kind = PatternTerm::Attr::kAny;
    uint32_t attr = 0;
    bool binds_attr = false;
    uint32_t from_step = 0, from_position = 0;  // kOperand
    uint32_t first_operand = 0, operand_count = 0;
    std::vector<Join> joins;  // kJoin: those of least depth
  };

  void compile(const PatternTerm& term, uint32_t from_step, uint32_t from_position, Source source);
  static void find_joins(const PatternTerm& term, const std::vector<bool>& bound, std::vector<OpKind>& above,
                         std::vector<Join>& joins);

  std::vector<Step> steps_;
  std::vector<VariableOperand> variable_operands_;  // of all steps, one after another
  std::vector<uint32_t> root_steps_;
  std::vector<OpKind> ops_;
  std::vector<bool> class_bound_, attr_bound_;  // while compiling
  bool ordered_ = true;  // backtracking order is the order promised (else matches of one first root are sorted)
};

}  // namespace egret::egraph
