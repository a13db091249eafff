#include "frontends/onnx/writer.h"

#include "frontends/onnx/emitter.h"

namespace egret {
namespace {

constexpr int kMaxExpansions = 16;  // composites inside composites

bool must_expand(const GraphNode& node) { return node.op->expand && !onnx::op_writers().count(node.op->name); }

// Composites without an ONNX form become their terms, one level.
Result<Graph> expanded_once(const Graph& graph) {
  GraphBuilder builder(graph.name);
  std::vector<ValueId> renamed(graph.nodes.size());
  for (const GraphInput& input : graph.inputs) {
    const GraphNode& node = graph.node(input.value);
    renamed[input.value] = builder.input(node.name, node.type, input.role, input.data);
  }
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& node = graph.node(v);
    if (node.op->name == "input") continue;
    std::vector<ValueId> operands;
    for (const ValueId o : node.operands) operands.push_back(renamed[o]);
    if (must_expand(node)) {
      EGRET_TRY(renamed[v], node.op->expand(builder, operands, node.attrs));
    } else {
      EGRET_TRY(renamed[v], builder.add(*node.op, operands, node.attrs, node.name));
    }
  }
  for (const GraphOutput& output : graph.outputs) builder.output(renamed[output.value], output.name);
  return builder.take();
}

}  // namespace

Result<std::string> write_onnx(const Graph& source) {
  Graph graph = remove_dead(source);
  for (int i = 0; i < kMaxExpansions; ++i) {
    bool any = false;
    for (const GraphNode& node : graph.nodes) any |= must_expand(node);
    if (!any) break;
    EGRET_TRY(graph, expanded_once(graph));
  }
  return onnx::Emitter(graph).model();
}

}  // namespace egret
