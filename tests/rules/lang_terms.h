// Graphs to tables of exact terms and back, for tests of rules.
#pragma once

#include <string>
#include <vector>

#include "ir/text/text.h"
#include "rules/rules.h"

namespace egret::rules {

inline TermTable table_of(const Graph& graph) {
  TermTable table;
  for (const GraphNode& n : graph.nodes) {
    table.nodes.push_back({n.op, n.attrs, {n.operands.begin(), n.operands.end()}, n.type});
    table.splat.push_back(n.op->name == "splat" ? std::optional(number(n.attrs, "value")) : std::nullopt);
    table.depends.push_back(Dependence::kData);
  }
  for (const GraphInput& in : graph.inputs) {
    if (in.role == InputRole::kParameter) table.depends[in.value] = Dependence::kFrozen;
    if (in.role == InputRole::kConstant) table.depends[in.value] = Dependence::kConstant;
  }
  return table;
}

// The terms asked for, over the inputs of `graph`, whose terms come first in the table.
inline Graph graph_of(const Graph& graph, const TermTable& table, const std::vector<uint32_t>& outputs) {
  GraphBuilder builder("terms");
  std::vector<ValueId> value(table.nodes.size());
  for (const GraphInput& in : graph.inputs) {
    value[in.value] = builder.input(graph.node(in.value).name, graph.type(in.value), in.role, in.data);
  }
  for (size_t t = 0; t < table.nodes.size(); ++t) {
    const TermNode& n = table.nodes[t];
    if (n.op->name == "input") continue;
    std::vector<ValueId> operands;
    for (uint32_t o : n.operands) operands.push_back(value[o]);
    auto v = builder.add(*n.op, operands, n.attrs);
    EGRET_CHECK(v.ok(), "a term that was typed once");
    value[t] = *v;
  }
  for (size_t o = 0; o < outputs.size(); ++o) builder.output(value[outputs[o]], "out" + std::to_string(o));
  return builder.take();
}

inline Graph parsed(const std::string& text) {
  auto g = parse_graph(text);
  EGRET_CHECK(g.ok(), (g.ok() ? "" : g.error().to_string()).c_str());
  return *g;
}

}  // namespace egret::rules
