// Ranks: for which ranks a proof at one shape holds.
//
// An axis that is only passed on or folded whole is one integer: the index set of any number of axes (or none) is in
// bijection with [0, N), and the definitions cannot tell the two apart.  An axis with index arithmetic is not: there a
// counterexample keeps one axis for each condition that is false (`all(s: ..)` fails at some axis) and one for a read that
// differs, and every other axis can be dropped; so proofs with `conditions` + 1 such axes are proofs for any number.  Where
// rules name axes by lists (permutations, places), the axes that a read passes through are kept as well: one for each use
// of a list; and those that a rule or a definition names one by one.  docs/verifier.md has the argument.
#pragma once

#include <set>
#include <string>

#include "rules/rules.h"
#include "rules/verify/terms/scalar.h"

namespace egret::rules {

struct PreparedRule;

// What the terms of a shape use.
struct AxisUse {
  std::set<std::string> groups;  // groups of any number of axes that index arithmetic or a condition touches
  bool whole = false;            // axes that no group names are touched
  size_t conditions = 0;         // distinct conditions on several indices, of both sides of a root
  size_t fixed = 0;              // axes that a definition names one by one
  bool positions = true;         // only maps and reshapes (keeps_positions)
  bool reshapes = false;         // a reshape beside other operators: axes cannot be dropped
};
void note_use(Scalars& scalars, ScalarId left, ScalarId right, const std::set<std::string>& many, AxisUse& use);
void note_use(const Graph& left, const Graph& right, AxisUse& use);

// Whole tensors of so many axes hold a counterexample if any do.
int needed_rank(const Rule& rule, const AxisUse& use);
// Only maps and reshapes: elements keep their row-major position, whatever the ranks are.
bool keeps_positions(const Graph& left, const Graph& right);

}  // namespace egret::rules
