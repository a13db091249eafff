// Strip programs: a comprehension prepared for evaluating many neighbouring elements (a strip) at a time.
//
// Index arithmetic is kept affine over the variables wherever it can be: variables of size 1 disappear, those that
// occur under div or mod are split, neighbours that are always used together are merged, conditions that the ranges
// decide are gone.  What stays (data-dependent indices, other div and mod) is an atom.  One variable is the lane of a
// strip.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/tensor.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret::strip {

using Var = uint32_t;
using Id = uint32_t;
using VarSet = uint64_t;  // bit v: variable v
inline constexpr int kMaxVars = 64;
inline constexpr int kStrip = 256;  // most lanes of one strip

struct Term {
  bool is_atom = false;
  uint32_t id = 0;  // variable or atom
  int64_t coef = 0;
};

struct Affine {
  int64_t base = 0;
  std::vector<Term> terms;    // variables first, ascending; then atoms; no coefficient is 0
  VarSet depends = 0;         // through variables or atoms
  VarSet bent = 0;            // through atoms: not linear in these
  int64_t low = 0, high = 0;  // bounds over all values of the variables

  int64_t coef(Var v) const;
};

struct Atom {  // kDiv, kMod (by `divisor`), kMin, kMax, kMul (of a and b), kToIndex (of `scalar`)
  ExprKind kind = ExprKind::kDiv;
  Affine a, b;
  int64_t divisor = 1;
  Id scalar = 0;
  VarSet depends = 0;
};

struct Condition {
  enum class Kind : uint8_t { kTrue, kFalse, kNotNegative, kZero, kAnd, kOr, kNot, kTruth } kind = Kind::kTrue;
  Affine affine;         // kNotNegative, kZero
  std::vector<Id> args;  // conditions
  Id scalar = 0;         // kTruth
  VarSet depends = 0;
};

struct Node {  // a scalar
  ExprKind kind = ExprKind::kNumber;
  ScalarFn fn = ScalarFn::kAdd;
  FoldKind fold = FoldKind::kSum;
  DType dtype = DType::f32;
  double value = 0;            // kNumber
  uint32_t operand = 0;        // kRead
  Affine offset;               // kRead: in elements of the operand; kValue: the index
  std::vector<Affine> axes;    // kRead: the indices, where the ranges do not show them to be in range
  std::vector<Id> args;        // scalars
  Id condition = 0;            // kSelect
  std::vector<Var> variables;  // kFold
  VarSet depends = 0;
  bool safe = true;  // may be evaluated for lanes that do not need it: cheap, and reads in range
};

struct Program {
  DType dtype = DType::f32;    // of the result
  std::vector<int64_t> sizes;  // of every variable
  std::vector<Var> result;     // axes of the result, outermost first (row-major)
  std::vector<std::vector<int64_t>> operand_sizes;
  std::vector<Atom> atoms;
  std::vector<Condition> conditions;
  std::vector<Node> nodes;
  Id body = 0;

  int64_t count() const;  // elements of the result
};

// Requires: check_comprehension holds; the result is not empty.  Error: more than kMaxVars variables.
Result<Program> lower(const Comprehension& comprehension, std::span<const TensorRef> operands);
// Forgets what the body does not use, and merges neighbouring variables of the result and of folds that are always
// used together.
void merge_variables(Program& program);

// The elements of the result in row-major order of `program.result`, into `out` (of dtype program.dtype).
// Error: a read out of range (internal), a limit.
Status run(const Program& program, std::span<const TensorRef> operands, std::span<std::byte> out, const Limits& limits,
           const Stopwatch& watch);

// A sum of products of two factors as blocked matrix products.  False: the program is no such sum, or too small to
// gain, or not finite where it must be; `out` then holds nothing of use.  Requires: merge_variables was not called.
Result<bool> run_contraction(const Program& program, std::span<const TensorRef> operands, std::span<std::byte> out,
                             const Limits& limits, const Stopwatch& watch);

}  // namespace egret::strip
