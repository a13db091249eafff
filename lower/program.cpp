#include "lower/program.h"

#include <fmt/format.h>

#include <unordered_map>

#include "support/hash.h"

namespace egret {

Status validate(const Program& program) {
  auto bad = [&](const std::string& what) {
    return internal_error(fmt::format("program `{}`: {}", program.name, what));
  };
  std::vector<uint8_t> known(program.values.size(), 0);
  for (size_t v = 0; v < program.values.size(); ++v) {
    const ProgramValue& value = program.values[v];
    if (!value.type.is_tensor() || !value.type.is_static())
      return bad(fmt::format("value {} is no tensor of known sizes", v));
    if (value.data && !(value.data->type() == value.type))
      return bad(fmt::format("data of value {} has another type", v));
    using Role = ProgramValue::Role;
    known[v] = value.role == Role::kInput || value.role == Role::kWeight;
  }
  auto check = [&](const std::vector<Launch>& launches) -> Status {
    for (const Launch& l : launches) {
      if (l.kernel >= program.kernels.size()) return bad("a launch of no kernel");
      const Graph& body = program.kernels[l.kernel].body;
      if (l.inputs.size() != body.inputs.size() || l.outputs.size() != body.outputs.size())
        return bad("ports of a launch");
      for (size_t i = 0; i < l.inputs.size(); ++i) {
        const uint32_t v = l.inputs[i];
        if (v >= known.size() || !known[v]) return bad(fmt::format("value {} is read before it is made", v));
        if (!(program.values[v].type == body.type(body.inputs[i].value)))
          return bad(fmt::format("type of value {} at a port", v));
      }
      for (size_t i = 0; i < l.outputs.size(); ++i) {
        const uint32_t v = l.outputs[i];
        if (v >= known.size() || known[v]) return bad(fmt::format("value {} is made twice", v));
        if (!(program.values[v].type == body.type(body.outputs[i].value)))
          return bad(fmt::format("type of value {} at a result", v));
      }
      for (uint32_t v : l.outputs) known[v] = 1;
    }
    return {};
  };
  EGRET_TRY_VOID(check(program.prepare));
  EGRET_TRY_VOID(check(program.run));
  for (uint32_t v : program.inputs) {
    if (v >= program.values.size() || program.values[v].role != ProgramValue::Role::kInput)
      return bad("an input that is none");
  }
  if (program.output_names.size() != program.outputs.size()) return bad("names of outputs");
  for (uint32_t v : program.outputs) {
    if (v >= known.size() || !known[v]) return bad("an output that is not made");
  }
  for (const Alias& a : program.aliases) {
    if (a.output >= program.outputs.size() || a.input >= program.inputs.size()) return bad("an alias");
  }
  return {};
}

namespace {

// One operator a kernel, equal kernels shared.
class Unfused {
 public:
  Unfused(const Graph& graph, bool freeze) : graph_(graph), freeze_(freeze), value_(graph.nodes.size(), kNone) {}

  Result<Program> build() {
    program_.name = graph_.name;
    for (ValueId v = 0; v < graph_.nodes.size(); ++v) EGRET_TRY_VOID(node(v));
    for (const GraphInput& input : graph_.inputs) {
      const uint32_t v = value_[input.value];
      if (program_.values[v].role == ProgramValue::Role::kInput) program_.inputs.push_back(v);
    }
    for (const GraphOutput& output : graph_.outputs) {
      const uint32_t v = value_[output.value];
      EGRET_CHECK(v != kNone, "an output has a value");
      if (program_.values[v].role == ProgramValue::Role::kIntermediate)
        program_.values[v].role = ProgramValue::Role::kOutput;
      program_.outputs.push_back(v);
      program_.output_names.push_back(output.name);
    }
    for (const Alias& a : graph_.aliases) {
      const uint32_t v = value_[graph_.inputs[a.input].value];
      for (uint32_t i = 0; i < program_.inputs.size(); ++i) {
        if (program_.inputs[i] == v) program_.aliases.push_back({a.output, i});
      }
    }
    EGRET_TRY_VOID(validate(program_));
    return std::move(program_);
  }

 private:
  static constexpr uint32_t kNone = ~0u;

  uint32_t add_value(ProgramValue value) {
    program_.values.push_back(std::move(value));
    return static_cast<uint32_t>(program_.values.size() - 1);
  }

  Status node(ValueId v) {
    const GraphNode& n = graph_.nodes[v];
    using Role = ProgramValue::Role;
    if (const GraphInput* input = graph_.input_of(v)) {
      const bool fixed = input->role == InputRole::kConstant || (input->role == InputRole::kParameter && freeze_);
      if (fixed && !input->data) {
        return input_error(fmt::format("the value of `{}` is not known, so it cannot be frozen", n.name),
                           "use --no-freeze");
      }
      value_[v] = add_value({fixed ? Role::kWeight : Role::kInput, n.type, n.name, fixed ? input->data : nullptr});
      return {};
    }
    if (n.op->name == "constant") {
      value_[v] = add_value({Role::kWeight, n.type, n.name, std::get<TensorRef>(n.attrs.at("value"))});
      return {};
    }
    if (n.type.kind == Type::Kind::kTuple && n.op->name == "split") return {};  // its parts are computed one by one
    if (n.op->name == "get") return part(v);
    if (!n.op->definition || n.op->purity != Purity::kPure || !n.type.is_tensor()) {
      return unsupported_error(fmt::format("the operator `{}` cannot be lowered", n.op->name), "",
                               SourceSpan{"", 0, 0, n.name});
    }
    return launch(v, *n.op, n.attrs, n.operands);
  }

  // get(split(x), i) is a slice of x.
  Status part(ValueId v) {
    const GraphNode& n = graph_.nodes[v];
    const GraphNode& from = graph_.nodes[n.operands[0]];
    if (from.op->name != "split") {
      return unsupported_error(fmt::format("results of the operator `{}` cannot be lowered", from.op->name));
    }
    const auto sizes = graph_.type(from.operands[0]).sizes();
    const auto axis = static_cast<size_t>(integer(from.attrs, "axis"));
    const auto parts = ints(from.attrs, "sizes");
    std::vector<int64_t> start(sizes.size(), 0), limit = sizes;
    const auto index = static_cast<size_t>(integer(n.attrs, "index"));
    for (size_t i = 0; i < index; ++i) start[axis] += parts[i];
    limit[axis] = start[axis] + parts[index];
    const OpDef& slice = op_named("slice");
    EGRET_TRY(Attrs attrs, complete_attrs(slice, {{"start", dims_of(start)},
                                                  {"limit", dims_of(limit)},
                                                  {"stride", dims_of(std::vector<int64_t>(sizes.size(), 1))}}));
    return launch(v, slice, attrs, {from.operands[0]});
  }

  Status launch(ValueId v, const OpDef& op, const Attrs& attrs, const std::vector<ValueId>& operands) {
    std::vector<Type> types;
    Launch launch;
    for (ValueId o : operands) {
      types.push_back(graph_.type(o));
      launch.inputs.push_back(value_[o]);
    }
    EGRET_TRY(launch.kernel, kernel(op, attrs, std::move(types)));
    value_[v] = add_value({ProgramValue::Role::kIntermediate, graph_.type(v), "", nullptr});
    launch.outputs = {value_[v]};
    program_.run.push_back(std::move(launch));
    return {};
  }

  Result<uint32_t> kernel(const OpDef& op, const Attrs& attrs, std::vector<Type> types) {
    uint64_t key = hash_combine(reinterpret_cast<uintptr_t>(&op), hash(attrs));
    for (const Type& t : types) key = hash_combine(key, t.hash());
    std::vector<Known>& known = kernels_[key];
    for (const Known& k : known) {
      if (k.op == &op && k.types == types && equal(k.attrs, attrs)) return k.kernel;
    }
    EGRET_TRY(Kernel made, kernel_of(op, attrs, types));
    known.push_back({&op, attrs, std::move(types), static_cast<uint32_t>(program_.kernels.size())});
    program_.kernels.push_back(std::move(made));
    return known.back().kernel;
  }

  struct Known {
    const OpDef* op;
    Attrs attrs;
    std::vector<Type> types;  // of the operands
    uint32_t kernel;
  };

  const Graph& graph_;
  const bool freeze_;
  std::vector<uint32_t> value_;
  std::unordered_map<uint64_t, std::vector<Known>> kernels_;
  Program program_;
};

}  // namespace

Result<Program> unfused_program(const Graph& graph, bool freeze) {
  EGRET_TRY(Graph expanded, expand_composites(graph));
  const Graph live = remove_dead(expanded);
  return Unfused(live, freeze).build();
}

}  // namespace egret
