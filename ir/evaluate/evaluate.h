// Evaluators: what a graph means.
//
// `evaluate_reference` evaluates the comprehension of each operator element by element, generic over the scalar:
// obviously right rather than fast.  `evaluate` (f32 rounding as in the program, plain loops compiled from the same
// comprehensions) serves whole models; its folds run in index order, except that sums of products are blocked.
#pragma once

#include <map>
#include <vector>

#include "ir/graph.h"
#include "ir/tensor.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret {

enum class Scalar : uint8_t {
  kNative,    // each dtype's own arithmetic (f32 in float, f64 in double, integers wrap)
  kDouble,    // floats in double, roundings of casts kept; float outputs are f64
  kRational,  // exact; functions with no rational value are uninterpreted (equal arguments, equal results); float
              // outputs are f64, a decimal constant (0.1) is the simplest fraction that rounds to it; a fraction beyond
              // 127 bits is a limit error, so give small integers
};

// Values of the graph's outputs for values of its inputs, in signature order (inputs with data may be given as empty
// tensors).  Errors: an unknown operator, a wrong type, an index out of range, a limit.
Result<std::vector<Tensor>> evaluate_reference(const Graph& graph, const std::vector<Tensor>& inputs,
                                               Scalar scalar = Scalar::kNative, const Limits& limits = {});
Result<std::vector<Tensor>> evaluate(const Graph& graph, const std::vector<Tensor>& inputs, const Limits& limits = {});

// One comprehension, one result.
Result<Tensor> evaluate_reference(const Comprehension& comprehension, const std::vector<Tensor>& operands,
                                  Scalar scalar = Scalar::kNative);
Result<Tensor> evaluate(const Comprehension& comprehension, const std::vector<Tensor>& operands);

// One operator (composites too): results for operand values, by `evaluate`.
Result<std::vector<Tensor>> evaluate_op(const OpDef& op, const Attrs& attrs, const std::vector<Tensor>& operands);

// Error of a result as the contract defines it: max|a - b| / max|a|; infinite where NaN or infinities disagree in
// place.
double relative_error(const Tensor& reference, const Tensor& result);

// Up to which error a result of that element type passes (contract, "Error of a result").
double allowed_error(DType dtype);

// Seeded inputs, the same on every machine: normal values for data; for parameters divided by sqrt(fan-in), where
// fan-in is the product of all axes but the first (of a matrix: the first); in [0.5, 1.5) where the name ends in `var`,
// `variance` or `second_moment`; 0..9 for integers.  Empty tensors for inputs with data.  Requires: static types.
std::vector<Tensor> random_inputs(const Graph& graph, uint64_t seed);

}  // namespace egret
