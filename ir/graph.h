// Graph: a functional program: operators in topological order over typed values.
//
// One value a node (several results make a tuple, projected by `get`).  Inputs are nodes of the operator `input`; each
// is data, a parameter or a constant (design decision 9).  Effects and opaque nodes are threaded by one token.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/attr.h"
#include "ir/op.h"
#include "ir/type.h"

namespace egret {

enum class InputRole : uint8_t { kData, kParameter, kConstant };
const char* to_string(InputRole);

struct GraphNode {
  const OpDef* op = nullptr;
  Attrs attrs;                    // complete
  std::vector<ValueId> operands;  // smaller than this node's id
  Type type;
  std::string name;               // of the value; unique in the graph
};

struct GraphInput {
  ValueId value = 0;
  InputRole role = InputRole::kData;
  TensorRef data;                 // of a constant or a parameter whose value is known; may be null
};

struct GraphOutput {
  ValueId value = 0;
  std::string name;
};

struct Alias {  // output may reuse the buffer of input; both numbers count from 0
  uint32_t output = 0, input = 0;
};

class Graph {
 public:
  std::string name = "graph";
  std::vector<GraphNode> nodes;
  std::vector<GraphInput> inputs;    // in signature order
  std::vector<GraphOutput> outputs;
  std::vector<Alias> aliases;

  const GraphNode& node(ValueId v) const { return nodes[v]; }
  const Type& type(ValueId v) const { return nodes[v].type; }
  const GraphInput* input_of(ValueId v) const;  // null where v is no input
};

// Types of what a node of the graph reads, in order.
std::vector<Type> operand_types(const Graph& graph, const GraphNode& node);

// Adds nodes with their types inferred.  Equal pure nodes are not shared (the e-graph does that).
class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name = "graph");
  // Continues a graph.
  explicit GraphBuilder(Graph graph);

  ValueId input(std::string name, Type type, InputRole role = InputRole::kData, TensorRef data = nullptr);
  ValueId constant(TensorRef value);                        // operator `constant`
  ValueId splat(double value, DType dtype, std::vector<Dim> sizes = {});
  Result<ValueId> add(std::string_view op, std::vector<ValueId> operands, Attrs attrs = {}, std::string name = {});
  Result<ValueId> add(const OpDef& op, std::vector<ValueId> operands, Attrs attrs = {}, std::string name = {});
  void output(ValueId value, std::string name);
  void alias(uint32_t output, uint32_t input) { graph_.aliases.push_back({output, input}); }

  const Type& type(ValueId v) const { return graph_.nodes[v].type; }
  const Graph& graph() const { return graph_; }
  Graph take() { return std::move(graph_); }
  // Where an error is: put before the messages of `add` until it is changed.
  void set_place(SourceSpan place) { place_ = std::move(place); }

 private:
  std::string fresh_name(std::string_view hint);
  Graph graph_;
  SourceSpan place_;
  std::unordered_map<std::string, int> names_;  // names taken, and how often each served as a hint
};

// Checks operators, attributes, types, order and names anew.
Status validate(const Graph& graph);
// Keeps what the outputs (and effects) need, in order.
Graph remove_dead(const Graph& graph);
// Replaces composites by their decompositions, also inside decompositions.
Result<Graph> expand_composites(const Graph& graph);

}  // namespace egret
