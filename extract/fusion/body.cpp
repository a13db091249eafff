#include "extract/fusion/body.h"

#include <algorithm>

#include <fmt/format.h>

#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr uint64_t kPort = uint64_t{1} << 32;   // in a signature: the operand is a port
constexpr size_t kMostPortsInside = 2 * kMaxPorts;  // of a body that is only a part of others

// Depth-first from the results: operators after their operands, ports as they are met.
class Walk {
 public:
  Walk(const FusionGraph& graph, const Body& body) : graph_(graph), body_(body), place_(body.inside.size(), kUnseen) {}

  // False where the choices are cyclic, or one is not needed.
  bool run() {
    for (Id o : body_.outputs) {
      if (!visit(o)) return false;
    }
    return order.size() == body_.inside.size();
  }

  // Where an operand is found: its place in `order`, or kPort + its place in `ports`.
  uint64_t reference(Id cls) const {
    if (const Choice* choice = body_.find(cls)) return place_[static_cast<size_t>(choice - body_.inside.data())];
    return kPort + static_cast<uint64_t>(std::find(ports.begin(), ports.end(), cls) - ports.begin());
  }

  std::vector<Choice> order;
  std::vector<Id> ports;

 private:
  static constexpr uint32_t kUnseen = UINT32_MAX, kOpen = UINT32_MAX - 1;

  bool visit(Id cls) {
    const Choice* choice = body_.find(cls);
    if (!choice) {
      if (std::find(ports.begin(), ports.end(), cls) == ports.end()) ports.push_back(cls);
      return true;
    }
    uint32_t& place = place_[static_cast<size_t>(choice - body_.inside.data())];
    if (place != kUnseen) return place != kOpen;
    place = kOpen;
    for (Id o : graph_.operands(choice->node)) {
      if (!visit(graph_.find(o))) return false;
    }
    place = static_cast<uint32_t>(order.size());
    order.push_back(*choice);
    return true;
  }

  const FusionGraph& graph_;
  const Body& body_;
  std::vector<uint32_t> place_;
};

}  // namespace

const Choice* Body::find(Id cls) const {
  auto it = std::lower_bound(inside.begin(), inside.end(), Choice{cls, 0});
  return it != inside.end() && it->cls == cls ? &*it : nullptr;
}

uint64_t Body::key() const {
  uint64_t h = 0;
  for (const Choice& c : inside) h = hash_combine(h, uint64_t{c.cls} << 32 | c.node);
  for (Id o : outputs) h = hash_combine(h, ~uint64_t{o});
  return h;
}

bool Body::makes(Id cls) const { return std::find(outputs.begin(), outputs.end(), cls) != outputs.end(); }

std::optional<Graph> body_graph(const FusionGraph& graph, const Body& body, std::vector<Id>* nodes) {
  Walk walk(graph, body);
  if (!walk.run()) return std::nullopt;
  std::vector<Id> ports = walk.ports;
  std::sort(ports.begin(), ports.end());

  static const OpDef& input = op_named("input");
  Graph out;
  out.name = "kernel";
  out.nodes.reserve(ports.size() + walk.order.size());
  if (nodes) nodes->clear();
  for (size_t i = 0; i < ports.size(); ++i) {
    const std::string name = fmt::format("p{}", i);
    out.inputs.push_back({static_cast<ValueId>(i), InputRole::kData, nullptr});
    out.nodes.push_back({&input, Attrs{{"name", name}}, {}, graph.tensors().type(ports[i]), name});
    if (nodes) nodes->push_back(egraph::kNoId);
  }
  auto value = [&](Id cls) {
    const uint64_t r = walk.reference(cls);
    if (r < kPort) return static_cast<ValueId>(ports.size() + r);
    return static_cast<ValueId>(std::lower_bound(ports.begin(), ports.end(), cls) - ports.begin());
  };
  for (size_t i = 0; i < walk.order.size(); ++i) {
    const Choice& choice = walk.order[i];
    GraphNode node{&graph.op(choice.node), graph.tensors().attrs_of(choice.node), {}, graph.tensors().type(choice.cls),
                   fmt::format("v{}", i)};
    for (Id o : graph.operands(choice.node)) node.operands.push_back(value(graph.find(o)));
    out.nodes.push_back(std::move(node));
    if (nodes) nodes->push_back(choice.node);
  }
  for (size_t i = 0; i < body.outputs.size(); ++i) out.outputs.push_back({value(body.outputs[i]), fmt::format("r{}", i)});
  return out;
}

size_t FormTable::SignatureHash::operator()(const std::vector<uint64_t>& s) const {
  return hash_bytes(s.data(), s.size() * sizeof(uint64_t));
}

Legality BodyTable::complete(Body& body) {
  Walk walk(graph_, body);
  if (!walk.run()) return Legality::kNever;
  int contractions = 0, windows = 0;
  body.folds = false;
  for (const Choice& c : walk.order) {
    const OpClass k = graph_.op(c.node).op_class;
    contractions += k == OpClass::kContraction;
    windows += k == OpClass::kWindow;
    body.folds |= k == OpClass::kContraction || k == OpClass::kReduction || k == OpClass::kWindow;
  }
  body.contractions = contractions;
  if (contractions > 2 || (contractions > 0 && windows > 0)) return Legality::kNever;  // plan_kernel says so, too
  body.ports = walk.ports;
  std::sort(body.ports.begin(), body.ports.end());
  if (body.ports.size() > kMostPortsInside) return Legality::kNever;
  if (body.ports.size() + body.outputs.size() > kMaxPorts) return Legality::kInsideOnly;

  std::vector<uint64_t> signature;
  signature.reserve(2 + walk.ports.size() + 4 * walk.order.size());
  signature.push_back(uint64_t{walk.ports.size()} << 32 | walk.order.size());
  for (Id p : walk.ports) signature.push_back(graph_.type_hash(p));
  for (const Choice& c : walk.order) {
    signature.push_back(graph_.kind(c.node));
    for (Id o : graph_.operands(c.node)) signature.push_back(walk.reference(graph_.find(o)));
  }
  for (Id o : body.outputs) signature.push_back(walk.reference(o));

  const FormTable::Form form = forms_.judged(std::move(signature), [&] { return std::move(*body_graph(graph_, body)); });
  body.plan = form.plan;
  body.estimate = form.estimate;
  return form.legality;
}

FormTable::Form FormTable::judged(std::vector<uint64_t> signature, const std::function<Graph()>& body) {
  Shard& shard = shards_[SignatureHash()(signature) >> 8 & (kShards - 1)];
  {
    std::lock_guard lock(shard.mutex);
    if (auto it = shard.forms.find(signature); it != shard.forms.end()) return it->second;
  }
  const Form form = judge(body());
  std::lock_guard lock(shard.mutex);
  return shard.forms.try_emplace(std::move(signature), form).first->second;
}

bool fusion_allows(const rules::FusionRules& rules, const Graph& body) {
  if (body.outputs.size() > 1 && !rules.side_by_side) return false;
  std::vector<uint8_t> folds(body.nodes.size(), 0);
  for (ValueId v = 0; v < body.nodes.size(); ++v) {
    const GraphNode& node = body.nodes[v];
    const OpClass k = node.op->op_class;
    const bool product = k == OpClass::kContraction || k == OpClass::kWindow;
    folds[v] = product || k == OpClass::kReduction;
    for (ValueId o : node.operands) {
      folds[v] |= folds[o];
      const GraphNode& inner = body.nodes[o];
      const bool view = inner.op->name == "reshape" && body.nodes[inner.operands[0]].op->name == "input";
      if (inner.operands.empty() || view) continue;  // a port, or a leaf that every reader absorbs; or another shape of a port
      const bool before = !folds[o] && rules.absorb_before.contains(inner.op);
      const bool allowed = product ? (folds[o] ? rules.absorb_contraction.contains(node.op) : before)
                           : k == OpClass::kReduction ? (folds[o] ? rules.absorb_reduction.contains(node.op) : before)
                                                      : before || rules.absorb_after.contains(node.op);
      if (!allowed) return false;
    }
  }
  return true;
}

FormTable::Form FormTable::judge(Graph body) const {
  if (!fusion_allows(rules_, body)) return {};
  const PlanResult plan = plan_kernel(body);
  if (!plan.plan) return {};
  const Kernel kernel{std::move(body), *plan.plan};
  return {Legality::kAlone, kernel.plan, estimate(kernel, device_)};
}

size_t FormTable::size() const {
  size_t n = 0;
  for (const Shard& s : shards_) {
    std::lock_guard lock(s.mutex);
    n += s.forms.size();
  }
  return n;
}

}  // namespace egret::extract
