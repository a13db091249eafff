// Body: a connected piece of the e-graph that may be one kernel: one e-node for each class it absorbs.
//
// A class that the body reads without absorbing is a port.  Leaves without operands (splats, iota) are always absorbed.
// Bodies are compared by what they absorb, so equal bodies found on two ways are one.  What a kernel would be is asked
// once for each *form*: operators, types and wiring, whatever the classes are called (layers of a model share forms, and so
// do the e-graphs of one run).
#pragma once

#include <functional>
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
  bool folds = false;             // what stands inside
  int contractions = 0;
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

// The forms met so far with their plan and price on a device, under the fusion rules; of any number of e-graphs.  Thread
// safety: any number of threads; what is found does not depend on who asks first.
class FormTable {
 public:
  FormTable(const Device& device, rules::FusionRules rules) : device_(device), rules_(std::move(rules)) {}

  struct Form {
    Legality legality = Legality::kNever;
    KernelPlan plan;
    Estimate estimate;
  };
  // The form with this signature; `body` is asked for one that is new.
  Form judged(std::vector<uint64_t> signature, const std::function<Graph()>& body);

  const rules::FusionRules& rules() const { return rules_; }
  size_t size() const;

 private:
  struct SignatureHash {
    size_t operator()(const std::vector<uint64_t>& s) const;
  };
  static constexpr size_t kShards = 32;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::vector<uint64_t>, Form, SignatureHash> forms;
  };
  Form judge(Graph body) const;

  const Device& device_;
  const rules::FusionRules rules_;
  Shard shards_[kShards];
};

// Bodies of one e-graph, judged by their forms.  Thread safety: as FormTable.
class BodyTable {
 public:
  BodyTable(const FusionGraph& graph, FormTable& forms) : graph_(graph), forms_(forms) {}

  // Fills ports, folds, contractions, plan and estimate from `inside` and `outputs`; plan and estimate only where kAlone.
  Legality complete(Body& body);

  const rules::FusionRules& rules() const { return forms_.rules(); }

 private:
  const FusionGraph& graph_;
  FormTable& forms_;
};

// What fusion knows of one e-graph, for all calls that make its pool and enlarge it.  The e-graph must not change meanwhile.
struct FusionSpace {
  FusionSpace(const rules::TensorEGraph& tensors, FormTable& forms) : graph(tensors), table(graph, forms) {}
  FusionSpace(const FusionSpace&) = delete;
  FusionSpace& operator=(const FusionSpace&) = delete;

  const FusionGraph graph;
  BodyTable table;
};

}  // namespace egret::extract
