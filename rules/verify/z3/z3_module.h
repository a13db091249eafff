// The seam of the Z3 module (egret_z3, opened on first use): are scalar formulas equal for all values?
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "rules/verify/terms/formula.h"
#include "rules/verify/terms/index.h"

namespace egret::rules {

struct EqualityQuery {
  const Formulas* formulas = nullptr;
  const std::vector<std::pair<FormulaId, FormulaId>>* pairs = nullptr;
  const std::vector<FormulaId>* assumptions = nullptr;  // bools that hold; may be null
  // kReal: floats are reals, functions that are no field operation are uninterpreted with the laws of exp; where a
  // denominator is zero or a root's argument negative nothing is claimed.  kFloat: IEEE binary16, so that special values
  // count.  kUninterpreted: every operation of floats is an unknown function; what is equal is equal bit for bit.
  enum class Theory { kReal, kFloat, kUninterpreted } theory = Theory::kReal;
  // What the licence gives away.  `ignore_nan` alone says nothing of a NaN that infinities make.
  bool ignore_nan = false, ignore_infinity = false, ignore_sign_of_zero = false;
  bool ignore_rounding_casts = false;  // kUninterpreted: a conversion between floats is nothing
  bool abstract_products = false;  // products, quotients and remainders of integers are unknown functions of which a little is known
  bool small = false;  // kFloat: floats of 8 bits; nothing is known where a constant is none of them
  unsigned timeout_ms = 10'000;
  bool print = false;  // what is asked, into `smt`
};

struct EqualityAnswer {
  enum class Kind { kEqual, kDifferent, kUnknown } kind = Kind::kUnknown;
  std::string smt;                    // kEqual, where asked for: what was refuted, as SMT-LIB
  bool vacuous = false;               // kEqual only because no values meet the assumptions (a mean over nothing)
  size_t pair = 0;                    // that differs or is unknown
  std::map<uint32_t, double> model;   // kDifferent: values of variables
  std::string reason;                 // kUnknown
};

// Does a condition on integers of any size follow from hypotheses?  Products of variables are unknowns unless `nonlinear`.
struct IntegerQuery {
  const Indices* indices = nullptr;
  const std::vector<CondId>* hypotheses = nullptr;
  CondId goal = 0;
  bool nonlinear = false;
  bool print = false;  // what is asked, into `smt`
};
struct IntegerAnswer {
  bool entailed = false;
  bool refuted = false;       // an assignment of the unknowns meets the hypotheses and not the goal
  std::string smt;            // of what is entailed, where asked for: its negation, as SMT-LIB
  bool has_products = false;  // so that `nonlinear` may say more
  std::vector<std::pair<VariableId, int64_t>> model;  // of the variables, where some assignment was found
};
using DecideIntegers = void (*)(const IntegerQuery*, IntegerAnswer*);  // symbol "egret_z3_integers"

using DecideEquality = void (*)(const EqualityQuery*, EqualityAnswer*);  // symbol "egret_z3_decide"

}  // namespace egret::rules
