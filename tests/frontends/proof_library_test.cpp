// Every rule of the library, at every instance that its `accept` lines describe: applied by the engine, proved from its
// explanations, replayed by the checker.
#include <set>

#include "ir/evaluate/evaluate.h"
#include "tests/frontends/proof_cases.h"

using namespace egret;
using namespace egret::proof;

namespace {

// A body of one operator; of composites too, which real kernels do not hold.
Graph single(const GraphNode& node, const std::vector<Type>& types) {
  GraphBuilder builder("kernel");
  std::vector<ValueId> ports;
  for (const Type& t : types) ports.push_back(builder.input(fmt::format("p{}", ports.size()), t));
  auto result = builder.add(*node.op, ports, node.attrs);
  PROOF_REQUIRE_OK(result);
  builder.output(*result, "r0");
  return builder.take();
}

// The right side as the chosen program, an operator a kernel.
void choose_right(Case& c, const Graph& right, const std::vector<Id>& ids) {
  ChosenProgram& out = c.chosen;
  out.graph = right;
  out.graph_nodes = ids;
  std::vector<uint32_t> value(right.nodes.size());
  ProofTerms terms;  // equal nodes are one kernel
  auto term = terms_of(right, terms);
  PROOF_REQUIRE_OK(term);
  std::map<TermId, uint32_t> value_of_term;
  for (ValueId v = 0; v < right.nodes.size(); ++v) {
    const GraphNode& n = right.node(v);
    if (auto [known, fresh] = value_of_term.try_emplace((*term)[v], static_cast<uint32_t>(out.program.values.size())); !fresh) {
      value[v] = known->second;
      continue;
    }
    value[v] = static_cast<uint32_t>(out.program.values.size());
    const GraphInput* input = right.input_of(v);
    const bool literal = n.op->name == "constant";
    out.program.values.push_back({input ? ProgramValue::Role::kInput : literal ? ProgramValue::Role::kWeight : ProgramValue::Role::kIntermediate,
                                  n.type, literal ? "literal of the case" : n.name,
                                  literal ? std::get<TensorRef>(n.attrs.at("value")) : nullptr});
    if (input || literal) continue;
    std::vector<Type> types;
    std::vector<uint32_t> operands;
    for (ValueId o : n.operands) {
      types.push_back(right.type(o));
      operands.push_back(value[o]);
    }
    out.program.kernels.push_back({single(n, types), {}});
    out.program.run.push_back({static_cast<uint32_t>(out.program.kernels.size() - 1), operands, {value[v]}});
  }
  for (const GraphOutput& o : right.outputs) {
    out.program.outputs.push_back(value[o.value]);
    out.program.output_names.push_back(o.name);
  }
}

// Constants of an instance have no value: seeded ones.
void give_values(Graph& graph) {
  const std::vector<Tensor> values = random_inputs(graph, 1);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (graph.inputs[i].role == InputRole::kConstant && !graph.inputs[i].data) {
      graph.inputs[i].data = std::make_shared<const Tensor>(values[i]);
    }
  }
}

// Applies the rule once to the left side of an instance; false where the engine's literal folding leaves nothing to do.
bool prove_instance(const rules::Rule& rule, const rules::RuleInstance& instance) {
  Case c;
  c.source = remove_dead(instance.left);
  give_values(c.source);
  c.tensors = std::make_unique<rules::TensorEGraph>(rules::TensorEGraph::Options{.freeze = true});
  auto values = c.tensors->insert(c.source);
  PROOF_REQUIRE_OK(values);
  c.values = *values;
  PROOF_REQUIRE_OK(c.rules.add_text("ruleset case\n" + rule.text, "case"));
  auto licence = rules::Licence::parse("fast,narrow(tf32),narrow(bf16),narrow(f16)");
  auto compiled = rules::compile(c.rules, *licence, *c.tensors);
  PROOF_REQUIRE_OK(compiled);
  for (size_t i = 0; i < compiled->rewrites.size(); ++i) {
    if (compiled->rule_of[i]->name != rule.name) continue;
    c.compiled.rewrites.push_back(compiled->rewrites[i]);
    c.compiled.rule_of.push_back(compiled->rule_of[i]);
  }
  egraph::RunOptions run;
  run.limits.iterations = 1;
  egraph::run(c.tensors->graph(), c.compiled.rewrites, run);
  Graph right = remove_dead(instance.right);
  give_values(right);
  auto ids = c.tensors->insert(right);
  PROOF_REQUIRE_OK(ids);
  for (size_t i = 0; i < c.source.outputs.size(); ++i) {
    const Id left = c.values[c.source.outputs[i].value], found = (*ids)[right.outputs[i].value];
    if (c.tensors->graph().find(left) != c.tensors->graph().find(found)) return false;
  }
  choose_right(c, right, *ids);
  WriteInputs in{&c.source, &c.values, c.tensors.get(), &c.compiled, &c.chosen, "fast,narrow(tf32),narrow(bf16),narrow(f16)", true};
  auto written = write(in);
  PROOF_REQUIRE_OK(written);
  CHECK(written->uses.size() <= 1);
  auto proof = read(print(written->proof), {});
  PROOF_REQUIRE_OK(proof);
  PROOF_REQUIRE_OK(check_inputs(*proof));
  PROOF_REQUIRE_OK(check_steps(*proof, c.rules));
  PROOF_REQUIRE_OK(check_outputs(*proof));
  PROOF_REQUIRE_OK(check_kernels(*proof));
  PROOF_REQUIRE_OK(check_all_used(*proof));
  return !written->uses.empty();
}

}  // namespace

TEST_CASE("every rule of the library has proofs that replay") {
  rules::RuleSet library;
  PROOF_REQUIRE_OK(library.add_library());
  std::set<std::string> unproved;
  for (const rules::Rule& rule : library.rules()) {
    if (rule.kind != rules::RuleKind::kAlgebra) continue;
    INFO(rule.name);
    auto instances = rules::accepted(rule);
    PROOF_REQUIRE_OK(instances);
    bool proved = false;
    for (const rules::RuleInstance& i : *instances) {
      INFO(i.where);
      proved |= prove_instance(rule, i);
    }
    if (!proved) unproved.insert(rule.name);
  }
  std::string list;
  for (const std::string& name : unproved) list += " " + name;
  INFO("applied to none of their instances:" << list);
  CHECK(unproved.empty());
}
