// Interchange: e-graphs as files that other tools read: egraph-serialize JSON (egraphs-good/egraph-serialize 0.3;
// extraction-gym, egraph-visualizer) and, for small ones, Graphviz.
//
//   {"nodes": {ID: {"op": NAME, "children": [ID..], "eclass": CLASS, "cost": 1.0, "subsumed": false}},
//    "root_eclasses": [CLASS..], "class_data": {CLASS: {"type": TEXT, ..}}}
//
// A child is any e-node of the class that is meant.  Written files name a class by its canonical id and its e-nodes
// "CLASS.0", "CLASS.1", ...; every child is CLASS.0.
// Reading order: interchange.h, write_json.cpp, support/egraph_text.h, read_json.cpp, graphviz.cpp.
// May include: support, egraph.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

// Keys and texts of one class; "type" is the one that tools know.
using ClassData = std::vector<std::pair<std::string, std::string>>;

// What a file says of an e-node beside its operator and its children.
struct NodeData {
  double cost = 1;
  bool subsumed = false;
  // Files may hold e-nodes that only what they leave out tells apart (attributes).  They stay apart: the second of
  // them has copy 1, and so on.
  uint32_t copy = 0;
};

struct SerializedEGraph {
  EGraph graph{EGraph::Options{.explanations = false}};
  std::vector<NodeData> data;               // by AttrId
  std::vector<Id> roots;                    // classes
  std::vector<std::string> unknown_roots;   // of `root_eclasses`: they name no class
  std::vector<std::pair<Id, ClassData>> class_data;
  // An e-graph is made of terms; a class whose every e-node needs the class itself has none.  The first e-node of such a
  // class is a leaf with this operator, which is not written.
  static constexpr const char* kCut = "egret:cut";
  size_t cuts = 0;
};

// `file` names the text in errors.  Every e-node of the file is an e-node of the graph, every class a class.
Result<SerializedEGraph> read_json(std::string_view text, const std::string& file);

struct WriteOptions {
  std::vector<Id> roots;
  std::function<bool(Id node)> visible;  // what is not visible is not written; every class has a visible e-node
  std::function<NodeData(Id node)> data;
  std::function<ClassData(Id cls)> class_data;
  uint64_t graphviz_nodes = 1000;  // more are refused
};

// What writes again what was read; `read` must outlive it.
WriteOptions write_options(const SerializedEGraph& read);

// Hands the text to `sink` in pieces of about a megabyte.  Requires: graph.clean().
Status write_json(const EGraph& graph, const WriteOptions& options, const std::function<Status(std::string_view)>& sink);

// A cluster a class.  An error where the graph has more e-nodes than a drawing shows.  Requires: graph.clean().
Result<std::string> to_graphviz(const EGraph& graph, const WriteOptions& options);

}  // namespace egret::egraph
