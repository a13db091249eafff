// choice.json, written.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "frontends/explain/kept_run.h"

namespace egret::explain {
namespace {

using Json = nlohmann::ordered_json;
using egraph::Id;

constexpr int64_t kShownElements = 4'096;

const char* role_name(InputRole role) {
  return role == InputRole::kConstant ? "constant" : role == InputRole::kParameter ? "parameter" : "data";
}

Json node_json(const rules::TensorEGraph& tensors, Id node) {
  const egraph::EGraph& g = tensors.graph();
  const OpDef& op = tensors.op(node);
  Json attrs = Json::object();
  if (op.name == "constant" && std::get<TensorRef>(tensors.attrs_of(node).at("value"))->type().elements_count() > kShownElements) {
    attrs = {{"name", fmt::format("\"literal:{}\"", node)}, {"type", fmt::format("\"{}\"", tensors.type(node).to_string())}};
    return {"input", attrs, Json::array(), g.find(node)};
  }
  for (const auto& [name, value] : tensors.attrs_of(node)) attrs[name] = to_string(value);
  Json operands = Json::array();
  for (Id o : g.operands(node)) operands.push_back(o);
  return {op.name, attrs, operands, g.find(node)};
}

// Every application of saturation: the rule's number in `rules`, what it united with what, and what it made anew.
void add_applications(const ChoiceInputs& in, Json& out) {
  const egraph::EGraph& g = in.tensors->graph();
  out["rules"] = Json::array();
  for (const rules::Rule* rule : in.compiled->rule_of) out["rules"].push_back(rule->name);
  out["applications"] = Json::array();
  std::vector<uint8_t> there(g.id_count(), 0);
  std::fill_n(there.begin(), in.imported, uint8_t{1});
  for (uint32_t i = 0; i < g.application_count(); ++i) {
    const egraph::Application a = g.application(i);
    Json equations = Json::array();
    for (const auto& [left, right] : a.equations) equations.push_back({left, right});
    Json made = Json::array();
    for (Id n : a.made) {
      if (!there[n]) made.push_back(n);
      there[n] = 1;
    }
    out["applications"].push_back({a.rule, equations, made});
  }
}

}  // namespace

std::string choice_text(const ChoiceInputs& in) {
  const rules::TensorEGraph& tensors = *in.tensors;
  const egraph::EGraph& g = tensors.graph();
  Json out;
  out["format"] = kChoiceFormat;
  out["inputs"] = Json::array();
  for (const GraphInput& input : in.source->inputs) {
    out["inputs"].push_back({{"name", in.source->node(input.value).name}, {"role", role_name(input.role)}});
  }
  out["values"] = Json::array();
  for (ValueId v = 0; v < in.source->nodes.size(); ++v) out["values"].push_back({in.source->node(v).name, (*in.values)[v]});
  out["nodes"] = Json::array();
  for (Id n = 0; n < g.id_count(); ++n) out["nodes"].push_back(node_json(tensors, n));
  add_applications(in, out);
  const extract::Problem& p = in.problem->problem;
  out["items"] = in.problem->item_class;
  out["roots"] = p.roots;
  out["free"] = p.free_items;
  out["fold_budget"] = p.fold_budget;
  out["terms"] = Json::array();
  for (const extract::TermNode& t : p.term_nodes) out["terms"].push_back({t.cls, t.operands});
  out["candidates"] = Json::array();
  for (size_t c = 0; c < p.candidates.size(); ++c) {
    const extract::Candidate& k = p.candidates[c];
    Json inside = Json::array();
    if (const int body = in.problem->body_of[c]; body >= 0) {
      for (const extract::Choice& choice : in.problem->bodies[static_cast<size_t>(body)].inside) inside.push_back(choice.node);
    }
    out["candidates"].push_back({k.cost, k.fold_bytes, k.results, k.operands, k.covers, inside});
  }
  out["chosen"] = in.solution->chosen;
  out["cost"] = in.solution->cost;
  out["bound"] = in.solution->bound;
  out["optimal"] = in.solution->optimal;
  out["taken"] = in.taken;
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace egret::explain
