#include <algorithm>

#include <fmt/format.h>

#include "ir/text/scan.h"
#include "ir/text/text.h"

namespace egret {

namespace {

bool is_reserved(std::string_view name) {
  constexpr std::string_view kWords[] = {"graph", "param", "const", "return", "alias"};
  return std::find(std::begin(kWords), std::end(kWords), name) != std::end(kWords);
}

std::string name_text(const std::string& name) {
  return is_plain_name(name) && !is_reserved(name) ? name : quote(name);
}

// A default is left out; of a list in step with axes, where every element is the default's one.
bool is_default(const AttrSpec& spec, const AttrValue& value) {
  if (!spec.fallback) return false;
  if (equal(*spec.fallback, value)) return true;
  if (spec.kind != AttrKind::kInts) return false;
  const auto &wanted = std::get<std::vector<Dim>>(*spec.fallback), &list = std::get<std::vector<Dim>>(value);
  return wanted.size() == 1 && std::all_of(list.begin(), list.end(), [&](Dim d) { return d == wanted[0]; });
}

std::string input_text(const Graph& graph, const GraphInput& input) {
  const GraphNode& node = graph.node(input.value);
  const char* role = input.role == InputRole::kParameter ? "param " : input.role == InputRole::kConstant ? "const " : "";
  std::string text = fmt::format("  {}{}: {}", role, name_text(node.name), node.type.to_string());
  if (!input.data) return text + "\n";
  std::string values = print_tensor(*input.data);
  return text + " =" + values.substr(node.type.to_string().size()) + "\n";
}

std::string node_text(const Graph& graph, const GraphNode& node) {
  std::string args;
  auto add = [&](const std::string& arg) { args += (args.empty() ? "" : ", ") + arg; };
  for (ValueId v : node.operands) add(name_text(graph.node(v).name));
  for (const AttrSpec& spec : node.op->attrs) {
    const AttrValue& value = node.attrs.at(spec.name);
    if (!is_default(spec, value)) add(spec.name + "=" + to_string(value));
  }
  return fmt::format("  {} = {}({})\n", name_text(node.name), node.op->name, args);
}

// Whether input nodes stand in the order of the signature, so that nodes can be printed in their own order.
bool inputs_in_order(const Graph& graph) {
  return std::is_sorted(graph.inputs.begin(), graph.inputs.end(),
                        [](const GraphInput& a, const GraphInput& b) { return a.value < b.value; });
}

}  // namespace

std::string print(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", name_text(graph.name));
  bool in_order = inputs_in_order(graph);
  if (!in_order) {
    for (const GraphInput& input : graph.inputs) text += input_text(graph, input);
  }
  size_t next_input = 0;
  for (const GraphNode& node : graph.nodes) {
    if (node.op->name != "input") {
      text += node_text(graph, node);
    } else if (in_order) {
      text += input_text(graph, graph.inputs[next_input++]);
    }
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const GraphOutput& o = graph.outputs[i];
    const std::string& value = graph.node(o.value).name;
    text += i ? ", " : "  return ";
    if (o.name != value) text += name_text(o.name) + " = ";
    text += name_text(value);
  }
  if (!graph.outputs.empty()) text += "\n";
  for (const Alias& a : graph.aliases) {
    text += fmt::format("  alias {} = {}\n", a.output, name_text(graph.node(graph.inputs[a.input].value).name));
  }
  return text;
}

}  // namespace egret
