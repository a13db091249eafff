// An egraph-serialize file (https://github.com/egraphs-good/egraph-serialize) as flat arrays, filled while the text is
// read once: what the engine and the extractor both read.
//
//   {"nodes": {ID: {"op": NAME, "children": [ID..], "eclass": CLASS, "cost": 1, "subsumed": false}},
//    "root_eclasses": [CLASS..], "class_data": {CLASS: {"type": TEXT, ..}}}
//
// A child is any node of the class that is meant; e-boost and boole write the class itself, as an integer: one integer
// child in the file means that all are classes.  Integers as ids are read as their digits.  Unknown keys are passed
// over at any depth.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/names.h"
#include "support/result.h"

namespace egret {

struct EGraphText {
  struct Node {
    uint32_t name = Names::kNone, op = Names::kNone, cls = Names::kNone;
    uint32_t first_child = 0;  // up to the next node's
    double cost = 1;           // finite
    bool subsumed = false;
  };

  std::vector<Node> nodes;
  std::vector<uint32_t> children;  // classes
  Names node_names, class_names, ops;
  std::vector<std::string> roots;  // as the file has them; some may name no class
  // Keys and texts of one class, in the order of the file.
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> class_data;

  std::span<const uint32_t> children_of(size_t node) const {
    const size_t end = node + 1 < nodes.size() ? nodes[node + 1].first_child : children.size();
    return {children.data() + nodes[node].first_child, end - nodes[node].first_child};
  }
};

// `file` names the text in errors.  kInput, with line and column or the node: no JSON, no `nodes`, a field of another
// type, a node twice or without `op` or `eclass`, a cost that is no finite number, a child that names nothing.
// `with_ops`: else `ops` stays empty, and `Node::op` says nothing.
Result<EGraphText> read_egraph_text(std::string_view text, const std::string& file, bool with_ops = true);

}  // namespace egret
