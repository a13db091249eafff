// The normal form of a scalar where rounding may move: a sum of products of powers of atoms.
//
// Atoms are reads, functions of normal forms, folds of one product each, and indicators of conditions; two atoms that are
// provably equal are one.  What a fold's variables do not touch leaves it; sums of sums are one sum.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "ir/evaluate/rational.h"
#include "rules/verify/terms/scalar.h"

namespace egret::rules {

using Monomial = std::map<ScalarId, int>;        // atom -> exponent, never 0
using NormalForm = std::map<Monomial, Rational>;  // no coefficient 0

class Prover;

class Normalizer {
 public:
  using Context = std::vector<CondId>;
  Normalizer(Prover& prover, DType dtype) : p_(prover), dtype_(dtype) {}

  // Nothing where a number does not fit or the term is too large.
  std::optional<NormalForm> normal(ScalarId id, const Context& context);
  ScalarId emit(const NormalForm& form);

  using Form = std::optional<NormalForm>;
  Form sum(const NormalForm& a, const NormalForm& b, const Rational& scale);
  Form product(const NormalForm& a, const NormalForm& b);
  Form power(const NormalForm& a, int exponent, const Context& context);
  // The condition on indices of an atom that is 1 or 0.
  std::optional<CondId> indicator_of(ScalarId atom) const;

 private:
  Form atom(ScalarId id, const Context& context, int exponent = 1);
  void square_magnitudes(Monomial& m) const;
  Form number(const Rational& value);
  Form size(IntId value, const Context& context);
  Form call(const ScalarNode& n, const Context& context);
  Form exponential(const NormalForm& a, const Context& context);
  Form logarithm(const NormalForm& a, const Context& context);
  Form fold(const ScalarNode& n, const Context& context);
  std::optional<ScalarId> few_parts(const ScalarNode& n);
  Form sum_fold(const ScalarNode& n, const NormalForm& body, const Context& context);
  Form prod_fold(const ScalarNode& n, const Context& context);
  Form max_fold(const ScalarNode& n, const NormalForm& body, const Context& context);
  ScalarId emit_monomial(const Monomial& m, const Rational& coefficient);

  Prover& p_;
  DType dtype_;
  std::vector<ScalarId> atoms_;  // representatives
};

}  // namespace egret::rules
