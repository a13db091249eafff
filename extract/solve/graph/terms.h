// What the candidates compute inside, as far as it can be trusted: the source of cover, edge and dominator rows
// (docs/extraction.md).  A cover is trusted when its term nodes can be computed one after the other from
// the candidate's operands and given items, and end in its results; a result it does not explain gets a term node
// of its own that reads the candidate's operands.  So every valid set of candidates runs an acyclic term whose
// nodes lie in chosen candidates, and the rows below cut off no valid set.
#pragma once

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

struct Terms {
  std::vector<uint32_t> node_class;
  Rows node_operands;               // node -> classes, without given ones
  Rows class_nodes;                 // class -> nodes that some candidate covers
  Rows covers;                      // candidate -> nodes, in an order in which they can be computed
  Rows covered_by;                  // node -> candidates
  bool empty() const { return node_class.empty(); }
};

// Empty where the problem has no term nodes.  `candidate[k]` is the problem's number of the graph's candidate k.
Terms trusted_terms(const Problem& problem, const Hypergraph& graph, const std::vector<uint32_t>& candidate);

// Classes computed in every solution, and for a class those that every computation of it needs.
struct Dominators {
  std::vector<uint8_t> forced;      // computed in every solution (by class)
  Rows immediate;                   // class -> nearest of those, without the forced
};

// Req(c) = {c} + intersection over its nodes of the union over their operands, as the greatest fixed point.
// Empty answers (nothing forced but the roots) where the bit sets would take more than 512 MB.
Dominators term_dominators(const Terms& terms, const Hypergraph& graph);

// The graph with an item more (`items` + class) for each class computed in every solution: a root, made by the candidates that compute
// it inside.  Every valid set makes these, so a cut around one of them holds for the graph.
Hypergraph with_computed(const Hypergraph& graph, const Terms& terms);

}  // namespace egret::extract
