// Integers of a dtype as bit-vectors of its width: they wrap, as those of the evaluators do (ir/evaluate/scalar_functions.h).
#pragma once

#include <optional>

#include <z3++.h>

#include "ir/definitions/expr.h"

namespace egret::rules {

// fn of integers of `dtype`; a bool for comparisons.  Nothing where it is no function of integers.
std::optional<z3::expr> machine_call(ScalarFn fn, DType dtype, const std::vector<z3::expr>& args);
// The value modulo 2^bits of the other dtype.
z3::expr machine_cast(const z3::expr& value, DType from, DType to);
// A model's bit-vector as a number.
// Of operators that Z3 would multiply out bit by bit, what their unknown functions are told: operands of a product in one order;
// |x rem y| < |y|, and x rem y is x where |x| < |y| or y is 0.
inline bool is_product(ScalarFn fn) { return fn == ScalarFn::kMul || fn == ScalarFn::kDiv || fn == ScalarFn::kRem; }
std::vector<z3::expr> machine_ordered(const std::vector<z3::expr>& a);
z3::expr machine_remainder_fact(const z3::expr& remainder, const z3::expr& x, const z3::expr& y, DType t);

double machine_value(const z3::expr& value, DType dtype);

}  // namespace egret::rules
