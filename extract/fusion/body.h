// Body: a connected piece of the e-graph that may be one kernel: one e-node for each class it absorbs.
//
// A class that the body reads without absorbing is a port.  Leaves without operands (splats, iota) are always absorbed.
// Bodies are compared by what they absorb, so equal bodies found on two ways are one.  What a kernel would be is asked
// once for each *form*: operators, types and wiring, whatever the classes are called (layers of a model share forms).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "costmodel/costmodel.h"
#include "extract/fusion/graph.h"
#include "ir/kernel.h"
#include "rules/lang/fusion_rules.h"

namespace egret::extract {

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
  bool makes(Id cls) const;       // is it an output?
};

// The body as a graph over ports (types of classes; no inference), nodes in topological order; nullopt where the choices
// are cyclic.  `nodes` receives the e-node of each operator of the graph, kNoId for ports.
std::optional<Graph> body_graph(const FusionGraph& graph, const Body& body, std::vector<Id>* nodes = nullptr);

// May a body be a kernel?  Not monotone: what is too wide alone may be narrow inside of a larger body.
enum class Legality : uint8_t { kAlone, kInsideOnly, kNever };

// Do the fusion rules allow what stands inside of one kernel, however it was put together?
bool fusion_allows(const rules::FusionRules& rules, const Graph& body);

// The forms met so far with their plan and price on a device, under the fusion rules.  Thread safety: any number of threads; what is found does
// not depend on who asks first.
class BodyTable {
 public:
  BodyTable(const FusionGraph& graph, const Device& device, const rules::FusionRules& rules) : graph_(graph), device_(device), rules_(rules) {}

  // Fills ports, folds, contracts, plan and estimate from `inside` and `outputs`; plan and estimate only where kAlone.
  Legality complete(Body& body);

  size_t forms() const;

 private:
  struct Form {
    Legality legality = Legality::kNever;
    KernelPlan plan;
    Estimate estimate;
  };
  struct SignatureHash {
    size_t operator()(const std::vector<uint64_t>& s) const;
  };
  static constexpr size_t kShards = 32;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::vector<uint64_t>, Form, SignatureHash> forms;
  };
  Form judge(const Body& body) const;

  const FusionGraph& graph_;
  const Device& device_;
  const rules::FusionRules& rules_;
  Shard shards_[kShards];
};

}  // namespace egret::extract
