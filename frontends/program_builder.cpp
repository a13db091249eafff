#include "frontends/program_builder.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include <fmt/format.h>

namespace egret {
namespace {

using egraph::Id;

class ProgramBuilder {
 public:
  ProgramBuilder(const Graph& source, const std::vector<Id>& values, const rules::TensorEGraph& tensors,
                 const extract::FusionProblem& problem)
      : source_(source), values_(values), tensors_(tensors), fusion_(tensors), problem_(problem) {}

  Result<ChosenProgram> build(const extract::Solution& solution, const std::vector<uint32_t>& launches) {
    out_.program.name = source_.name;
    out_.graph.name = source_.name;
    add_inputs();
    for (uint32_t c : extract::order(problem_.problem, solution)) {
      const int body = problem_.body_of[c];
      if (body < 0) {
        for (uint32_t item : problem_.problem.candidates[c].results) {
          EGRET_TRY_VOID(make_ready(problem_.item_class[item]));
        }
      }
    }
    for (uint32_t c : launches) EGRET_TRY_VOID(launch(problem_.bodies[static_cast<size_t>(problem_.body_of[c])]));
    out_.run_candidates = launches;
    return finish();
  }

 private:
  Id find(Id id) const { return tensors_.graph().find(id); }

  uint32_t new_value(ProgramValue::Role role, Id cls, std::string name, TensorRef data = nullptr) {
    out_.program.values.push_back({role, tensors_.type(cls), std::move(name), std::move(data)});
    return static_cast<uint32_t>(out_.program.values.size() - 1);
  }

  ValueId new_node(GraphNode node, Id enode) {
    out_.graph.nodes.push_back(std::move(node));
    out_.graph_nodes.push_back(enode);
    return static_cast<ValueId>(out_.graph.nodes.size() - 1);
  }

  void add_inputs() {
    for (size_t i = 0; i < source_.inputs.size(); ++i) {
      const GraphInput& input = source_.inputs[i];
      const Id id = values_[input.value];
      const Id cls = find(id);
      const std::string& name = source_.node(input.value).name;
      const ValueId node = new_node(source_.node(input.value), id);
      out_.graph.inputs.push_back({node, input.role, input.data});
      names_.insert(name);
      graph_value_[cls] = node;
      const bool at_run = tensors_.depends(cls) == rules::Dependence::kData;
      const uint32_t value =
          new_value(at_run ? ProgramValue::Role::kInput : ProgramValue::Role::kWeight, cls, name, input.data);
      value_[cls] = value;
      if (at_run) {
        input_number_[i] = static_cast<uint32_t>(out_.program.inputs.size());
        out_.program.inputs.push_back(value);
      }
    }
  }

  // --- what is made before the run: an operator a kernel, the cheapest term over inputs --------------------------------

  // Seconds do not matter before the run; fewer elements computed is a fair measure that favours small terms.
  double ready_cost(Id cls) {
    if (auto it = ready_cost_.find(cls); it != ready_cost_.end()) return it->second;
    compute_ready_costs(cls);
    return ready_cost_.at(cls);
  }

  void compute_ready_costs(Id root) {
    std::set<Id> needed;
    std::vector<Id> work{root};
    const egraph::EGraph& g = tensors_.graph();
    while (!work.empty()) {
      const Id c = work.back();
      work.pop_back();
      if (!needed.insert(c).second) continue;
      for (Id n : g.nodes_of(c)) {
        for (Id o : g.canonical_operands(n)) work.push_back(find(o));
      }
    }
    for (Id c : needed) ready_cost_.try_emplace(c, std::numeric_limits<double>::infinity());
    for (bool changed = true; changed;) {
      changed = false;
      for (Id c : needed) {
        if (tensors_.depends(c) == rules::Dependence::kData) continue;  // a class may be constant by another term
        for (Id n : g.nodes_of(c)) {
          const OpDef& op = tensors_.op(n);
          if (!fusion_.usable(n) && op.name != "constant" && !tensors_.input(n)) continue;
          double cost = tensors_.input(n) || op.name == "constant"
                            ? 0
                            : 1e3 + static_cast<double>(std::max<int64_t>(1, tensors_.type(c).elements_count()));
          for (Id o : g.canonical_operands(n)) cost += ready_cost_.at(find(o));
          if (cost < ready_cost_.at(c)) {
            ready_cost_[c] = cost;
            ready_node_[c] = n;
            changed = true;
          }
        }
      }
    }
  }

  Status make_ready(Id cls) {
    cls = find(cls);
    if (value_.contains(cls)) return {};
    if (ready_cost(cls) == std::numeric_limits<double>::infinity()) {
      return internal_error("a value that is made before the run has no term");
    }
    const Id node = ready_node_.at(cls);
    const OpDef& op = tensors_.op(node);
    if (op.name == "constant") {
      const TensorRef data = std::get<TensorRef>(tensors_.attrs_of(node).at("value"));
      value_[cls] = new_value(ProgramValue::Role::kWeight, cls, fresh("literal"), data);
      graph_value_[cls] = new_node({&op, tensors_.attrs_of(node), {}, tensors_.type(cls), fresh("c")}, node);
      return {};
    }
    std::vector<Type> types;
    std::vector<uint32_t> inputs;
    std::vector<ValueId> operands;
    for (Id o : tensors_.graph().canonical_operands(node)) {
      EGRET_TRY_VOID(make_ready(o));
      types.push_back(tensors_.type(o));
      inputs.push_back(value_.at(find(o)));
      operands.push_back(graph_value_.at(find(o)));
    }
    EGRET_TRY(Kernel kernel, kernel_of(op, tensors_.attrs_of(node), types));
    const uint32_t value = new_value(ProgramValue::Role::kPrepared, cls, fresh("ready"));
    out_.program.prepare.push_back({intern(std::move(kernel)), inputs, {value}});
    value_[cls] = value;
    graph_value_[cls] = new_node({&op, tensors_.attrs_of(node), operands, tensors_.type(cls), fresh("w")}, node);
    return {};
  }

  // --- the run plan ----------------------------------------------------------------------------------------------------

  Status launch(const extract::Body& body) {
    std::vector<Id> nodes;
    auto graph = extract::body_graph(fusion_, body, &nodes);
    if (!graph) return internal_error("a chosen kernel is cyclic");
    Launch l;
    for (Id p : body.ports) {
      auto it = value_.find(p);
      if (it == value_.end()) return internal_error("a kernel reads a value that is not made");
      l.inputs.push_back(it->second);
    }
    std::map<ValueId, ValueId> local;
    for (size_t i = 0; i < body.ports.size(); ++i) local[graph->inputs[i].value] = graph_value_.at(body.ports[i]);
    for (ValueId v = 0; v < graph->nodes.size(); ++v) {
      GraphNode node = graph->nodes[v];
      if (node.op->name == "input") continue;
      for (ValueId& o : node.operands) o = local.at(o);
      node.name = fresh("t");
      local[v] = new_node(std::move(node), nodes[v]);
    }
    for (size_t i = 0; i < body.outputs.size(); ++i) {
      const Id cls = body.outputs[i];
      const uint32_t value = new_value(ProgramValue::Role::kIntermediate, cls, fresh("k"));
      l.outputs.push_back(value);
      value_[cls] = value;  // made again: what comes after reads the new one
      graph_value_[cls] = local.at(graph->outputs[i].value);
    }
    l.kernel = intern(Kernel{std::move(*graph), body.plan});
    out_.program.run.push_back(std::move(l));
    out_.run_nodes.push_back(std::move(nodes));
    return {};
  }

  Result<ChosenProgram> finish() {
    std::set<uint32_t> seen;
    for (const GraphOutput& o : source_.outputs) {
      const Id cls = find(values_[o.value]);
      if (!value_.contains(cls)) return internal_error(fmt::format("output {} is not made", o.name));
      const uint32_t value = value_.at(cls);
      ProgramValue& v = out_.program.values[value];
      if (v.role == ProgramValue::Role::kIntermediate) {
        v.role = ProgramValue::Role::kOutput;
        if (names_.insert(o.name).second) v.name = o.name;
      }
      out_.program.outputs.push_back(value);
      out_.program.output_names.push_back(o.name);
      out_.graph.outputs.push_back({graph_value_.at(cls), o.name});
    }
    out_.graph.aliases = source_.aliases;
    for (const Alias& a : source_.aliases) {
      auto it = input_number_.find(a.input);
      if (it != input_number_.end()) out_.program.aliases.push_back({a.output, it->second});
    }
    EGRET_TRY_VOID(validate(out_.program));
    return std::move(out_);
  }

  uint32_t intern(Kernel kernel) {
    std::string text = fmt::format("{} {} {} {} {}\n{}", to_string(kernel.plan.schedule), kernel.plan.anchor,
                                   kernel.plan.tile[0], kernel.plan.tile[1], kernel.plan.tile[2], body_text(kernel.body));
    auto [it, fresh] = kernels_.try_emplace(std::move(text), static_cast<uint32_t>(out_.program.kernels.size()));
    if (fresh) out_.program.kernels.push_back(std::move(kernel));
    return it->second;
  }

  std::string fresh(const char* stem) {
    for (;;) {
      std::string name = fmt::format("{}{}", stem, counter_++);
      if (names_.insert(name).second) return name;
    }
  }

  const Graph& source_;
  const std::vector<Id>& values_;
  const rules::TensorEGraph& tensors_;
  const extract::FusionGraph fusion_;
  const extract::FusionProblem& problem_;
  ChosenProgram out_;
  std::map<Id, uint32_t> value_;
  std::map<Id, ValueId> graph_value_;
  std::map<size_t, uint32_t> input_number_;
  std::map<Id, double> ready_cost_;
  std::map<Id, Id> ready_node_;
  std::map<std::string, uint32_t> kernels_;
  std::set<std::string> names_;
  uint64_t counter_ = 0;
};

}  // namespace

Result<ChosenProgram> build_program(const Graph& source, const std::vector<Id>& values,
                                    const rules::TensorEGraph& tensors, const extract::FusionProblem& problem,
                                    const extract::Solution& solution, const std::vector<uint32_t>& launches) {
  return ProgramBuilder(source, values, tensors, problem).build(solution, launches);
}

}  // namespace egret
