// Expr: the body of a comprehension for concrete sizes: index arithmetic, conditions, reads, scalar functions, folds.
//
// This is the one form in which an operator's meaning reaches its consumers once ranks and sizes are known: the
// interpreter evaluates it, the verifier makes Z3 terms of it, the cost model counts it, lowering makes loops of it.
// Expressions live in an arena and are named by number; an argument's number is smaller than that of its user.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/type.h"

namespace egret {

using ExprId = uint32_t;

enum class ExprKind : uint8_t {
  // index-valued (mathematical integers)
  kIndex,    // variable `number`
  kInt,      // constant `integer`
  kAdd, kSub, kMul, kDiv, kMod, kMin, kMax,  // div and mod are floor; the divisor is a positive constant
  kToIndex,  // an integer scalar used as an index (data-dependent)
  // conditions
  kLess, kLessEqual, kEqual,  // of two indices
  kAnd, kOr, kNot,
  kTruth,    // a bool scalar used as a condition
  // scalars
  kNumber,   // constant `value` of `dtype` (infinities and NaN allowed)
  kRead,     // operand `number` at indices args
  kCall,     // scalar function `fn` of args
  kSelect,   // args: condition, then, otherwise; the branch not taken is never read
  kFold,     // over variables `variables` (sizes in Comprehension::sizes), args: body
  kValue,    // an index as a number of `dtype`
};

// Scalar functions; the ones below kCast take and give one dtype unless said otherwise.
enum class ScalarFn : uint8_t {
  kAdd, kSub, kMul, kDiv, kRem, kPow, kMax, kMin, kAtan2,
  kNeg, kAbs, kSign, kFloor, kCeil, kRoundEven, kExp, kExpm1, kLog, kLog1p, kSqrt, kRsqrt, kSin, kCos, kTanh, kErf,
  kLogistic,
  kAnd, kOr, kXor, kNot,                // bool and integers
  kEq, kNe, kLt, kLe, kGt, kGe,         // two of one dtype -> bool
  kIsNan, kIsFinite,                    // -> bool
  kCast,                                // to Expr::dtype; float to integer truncates and saturates, NaN gives 0
};
const char* name(ScalarFn);
int arity(ScalarFn);

enum class FoldKind : uint8_t { kSum, kProd, kMax, kMin, kAny, kAll, kArgMax, kArgMin };
const char* name(FoldKind);

struct Expr {
  ExprKind kind = ExprKind::kInt;
  ScalarFn fn = ScalarFn::kAdd;
  FoldKind fold = FoldKind::kSum;
  DType dtype = DType::f32;          // of a scalar; of a fold: its accumulator
  uint32_t number = 0;               // variable or operand
  int64_t integer = 0;
  double value = 0;
  std::vector<ExprId> args;
  std::vector<uint32_t> variables;   // of a fold, outermost first (row-major order of folding)
};

// One result of an operator for concrete operand types: result[v0, v1, ...] = body, where v_i is variable i.
struct Comprehension {
  Type result;                  // tensor
  std::vector<int64_t> sizes;   // of every variable; the first result.rank() are the result's axes
  std::vector<Expr> exprs;
  ExprId body = 0;

  ExprId add(Expr expr);        // appends, sharing equal index expressions and folding constant arithmetic
  std::string to_string() const;
};

}  // namespace egret
