// RightPlan: the right sides of a rewrite as a list of e-nodes to make, operands before their readers, each distinct
// term once.  The engine makes them for many matches at a time, one e-node of the list after another (apply.h).
#pragma once

#include <vector>

#include "egraph/pattern.h"
#include "egraph/plan/query.h"

namespace egret::egraph {

struct RightPlan {
  struct Operand {
    bool made;       // an e-node of the list; else a class variable
    uint32_t index;
    bool operator==(const Operand&) const = default;
  };
  struct Node {
    OpKind op;
    bool attr_is_variable;
    uint32_t attr;
    std::vector<Operand> operands;
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes;
  std::vector<Applications::Place> left;  // of each equation: a root of the pattern, or where a class variable stands
  std::vector<Operand> right;             // what it is united with
  std::vector<uint32_t> variables;        // class variables that operands and right sides name, ascending
  // The equation whose right side is the last e-node and no other's: a new e-node there joins the class of the left side
  // at once, which costs no union.  Else the number of equations.
  uint32_t joining = 0;

  // `united`: class variables, or nothing for the roots.  Requires: a right side for each; variables in range.
  RightPlan(const Query& query, std::span<const PatternTerm> right, std::span<const uint32_t> united);
  Applications::Shape shape(const Query& query, uint32_t rule) const;

 private:
  Operand add(const Query& query, const PatternTerm& term, uint32_t depth);
};

}  // namespace egret::egraph
