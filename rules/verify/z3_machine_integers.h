// Integers of a dtype as bit-vectors of its width: they wrap, as those of the evaluators do (ir/scalar_functions.h).
#pragma once

#include <optional>

#include <z3++.h>

#include "ir/expr.h"

namespace egret::rules {

// fn of integers of `dtype`; a bool for comparisons.  Nothing where it is no function of integers.
std::optional<z3::expr> machine_call(ScalarFn fn, DType dtype, const std::vector<z3::expr>& args);
// The value modulo 2^bits of the other dtype.
z3::expr machine_cast(const z3::expr& value, DType from, DType to);
// A model's bit-vector as a number.
double machine_value(const z3::expr& value, DType dtype);

}  // namespace egret::rules
