// Pattern: left sides of rewrites, with one or several roots, compiled to a small matching program.
//
// A pattern is a forest over class variables.  Each operator occurrence fixes an operator kind and either an attribute
// id, an attribute variable (all occurrences of one variable agree) or nothing, and may name its class by a class
// variable; several roots are joined on the variables they share, as operands and as names.  Occurrences are numbered in pre-order, root by root: `Match::nodes[i]` is the e-node that
// occurrence i matched, so a condition can read each occurrence's attributes and the place of each operand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

struct PatternTerm {
  enum class Kind : uint8_t { kVariable, kOperator } kind = Kind::kVariable;
  uint32_t variable = 0;  // kVariable: class variable number
  OpKind op = 0;          // kOperator:
  uint32_t name = kUnnamed;  // class variable that the occurrence's class is the value of
  enum class Attr : uint8_t { kAny, kFixed, kVariable } attr_kind = Attr::kAny;
  uint32_t attr = 0;  // attribute id or attribute variable number
  std::vector<PatternTerm> operands;

  static constexpr uint32_t kUnnamed = ~uint32_t{0};
  static PatternTerm variable_of(uint32_t number);
  static PatternTerm operator_of(OpKind op, std::vector<PatternTerm> operands);  // any attributes
  PatternTerm with_attr(AttrId fixed) const;
  PatternTerm with_attr_variable(uint32_t number) const;
  PatternTerm named(uint32_t variable) const;
};

struct Match {
  std::vector<Id> nodes;      // e-node of each occurrence, pre-order, root by root
  std::vector<Id> classes;    // class variables: the operand as it stands in the matched e-node (exact), or the e-node named
  std::vector<AttrId> attrs;  // attribute variables
};

class Pattern {
 public:
  Pattern() = default;
  // Numbers of variables are 0 .. count-1, each used at least once; every root is an operator; nesting below 256.
  Pattern(std::vector<PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables = 0);

  std::span<const PatternTerm> roots() const { return roots_; }
  uint32_t class_variables() const { return class_variables_; }
  uint32_t attr_variables() const { return attr_variables_; }
  const class Query& query() const { return *query_; }  // query.h

  // Calls `emit` for each match whose first root is one of `root_nodes`, in order of (first root, second root, ...,
  // inner e-nodes by id).  Requires: graph.clean().  Thread safety: reads only.  `emit` returns false to stop.
  template <class Emit>
  void search(const EGraph& graph, std::span<const Id> root_nodes, Emit&& emit) const {
    search_with(graph, root_nodes, [&](const Match& match) { return emit(match); });
  }
  void search_with(const EGraph& graph, std::span<const Id> root_nodes,
                   const std::function<bool(const Match&)>& emit) const;

 private:
  std::vector<PatternTerm> roots_;
  uint32_t occurrences_ = 0, class_variables_ = 0, attr_variables_ = 0;
  std::shared_ptr<const class Query> query_;  // null: no roots
};

}  // namespace egret::egraph
