// Scalar functions on machine numbers: the one meaning of every ScalarFn that both evaluators share.
//
// Floats are computed in double and rounded to the dtype afterwards (`round_to`); for + - * / sqrt this gives the
// correctly rounded f32, f16 and bf16 result.  Integers are int64_t holding the dtype's value (u64: its bit pattern)
// and wrap to the dtype.  Total: x / 0 is -1 and x rem 0 is x for integers, as XLA has it.
#pragma once

#include <cstdint>

#include "ir/definitions/expr.h"
#include "ir/type.h"

namespace egret {

// Nearest value of a float dtype, ties to even; overflow gives an infinity, subnormals are kept.
double round_to(DType dtype, double x);
// The value modulo 2^bits of an integer dtype; bool: 0 or 1 (nonzero is 1).
int64_t wrap_to(DType dtype, int64_t x);
// Truncates, saturates; NaN gives 0; to bool: x != 0.
int64_t float_to_int(DType dtype, double x);
double int_to_float(DType from, int64_t x);

// Whether fn has a meaning on arguments of this dtype (exp of an integer has none).
bool defined_on(ScalarFn fn, DType argument);
// Comparisons and tests: the result is a bool whatever the arguments are.
bool gives_bool(ScalarFn fn);

// fn of float arguments giving a float, not yet rounded; `b` is ignored by unary functions.
// Requires: fn gives a float (no comparison, logic or cast).
double float_call(ScalarFn fn, double a, double b);
// eq, ne, lt, le, gt, ge, is_nan, is_finite of floats.
bool float_test(ScalarFn fn, double a, double b);
// fn of integers (or bools) of `dtype`, comparisons included; wrapped.
int64_t int_call(ScalarFn fn, DType dtype, int64_t a, int64_t b);

// What joins the value so far and the next element.  Requires: no arg-max or arg-min.
ScalarFn combining_function(FoldKind kind);
// The value of an empty fold.  Arg-max and arg-min have none.
double float_identity(FoldKind kind);
int64_t int_identity(FoldKind kind, DType dtype);
// a < b as values of an integer dtype (u64 compares bit patterns as unsigned).
bool int_less(DType dtype, int64_t a, int64_t b);

inline int64_t floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }
inline int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

}  // namespace egret
