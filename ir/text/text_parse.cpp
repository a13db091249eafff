#include <map>
#include <set>

#include <fmt/format.h>

#include "ir/text/scan.h"
#include "ir/text/text.h"

namespace egret {

namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 30;
constexpr size_t kMaxNodes = size_t{1} << 20;

// One graph.  Terms may be nested; the values inside get names that nothing else has.
class GraphParser {
 public:
  GraphParser(Scanner& scan, std::string name) : scan_(scan), name_(name), builder_(std::move(name)) {}

  Result<Graph> run() {
    while (!scan_.at_end() && !at_graph()) EGRET_TRY_VOID(statement());
    Graph graph = builder_.take();
    name_nested_values(graph);
    if (graph.outputs.empty()) {
      return input_error(fmt::format("graph {} returns nothing", name_), "end it with: return VALUE", scan_.here());
    }
    return graph;
  }

  bool at_graph() { return scan_.peek().is("graph") && !scan_.peek(1).is("=") && !scan_.peek(1).is(":"); }

 private:
  Status statement() {
    const Token& first = scan_.peek();
    if (first.is("return")) return returned();
    if (first.is("alias")) return alias();
    if (first.is("param") || first.is("const")) {
      InputRole role = scan_.next().is("param") ? InputRole::kParameter : InputRole::kConstant;
      EGRET_TRY(std::string name, new_name());
      return input(std::move(name), role);
    }
    if (first.kind != Token::Kind::kName && first.kind != Token::Kind::kString) {
      return scan_.expected("a statement", "statements are: NAME: TYPE, NAME = OPERATOR(...), return, alias");
    }
    EGRET_TRY(std::string name, new_name());
    if (scan_.peek().is(":")) return input(std::move(name), InputRole::kData);
    if (!scan_.accept("=")) return scan_.expected("':' or '=' after a name");
    if (!returns_.empty()) return input_error("a value after 'return'", {}, scan_.here());
    EGRET_TRY(ValueId v, call(name, 0));
    values_.emplace(std::move(name), v);
    return {};
  }

  Result<std::string> new_name() {
    SourceSpan where = scan_.here();
    EGRET_TRY(std::string name, scan_.name_or_string("a name"));
    if (name.empty()) return input_error("a name is empty", {}, where);
    if (values_.count(name)) return input_error(fmt::format("the name '{}' is taken", name), "every value needs its own name", where);
    return name;
  }

  Status input(std::string name, InputRole role) {
    EGRET_TRY_VOID(scan_.expect(":", "after an input's name"));
    SourceSpan where = scan_.here();
    EGRET_TRY(Type type, parse_type(scan_));
    TensorRef data;
    if (role != InputRole::kData && scan_.peek().is("=")) {
      scan_.next();
      EGRET_TRY(data, parse_tensor_values(scan_, type, where));
    } else if (role == InputRole::kConstant) {
      return scan_.expected("'=' and the values of a constant", "write: const c: f32[2] = [1, 2]");
    }
    if (builder_.graph().nodes.size() >= kMaxNodes) return input_error("the graph has more than 2^20 values", {}, where);
    ValueId v = builder_.input(name, std::move(type), role, std::move(data));
    values_.emplace(std::move(name), v);
    return {};
  }

  // op(operand, ..., attribute = value, ...)
  Result<ValueId> call(const std::string& name, int depth) {
    SourceSpan where = scan_.here();
    if (depth > kMaxTextDepth) return input_error("a term is nested too deeply", "name its parts", where);
    if (builder_.graph().nodes.size() >= kMaxNodes) return input_error("the graph has more than 2^20 values", {}, where);
    EGRET_TRY(std::string op_name, scan_.name("an operator"));
    const OpDef* op = find_op(op_name);
    if (!op) {
      std::string near = closest_op(op_name);
      return input_error(fmt::format("no operator '{}'", op_name),
                         near.empty() ? "`egret ops` lists the operators" : fmt::format("did you mean '{}'?", near), where);
    }
    if (op_name == "input") return input_error("inputs are no terms", "write: NAME: TYPE", where);
    EGRET_TRY_VOID(scan_.expect("(", "after an operator"));
    std::vector<ValueId> operands;
    Attrs attrs;
    for (bool first = true; !scan_.accept(")"); first = false) {
      if (!first) EGRET_TRY_VOID(scan_.expect(",", "or ')' after an argument"));
      if (scan_.peek().kind == Token::Kind::kName && scan_.peek(1).is("=")) {
        EGRET_TRY_VOID(attribute(*op, attrs));
        continue;
      }
      if (!attrs.empty()) return scan_.expected("an attribute (operands come first)");
      EGRET_TRY(ValueId v, operand(depth));
      operands.push_back(v);
    }
    builder_.set_place(where);
    auto v = builder_.add(*op, std::move(operands), std::move(attrs), name.empty() ? nested_name() : name);
    if (v.ok()) return *v;
    Error e = v.take_error();
    e.where = where;
    return e;
  }

  Status attribute(const OpDef& op, Attrs& attrs) {
    SourceSpan where = scan_.here();
    std::string name(scan_.next().text);
    scan_.next();
    const AttrSpec* spec = op.attr(name);
    if (!spec) {
      std::string known;
      for (const AttrSpec& a : op.attrs) known += (known.empty() ? "" : ", ") + a.name;
      return input_error(fmt::format("{} has no attribute '{}'", op.name, name),
                         known.empty() ? op.name + " has no attributes" : fmt::format("{} has: {}", op.name, known), where);
    }
    EGRET_TRY(AttrValue value, parse_attr_value(scan_, spec->kind));
    if (!attrs.emplace(name, std::move(value)).second) return input_error(fmt::format("the attribute '{}' is given twice", name), {}, where);
    return {};
  }

  Result<ValueId> operand(int depth) {
    if (scan_.peek().kind == Token::Kind::kName && scan_.peek(1).is("(")) return call({}, depth + 1);
    return value();
  }

  Result<ValueId> value() {
    SourceSpan where = scan_.here();
    EGRET_TRY(std::string name, scan_.name_or_string("a value"));
    auto it = values_.find(name);
    if (it != values_.end()) return it->second;
    return input_error(fmt::format("no value '{}'", name), "values are defined before they are used", where);
  }

  Status returned() {
    if (!returns_.empty()) return input_error("a second 'return'", {}, scan_.here());
    returns_ = "return";
    scan_.next();
    std::set<std::string> names;
    do {
      bool is_name = scan_.peek().kind == Token::Kind::kName || scan_.peek().kind == Token::Kind::kString;
      const SourceSpan where = scan_.here();
      std::string name;
      if (is_name && scan_.peek(1).is("=")) {
        EGRET_TRY(name, scan_.name_or_string("an output's name"));
        scan_.next();
      }
      EGRET_TRY(ValueId v, value());
      if (name.empty()) name = builder_.graph().nodes[v].name;
      if (!names.insert(name).second) {
        return input_error(fmt::format("two outputs are named '{}'", name), fmt::format("give one another name: out = {}", name), where);
      }
      builder_.output(v, name);
    } while (scan_.accept(","));
    return {};
  }

  Status alias() {
    scan_.next();
    SourceSpan where = scan_.here();
    EGRET_TRY(int64_t output, scan_.integer("the number of an output"));
    EGRET_TRY_VOID(scan_.expect("=", "after an output's number"));
    EGRET_TRY(ValueId v, value());
    const Graph& graph = builder_.graph();
    if (output < 0 || output >= static_cast<int64_t>(graph.outputs.size())) {
      return input_error(fmt::format("there is no output {}", output), "aliases come after 'return'; outputs count from 0", where);
    }
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      if (graph.inputs[i].value != v) continue;
      const Type &from = graph.type(v), &to = graph.type(graph.outputs[static_cast<size_t>(output)].value);
      if (!(from == to)) {
        return input_error(fmt::format("the output is {}, the input {}", to.to_string(), from.to_string()), {}, where);
      }
      for (const Alias& a : graph.aliases) {
        if (a.output == output || a.input == i) return input_error("an input or output stands in two aliases", {}, where);
      }
      builder_.alias(static_cast<uint32_t>(output), static_cast<uint32_t>(i));
      return {};
    }
    return input_error(fmt::format("'{}' is no input", graph.node(v).name), {}, where);
  }

  // A name that no text can hold, replaced at the end.
  std::string nested_name() { return fmt::format("\x01{}", ++nested_); }

  void name_nested_values(Graph& graph) {
    int next = 0;
    for (GraphNode& node : graph.nodes) {
      if (node.name[0] != '\x01') continue;
      do {
        node.name = fmt::format("t{}", ++next);
      } while (values_.count(node.name));
    }
  }

  Scanner& scan_;
  std::string name_;
  GraphBuilder builder_;
  std::map<std::string, ValueId> values_;
  std::string returns_;
  int nested_ = 0;
};

}  // namespace

Result<std::vector<Graph>> parse_graphs(std::string_view text, const std::string& file) {
  if (text.size() > kMaxTextBytes) return input_error("the text is larger than 1 GiB", {}, {file, 0, 0, {}});
  Scanner scan(text, file);
  std::vector<Graph> graphs;
  while (!scan.at_end()) {
    EGRET_TRY_VOID(scan.expect("graph", "before a graph's name"));
    EGRET_TRY(std::string name, scan.name_or_string("the graph's name"));
    EGRET_TRY(Graph graph, GraphParser(scan, std::move(name)).run());
    graphs.push_back(std::move(graph));
  }
  return graphs;
}

Result<Graph> parse_graph(std::string_view text, const std::string& file) {
  EGRET_TRY(std::vector<Graph> graphs, parse_graphs(text, file));
  if (graphs.size() == 1) return std::move(graphs[0]);
  return input_error(fmt::format("{} graphs where one is expected", graphs.size()), {}, {file, 0, 0, {}});
}

}  // namespace egret
