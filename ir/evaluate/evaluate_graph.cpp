#include "ir/evaluate/evaluate_graph.h"

#include <algorithm>

#include "ir/evaluate/scalar_functions.h"

namespace egret {
namespace {

constexpr int kMaxDepth = 5'000;

enum class Sort : uint8_t { kIndex, kCondition, kScalar };

Sort sort_of(ExprKind kind) {
  if (kind <= ExprKind::kToIndex) return Sort::kIndex;
  if (kind <= ExprKind::kTruth) return Sort::kCondition;
  return Sort::kScalar;
}

// The sorts of an expression's arguments; false where their number or sorts are wrong.
bool arguments_fit(const Comprehension& c, const Expr& e, std::span<const Type> operands) {
  const auto are = [&](std::initializer_list<Sort> sorts) {
    if (e.args.size() != sorts.size()) return false;
    size_t i = 0;
    for (Sort sort : sorts) {
      if (sort_of(c.exprs[e.args[i++]].kind) != sort) return false;
    }
    return true;
  };
  switch (e.kind) {
    case ExprKind::kIndex:
      return e.number < c.sizes.size() && e.args.empty();
    case ExprKind::kInt:
    case ExprKind::kNumber:
      return e.args.empty();
    case ExprKind::kAdd:
    case ExprKind::kSub:
    case ExprKind::kMul:
    case ExprKind::kMin:
    case ExprKind::kMax:
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
      return are({Sort::kIndex, Sort::kIndex});
    case ExprKind::kDiv:
    case ExprKind::kMod:
      return are({Sort::kIndex, Sort::kIndex}) && c.exprs[e.args[1]].kind == ExprKind::kInt &&
             c.exprs[e.args[1]].integer > 0;
    case ExprKind::kAnd:
    case ExprKind::kOr:
      for (ExprId arg : e.args) {
        if (sort_of(c.exprs[arg].kind) != Sort::kCondition) return false;
      }
      return true;
    case ExprKind::kNot:
      return are({Sort::kCondition});
    case ExprKind::kToIndex:
    case ExprKind::kTruth:
      return are({Sort::kScalar});
    case ExprKind::kSelect:
      return are({Sort::kCondition, Sort::kScalar, Sort::kScalar});
    case ExprKind::kValue:
      return are({Sort::kIndex});
    case ExprKind::kRead:
      if (e.number >= operands.size() || operands[e.number].rank() != static_cast<int>(e.args.size())) return false;
      for (ExprId arg : e.args) {
        if (sort_of(c.exprs[arg].kind) != Sort::kIndex) return false;
      }
      return operands[e.number].dtype == e.dtype;
    case ExprKind::kFold:
      for (uint32_t v : e.variables) {
        if (v >= c.sizes.size()) return false;
      }
      return are({Sort::kScalar});
    case ExprKind::kCall:
      if (static_cast<int>(e.args.size()) != arity(e.fn) || e.args.empty() || e.args.size() > 2) return false;
      for (ExprId arg : e.args) {
        if (sort_of(c.exprs[arg].kind) != Sort::kScalar || c.exprs[arg].dtype != c.exprs[e.args[0]].dtype) return false;
      }
      return defined_on(e.fn, c.exprs[e.args[0]].dtype);
  }
  return false;
}

}  // namespace

Result<TensorRef> input_tensor(const Graph& graph, const GraphInput& input, const Tensor& given) {
  if (given.bytes().empty() && input.data) return input.data;
  const GraphNode& node = graph.node(input.value);
  if (!(given.type() == node.type) || static_cast<int64_t>(given.bytes().size()) != given.type().bytes()) {
    return input_error("input '" + node.name + "' is " + node.type.to_string() + ", but " + given.type().to_string() +
                       " was given");
  }
  return TensorRef(TensorRef{}, &given);
}

std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size(), false);
  for (const GraphOutput& output : graph.outputs) needed[output.value] = true;
  for (size_t v = graph.nodes.size(); v-- > 0;) {
    if (graph.nodes[v].op->purity == Purity::kEffect) needed[v] = true;
    if (!needed[v]) continue;
    for (ValueId operand : graph.nodes[v].operands) needed[operand] = true;
  }
  return needed;
}

Error at_node(Error error, const Graph& graph, const GraphNode& node) {
  if (error.where.place.empty()) error.where.place = graph.name + ", " + node.name + " (" + node.op->name + ")";
  return error;
}

Status check_comprehension(const Comprehension& c, std::span<const Type> operands) {
  const auto fault = [&](const std::string& what) {
    return internal_error("ill-formed comprehension: " + what + " in\n" + c.to_string());
  };
  if (c.body >= c.exprs.size() || sort_of(c.exprs[c.body].kind) != Sort::kScalar) return fault("body");
  if (c.sizes.size() < static_cast<size_t>(c.result.rank())) return fault("sizes");
  std::vector<int> depth(c.exprs.size(), 0);  // the evaluators recurse
  for (size_t i = 0; i < c.exprs.size(); ++i) {
    for (ExprId arg : c.exprs[i].args) {
      if (arg >= i) return fault("order of expression " + std::to_string(i));
      depth[i] = std::max(depth[i], depth[arg] + 1);
    }
    if (depth[i] > kMaxDepth) return unsupported_error("an operator with this many operands cannot be evaluated");
    if (!arguments_fit(c, c.exprs[i], operands)) return fault("expression " + std::to_string(i));
  }
  return {};
}

}  // namespace egret
