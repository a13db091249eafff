#include "frontends/named_sizes.h"

#include <algorithm>

#include <fmt/format.h>

namespace egret {
namespace {

using Sizes = std::vector<std::pair<std::string, int64_t>>;

const GraphInput* input_named(const Graph& graph, const std::string& name) {
  for (const GraphInput& i : graph.inputs) {
    if (graph.node(i.value).name == name) return &i;
  }
  return nullptr;
}

// The name that a size is, where it is one by itself.
bool is_name(Dim d) { return !d.is_const() && d.to_string().find_first_of(" +-*/(),%") == std::string::npos; }

Result<Sizes> sizes_of_names(const Graph& graph, const std::map<std::string, std::vector<int64_t>>& shapes) {
  std::map<std::string, int64_t> known;
  for (const auto& [name, shape] : shapes) {
    const GraphInput* input = input_named(graph, name);
    if (!input) {
      std::string names;
      for (const GraphInput& i : graph.inputs) names += (names.empty() ? "" : ", ") + graph.node(i.value).name;
      return input_error(fmt::format("a shape is given for `{}`, which is no input of the program", name), "its inputs are " + names.substr(0, 200));
    }
    const std::vector<Dim>& dims = graph.type(input->value).dims;
    bool fits = dims.size() == shape.size();
    for (size_t k = 0; fits && k < shape.size(); ++k) {
      if (!is_name(dims[k])) {
        fits = !dims[k].is_const() || dims[k].value() == shape[k];
        continue;
      }
      const auto [at, fresh] = known.emplace(dims[k].to_string(), shape[k]);
      if (!fresh && at->second != shape[k]) {
        return input_error(fmt::format("size `{}` is given as {} and as {}", at->first, at->second, shape[k]));
      }
    }
    if (!fits) return input_error(fmt::format("the shape given for `{}` does not fit its type {}", name, graph.type(input->value).to_string()));
  }
  return Sizes(known.begin(), known.end());
}

std::vector<Dim> substituted(const std::vector<Dim>& dims, const Sizes& sizes) {
  std::vector<Dim> out;
  for (const Dim d : dims) out.push_back(d.substitute(sizes));
  return out;
}

bool is_known(const Type& type) {
  return type.kind == Type::Kind::kTuple ? std::ranges::all_of(type.elements, is_known) : !type.is_tensor() || type.is_static();
}

Attrs substituted(Attrs attrs, const Sizes& sizes) {
  for (auto& [name, value] : attrs) {
    if (auto* d = std::get_if<Dim>(&value)) *d = d->substitute(sizes);
    if (auto* list = std::get_if<std::vector<Dim>>(&value)) *list = substituted(*list, sizes);
  }
  return attrs;
}

}  // namespace

Result<Graph> at_sizes(Graph graph, const std::map<std::string, std::vector<int64_t>>& shapes) {
  EGRET_TRY(const Sizes sizes, sizes_of_names(graph, shapes));
  if (std::ranges::all_of(graph.nodes, [](const GraphNode& n) { return is_known(n.type); })) return graph;
  GraphBuilder builder(graph.name);
  std::vector<ValueId> value(graph.nodes.size());
  for (const GraphInput& i : graph.inputs) {
    const std::string& name = graph.node(i.value).name;
    Type type = graph.type(i.value);
    type.dims = substituted(type.dims, sizes);
    const auto given = shapes.find(name);
    for (size_t k = 0; k < type.dims.size(); ++k) {
      const Dim d = type.dims[k];
      if (!d.is_const()) return input_error(fmt::format("input `{}` leaves size `{}` open", name, d.to_string()), fmt::format("give its sizes, as in --shape {}=1,3,224,224", name));
      if (d.value() < 0 || (given != shapes.end() && d.value() != given->second[k])) {
        return input_error(fmt::format("the shapes given make size `{}` of input `{}` {}", graph.type(i.value).dims[k].to_string(), name, d.value()));
      }
    }
    value[i.value] = builder.input(name, std::move(type), i.role, i.data);
  }
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    const GraphNode& node = graph.node(v);
    if (node.op->name == "input") continue;
    std::vector<ValueId> operands;
    for (const ValueId o : node.operands) operands.push_back(value[o]);
    builder.set_place({{}, 0, 0, fmt::format("value `{}` ({})", node.name, node.op->name)});
    EGRET_TRY(value[v], builder.add(*node.op, std::move(operands), substituted(node.attrs, sizes), node.name));
    if (!is_known(builder.type(value[v]))) {
      return input_error(fmt::format("value `{}` is {}: a size of it is no input's", node.name, builder.type(value[v]).to_string()), "sizes are named by the program's inputs");
    }
  }
  for (const GraphOutput& o : graph.outputs) builder.output(value[o.value], o.name);
  for (const Alias& a : graph.aliases) builder.alias(a.output, a.input);
  return builder.take();
}

}  // namespace egret
