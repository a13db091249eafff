// The walk that both evaluators share: operands before users, composites expanded, values dropped after their last use.
//
// Backend: `Array` (cheap to copy), `Array load(const TensorRef&)`, `int64_t bytes(const Array&)` and
// `Result<Array> compute(const Comprehension&, std::span<const Array> operands)`.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/graph.h"
#include "ir/tensor.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret {

// The tensor that an input takes: the one given, or the data of the graph's signature where it is empty.
// Checks its type.  The result does not own what `given` holds.
Result<TensorRef> input_tensor(const Graph& graph, const GraphInput& input, const Tensor& given);

// Nodes that the outputs need.
std::vector<bool> needed_nodes(const Graph& graph);

// An error inside a node names it.
Error at_node(Error error, const Graph& graph, const GraphNode& node);

// Every variable, operand, argument and fold of a comprehension is there and fits (a definition that does not is a
// fault of egret, but is reported rather than trusted).
Status check_comprehension(const Comprehension& comprehension, std::span<const Type> operands);

template <class Backend>
class GraphWalk {
 public:
  using Array = typename Backend::Array;

  GraphWalk(const Graph& graph, const Limits& limits, Backend& backend)
      : graph_(graph), limits_(limits), backend_(backend), values_(graph.nodes.size()) {}

  // Requires: composites are expanded.
  Result<std::vector<Array>> run(const std::vector<Tensor>& inputs) {
    if (inputs.size() != graph_.inputs.size()) {
      return input_error("graph '" + graph_.name + "' takes " + std::to_string(graph_.inputs.size()) + " inputs, but " +
                         std::to_string(inputs.size()) + " were given");
    }
    const std::vector<bool> needed = needed_nodes(graph_);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!needed[graph_.inputs[i].value]) continue;
      EGRET_TRY(TensorRef tensor, input_tensor(graph_, graph_.inputs[i], inputs[i]));
      values_[graph_.inputs[i].value] = {backend_.load(tensor)};
    }
    const std::vector<ValueId> last_use = last_uses(needed);
    for (ValueId v = 0; v < graph_.nodes.size(); ++v) {
      if (!needed[v]) continue;
      const GraphNode& node = graph_.nodes[v];
      if (node.op->name != "input") {
        if (auto status = evaluate_node(v); !status) return at_node(status.take_error(), graph_, node);
      }
      EGRET_TRY_VOID(charge(v));
      for (ValueId operand : node.operands) {
        if (last_use[operand] == v) release(operand);
      }
    }
    std::vector<Array> results;
    for (const GraphOutput& output : graph_.outputs) {
      if (values_[output.value].size() != 1) return input_error("output '" + output.name + "' is no tensor");
      results.push_back(values_[output.value][0]);
    }
    return results;
  }

 private:
  static Error not_static(const Type& type) {
    return input_error("evaluation needs constant sizes, not " + type.to_string());
  }

  Status evaluate_node(ValueId v) {
    const GraphNode& node = graph_.nodes[v];
    std::vector<Array>& results = values_[v];
    if (node.op->name == "constant") {
      results = {backend_.load(std::get<TensorRef>(node.attrs.at("value")))};
      return {};
    }
    if (node.op->name == "get") {
      results = {values_[node.operands[0]].at(integer(node.attrs, "index"))};
      return {};
    }
    if (!node.op->definition || node.op->purity != Purity::kPure) {
      return unsupported_error("operator '" + node.op->name + "' has no meaning that can be evaluated");
    }
    std::vector<Type> types;
    std::vector<Array> operands;
    for (ValueId operand : node.operands) {
      types.push_back(graph_.type(operand));
      if (!types.back().is_static()) return not_static(types.back());
      if (values_[operand].size() != 1) return internal_error("an operand is a tuple");
      operands.push_back(values_[operand][0]);
    }
    if (!node.type.is_static()) return not_static(node.type);
    EGRET_TRY(const std::vector<Comprehension> comprehensions, instantiate(*node.op, node.attrs, types));
    for (const Comprehension& comprehension : comprehensions) {
      EGRET_TRY_VOID(check_comprehension(comprehension, types));
      EGRET_TRY(Array result, backend_.compute(comprehension, operands));
      results.push_back(std::move(result));
    }
    return {};
  }

  std::vector<ValueId> last_uses(const std::vector<bool>& needed) const {
    std::vector<ValueId> last(graph_.nodes.size(), 0);
    for (ValueId v = 0; v < graph_.nodes.size(); ++v) {
      if (!needed[v]) continue;
      for (ValueId operand : graph_.nodes[v].operands) last[operand] = v;
    }
    for (const GraphOutput& output : graph_.outputs) last[output.value] = static_cast<ValueId>(graph_.nodes.size());
    return last;
  }

  Status charge(ValueId v) {
    for (const Array& array : values_[v]) live_bytes_ += backend_.bytes(array);
    if (live_bytes_ > static_cast<int64_t>(limits_.bytes)) return limit_error("evaluation reached its memory limit");
    return {};
  }

  void release(ValueId v) {
    for (const Array& array : values_[v]) live_bytes_ -= backend_.bytes(array);
    values_[v].clear();
  }

  const Graph& graph_;
  const Limits& limits_;
  Backend& backend_;
  std::vector<std::vector<Array>> values_;
  int64_t live_bytes_ = 0;
};

}  // namespace egret
