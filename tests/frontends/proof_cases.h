// Cases for the proof tests: a graph saturated with rules given as text, and the term with the fewest elements computed
// chosen from the e-graph, a kernel an operator.
#pragma once

#include <catch2/catch.hpp>

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "egraph/runner.h"
#include "frontends/program_builder.h"
#include "frontends/proof/check.h"
#include "frontends/proof/writer.h"
#include "ir/text/text.h"
#include "rules/rules.h"

namespace egret::proof {

using egraph::Id;

struct Case {
  Graph source;
  std::unique_ptr<rules::TensorEGraph> tensors;
  rules::RuleSet rules;
  rules::CompiledRules compiled;
  std::vector<Id> values;
  ChosenProgram chosen;
  bool freeze = true;
};

// The cheapest e-node of each class; composites are never chosen.
inline std::map<Id, Id> cheapest(const rules::TensorEGraph& tensors) {
  const egraph::EGraph& g = tensors.graph();
  std::map<Id, double> cost;
  std::map<Id, Id> best;
  for (bool changed = true; changed;) {
    changed = false;
    for (Id c : g.classes()) {
      for (Id n : g.nodes_of(c)) {
        if (tensors.op(n).expand) continue;
        const bool leaf = g.operands(n).empty();
        double sum = leaf ? 1 : 1000.0 + static_cast<double>(tensors.type(c).is_tensor() ? tensors.type(c).elements_count() : 0);
        bool known = true;
        for (Id o : g.canonical_operands(n)) {
          auto it = cost.find(g.find(o));
          known &= it != cost.end();
          if (known) sum += it->second;
        }
        if (!known || (cost.contains(c) && cost.at(c) <= sum)) continue;
        cost[c] = sum;
        best[c] = n;
        changed = true;
      }
    }
  }
  return best;
}

class Chooser {
 public:
  explicit Chooser(Case& c) : case_(c), best_(cheapest(*c.tensors)) {}

  void prefer(Id cls, Id node) { best_[cls] = node; }

  void run() {
    ChosenProgram& out = case_.chosen;
    for (const GraphInput& i : case_.source.inputs) {
      const GraphNode& node = case_.source.node(i.value);
      const Id cls = find(case_.values[i.value]);
      out.graph.nodes.push_back(node);
      out.graph_nodes.push_back(case_.values[i.value]);
      out.graph.inputs.push_back({static_cast<ValueId>(out.graph.nodes.size() - 1), i.role, i.data});
      out.program.values.push_back({ProgramValue::Role::kInput, node.type, node.name, i.data});
      place_[cls] = static_cast<uint32_t>(out.graph.nodes.size() - 1);
      value_[cls] = static_cast<uint32_t>(out.program.values.size() - 1);
    }
    for (const GraphOutput& o : case_.source.outputs) {
      const Id cls = find(case_.values[o.value]);
      make(cls);
      out.graph.outputs.push_back({place_.at(cls), o.name});
      out.program.outputs.push_back(value_.at(cls));
      out.program.output_names.push_back(o.name);
    }
  }

 private:
  Id find(Id id) const { return case_.tensors->graph().find(id); }

  // Iterative: chains are long.
  void make(Id root) {
    std::vector<Id> open{root};
    while (!open.empty()) {
      const Id cls = open.back();
      if (place_.contains(cls)) {
        open.pop_back();
        continue;
      }
      const size_t before = open.size();
      for (Id o : case_.tensors->graph().canonical_operands(best_.at(cls))) {
        if (!place_.contains(find(o))) open.push_back(find(o));
      }
      if (open.size() > before) continue;
      add(cls, best_.at(cls));
      open.pop_back();
    }
  }

  void add(Id cls, Id node) {
    ChosenProgram& out = case_.chosen;
    const OpDef& op = case_.tensors->op(node);
    const Attrs& attrs = case_.tensors->attrs_of(node);
    std::vector<ValueId> operands;
    std::vector<uint32_t> inputs;
    std::vector<Type> types;
    for (Id o : case_.tensors->graph().canonical_operands(node)) {
      operands.push_back(place_.at(find(o)));
      inputs.push_back(value_.at(find(o)));
      types.push_back(case_.tensors->type(o));
    }
    out.graph.nodes.push_back({&op, attrs, operands, case_.tensors->type(cls), fmt::format("n{}", out.graph.nodes.size())});
    out.graph_nodes.push_back(node);
    place_[cls] = static_cast<uint32_t>(out.graph.nodes.size() - 1);
    const std::string name = fmt::format("value {}", out.program.values.size());
    const bool literal = op.name == "constant";
    out.program.values.push_back({literal ? ProgramValue::Role::kWeight : ProgramValue::Role::kIntermediate, case_.tensors->type(cls), name,
                                  literal ? std::get<TensorRef>(attrs.at("value")) : nullptr});
    value_[cls] = static_cast<uint32_t>(out.program.values.size() - 1);
    if (literal) return;
    auto kernel = kernel_of(op, attrs, types);
    INFO(op.name);
    REQUIRE(kernel.ok());
    out.program.kernels.push_back(*std::move(kernel));
    out.program.run.push_back({static_cast<uint32_t>(out.program.kernels.size() - 1), inputs, {value_.at(cls)}});
  }

  Case& case_;
  std::map<Id, Id> best_;
  std::map<Id, uint32_t> place_, value_;
};

inline std::string message(const Error& e) { return e.to_string(); }

#define PROOF_REQUIRE_OK(expression)                                              \
  do {                                                                            \
    auto&& outcome = (expression);                                                \
    if (!outcome.ok()) FAIL(::egret::proof::message(outcome.error()));            \
  } while (false)

inline std::unique_ptr<Case> make_case(Graph source, const std::string& rule_text, bool freeze = true, int iterations = 6) {
  auto c = std::make_unique<Case>();
  c->freeze = freeze;
  c->source = std::move(source);
  PROOF_REQUIRE_OK(validate(c->source));
  c->tensors = std::make_unique<rules::TensorEGraph>(rules::TensorEGraph::Options{.freeze = freeze});
  auto values = c->tensors->insert(c->source);
  PROOF_REQUIRE_OK(values);
  c->values = *values;
  c->tensors->fold_constants();
  if (!rule_text.empty()) {
    PROOF_REQUIRE_OK(c->rules.add_text(rule_text, "case"));
    auto licence = rules::Licence::parse("default");
    PROOF_REQUIRE_OK(licence);
    auto compiled = rules::compile(c->rules, *licence, *c->tensors);
    PROOF_REQUIRE_OK(compiled);
    c->compiled = *std::move(compiled);
    egraph::RunOptions run;
    run.limits.enodes = 20'000;
    run.limits.iterations = static_cast<uint64_t>(iterations);
    run.after_iteration = [&](egraph::EGraph&, const egraph::Iteration&) {
      c->tensors->fold_constants();
      return true;
    };
    egraph::run(c->tensors->graph(), c->compiled.rewrites, run);
  }
  Chooser(*c).run();
  return c;
}

inline std::unique_ptr<Case> make_case(const std::string& graph, const std::string& rule_text, bool freeze = true) {
  auto parsed = parse_graph(graph);
  PROOF_REQUIRE_OK(parsed);
  return make_case(*std::move(parsed), rule_text, freeze);
}

inline Result<Written> write(const Case& c) {
  WriteInputs in;
  in.source = &c.source;
  in.values = &c.values;
  in.tensors = c.tensors.get();
  in.compiled = &c.compiled;
  in.chosen = &c.chosen;
  in.numerics = "default";
  in.freeze = c.freeze;
  return write(in);
}

// Writes and checks; fails the test where the proof does not hold.
inline std::string proved(const Case& c) {
  auto written = write(c);
  PROOF_REQUIRE_OK(written);
  std::string text = print(written->proof);
  CheckInputs inputs;
  inputs.model = &c.source;
  const CheckReport report = check(text, inputs);
  INFO(report.failed_step);
  REQUIRE(report.ok);
  return text;
}

}  // namespace egret::proof
