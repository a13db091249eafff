// The plain-loop evaluator: the walk over the graph with strip programs for each comprehension.
#include "ir/evaluate/evaluate.h"

#include <cmath>
#include <limits>

#include "ir/evaluate/evaluate_graph.h"
#include "ir/evaluate/strip.h"

namespace egret {
namespace {

struct StripBackend {
  using Array = TensorRef;
  const Limits& limits;
  Stopwatch watch;

  Array load(const TensorRef& tensor) { return tensor; }
  int64_t bytes(const Array& tensor) const { return static_cast<int64_t>(tensor->bytes().size()); }

  Result<Array> compute(const Comprehension& comprehension, std::span<const Array> operands) {
    auto result = std::make_shared<Tensor>(comprehension.result);
    if (result->size() == 0) return Array(std::move(result));
    EGRET_TRY(strip::Program program, strip::lower(comprehension, operands));
    EGRET_TRY(const bool done, strip::run_contraction(program, operands, result->bytes(), limits, watch));
    if (!done) {
      strip::merge_variables(program);
      EGRET_TRY_VOID(strip::run(program, operands, result->bytes(), limits, watch));
    }
    return Array(std::move(result));
  }
};

}  // namespace

Result<std::vector<Tensor>> evaluate(const Graph& graph, const std::vector<Tensor>& inputs, const Limits& limits) {
  EGRET_TRY(const Graph expanded, expand_composites(graph));
  StripBackend backend{limits, {}};
  EGRET_TRY(const std::vector<TensorRef> values, GraphWalk(expanded, limits, backend).run(inputs));
  std::vector<Tensor> results;
  for (const TensorRef& value : values) results.push_back(*value);
  return results;
}

Result<Tensor> evaluate(const Comprehension& comprehension, const std::vector<Tensor>& operands) {
  const Limits limits;
  StripBackend backend{limits, {}};
  std::vector<Type> types;
  std::vector<TensorRef> arrays;
  for (const Tensor& operand : operands) {
    types.push_back(operand.type());
    arrays.push_back(TensorRef(TensorRef{}, &operand));
  }
  EGRET_TRY_VOID(check_comprehension(comprehension, types));
  EGRET_TRY(const TensorRef result, backend.compute(comprehension, arrays));
  return *result;
}

Result<std::vector<Tensor>> evaluate_op(const OpDef& op, const Attrs& attrs, const std::vector<Tensor>& operands) {
  GraphBuilder builder(op.name);
  std::vector<ValueId> values;
  for (size_t i = 0; i < operands.size(); ++i) {
    values.push_back(builder.input("x" + std::to_string(i), operands[i].type()));
  }
  EGRET_TRY(const ValueId result, builder.add(op, values, attrs));
  const Type type = builder.type(result);
  if (type.is_tensor()) {
    builder.output(result, "y");
  } else {
    for (size_t i = 0; i < type.elements.size(); ++i) {
      EGRET_TRY(const ValueId part, builder.add("get", {result}, {{"index", Dim(static_cast<int64_t>(i))}}));
      builder.output(part, "y" + std::to_string(i));
    }
  }
  return evaluate(builder.graph(), operands);
}

double relative_error(const Tensor& reference, const Tensor& result) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (reference.sizes() != result.sizes()) return kInfinity;
  double largest_difference = 0, largest = 0;
  for (int64_t i = 0; i < reference.size(); ++i) {
    const double a = reference.get(i), b = result.get(i);
    if (std::isfinite(a) && std::isfinite(b)) {
      largest_difference = std::max(largest_difference, std::fabs(a - b));
      largest = std::max(largest, std::fabs(a));
    } else if (!(a == b || (std::isnan(a) && std::isnan(b)))) {
      return kInfinity;
    }
  }
  if (largest_difference == 0) return 0;
  return largest == 0 ? kInfinity : largest_difference / largest;
}

double allowed_error(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16 ? 2e-2 : 1e-4; }

}  // namespace egret
