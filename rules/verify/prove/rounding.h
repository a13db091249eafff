// What a rule needs beyond the algebra of the reals: `cancel`, `range`, and the words of a term that is dropped.
//
// Rounding is told by error terms.  To first order the error of a term is eps times a sum of magnitudes, one for each
// operation: |a + b| for a sum, the error of a times |b| for a product, the elements for a fold, whose order is open.  If
// every error term of the right side is bounded by those of the left (it is one of them up to a constant, or a sum of such),
// the right side subtracts nothing that the left did not: x*z + y*z => (x + y)*z loses nothing.  Else it needs `cancel`:
// x*(y + z) => x*y + x*z has an error term x*y that nothing on the left bounds.  A constant or frozen factor may multiply out.
//
// `range`: an exp that one side has and the other has not (but of an exponent that is at most 0), or a logarithm, power or
// quotient on the right whose argument or value the left does not compute.  Real equality decides what is the same (normal.h).
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rules/verify/prove/prover.h"

namespace egret::rules {

struct Needs {
  std::string cancel, range, drop;  // what shows it, of the words that are needed
  std::set<uint32_t> masks;         // inputs below an exp or a maximum, whose elements may be -inf
  void join(const Needs& other);
};

// Of two sides that are equal; of a prover without the laws of `field` only what is dropped.  `fixed`: inputs that are
// constant or frozen.
Needs needs_of(Prover& prover, ScalarId left, ScalarId right, const Prover::Context& context, const std::set<uint32_t>& fixed);

}  // namespace egret::rules
