#include "frontends/proof/writer.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "frontends/proof/equalities.h"

namespace egret::proof {
namespace {

rules::Dependence dependence(const GraphInput& input, bool freeze) {
  if (input.role == InputRole::kConstant) return rules::Dependence::kConstant;
  return input.role == InputRole::kParameter && freeze ? rules::Dependence::kFrozen : rules::Dependence::kData;
}

class Writer {
 public:
  explicit Writer(const WriteInputs& in) : in_(in) {}

  Result<Written> run() {
    describe_inputs();
    Equalities equalities(*in_.tensors, *in_.compiled, proof_);
    EGRET_TRY_VOID(equate_outputs(equalities));
    EGRET_TRY_VOID(claim_kernels());
    for (size_t i = 0; i < proof_.outputs.size(); ++i) {
      if (proof_.outputs[i].chosen != value_term_.at(in_.chosen->program.outputs[i])) {
        return internal_error(fmt::format("the kernels make another term than the chosen one for output {}", proof_.outputs[i].name));
      }
    }
    Written out;
    prune(equalities, out);
    keep_needed_values();
    proof_.source = source_digest(proof_);
    proof_.program = program_digest(proof_);
    out.proof = std::move(proof_);
    return out;
  }

 private:
  void describe_inputs() {
    const Graph& source = *in_.source;
    proof_.model = source.name;
    proof_.numerics = in_.numerics;
    proof_.freeze = in_.freeze;
    proof_.aliases = source.aliases;
    for (const GraphInput& input : source.inputs) {
      const GraphNode& node = source.node(input.value);
      Input i{std::get<std::string>(node.attrs.at("name")), input.role, node.type, "", nullptr};
      if (input.data) i.digest = tensor_digest(*input.data);
      if (input.role == InputRole::kConstant && input.data && is_shown(*input.data)) i.value = input.data;
      proof_.terms.declare_input(i.name, dependence(input, in_.freeze), i.value);
      proof_.inputs.push_back(std::move(i));
    }
  }

  // For each value of a graph a premise: term of the value = term of its e-node.
  Result<std::vector<int64_t>> stand_for(Equalities& equalities, const Graph& graph, const std::vector<TermId>& terms,
                                         const std::vector<Id>& nodes) {
    std::vector<int64_t> steps;
    for (ValueId v = 0; v < graph.nodes.size(); ++v) {
      const auto operands = in_.tensors->graph().operands(nodes[v]);
      EGRET_TRY(const TermId end, equalities.exact(nodes[v]));
      if (in_.tensors->op(nodes[v]).name != graph.node(v).op->name || operands.size() != graph.node(v).operands.size()) {
        return internal_error(fmt::format("{} stands for another operator", graph.node(v).name));
      }
      std::vector<int64_t> premises;
      for (size_t i = 0; i < operands.size(); ++i) {
        const ValueId o = graph.node(v).operands[i];
        EGRET_TRY(const int64_t equal, equalities.prove(nodes[o], operands[i]));
        EGRET_TRY(const TermId operand, equalities.exact(operands[i]));
        premises.push_back(equalities.chain(terms[o], operand, {steps[o], equal}));
      }
      steps.push_back(equalities.congruence(terms[v], end, std::move(premises)));
    }
    return steps;
  }

  Status equate_outputs(Equalities& equalities) {
    const Graph &source = *in_.source, &chosen = in_.chosen->graph;
    EGRET_TRY(const std::vector<TermId> imported, terms_of(source, proof_.terms));
    EGRET_TRY(const std::vector<int64_t> import_steps, stand_for(equalities, source, imported, *in_.values));
    EGRET_TRY(const std::vector<TermId> chosen_terms, terms_of_chosen());
    EGRET_TRY(const std::vector<int64_t> chosen_steps, stand_for(equalities, chosen, chosen_terms, in_.chosen->graph_nodes));
    for (size_t i = 0; i < source.outputs.size(); ++i) {
      const ValueId from = source.outputs[i].value, to = chosen.outputs[i].value;
      EGRET_TRY(const int64_t equal, equalities.prove((*in_.values)[from], in_.chosen->graph_nodes[to]));
      const int64_t step = equalities.chain(imported[from], chosen_terms[to], {import_steps[from], equal, -chosen_steps[to]});
      proof_.outputs.push_back({source.outputs[i].name, imported[from], chosen_terms[to], step});
    }
    return {};
  }

  // Opaque operators keep the instance that their e-node has.
  Result<std::vector<TermId>> terms_of_chosen() {
    std::vector<TermId> terms;
    for (const GraphNode& n : in_.chosen->graph.nodes) {
      std::vector<TermId> operands;
      for (ValueId o : n.operands) operands.push_back(terms[o]);
      EGRET_TRY(const TermId t, add_node(n, std::move(operands)));
      terms.push_back(t);
    }
    return terms;
  }

  Result<TermId> add_node(const GraphNode& n, std::vector<TermId> operands) {
    if (n.op->name == "constant") return add_literal(std::get<TensorRef>(n.attrs.at("value")));
    if (n.op->name == "input") return add_input(std::get<std::string>(n.attrs.at("name")), n.type);
    return proof_.terms.add(*n.op, n.attrs, std::move(operands));
  }

  Result<TermId> add_input(const std::string& name, const Type& type) {
    return proof_.terms.add(op_named("input"), {{"name", name}, {"type", type.to_string()}}, {});
  }

  Result<TermId> add_literal(const TensorRef& value) {
    if (!is_shown(*value)) return add_input(literal_name(*value), value->type());
    return proof_.terms.add(op_named("constant"), {{"value", value}}, {});
  }

  // The terms of the program's values, kernel by kernel.
  Status claim_kernels() {
    const Program& program = in_.chosen->program;
    std::set<std::string> inputs;
    for (const Input& i : proof_.inputs) inputs.insert(i.name);
    for (uint32_t v = 0; v < program.values.size(); ++v) {
      const ProgramValue& value = program.values[v];
      if (value.role != ProgramValue::Role::kInput && value.role != ProgramValue::Role::kWeight) continue;
      if (inputs.contains(value.name)) {
        EGRET_TRY(value_term_[v], add_input(value.name, value.type));
      } else if (value.data) {
        EGRET_TRY(value_term_[v], add_literal(value.data));
      } else {
        return internal_error("a weight that is no input and has no value: " + value.name);
      }
    }
    for (const Launch& l : program.prepare) EGRET_TRY_VOID(claim_kernel(l, true));
    for (const Launch& l : program.run) EGRET_TRY_VOID(claim_kernel(l, false));
    return {};
  }

  Status claim_kernel(const Launch& launch, bool prepare) {
    const Graph& body = in_.chosen->program.kernels[launch.kernel].body;
    KernelClaim claim{prepare, body_text(body), {}, {}};
    std::vector<TermId> term(body.nodes.size(), 0);
    for (size_t i = 0; i < body.inputs.size(); ++i) {
      claim.ports.push_back(value_term_.at(launch.inputs[i]));
      term[body.inputs[i].value] = claim.ports.back();
    }
    for (ValueId v = 0; v < body.nodes.size(); ++v) {
      const GraphNode& n = body.node(v);
      if (n.op->name == "input") continue;
      std::vector<TermId> operands;
      for (ValueId o : n.operands) operands.push_back(term[o]);
      EGRET_TRY(term[v], proof_.terms.add(*n.op, n.attrs, std::move(operands)));
    }
    for (size_t i = 0; i < body.outputs.size(); ++i) {
      claim.results.push_back(term[body.outputs[i].value]);
      value_term_[launch.outputs[i]] = claim.results.back();
    }
    proof_.kernels.push_back(std::move(claim));
    return {};
  }

  // Keeps the steps, terms and rules that the claims rest on, renumbered in order; counts applications.
  void prune(const Equalities& equalities, Written& out) {
    std::vector<uint8_t> need_step(proof_.steps.size(), 0), need_term(proof_.terms.size(), 0);
    for (const Output& o : proof_.outputs) {
      need_term[o.imported] = need_term[o.chosen] = 1;
      if (o.step != 0) need_step[static_cast<size_t>(std::abs(o.step)) - 1] = 1;
    }
    for (const KernelClaim& k : proof_.kernels) {
      for (TermId t : k.results) need_term[t] = 1;
      for (TermId t : k.ports) need_term[t] = 1;
    }
    for (size_t i = proof_.steps.size(); i-- > 0;) {
      if (!need_step[i]) continue;
      const Step& s = proof_.steps[i];
      need_term[s.left] = need_term[s.right] = 1;
      for (TermId t : s.roots) need_term[t] = 1;
      for (const TermFact& f : s.facts) need_term[f.term] = 1;
      for (int64_t p : s.premises) {
        if (p != 0) need_step[static_cast<size_t>(std::abs(p)) - 1] = 1;
      }
    }
    for (size_t t = need_term.size(); t-- > 0;) {
      if (!need_term[t]) continue;
      for (TermId o : proof_.terms.node(static_cast<TermId>(t)).operands) need_term[o] = 1;
    }
    renumber(equalities, need_step, need_term, out);
  }

  void renumber(const Equalities& equalities, const std::vector<uint8_t>& need_step, const std::vector<uint8_t>& need_term, Written& out) {
    ProofTerms terms;
    std::vector<TermId> new_term(need_term.size(), 0);
    for (TermId t = 0; t < need_term.size(); ++t) {
      if (!need_term[t]) continue;
      rules::TermNode n = proof_.terms.node(t);
      for (TermId& o : n.operands) o = new_term[o];
      auto added = terms.add(*n.op, std::move(n.attrs), std::move(n.operands));
      EGRET_CHECK(added.ok(), "a term that was typed before");
      new_term[t] = *added;
    }
    std::vector<Step> steps;
    std::vector<int64_t> new_step(need_step.size() + 1, 0);
    std::map<uint32_t, uint32_t> new_rule;
    std::map<uint32_t, std::set<uint32_t>> applications;  // by old rule number
    for (size_t i = 0; i < need_step.size(); ++i) {
      if (!need_step[i]) continue;
      Step s = std::move(proof_.steps[i]);
      s.left = new_term[s.left];
      s.right = new_term[s.right];
      for (TermId& t : s.roots) t = new_term[t];
      for (TermFact& f : s.facts) f.term = new_term[f.term];
      std::ranges::sort(s.facts, stands_before);
      for (int64_t& p : s.premises) p = p < 0 ? -new_step[static_cast<size_t>(-p)] : new_step[static_cast<size_t>(p)];
      if (s.kind == Step::Kind::kRule) {
        applications[s.rule].insert(equalities.step_applications()[i]);
        auto [number, fresh] = new_rule.try_emplace(s.rule, static_cast<uint32_t>(proof_.rules.size()));
        const rules::Rule* rule = equalities.rules_by_number()[s.rule];
        if (fresh) proof_.rules.push_back({rule->name, rule->hash, rule->text});
        s.rule = number->second;
      }
      steps.push_back(std::move(s));
      new_step[i + 1] = static_cast<int64_t>(steps.size());
    }
    proof_.terms = std::move(terms);
    proof_.steps = std::move(steps);
    for (Output& o : proof_.outputs) {
      o.imported = new_term[o.imported];
      o.chosen = new_term[o.chosen];
      o.step = o.step < 0 ? -new_step[static_cast<size_t>(-o.step)] : new_step[static_cast<size_t>(o.step)];
    }
    for (KernelClaim& k : proof_.kernels) {
      for (TermId& t : k.ports) t = new_term[t];
      for (TermId& t : k.results) t = new_term[t];
    }
    for (const auto& [rule, set] : applications) out.uses.emplace_back(equalities.rules_by_number()[rule], set.size());
    std::sort(out.uses.begin(), out.uses.end(), [](const auto& a, const auto& b) { return a.first->name < b.first->name; });
  }

  // Values of constant inputs stand in the file only where a step reads them.
  void keep_needed_values() {
    std::set<std::string> read;
    auto note = [&](TermId t) {
      if (proof_.terms.is_input(t)) read.insert(proof_.terms.input_name(t));
    };
    for (const Step& s : proof_.steps) {
      for (const TermFact& f : s.facts) {
        if (f.splat) note(f.term);
      }
      if (s.kind != Step::Kind::kFold) continue;
      note(s.left);
      note(s.right);
      for (TermId o : proof_.terms.node(s.left).operands) note(o);
    }
    for (Input& i : proof_.inputs) {
      if (!read.contains(i.name)) i.value = nullptr;
    }
  }

  const WriteInputs& in_;
  Proof proof_;
  std::map<uint32_t, TermId> value_term_;
};

}  // namespace

Result<Written> write(const WriteInputs& inputs) { return Writer(inputs).run(); }

}  // namespace egret::proof
