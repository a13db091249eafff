#include "frontends/onnx/emitter.h"

#include <algorithm>

#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

constexpr int64_t kIrVersion = 9, kOpset = 20;                  // ONNX 1.15
constexpr uint64_t kMaxFile = (uint64_t{1} << 31) - (1 << 20);  // protobuf's own limit

WireWriter tensor_message(const Tensor& tensor, std::string_view name) {
  WireWriter out;
  for (const int64_t size : tensor.sizes()) out.int64(1, size);
  out.int64(2, element_type_of(tensor.dtype()));
  if (!name.empty()) out.bytes(8, name);
  out.bytes(9, {reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size()});
  return out;
}

WireWriter attribute_message(const NodeAttribute& a) {
  WireWriter out;
  out.bytes(1, a.name);
  switch (a.kind) {
    case NodeAttribute::Kind::kInt:
      out.int64(3, a.integer);
      out.int64(20, 2);
      break;
    case NodeAttribute::Kind::kInts:
      for (const int64_t i : a.ints) out.int64(8, i);
      out.int64(20, 7);
      break;
    case NodeAttribute::Kind::kFloat:
      out.float32(2, a.number);
      out.int64(20, 1);
      break;
    case NodeAttribute::Kind::kText:
      out.bytes(4, a.text);
      out.int64(20, 3);
      break;
    case NodeAttribute::Kind::kTensor:
      out.message(5, tensor_message(*a.tensor, ""));
      out.int64(20, 4);
      break;
  }
  return out;
}

WireWriter value_message(const std::string& name, const Type& type) {
  WireWriter shape, tensor, holder, out;
  for (const int64_t size : type.sizes()) {
    WireWriter dim;
    dim.int64(1, size);
    shape.message(1, dim);
  }
  tensor.int64(1, element_type_of(type.dtype));
  tensor.message(2, shape);
  holder.message(1, tensor);
  out.bytes(1, name);
  out.message(2, holder);
  return out;
}

}  // namespace

NodeAttribute attribute(std::string name, int64_t value) {
  NodeAttribute a;
  a.name = std::move(name);
  a.integer = value;
  return a;
}

NodeAttribute attribute(std::string name, Ints values) {
  NodeAttribute a;
  a.kind = NodeAttribute::Kind::kInts;
  a.name = std::move(name);
  a.ints = std::move(values);
  return a;
}

NodeAttribute attribute(std::string name, double value) {
  NodeAttribute a;
  a.kind = NodeAttribute::Kind::kFloat;
  a.name = std::move(name);
  a.number = static_cast<float>(value);
  return a;
}

NodeAttribute attribute(std::string name, std::string_view value) {
  NodeAttribute a;
  a.kind = NodeAttribute::Kind::kText;
  a.name = std::move(name);
  a.text = value;
  return a;
}

Emitter::Emitter(const Graph& graph) : graph_(graph) {
  for (const GraphNode& node : graph.nodes) taken_.insert(node.name);
  for (const GraphOutput& output : graph.outputs) {
    taken_.insert(output.name);
    output_names_.insert(output.name);
  }
}

std::string Emitter::fresh() {
  std::string name;
  do {
    name = base_ + "/" + std::to_string(counter_++);
  } while (taken_.count(name));
  return name;
}

void Emitter::node_of_several(std::string_view op, const Names& inputs, const std::vector<NodeAttribute>& attributes,
                              const Names& results) {
  WireWriter out;
  for (const std::string& i : inputs) out.bytes(1, i);
  for (const std::string& r : results) out.bytes(2, r);
  out.bytes(3, results.front());
  out.bytes(4, op);
  for (const NodeAttribute& a : attributes) out.message(5, attribute_message(a));
  nodes_.message(1, out);
}

std::string Emitter::node(std::string_view op, const Names& inputs, std::vector<NodeAttribute> attributes,
                          std::string result) {
  // The names of outputs are left to the nodes that end in them.
  if (result.empty() || output_names_.count(result)) result = fresh();
  node_of_several(op, inputs, attributes, {result});
  return result;
}

void Emitter::add_initializer(const Tensor& tensor, const std::string& name) {
  initializers_.message(5, tensor_message(tensor, name));
}

std::string Emitter::initializer(const Tensor& tensor) {
  const std::string name = fresh();
  add_initializer(tensor, name);
  return name;
}

std::string Emitter::integers(const Ints& values) {
  std::string& name = integers_[values];
  if (name.empty()) {
    Tensor tensor(Type::tensor(DType::i64, {Dim(static_cast<int64_t>(values.size()))}));
    for (size_t i = 0; i < values.size(); ++i) tensor.set_int(static_cast<int64_t>(i), values[i]);
    name = initializer(tensor);
  }
  return name;
}

std::string Emitter::scalar(double value, DType dtype) {
  const Tensor tensor = Tensor::splat(Type::tensor(dtype, {}), value);
  const std::string key(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
  std::string& name = scalars_[{key, dtype}];
  if (name.empty()) name = initializer(tensor);
  return name;
}

std::string Emitter::reshape(const std::string& x, const Ints& sizes) {
  const bool empty = std::count(sizes.begin(), sizes.end(), 0) > 0;
  return node("Reshape", {x, integers(sizes)}, {attribute("allowzero", int64_t{empty ? 1 : 0})});
}

std::string Emitter::transpose(const std::string& x, const Ints& perm) {
  if (std::is_sorted(perm.begin(), perm.end())) return x;
  return node("Transpose", {x}, {attribute("perm", perm)});
}

std::string Emitter::expand(const std::string& x, const Ints& sizes) { return node("Expand", {x, integers(sizes)}); }

std::string Emitter::pad(const std::string& x, const Ints& low, const Ints& high, const std::string& with) {
  Ints both = low;
  both.insert(both.end(), high.begin(), high.end());
  if (std::all_of(both.begin(), both.end(), [](int64_t p) { return p == 0; })) return x;
  return node("Pad", {x, integers(both), with});
}

std::string Emitter::pad(const std::string& x, const Ints& low, const Ints& high, double with, DType dtype) {
  if (low == Ints(low.size(), 0) && high == low) return x;
  return pad(x, low, high, scalar(with, dtype));
}

std::string Emitter::spread(std::string x, Ints sizes, const Ints& interior, const std::string& with) {
  for (size_t a = 0; a < sizes.size(); ++a) {  // the axis is split into (size, interior + 1), padded and cut
    if (interior[a] == 0) continue;
    Ints split = sizes;
    split.insert(split.begin() + static_cast<int64_t>(a) + 1, 1);
    Ints low(split.size(), 0), high(split.size(), 0);
    high[a + 1] = interior[a];
    x = pad(reshape(x, split), low, high, with);
    sizes[a] *= interior[a] + 1;
    x = reshape(x, sizes);
    Ints cut(sizes.size(), 0);
    cut[a] = sizes[a] > 0 ? -interior[a] : 0;
    x = pad(x, Ints(sizes.size(), 0), cut, with);
    sizes[a] += cut[a];
  }
  return x;
}

void Emitter::write_signature() {
  for (const GraphInput& input : graph_.inputs) {
    const GraphNode& node = graph_.node(input.value);
    set_names(input.value, {node.name});
    if (input.data) {
      add_initializer(*input.data, node.name);
    } else {
      inputs_.message(11, value_message(node.name, node.type));
    }
  }
}

Status Emitter::write_node(ValueId v) {
  const GraphNode& node = graph_.node(v);
  if (node.op->name == "input") return {};
  const auto writer = op_writers().find(node.op->name);
  if (node.op->purity != Purity::kPure) {
    const auto name = node.attrs.find("name");
    const std::string what = name == node.attrs.end() ? node.op->name : std::get<std::string>(name->second);
    return unsupported_error("'" + node.name + "': operator " + what + ", which egret does not know, is not written as ONNX", "emit .egret instead");
  }
  if (writer == op_writers().end()) {
    return unsupported_error(
        "'" + node.name + "': operator " + node.op->name + " has no form in ONNX's standard domain",
        "emit .egret instead");
  }
  Target target;
  target.value = v;
  target.node = &node;
  for (const ValueId o : node.operands) {
    target.operands.push_back(parts(o).empty() ? std::string() : name(o));
    target.types.push_back(&graph_.type(o));
  }
  base_ = node.name;
  Result<Names> names = writer->second(*this, target);
  if (!names) {
    Error error = names.take_error();
    error.message = "'" + node.name + "' (" + node.op->name + "): " + error.message;
    return error;
  }
  set_names(v, *std::move(names));
  return {};
}

Result<std::string> Emitter::model() {
  for (const GraphNode& node : graph_.nodes) {
    const bool tuple = node.type.kind == Type::Kind::kTuple;
    if (!tuple && !(node.type.is_tensor() && node.type.is_static())) {
      return unsupported_error("'" + node.name + "' has sizes that are not known, or is no tensor");
    }
  }
  write_signature();
  for (ValueId v = 0; v < graph_.nodes.size(); ++v) EGRET_TRY_VOID(write_node(v));
  std::set<std::string> input_names;
  for (const GraphInput& input : graph_.inputs) input_names.insert(graph_.node(input.value).name);
  for (const GraphOutput& output : graph_.outputs) {
    base_ = output.name;
    const bool is_input = graph_.input_of(output.value) && name(output.value) == output.name;
    if (!is_input && input_names.count(output.name)) {
      return unsupported_error("output '" + output.name + "' has the name of an input that it is not", "emit .egret instead");
    }
    if (!is_input) node_of_several("Identity", {name(output.value)}, {}, {output.name});
    outputs_.message(12, value_message(output.name, graph_.type(output.value)));
  }
  const uint64_t size = nodes_.str().size() + initializers_.str().size();
  if (size > kMaxFile) {
    return unsupported_error("the file would have " + std::to_string(size) + " bytes, above ONNX's limit of 2 GB");
  }
  WireWriter graph, opset, out;
  graph.bytes(2, graph_.name);
  std::string body = graph.take();
  body += nodes_.take() + initializers_.take() + inputs_.take() + outputs_.take();
  opset.bytes(1, "");
  opset.int64(2, kOpset);
  out.int64(1, kIrVersion);
  out.bytes(2, "egret");
  out.bytes(7, body);
  out.message(8, opset);
  return out.take();
}

}  // namespace egret::onnx
