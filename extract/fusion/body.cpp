#include "extract/fusion/body.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "support/hash.h"

namespace egret::extract {

const Choice* Body::find(Id cls) const {
  auto it = std::lower_bound(inside.begin(), inside.end(), Choice{cls, 0});
  return it != inside.end() && it->cls == cls ? &*it : nullptr;
}

uint64_t Body::key() const {
  uint64_t h = 0;
  for (const Choice& c : inside) h = hash_combine(hash_combine(h, c.cls), c.node);
  for (Id o : outputs) h = hash_combine(h, ~uint64_t{o});
  return h;
}

FusionGraph::FusionGraph(const rules::TensorEGraph& graph) : graph_(graph) {}

bool FusionGraph::usable(Id node) const {
  const OpDef& op = graph_.op(node);
  return op.purity == Purity::kPure && op.definition && op.name != "input" && op.name != "constant" &&
         graph_.type(node).is_tensor() && op.op_class != OpClass::kTuple;
}

bool FusionGraph::is_input(Id cls) const {
  for (Id node : graph_.graph().nodes_of(cls)) {
    if (graph_.input(node)) return true;
  }
  return false;
}

bool FusionGraph::is_leaf(Id cls) const {
  for (Id node : graph_.graph().nodes_of(cls)) {
    if (graph_.input(node) || graph_.op(node).name == "constant") return true;
  }
  return false;
}

bool FusionGraph::given(Id cls) const {
  return graph_.depends(cls) != rules::Dependence::kData || is_input(cls);
}

bool FusionGraph::absorbed_leaf(Id cls, Id* node) const {
  for (Id n : graph_.graph().nodes_of(cls)) {
    if (graph_.graph().operands(n).empty() && usable(n)) {
      *node = n;
      return true;
    }
  }
  return false;
}

namespace {

// Depth-first over the choices; operators after their operands.
class Orderer {
 public:
  Orderer(const FusionGraph& graph, const Body& body) : graph_(graph), body_(body) {}

  bool visit(Id cls) {
    const Choice* choice = body_.find(cls);
    if (!choice) {
      ports_.push_back(cls);
      return true;
    }
    auto [it, fresh] = state_.try_emplace(cls, 1);
    if (!fresh) return it->second == 2;
    for (Id o : graph_.tensors().graph().canonical_operands(choice->node)) {
      if (!visit(graph_.find(o))) return false;
    }
    state_[cls] = 2;
    order_.push_back(*choice);
    return true;
  }

  std::vector<Choice> order_;
  std::vector<Id> ports_;

 private:
  const FusionGraph& graph_;
  const Body& body_;
  std::map<Id, int> state_;
};

}  // namespace

std::optional<Graph> body_graph(const FusionGraph& graph, const Body& body, std::vector<Id>* nodes) {
  Orderer orderer(graph, body);
  for (Id o : body.outputs) {
    if (!orderer.visit(o)) return std::nullopt;
  }
  if (orderer.order_.size() != body.inside.size()) return std::nullopt;
  std::vector<Id> ports = orderer.ports_;
  std::sort(ports.begin(), ports.end());
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());

  static const OpDef& input = op_named("input");
  Graph out;
  out.name = "kernel";
  std::map<Id, ValueId> value;
  if (nodes) nodes->clear();
  for (size_t i = 0; i < ports.size(); ++i) {
    value[ports[i]] = static_cast<ValueId>(out.nodes.size());
    const std::string name = fmt::format("p{}", i);
    out.inputs.push_back({value[ports[i]], InputRole::kData, nullptr});
    out.nodes.push_back({&input, Attrs{{"name", name}}, {}, graph.tensors().type(ports[i]), name});
    if (nodes) nodes->push_back(egraph::kNoId);
  }
  for (size_t i = 0; i < orderer.order_.size(); ++i) {
    const Choice& choice = orderer.order_[i];
    GraphNode node{&graph.tensors().op(choice.node), graph.tensors().attrs_of(choice.node), {},
                   graph.tensors().type(choice.cls), fmt::format("v{}", i)};
    for (Id o : graph.tensors().graph().canonical_operands(choice.node)) node.operands.push_back(value.at(graph.find(o)));
    value[choice.cls] = static_cast<ValueId>(out.nodes.size());
    out.nodes.push_back(std::move(node));
    if (nodes) nodes->push_back(choice.node);
  }
  for (size_t i = 0; i < body.outputs.size(); ++i) out.outputs.push_back({value.at(body.outputs[i]), fmt::format("r{}", i)});
  return out;
}

bool complete(const FusionGraph& graph, const Device& device, Body& body) {
  auto g = body_graph(graph, body);
  if (!g) return false;
  if (g->inputs.size() + g->outputs.size() > kMaxPorts) return false;
  PlanResult plan = plan_kernel(*g);
  if (!plan.plan) return false;
  body.plan = *plan.plan;
  body.ports.clear();
  // Ports stand first in the graph, in order of class.
  Orderer orderer(graph, body);
  for (Id o : body.outputs) orderer.visit(o);
  body.ports = orderer.ports_;
  std::sort(body.ports.begin(), body.ports.end());
  body.ports.erase(std::unique(body.ports.begin(), body.ports.end()), body.ports.end());
  body.estimate = estimate(Kernel{std::move(*g), body.plan}, device);
  return true;
}

}  // namespace egret::extract
