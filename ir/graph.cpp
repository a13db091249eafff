#include "ir/graph.h"

#include <set>

#include <fmt/format.h>

namespace egret {

const char* to_string(InputRole role) {
  constexpr const char* kNames[] = {"data", "parameter", "constant"};
  return kNames[static_cast<int>(role)];
}

const GraphInput* Graph::input_of(ValueId v) const {
  if (v < nodes.size() && nodes[v].op && nodes[v].op->name != "input") return nullptr;
  if (v < inputs.size() && inputs[v].value == v) return &inputs[v];  // inputs mostly come first
  for (const GraphInput& input : inputs) {
    if (input.value == v) return &input;
  }
  return nullptr;
}

std::vector<Type> operand_types(const Graph& graph, const GraphNode& node) {
  std::vector<Type> types;
  types.reserve(node.operands.size());
  for (ValueId o : node.operands) types.push_back(graph.type(o));
  return types;
}

GraphBuilder::GraphBuilder(std::string name) { graph_.name = std::move(name); }

GraphBuilder::GraphBuilder(Graph graph) : graph_(std::move(graph)) {
  for (const GraphNode& n : graph_.nodes) names_.emplace(n.name, 1);
}

std::string GraphBuilder::fresh_name(std::string_view hint) {
  std::string base(hint);
  if (names_.emplace(base, 1).second) return base;
  for (;;) {
    std::string name = fmt::format("{}_{}", base, ++names_[base]);
    if (names_.emplace(name, 1).second) return name;
  }
}

ValueId GraphBuilder::input(std::string name, Type type, InputRole role, TensorRef data) {
  GraphNode node;
  node.op = &op_named("input");
  node.name = fresh_name(name.empty() ? "input" : name);
  node.attrs = {{"name", node.name}, {"type", type.to_string()}};
  node.type = std::move(type);
  graph_.nodes.push_back(std::move(node));
  auto id = static_cast<ValueId>(graph_.nodes.size() - 1);
  graph_.inputs.push_back({id, role, std::move(data)});
  return id;
}

ValueId GraphBuilder::constant(TensorRef value) {
  auto id = add("constant", {}, {{"value", std::move(value)}}, "constant");
  EGRET_CHECK(id.ok(), "a constant without a tensor");
  return *id;
}

ValueId GraphBuilder::splat(double value, DType dtype, std::vector<Dim> sizes) {
  auto id = add("splat", {}, {{"value", value}, {"dtype", dtype}, {"sizes", std::move(sizes)}}, "splat");
  EGRET_CHECK(id.ok(), "a splat of negative size");
  return *id;
}

Result<ValueId> GraphBuilder::add(std::string_view op, std::vector<ValueId> operands, Attrs attrs, std::string name) {
  if (const OpDef* def = find_op(op)) return add(*def, std::move(operands), std::move(attrs), std::move(name));
  std::string near = closest_op(op);
  return unsupported_error(fmt::format("no operator '{}'", op),
                           near.empty() ? "`egret ops` lists the operators" : fmt::format("did you mean '{}'?", near), place_);
}

Result<ValueId> GraphBuilder::add(const OpDef& op, std::vector<ValueId> operands, Attrs attrs, std::string name) {
  auto placed = [&](Error e) {
    if (e.where.line == 0) e.where = place_;
    return e;
  };
  std::vector<Type> types;
  for (ValueId v : operands) {
    EGRET_CHECK(v < graph_.nodes.size(), "an operand that is not in the graph");
    types.push_back(graph_.nodes[v].type);
  }
  auto complete = complete_attrs(op, std::move(attrs), types);
  if (!complete.ok()) return placed(complete.take_error());
  auto type = infer_type(op, *complete, types);
  if (!type.ok()) return placed(type.take_error());
  GraphNode node;
  node.op = &op;
  node.attrs = *std::move(complete);
  node.operands = std::move(operands);
  node.type = *std::move(type);
  node.name = fresh_name(name.empty() ? op.name : name);
  graph_.nodes.push_back(std::move(node));
  return static_cast<ValueId>(graph_.nodes.size() - 1);
}

void GraphBuilder::output(ValueId value, std::string name) {
  EGRET_CHECK(value < graph_.nodes.size(), "an output that is not in the graph");
  graph_.outputs.push_back({value, std::move(name)});
}

namespace {

Error graph_error(const Graph& graph, std::string text) { return input_error(fmt::format("graph {}: {}", graph.name, text)); }

Status validate_node(const Graph& graph, ValueId v) {
  const GraphNode& node = graph.nodes[v];
  if (!node.op) return graph_error(graph, fmt::format("value {} has no operator", v));
  std::vector<Type> types;
  for (ValueId o : node.operands) {
    if (o >= v) return graph_error(graph, fmt::format("{} stands before its operand {}", node.name, o));
    types.push_back(graph.nodes[o].type);
  }
  EGRET_TRY(Attrs complete, complete_attrs(*node.op, node.attrs, types));
  if (!equal(complete, node.attrs)) return graph_error(graph, fmt::format("attributes of {} are not complete", node.name));
  EGRET_TRY(Type type, infer_type(*node.op, node.attrs, types));
  if (!(type == node.type)) {
    return graph_error(graph, fmt::format("{} is {}, but its operator gives {}", node.name, node.type.to_string(), type.to_string()));
  }
  return {};
}

Status validate_signature(const Graph& graph) {
  std::set<ValueId> inputs;
  for (const GraphInput& input : graph.inputs) {
    bool is_input = input.value < graph.nodes.size() && graph.nodes[input.value].op->name == "input";
    if (!is_input || !inputs.insert(input.value).second) return graph_error(graph, "the inputs are not distinct input nodes");
    if (input.data && !(input.data->type() == graph.type(input.value))) {
      return graph_error(graph, fmt::format("the value of input {} has type {}", graph.node(input.value).name,
                                            input.data->type().to_string()));
    }
    if (input.role == InputRole::kConstant && !input.data) {
      return graph_error(graph, fmt::format("the constant {} has no value", graph.node(input.value).name));
    }
  }
  for (size_t v = 0; v < graph.nodes.size(); ++v) {
    if (graph.nodes[v].op->name == "input" && !inputs.count(static_cast<ValueId>(v))) {
      return graph_error(graph, fmt::format("{} is no input of the signature", graph.nodes[v].name));
    }
  }
  for (const GraphOutput& output : graph.outputs) {
    if (output.value >= graph.nodes.size()) return graph_error(graph, fmt::format("output {} is no value", output.name));
  }
  std::set<uint32_t> aliased_inputs, aliased_outputs;
  for (const Alias& a : graph.aliases) {
    if (a.output >= graph.outputs.size() || a.input >= graph.inputs.size()) {
      return graph_error(graph, fmt::format("alias {} = {}: no such output or input", a.output, a.input));
    }
    const Type &from = graph.type(graph.inputs[a.input].value), &to = graph.type(graph.outputs[a.output].value);
    if (!(from == to)) {
      return graph_error(graph, fmt::format("alias {}: the output is {}, the input {}", a.output, to.to_string(), from.to_string()));
    }
    if (!aliased_inputs.insert(a.input).second || !aliased_outputs.insert(a.output).second) {
      return graph_error(graph, "an input or output stands in two aliases");
    }
  }
  return {};
}

}  // namespace

Status validate(const Graph& graph) {
  std::set<std::string> names;
  for (size_t v = 0; v < graph.nodes.size(); ++v) {
    EGRET_TRY_VOID(validate_node(graph, static_cast<ValueId>(v)));
    if (!names.insert(graph.nodes[v].name).second) {
      return graph_error(graph, fmt::format("two values are named {}", graph.nodes[v].name));
    }
  }
  return validate_signature(graph);
}

Graph remove_dead(const Graph& graph) {
  std::vector<bool> needed(graph.nodes.size(), false);
  for (const GraphOutput& o : graph.outputs) needed[o.value] = true;
  for (size_t v = graph.nodes.size(); v-- > 0;) {
    const GraphNode& node = graph.nodes[v];
    if (node.op->purity != Purity::kPure || node.op->name == "input") needed[v] = true;
    if (!needed[v]) continue;
    for (ValueId o : node.operands) needed[o] = true;
  }
  Graph result = graph;
  result.nodes.clear();
  std::vector<ValueId> renamed(graph.nodes.size(), 0);
  for (size_t v = 0; v < graph.nodes.size(); ++v) {
    if (!needed[v]) continue;
    renamed[v] = static_cast<ValueId>(result.nodes.size());
    result.nodes.push_back(graph.nodes[v]);
    for (ValueId& o : result.nodes.back().operands) o = renamed[o];
  }
  for (GraphInput& i : result.inputs) i.value = renamed[i.value];
  for (GraphOutput& o : result.outputs) o.value = renamed[o.value];
  return result;
}

namespace {

constexpr int kMaxExpansions = 16;  // composites inside composites

bool has_composite(const Graph& graph) {
  for (const GraphNode& n : graph.nodes) {
    if (n.op->expand) return true;
  }
  return false;
}

// Copies `graph` into a builder, composites replaced by one level of their decomposition.  The value that stands for
// a composite takes over its name.
Result<Graph> expand_once(const Graph& graph) {
  GraphBuilder builder(graph.name);
  std::vector<ValueId> renamed;
  std::vector<std::pair<ValueId, std::string>> names;
  for (size_t v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& node = graph.nodes[v];
    std::vector<ValueId> operands;
    for (ValueId o : node.operands) operands.push_back(renamed[o]);
    if (node.op->expand) {
      ValueId first = static_cast<ValueId>(builder.graph().nodes.size());
      EGRET_TRY(ValueId result, node.op->expand(builder, operands, node.attrs));
      if (result >= first) names.emplace_back(result, node.name);
      renamed.push_back(result);
    } else if (const GraphInput* input = graph.input_of(static_cast<ValueId>(v))) {
      renamed.push_back(builder.input(node.name, node.type, input->role, input->data));
      names.emplace_back(renamed.back(), node.name);
    } else {
      EGRET_TRY(ValueId copy, builder.add(*node.op, operands, node.attrs, node.name));
      renamed.push_back(copy);
      names.emplace_back(copy, node.name);
    }
  }
  Graph result = builder.take();
  std::set<std::string> taken;
  for (const auto& [value, name] : names) {
    result.nodes[value].name = name;
    taken.insert(name);
  }
  // Values made by expansions give way to the names kept.
  std::vector<bool> kept(result.nodes.size(), false);
  for (const auto& [value, name] : names) kept[value] = true;
  for (size_t v = 0; v < result.nodes.size(); ++v) {
    std::string base = result.nodes[v].name;
    for (int i = 2; !kept[v] && !taken.insert(result.nodes[v].name).second; ++i) {
      result.nodes[v].name = fmt::format("{}_{}", base, i);
    }
  }
  for (GraphInput& i : result.inputs) result.nodes[i.value].attrs["name"] = result.nodes[i.value].name;
  std::vector<GraphInput> inputs;  // in the signature's order
  for (const GraphInput& i : graph.inputs) inputs.push_back({renamed[i.value], i.role, i.data});
  result.inputs = std::move(inputs);
  for (const GraphOutput& o : graph.outputs) result.outputs.push_back({renamed[o.value], o.name});
  result.aliases = graph.aliases;
  return result;
}

}  // namespace

Result<Graph> expand_composites(const Graph& graph) {
  Graph result = graph;
  for (int i = 0; has_composite(result); ++i) {
    if (i == kMaxExpansions) return internal_error("composites are nested too deeply");
    EGRET_TRY(result, expand_once(result));
  }
  return result;
}

}  // namespace egret
