// Operators that egret does not know: opaque nodes, with the types that the file declares.
#include <algorithm>
#include <set>

#include "frontends/onnx/importer.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

// The values that a body (of a loop, of a branch) reads and does not make.
void add_captured(const GraphMessage& body, std::set<std::string_view> made, std::vector<std::string_view>& captured) {
  for (const ValueMessage& v : body.inputs) made.insert(v.name);
  for (const TensorMessage& t : body.initializers) made.insert(t.name);
  for (const SparseMessage& t : body.sparse) made.insert(t.values.name);
  for (const NodeMessage& node : body.nodes) {
    for (const std::string_view input : node.inputs) {
      if (!input.empty() && !made.contains(input)) captured.push_back(input);
    }
    for (const AttributeMessage& a : node.attributes) {
      for (const GraphMessage& g : a.graphs) add_captured(g, made, captured);
    }
    made.insert(node.outputs.begin(), node.outputs.end());
  }
  for (const ValueMessage& v : body.outputs) {
    if (!made.contains(v.name)) captured.push_back(v.name);
  }
}

// What a node reads: its inputs, then what its bodies read of the graph around it, each once.
std::vector<std::string_view> values_read(const NodeMessage& node) {
  std::vector<std::string_view> read, captured;
  for (const std::string_view input : node.inputs) {
    if (!input.empty()) read.push_back(input);
  }
  for (const AttributeMessage& a : node.attributes) {
    for (const GraphMessage& g : a.graphs) add_captured(g, {}, captured);
  }
  for (const std::string_view name : captured) {
    if (std::find(read.begin(), read.end(), name) == read.end()) read.push_back(name);
  }
  return read;
}

}  // namespace

// The declared type of an output, where it is complete.
std::optional<Type> Importer::declared_type(std::string_view name) const {
  const auto found = scopes_.back().declared.find(name);
  if (found == scopes_.back().declared.end()) return std::nullopt;
  const ValueMessage& value = *found->second;
  TensorMessage check;
  check.name = name;
  check.element_type = value.element_type;
  if (!value.is_tensor || !value.has_shape) return std::nullopt;
  for (const DimMessage& d : value.dims) {
    const auto named = named_dimensions_.find(d.name);
    if (d.value < 0 && (d.name.empty() || named == named_dimensions_.end())) return std::nullopt;
    check.dims.push_back(d.value >= 0 ? d.value : named->second);
  }
  Result<Type> type = type_of(check);
  return type ? std::optional<Type>(*type) : std::nullopt;
}

void Importer::count_fallback(const std::string& op, const std::string& reason) {
  if (!options_.fallbacks) return;
  for (OnnxFallback& f : *options_.fallbacks) {
    if (f.op == op) {
      ++f.count;
      return;
    }
  }
  options_.fallbacks->push_back({op, 1, reason});
}

void Importer::add_opaque(const NodeMessage& node, const Error& reason) {
  std::vector<ValueId> operands;
  for (const std::string_view input : values_read(node)) {
    if (left_out(input)) continue;
    const std::optional<Value> value = find(input);
    if (!value) fail(input_error("input '" + std::string(input) + "' is not made before this node"));
    operands.push_back(operand(*value));
  }
  std::vector<Type> types;
  for (const std::string_view output : node.outputs) {
    if (output.empty()) continue;
    const std::optional<Type> type = declared_type(output);
    if (!type) {
      Error error = reason;
      error.message += "; and the file does not say the type of its output '" + std::string(output) + "'";
      error.hint = "run onnx.shape_inference on the model first";
      fail(std::move(error));
    }
    types.push_back(*type);
  }
  if (types.empty()) fail(reason);
  const std::string name = (node.domain.empty() ? "" : std::string(node.domain) + ".") + std::string(node.op);
  const Type type = types.size() == 1 ? types[0] : Type::tuple(types);
  Result<ValueId> id = builder_.add("opaque", std::move(operands),
                                    {{"name", name}, {"id", Dim(opaque_count_++)}, {"type", type.to_string()}});
  if (!id) fail(id.take_error());
  count_fallback(name, reason.message);
  int64_t part = 0;
  for (const std::string_view output : node.outputs) {
    if (output.empty()) continue;
    ValueId value = *id;
    if (types.size() > 1) {
      Result<ValueId> got = builder_.add("get", {*id}, {{"index", Dim(part++)}});
      if (!got) fail(got.take_error());
      value = *got;
    }
    scopes_.back().values.erase(output);
    define(output, in_graph(value));
  }
}

}  // namespace egret::onnx
