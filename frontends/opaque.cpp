#include "frontends/opaque.h"

#include <map>
#include <optional>
#include <queue>
#include <set>

#include <fmt/format.h>

namespace egret {
namespace {

bool is_opaque(const GraphNode& node) { return node.op->purity != Purity::kPure; }

// A result of an opaque node: the node, or a projection of it.
bool is_opaque_result(const Graph& graph, ValueId v) {
  const GraphNode& node = graph.node(v);
  return node.type.is_tensor() && (is_opaque(node) || (node.op->name == "get" && is_opaque(graph.node(node.operands[0]))));
}

// What an opaque node reads, in the cut program: an input of that name (or result of another opaque node), or an output.
struct Link {
  bool is_input = false;
  std::string name;
};

struct Cut {
  Graph graph;  // results of opaque nodes are inputs, by their names; what opaque nodes read are outputs at the end
  std::map<ValueId, std::vector<Link>> reads;  // by opaque node of the source
  std::map<std::string, ValueId> results;      // input of the cut -> value of the source
};

Result<Cut> cut_at_opaque(const Graph& source) {
  Cut cut;
  GraphBuilder builder(source.name);
  std::vector<ValueId> value(source.nodes.size(), 0);
  for (const GraphInput& i : source.inputs) value[i.value] = builder.input(source.node(i.value).name, source.type(i.value), i.role, i.data);
  for (ValueId v = 0; v < source.nodes.size(); ++v) {
    const GraphNode& node = source.node(v);
    if (node.op->name == "input") continue;
    if (is_opaque_result(source, v)) {
      value[v] = builder.input(node.name, node.type);
      cut.results.emplace(node.name, v);
      continue;
    }
    if (is_opaque(node)) continue;  // several results: its projections are inputs
    std::vector<ValueId> operands;
    for (ValueId o : node.operands) operands.push_back(value[o]);
    EGRET_TRY(value[v], builder.add(*node.op, std::move(operands), node.attrs, node.name));
  }
  for (const GraphOutput& o : source.outputs) builder.output(value[o.value], o.name);
  for (const Alias& a : source.aliases) builder.alias(a.output, a.input);
  for (ValueId v = 0; v < source.nodes.size(); ++v) {
    if (!is_opaque(source.node(v))) continue;
    std::vector<Link>& links = cut.reads[v];
    for (ValueId o : source.node(v).operands) {
      const GraphNode& operand = builder.graph().node(value[o]);
      const bool is_input = operand.op->name == "input";
      links.push_back({is_input, is_input ? operand.name : fmt::format("operand {} of {}", links.size(), source.node(v).name)});
      if (!is_input) builder.output(value[o], links.back().name);
    }
  }
  cut.graph = builder.take();
  return cut;
}

// Puts opaque nodes back into an optimized cut program.  Nodes 0.. are those of `part`, behind them the opaque ones.
class Joiner {
 public:
  Joiner(const Graph& source, const Cut& cut, const Graph& part) : source_(source), cut_(cut), part_(part) {
    for (const auto& [v, links] : cut.reads) opaque_.push_back(v);
    for (size_t i = 0; i < opaque_.size(); ++i) number_[opaque_[i]] = part.nodes.size() + i;
    for (const GraphInput& i : part.inputs) inputs_[part.node(i.value).name] = i.value;
    for (const GraphOutput& o : part.outputs) outputs_[o.name] = o.value;
  }

  // Nothing where an opaque node would have to stand before what it reads: a rewrite tied two of them together.
  std::optional<Graph> join() {
    const size_t count = part_.nodes.size() + opaque_.size();
    std::vector<std::vector<size_t>> users(count);
    std::vector<size_t> waits(count, 0);
    for (size_t n = 0; n < count; ++n) {
      for (size_t from : reads(n)) {
        users[from].push_back(n);
        ++waits[n];
      }
    }
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t n = 0; n < count; ++n) {
      if (waits[n] == 0) ready.push(n);
    }
    std::vector<size_t> order;
    while (!ready.empty()) {
      const size_t n = ready.top();
      ready.pop();
      order.push_back(n);
      for (size_t u : users[n]) {
        if (--waits[u] == 0) ready.push(u);
      }
    }
    if (order.size() != count) return std::nullopt;
    return build(order);
  }

 private:
  const ValueId* made_by_opaque(size_t n) const {
    if (n >= part_.nodes.size() || part_.nodes[n].op->name != "input") return nullptr;
    auto it = cut_.results.find(part_.nodes[n].name);
    return it == cut_.results.end() ? nullptr : &it->second;
  }

  std::vector<size_t> reads(size_t n) const {
    if (n >= part_.nodes.size()) {
      std::vector<size_t> from;
      for (const Link& l : cut_.reads.at(opaque_[n - part_.nodes.size()])) from.push_back(l.is_input ? inputs_.at(l.name) : outputs_.at(l.name));
      const size_t before = n - part_.nodes.size();
      if (before > 0) from.push_back(n - 1);  // they keep their order
      return from;
    }
    if (const ValueId* v = made_by_opaque(n)) {
      const GraphNode& result = source_.node(*v);
      return {number_.at(is_opaque(result) ? *v : result.operands[0])};
    }
    const auto& operands = part_.nodes[n].operands;
    return {operands.begin(), operands.end()};
  }

  Graph build(const std::vector<size_t>& order) {
    Graph out;
    out.name = source_.name;
    std::vector<ValueId> value(part_.nodes.size() + opaque_.size(), 0);
    std::set<std::string> names;
    for (const GraphNode& n : source_.nodes) names.insert(n.name);
    for (size_t n : order) {
      GraphNode node;
      if (n >= part_.nodes.size()) {
        node = source_.node(opaque_[n - part_.nodes.size()]);
        const auto& links = cut_.reads.at(opaque_[n - part_.nodes.size()]);
        for (size_t i = 0; i < links.size(); ++i) node.operands[i] = value[links[i].is_input ? inputs_.at(links[i].name) : outputs_.at(links[i].name)];
      } else if (const ValueId* v = made_by_opaque(n)) {
        const GraphNode& result = source_.node(*v);
        const ValueId maker = value[number_.at(is_opaque(result) ? *v : result.operands[0])];
        if (is_opaque(result)) {
          value[n] = maker;
          continue;
        }
        node = result;
        node.operands = {maker};
      } else {
        node = part_.nodes[n];
        for (ValueId& o : node.operands) o = value[o];
        if (node.op->name != "input") {
          while (!names.insert(node.name).second) node.name += "_";
        }
      }
      value[n] = static_cast<ValueId>(out.nodes.size());
      out.nodes.push_back(std::move(node));
    }
    for (size_t i = 0; i < source_.inputs.size(); ++i) {
      GraphInput input = part_.inputs[i];
      input.value = value[input.value];
      out.inputs.push_back(input);
    }
    for (size_t i = 0; i < source_.outputs.size(); ++i) out.outputs.push_back({value[part_.outputs[i].value], part_.outputs[i].name});
    out.aliases = source_.aliases;
    return out;
  }

  const Graph& source_;
  const Cut& cut_;
  const Graph& part_;
  std::vector<ValueId> opaque_;          // of the source, in order
  std::map<ValueId, size_t> number_;
  std::map<std::string, ValueId> inputs_, outputs_;  // of the part
};

std::string name_of(const GraphNode& opaque) {
  auto name = opaque.attrs.find("name");
  return name == opaque.attrs.end() ? opaque.op->name : std::get<std::string>(name->second);
}

std::string where(const Graph& source) {
  const GraphNode& first = *first_opaque(source);
  return fmt::format("`{}` (node {})", name_of(first), first.name);
}

}  // namespace

const GraphNode* first_opaque(const Graph& graph) {
  for (const GraphNode& n : graph.nodes) {
    if (is_opaque(n)) return &n;
  }
  return nullptr;
}

Result<OptimizeResult> optimize_around_opaque(const Graph& source, const OptimizeOptions& options) {
  EGRET_TRY_VOID(validate(source));
  EGRET_TRY(const Cut cut, cut_at_opaque(source));
  OptimizeOptions part = options;
  part.lower = part.proof = part.check = false;  // said below, in not_made
  if (options.memory_limit_device) {
    return unsupported_error("--memory-limit-device: what " + where(source) + " needs of memory is not known",
                             "leave the option out, or the operator");
  }
  EGRET_TRY(OptimizeResult result, optimize(cut.graph, part));
  result.memory = {};
  result.peak_unlimited = result.arena_floor = 0;
  auto joined = Joiner(source, cut, result.optimized).join();
  if (!joined) return unsupported_error("the operators that egret does not know cannot be kept in order", "leave rules out with --no-library");
  EGRET_TRY_VOID(validate(*joined));
  result.optimized = std::move(*joined);
  std::map<std::string, uint64_t> counts;
  for (const GraphNode& n : source.nodes) {
    if (!is_opaque(n)) continue;
    ++counts[name_of(n)];
  }
  const std::string names = "the program holds operators that are not known, and the first is " + where(source);
  if (options.lower) result.not_made.push_back("artifact: " + names);
  if (options.proof) result.not_made.push_back("proof: " + names);
  if (options.check) result.not_made.push_back("check: " + names);
  for (const auto& [op, count] : counts) {
    result.fallbacks.push_back({op, "unknown operator: kept as it is, not part of any kernel", count});
    result.ops_before += count;
    result.ops_after += count;
  }
  return result;
}

}  // namespace egret
