#include "rules/lang/language.h"

#include <algorithm>
#include <cmath>

#include "rules/lang/enclosure.h"
#include "rules/lang/facts.h"

namespace egret::rules {
namespace {

constexpr int kDeepProduct = 12;  // operators over numbers

}  // namespace

using egraph::EGraph;
using egraph::Fact;
using egraph::kNoFact;

TensorEGraph::TensorEGraph() : TensorEGraph(Options()) {}

TensorEGraph::TensorEGraph(Options options)
    : graph_(std::make_unique<EGraph>(EGraph::Options{options.explanations})), facts_(std::make_unique<Facts>()) {
  facts_->options = options;
  for (const OpDef* op : all_ops()) op_kind(*op);
  facts_->type_analysis = graph_->add_analysis(
      {"type",
       [this](const EGraph&, std::span<const Id> nodes, std::span<Fact> out) { make_types(nodes, out); },
       [](Fact, Fact) { return egraph::kConflict; }});
  facts_->value_analysis = graph_->add_analysis(
      {"value",
       [this](const EGraph&, std::span<const Id> nodes, std::span<Fact> out) { make_values(nodes, out); },
       [this](Fact a, Fact b) { return facts_->values.join(a, b, facts_->options.slack); }});
  facts_->dependence_analysis = graph_->add_analysis(
      {"dependence",
       [this](const EGraph&, std::span<const Id> nodes, std::span<Fact> out) { make_dependence(nodes, out); },
       [](Fact a, Fact b) { return std::min(a, b); }});
}

TensorEGraph::~TensorEGraph() = default;

egraph::OpKind TensorEGraph::op_kind(const OpDef& op) {
  egraph::OpKind kind = graph_->intern_op(op.name);
  if (kind >= facts_->ops.size()) facts_->ops.resize(kind + 1, nullptr);
  facts_->ops[kind] = &op;
  return kind;
}

// --- facts -----------------------------------------------------------------------------------------------------------

void TensorEGraph::make_types(std::span<const Id> nodes, std::span<Fact> out) {
  std::vector<Type> operands;
  for (size_t i = 0; i < nodes.size(); ++i) {
    operands.clear();
    bool known = true;
    for (Id o : graph_->operands(nodes[i])) {
      Fact f = graph_->fact(facts_->type_analysis, o);
      known &= f != kNoFact;
      if (known) operands.push_back(facts_->types.type(f));
    }
    if (!known) continue;
    auto type = infer_type(op(nodes[i]), attrs_of(nodes[i]), operands);
    if (type.ok()) {
      out[i] = facts_->types.intern(*type);
    } else {
      ++facts_->type_errors;
    }
  }
}

void TensorEGraph::make_values(std::span<const Id> nodes, std::span<Fact> out) {
  std::vector<KnownValue> values;
  std::vector<Type> types;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const OpDef& def = op(nodes[i]);
    if (def.name == "input") {
      const GraphInput* in = input(nodes[i]);
      if (in && in->role == InputRole::kConstant && in->data) {
        static const OpDef& constant = op_named("constant");
        out[i] = facts_->values.intern(facts_->evaluate(constant, {{"value", in->data}}, {}, {}, in->data->type()));
      }
      continue;
    }
    values.clear();
    types.clear();
    bool any = graph_->operands(nodes[i]).empty();
    for (Id o : graph_->operands(nodes[i])) {
      Fact f = graph_->fact(facts_->value_analysis, o);
      values.push_back(f == kNoFact ? KnownValue{} : facts_->values.value(f));
      any |= f != kNoFact;
      if (graph_->fact(facts_->type_analysis, o) == kNoFact) {
        any = false;
        break;
      }
      types.push_back(type(o));
    }
    if (!any || graph_->fact(facts_->type_analysis, nodes[i]) == kNoFact) continue;
    KnownValue value = facts_->evaluate(def, attrs_of(nodes[i]), values, types, type(nodes[i]));
    if (values.empty()) {
      if (auto rounded = facts_->rounded.find(graph_->attr(nodes[i])); rounded != facts_->rounded.end()) value.radius = rounded->second.radius;
    }
    out[i] = facts_->values.intern(value);
  }
}

void TensorEGraph::make_dependence(std::span<const Id> nodes, std::span<Fact> out) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    Dependence weakest = Dependence::kConstant;
    const OpDef& def = op(nodes[i]);
    if (def.purity != Purity::kPure) weakest = Dependence::kData;
    if (const GraphInput* in = def.name == "input" ? input(nodes[i]) : nullptr) {
      if (in->role == InputRole::kData) weakest = Dependence::kData;
      if (in->role == InputRole::kParameter) weakest = facts_->options.freeze ? Dependence::kFrozen : Dependence::kData;
    }
    for (Id o : graph_->operands(nodes[i])) weakest = std::max(weakest, depends(o));
    out[i] = static_cast<Fact>(weakest);
  }
}

// --- growing ---------------------------------------------------------------------------------------------------------

Result<Id> TensorEGraph::add(const OpDef& op, const Attrs& attrs, std::span<const Id> operands) {
  std::vector<Type> types;
  for (Id o : operands) {
    if (!typed(o)) graph_->rebuild();
    types.push_back(type(o));
  }
  EGRET_TRY(Type type, infer_type(op, attrs, types));
  Id id = graph_->add(op_kind(op), attrs_.intern(attrs), operands);
  graph_->set_fact(facts_->type_analysis, id, facts_->types.intern(type));
  return id;
}

Result<Id> TensorEGraph::insert_node(const Graph& graph, ValueId v, std::span<const Id> operands) {
  const GraphNode& node = graph.node(v);
  Attrs attrs = node.attrs;
  if (node.op->name == "input") {
    if (const GraphInput* in = graph.input_of(v)) {
      uint32_t attr = attrs_.intern(attrs);
      facts_->inputs.try_emplace(attr, *in);
    }
  } else if (node.op->purity != Purity::kPure && node.op->attr("id")) {
    if (attrs_seen(attrs)) attrs["id"] = Dim(--facts_->next_instance);
  }
  Id id = graph_->add(op_kind(*node.op), attrs_.intern(attrs), operands);
  graph_->set_fact(facts_->type_analysis, id, facts_->types.intern(node.type));
  return id;
}

bool TensorEGraph::attrs_seen(const Attrs& attrs) {
  size_t before = attrs_.size();
  return attrs_.intern(attrs) < before && !attrs.empty();
}

Result<std::vector<Id>> TensorEGraph::insert_values(const Graph& graph, std::vector<Id> ids, int depth) {
  constexpr int kMaxDepth = 64;  // composites within composites
  if (depth > kMaxDepth) return internal_error("a composite that contains itself");
  std::vector<Id> operands;
  for (ValueId v = static_cast<ValueId>(ids.size()); v < graph.nodes.size(); ++v) {
    const GraphNode& node = graph.node(v);
    operands.clear();
    for (ValueId o : node.operands) operands.push_back(ids[o]);
    EGRET_TRY(Id id, insert_node(graph, v, operands));
    ids.push_back(id);
    if (!node.op->expand) continue;
    GraphBuilder builder(node.op->name);
    std::vector<ValueId> inputs;
    for (size_t i = 0; i < node.operands.size(); ++i) {
      inputs.push_back(builder.input("x" + std::to_string(i), graph.type(node.operands[i])));
    }
    EGRET_TRY(ValueId result, node.op->expand(builder, inputs, node.attrs));
    EGRET_TRY(std::vector<Id> inner, insert_values(builder.graph(), operands, depth + 1));
    graph_->unite(id, inner[result], {egraph::Justification::Kind::kGiven, 0, kDecomposition});
  }
  return ids;
}

Result<std::vector<Id>> TensorEGraph::insert(const Graph& graph) {
  auto ids = insert_values(graph, {}, 0);
  graph_->rebuild();
  return ids;
}

std::optional<std::pair<Id, Id>> TensorEGraph::contradiction() const {
  for (const egraph::Conflict& c : graph_->conflicts()) {
    if (c.analysis != facts_->value_analysis) continue;
    // A class that was found since to hold a value that is not defined may hold any.
    const Fact f = graph_->fact(facts_->value_analysis, c.cls);
    if (f != kNoFact && facts_->values.value(f).defined) return std::pair(c.left, c.right);
  }
  return std::nullopt;
}

std::optional<Id> TensorEGraph::value_source(Id cls) {
  const Fact known = graph_->fact(facts_->value_analysis, cls);
  if (known == kNoFact) return std::nullopt;
  for (const Id n : graph_->nodes_of(graph_->find(cls))) {
    Fact made = kNoFact;
    make_values({&n, 1}, {&made, 1});
    if (made == known) return n;
  }
  return std::nullopt;
}

size_t TensorEGraph::fold_constants() {
  if (!graph_->clean()) graph_->rebuild();
  size_t unions = 0;
  const egraph::OpKind splat = op_kind(op_named("splat")), constant = op_kind(op_named("constant"));
  for (Id cls : graph_->classes()) {
    Fact f = graph_->fact(facts_->value_analysis, cls);
    if (f == kNoFact || graph_->fact(facts_->type_analysis, cls) == kNoFact) continue;
    const KnownValue& value = facts_->values.value(f);
    const Type& t = type(cls);
    if (!t.is_tensor() || !std::isfinite(value.radius)) continue;
    bool leaf = false;
    for (Id n : graph_->nodes_of(cls)) {
      leaf |= graph_->op(n) == splat || (!value.splat && (graph_->op(n) == constant || op(n).name == "input"));
    }
    if (leaf) continue;
    Attrs attrs = value.splat ? Attrs{{"value", *value.splat}, {"dtype", t.dtype}, {"sizes", t.dims}}
                              : Attrs{{"value", value.literal}};
    const egraph::AttrId attr = attrs_.intern(attrs);
    const egraph::OpKind kind = value.splat ? splat : constant;
    // What a sum was rounded to is not that number: algebra would show the two apart, 1e20 + 3 and 1e20.
    const bool lossy = value.radius > 0 && !is_product_of_numbers(cls, kDeepProduct);
    if ((lossy || is_rounded(attr)) && graph_->lookup(kind, attr, {})) continue;
    if (value.radius > 0) facts_->rounded.try_emplace(attr, Facts::Rounded{value.radius, lossy});
    Id id = graph_->add(kind, attr, {});
    graph_->set_fact(facts_->type_analysis, id, facts_->types.intern(t));
    unions += graph_->unite(cls, id, {egraph::Justification::Kind::kGiven, 0, kFolded});
  }
  graph_->rebuild();
  return unions;
}

bool TensorEGraph::is_rounded(egraph::AttrId attr) const {
  const auto it = facts_->rounded.find(attr);
  return it != facts_->rounded.end() && it->second.lossy;
}

bool TensorEGraph::is_product_of_numbers(Id cls, int depth) {
  constexpr std::string_view kProducts[] = {"mul", "square", "div", "reciprocal", "sqrt", "rsqrt"};
  const auto source = value_source(cls);
  if (!source || depth == 0) return false;
  const OpDef& def = op(*source);
  if (graph_->operands(*source).empty()) return !is_rounded(graph_->attr(*source));
  if (def.op_class != OpClass::kMovement) {
    const KnownValue& value = facts_->values.value(graph_->fact(facts_->value_analysis, cls));
    if (std::ranges::find(kProducts, def.name) == std::end(kProducts) || !is_normal(value)) return false;
  }
  return std::ranges::all_of(graph_->operands(*source), [&](Id o) { return is_product_of_numbers(o, depth - 1); });
}

// --- reading ---------------------------------------------------------------------------------------------------------

const OpDef& TensorEGraph::op(Id node) const {
  const OpDef* def = facts_->ops[graph_->op(node)];
  EGRET_CHECK(def != nullptr, "an e-node whose operator was never registered");
  return *def;
}

const Attrs& TensorEGraph::attrs_of(Id node) const { return attrs_.attrs(graph_->attr(node)); }

bool TensorEGraph::typed(Id id) const { return graph_->fact(facts_->type_analysis, id) != kNoFact; }

const Type& TensorEGraph::type(Id id) const {
  Fact f = graph_->fact(facts_->type_analysis, id);
  EGRET_CHECK(f != kNoFact, "a class without a type");
  return facts_->types.type(f);
}

std::optional<double> TensorEGraph::splat(Id id) const {
  Fact f = graph_->fact(facts_->value_analysis, id);
  if (f == kNoFact) return std::nullopt;
  const KnownValue& value = facts_->values.value(f);
  return value.splat && is_well_known(value, facts_->options.slack) ? value.splat : std::nullopt;
}

TensorRef TensorEGraph::literal(Id id) const {
  Fact f = graph_->fact(facts_->value_analysis, id);
  return f == kNoFact || !std::isfinite(facts_->values.value(f).radius) ? nullptr : facts_->values.value(f).literal;
}

Dependence TensorEGraph::depends(Id id) const {
  Fact f = graph_->fact(facts_->dependence_analysis, id);
  return f == kNoFact ? Dependence::kData : static_cast<Dependence>(f);
}

const GraphInput* TensorEGraph::input(Id node) const {
  auto it = facts_->inputs.find(graph_->attr(node));
  return it == facts_->inputs.end() || op(node).name != "input" ? nullptr : &it->second;
}

}  // namespace egret::rules
