// Body: a connected piece of the e-graph that may be one kernel: one e-node for each class it absorbs.
//
// A class that the body reads without absorbing is a port.  Leaves without operands (splats, iota) are always absorbed.
// Bodies are compared by what they absorb, so equal bodies found on two ways are one.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "costmodel/costmodel.h"
#include "egraph/egraph.h"
#include "ir/kernel.h"
#include "rules/lang/language.h"

namespace egret::extract {

using egraph::Id;

struct Choice {  // the e-node that a body takes for a class
  Id cls, node;
  friend auto operator<=>(const Choice&, const Choice&) = default;
};

struct Body {
  std::vector<Choice> inside;     // sorted by class
  std::vector<Id> outputs;        // classes, the root first
  std::vector<Id> ports;          // classes, sorted
  KernelPlan plan;
  Estimate estimate;
  bool folds = false, contracts = false;  // what stands inside
  double flow = 0;                // ranking: own seconds and a share of what the ports cost

  const Choice* find(Id cls) const;
  uint64_t key() const;           // of inside and outputs
};

// Classes and e-nodes of a saturated graph as fusion sees them: canonical ids, operators that may stand in kernels.
class FusionGraph {
 public:
  explicit FusionGraph(const rules::TensorEGraph& graph);

  const rules::TensorEGraph& tensors() const { return graph_; }
  Id find(Id id) const { return graph_.graph().find(id); }
  bool usable(Id node) const;     // a pure operator with a definition; no composite, tuple or literal
  bool is_input(Id cls) const;
  bool is_leaf(Id cls) const;     // an input or a literal: there without a kernel
  bool given(Id cls) const;       // an input, or free at run time: depends on constants and frozen parameters alone
  bool absorbed_leaf(Id cls, Id* node) const;  // a splat or iota, which every reader absorbs

 private:
  const rules::TensorEGraph& graph_;
};

// The body as a graph over ports (types of classes; no inference), nodes in topological order; nullopt where the choices
// are cyclic.  `nodes` receives the e-node of each operator of the graph, kNoId for ports.
std::optional<Graph> body_graph(const FusionGraph& graph, const Body& body, std::vector<Id>* nodes = nullptr);

// Fills ports, plan and estimate from `inside` and `outputs`.  False where it may not be one kernel.
bool complete(const FusionGraph& graph, const Device& device, Body& body);

}  // namespace egret::extract
