#include <fmt/format.h>

#include "egraph/interchange/interchange.h"

namespace egret::egraph {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

}  // namespace

Result<std::string> to_graphviz(const EGraph& graph, const WriteOptions& options) {
  EGRET_CHECK(graph.clean(), "drawing an e-graph that needs rebuild");
  std::string clusters, edges;
  std::vector<Id> first(graph.id_count(), kNoId);  // e-node drawn first, by class
  uint64_t count = 0;
  for (const Id cls : graph.classes()) {
    clusters += fmt::format("  subgraph cluster_{} {{\n    style=dotted\n", cls);
    for (const Id node : graph.nodes_of(cls)) {
      if (options.visible && !options.visible(node)) continue;
      if (++count > options.graphviz_nodes) {
        return input_error(fmt::format("a drawing shows at most {} e-nodes, and the e-graph has more", options.graphviz_nodes),
                           "write JSON, or stop after fewer iterations");
      }
      if (first[cls] == kNoId) first[cls] = node;
      clusters += fmt::format("    n{} [label={}]\n", node, quoted(graph.op_name(graph.op(node))));
    }
    clusters += "  }\n";
  }
  for (const Id cls : graph.classes()) {
    for (const Id node : graph.nodes_of(cls)) {
      if (options.visible && !options.visible(node)) continue;
      uint32_t position = 0;
      for (const Id operand : graph.canonical_operands(node)) {
        // An edge into its own cluster would have no head: it ends at the e-node.
        const std::string head = operand == cls ? "" : fmt::format(", lhead=cluster_{}", operand);
        edges += fmt::format("  n{} -> n{} [label=\"{}\"{}]\n", node, first[operand], position++, head);
      }
    }
  }
  return "digraph egraph {\n  compound=true\n  clusterrank=local\n" + clusters + edges + "}\n";
}

}  // namespace egret::egraph
