#include "frontends/onnx/importer.h"

#include <algorithm>
#include <cstring>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"
#include "ir/evaluate/evaluate.h"

namespace egret::onnx {
namespace {

constexpr size_t kMaxScopes = 32;
constexpr const char* kKeptWhole = "optimize keeps such a node as it is; it cannot be run";
constexpr int64_t kOldestOpset = 7;
constexpr size_t kMaxGraphNodes = 4'000'000;
constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr double kMaxFoldedSteps = 1 << 22;  // of products and windows: elements of all operands and the result

std::string str(std::string_view s) { return std::string(s); }

bool all_elements_equal(const Tensor& t) {
  const auto bytes = t.bytes();
  const auto width = static_cast<size_t>(size_in_bytes(t.dtype()));
  for (size_t i = width; i < bytes.size(); i += width) {
    if (std::memcmp(bytes.data(), bytes.data() + i, width) != 0) return false;
  }
  return !bytes.empty();
}

}  // namespace

Importer::Importer(const ModelMessage& model, std::string base_dir, const OnnxOptions& options)
    : model_(model),
      base_dir_(std::move(base_dir)),
      options_(options),
      builder_(model.graph.name.empty() ? "graph" : str(model.graph.name)),
      nodes_left_(options.max_nodes),
      constant_bytes_left_(options.max_constant_bytes) {
  place_.place = "graph '" + builder_.graph().name + "'";
}

Graph Importer::run() {
  builder_.set_place(place_);
  if (opset("") < kOldestOpset) {
    fail(unsupported_error("operator set " + std::to_string(opset("")) + " is too old",
                           "convert the model to operator set " + std::to_string(kOldestOpset) + " or later"));
  }
  scopes_.emplace_back();
  declare_inputs();
  add_initializers(model_.graph);
  run_nodes(model_.graph.nodes);
  if (model_.graph.outputs.empty()) fail(input_error("the graph has no output"));
  std::set<std::string_view> output_names;
  for (const ValueMessage& output : model_.graph.outputs) {
    const std::optional<Value> value = find(output.name);
    if (!value) fail(input_error("output '" + str(output.name) + "' is made by no node"));
    if (!output_names.insert(output.name).second) fail(input_error("two outputs are named '" + str(output.name) + "'"));
    builder_.output(operand(*value), str(output.name));
  }
  name_values();
  return builder_.take();
}

void Importer::fail(Error error) const {
  if (error.where.place.empty()) error.where.place = place_.place;
  throw Failure{std::move(error)};
}

void Importer::check_size(const Type& type) const {
  int64_t count = 1;
  for (const Dim d : type.dims) {
    if (d.value() > 0 && count > kMaxElements / d.value()) fail(input_error("a value has too many elements"));
    count *= d.value();
  }
}

void Importer::spend_constant_bytes(int64_t bytes) {
  if (bytes < 0 || static_cast<uint64_t>(bytes) > constant_bytes_left_) {
    fail(input_error("constants made up by the file's nodes take more than " +
                     std::to_string(options_.max_constant_bytes) + " bytes"));
  }
  constant_bytes_left_ -= static_cast<uint64_t>(bytes);
}

// ---- values

Value Importer::new_slot(Slot slot) {
  slots_.push_back(std::move(slot));
  return static_cast<Value>(slots_.size() - 1);
}

Value Importer::tensor(Tensor tensor, std::string name) {
  Slot slot;
  slot.type = tensor.type();
  slot.tensor = std::make_shared<const Tensor>(std::move(tensor));
  slot.name = std::move(name);
  return new_slot(std::move(slot));
}

Value Importer::dense(const SparseMessage& sparse) {
  Result<Type> type = type_of(sparse);
  if (!type) fail(type.take_error());
  spend_constant_bytes(type->bytes());
  Result<Tensor> laid_out = to_dense(sparse, base_dir_);
  if (!laid_out) fail(laid_out.take_error());
  return tensor(*std::move(laid_out));
}

Value Importer::splat(DType dtype, const std::vector<int64_t>& sizes, double value) {
  Slot slot;
  slot.type = Type::tensor(dtype, dims_of(sizes));
  slot.splat = value;
  check_size(slot.type);
  return new_slot(std::move(slot));
}

Value Importer::in_graph(ValueId id) {
  Slot slot;
  slot.type = builder_.type(id);
  slot.id = id;
  return new_slot(std::move(slot));
}

void Importer::decode(Slot& slot) {
  if (!slot.message || slot.tensor) return;
  Result<Tensor> decoded = to_tensor(*slot.message, base_dir_);
  if (!decoded) fail(decoded.take_error());
  slot.tensor = std::make_shared<const Tensor>(*std::move(decoded));
}

TensorRef Importer::known(Value v) {
  Slot& slot = slots_[v];
  decode(slot);
  if (!slot.tensor && slot.splat) {
    spend_constant_bytes(slot.type.bytes());
    slot.tensor = std::make_shared<const Tensor>(Tensor::splat(slot.type, *slot.splat));
  }
  return slot.tensor;
}

std::optional<double> Importer::uniform(Value v) {
  Slot& slot = slots_[v];
  if (slot.parameter) return std::nullopt;
  if (slot.splat) return slot.splat;
  decode(slot);
  if (!slot.tensor || !all_elements_equal(*slot.tensor)) return std::nullopt;
  const double value = slot.tensor->get(0);
  if (value != value) return std::nullopt;
  const bool wide = is_integer(slot.type.dtype) && (value > 9e15 || value < -9e15);
  return wide ? std::nullopt : std::optional<double>(value);
}

bool Importer::foldable(Value v) {
  const Slot& slot = slots_[v];
  if (slot.parameter || !slot.type.is_tensor()) return false;
  return (slot.tensor || slot.splat || slot.message) && slot.type.elements_count() <= kFoldedIntegers;
}

ValueId Importer::add_input(const Slot& slot, InputRole role) {
  const std::string base = slot.name.empty() ? "constant" : slot.name;
  std::string name = base;
  for (int i = 1; !input_names_.insert(name).second; ++i) name = base + "." + std::to_string(i);
  const ValueId id = builder_.input(name, slot.type, role, slot.tensor);
  inputs_.emplace_back(id, name);
  return id;
}

ValueId Importer::operand(Value v, bool spread) {
  Slot& slot = slots_[v];
  const bool made_here = slot.splat && !slot.message;
  if (!slot.id && (made_here || slot.type.rank() == 0 || spread)) {
    if (slot.spread_id) return *slot.spread_id;
    if (const std::optional<double> value = uniform(v)) {
      slot.spread_id = builder_.splat(*value, slot.type.dtype, slot.type.dims);
      return *slot.spread_id;
    }
  }
  if (!slot.id) {
    decode(slot);
    if (slot.parameter) {
      slot.id = add_input(slot, InputRole::kParameter);
    } else if (slot.type.elements_count() <= kInlineElements) {
      slot.id = builder_.constant(slot.tensor);
    } else {
      slot.id = add_input(slot, InputRole::kConstant);
    }
  }
  return *slot.id;
}

std::optional<Value> Importer::folded(const OpDef& op, const std::vector<Value>& operands, const Attrs& attrs) {
  if (operands.empty() || op.purity != Purity::kPure) return std::nullopt;
  if (!op.definition && !op.expand) return std::nullopt;
  if (op.attr("window") || op.attr("size")) return std::nullopt;  // windows may be larger than what they lie on
  if (!std::all_of(operands.begin(), operands.end(), [&](Value v) { return foldable(v); })) return std::nullopt;
  std::vector<Type> types;
  for (const Value v : operands) types.push_back(slots_[v].type);
  Result<Attrs> complete = complete_attrs(op, attrs, types);
  if (!complete) return std::nullopt;
  const Result<Type> result = infer_type(op, *complete, types);
  if (!result || !result->is_tensor() || !result->is_static()) return std::nullopt;
  if (result->elements_count() > (is_float(result->dtype) ? kFoldedFloats : kFoldedIntegers)) return std::nullopt;
  const bool folds = op.op_class == OpClass::kContraction || op.op_class == OpClass::kWindow;
  double steps = static_cast<double>(result->elements_count());
  for (const Type& t : types) steps *= static_cast<double>(t.elements_count());
  if (folds && steps > kMaxFoldedSteps) return std::nullopt;
  std::vector<Tensor> values;
  for (const Value v : operands) values.push_back(*known(v));
  Result<std::vector<Tensor>> folded = evaluate_op(op, *complete, values);
  if (!folded || folded->size() != 1) return std::nullopt;
  return tensor(std::move(folded->front()));
}

Value Importer::add(std::string_view op_name, const std::vector<Value>& operands, Attrs attrs) {
  const OpDef* op = find_op(op_name);
  if (!op) fail(internal_error("the reader uses operator '" + str(op_name) + "', which ir/ops does not define"));
  if (const std::optional<Value> value = folded(*op, operands, attrs)) return *value;
  std::vector<ValueId> ids;
  for (const Value v : operands) ids.push_back(operand(v, op->op_class == OpClass::kMap));
  if (builder_.graph().nodes.size() >= kMaxGraphNodes) fail(input_error("the graph grows beyond the limit of nodes"));
  Result<ValueId> id = builder_.add(*op, std::move(ids), std::move(attrs));
  if (!id) fail(id.take_error());
  check_size(builder_.type(*id));
  return in_graph(*id);
}

// ---- names

std::optional<Value> Importer::find(std::string_view name) const {
  for (size_t i = scopes_.size(); i-- > 0;) {
    const auto found = scopes_[i].values.find(name);
    if (found != scopes_[i].values.end()) return found->second;
    if (!scopes_[i].sees_outer) break;
  }
  return std::nullopt;
}

bool Importer::left_out(std::string_view name) const {
  if (name.empty()) return true;
  if (find(name)) return false;
  const auto call = std::find_if(scopes_.rbegin(), scopes_.rend(), [](const Scope& scope) { return scope.function != nullptr; });
  return call != scopes_.rend() && std::ranges::count(call->function->inputs, name) > 0;
}

const AttributeMessage* Importer::attribute(const NodeMessage& node, std::string_view name) const {
  const AttributeMessage* a = node.attribute(name);
  size_t depth = scopes_.size();
  while (a && !a->reference.empty()) {  // what the call gives may itself refer to the call around it
    while (depth > 0 && !scopes_[depth - 1].call) --depth;
    if (depth == 0) fail(input_error("attribute '" + str(name) + "' refers to a function's attribute outside a function"));
    const Scope& scope = scopes_[--depth];
    const std::string_view reference = a->reference;
    a = scope.call->attribute(reference);
    if (a) continue;
    const auto fallback = std::ranges::find(scope.function->defaults, reference, &AttributeMessage::name);
    return fallback == scope.function->defaults.end() ? nullptr : &*fallback;
  }
  return a;
}

void Importer::define(std::string_view name, Value value) {
  if (name.empty()) return;
  if (!scopes_.back().values.emplace(name, value).second) {
    fail(input_error("value '" + str(name) + "' is made twice", "each value of an ONNX graph has one maker"));
  }
  const Slot& slot = slots_[value];
  if (slot.id && slot.type.is_tensor()) value_names_.emplace_back(*slot.id, str(name));
  if (slots_[value].name.empty()) slots_[value].name = str(name);
}

// Gives nodes the names of the file, where they are free.
void Importer::name_values() {
  Graph graph = builder_.take();
  std::set<std::string> taken;
  std::vector<std::string> wanted(graph.nodes.size());
  std::vector<bool> is_input(graph.nodes.size());
  for (const auto& [id, name] : inputs_) {
    taken.insert(name);
    is_input[id] = true;
    graph.nodes[id].name = name;
    graph.nodes[id].attrs["name"] = name;
  }
  for (const auto& [id, name] : value_names_) {
    if (!is_input[id] && wanted[id].empty() && taken.insert(name).second) wanted[id] = name;
  }
  for (ValueId v = 0; v < graph.nodes.size(); ++v) {
    if (!wanted[v].empty()) {
      graph.nodes[v].name = wanted[v];
    } else if (!is_input[v]) {
      const std::string base = graph.nodes[v].name;
      for (int i = 1; !taken.insert(graph.nodes[v].name).second; ++i)
        graph.nodes[v].name = base + "." + std::to_string(i);
    }
  }
  builder_ = GraphBuilder(std::move(graph));
}

// ---- the graph's signature

int64_t Importer::opset(std::string_view domain) const {
  if (domain == "ai.onnx") domain = "";
  const std::vector<OpsetMessage>* opsets = &model_.opsets;
  for (const Scope& scope : scopes_) {
    if (scope.function && !scope.function->opsets.empty()) opsets = &scope.function->opsets;
  }
  for (const OpsetMessage& o : *opsets) {
    if (o.domain == domain || (domain.empty() && o.domain == "ai.onnx")) return o.version;
  }
  return domain.empty() ? model_.opsets.front().version : 1;
}

void Importer::bind_named_dimensions() {
  for (const auto& [name, sizes] : options_.shapes) {
    const ValueMessage* input = nullptr;
    std::string known_names;
    for (const ValueMessage& i : model_.graph.inputs) {
      if (i.name == name) input = &i;
      known_names += (known_names.empty() ? "" : ", ") + str(i.name);
    }
    if (!input) {
      fail(input_error("a shape is given for '" + name + "', which is no input of the model",
                       "its inputs are " + known_names.substr(0, 200)));
    }
    for (size_t i = 0; i < sizes.size() && i < input->dims.size(); ++i) {
      const DimMessage& dim = input->dims[i];
      if (dim.value >= 0 || dim.name.empty()) continue;
      const auto [at, fresh] = named_dimensions_.emplace(str(dim.name), sizes[i]);
      if (!fresh && at->second != sizes[i]) {
        fail(input_error("dimension '" + str(dim.name) + "' is given as " + std::to_string(at->second) + " and as " +
                         std::to_string(sizes[i])));
      }
    }
  }
}

std::vector<int64_t> Importer::input_sizes(const ValueMessage& input) {
  const std::string name = "input '" + str(input.name) + "'";
  const auto given = options_.shapes.find(str(input.name));
  std::vector<int64_t> sizes;
  if (given != options_.shapes.end()) {
    sizes = given->second;
    bool fits = !input.has_shape || sizes.size() == input.dims.size();
    for (size_t i = 0; fits && input.has_shape && i < sizes.size(); ++i) {
      fits = sizes[i] >= 0 && (input.dims[i].value < 0 || input.dims[i].value == sizes[i]);
    }
    if (!fits) {
      std::string file_shape;
      for (const DimMessage& d : input.dims) {
        file_shape += (file_shape.empty() ? "" : ",") + (d.value >= 0 ? std::to_string(d.value) : "?" + str(d.name));
      }
      fail(input_error("the shape given for " + name + " does not fit the file's, which is [" + file_shape + "]"));
    }
    return sizes;
  }
  const std::string hint = "give its sizes, as in --shape " + str(input.name) + "=1,3,224,224";
  if (!input.has_shape) fail(input_error(name + " has no shape in the file", hint));
  for (const DimMessage& d : input.dims) {
    const auto named = named_dimensions_.find(d.name);
    if (d.value >= 0) {
      sizes.push_back(d.value);
    } else if (!d.name.empty() && named != named_dimensions_.end()) {
      sizes.push_back(named->second);
    } else {
      const std::string what = d.name.empty() ? "a dimension" : "dimension '" + str(d.name) + "'";
      fail(input_error(name + " leaves " + what + " open", hint));
    }
  }
  return sizes;
}

void Importer::declare_inputs() {
  bind_named_dimensions();
  std::set<std::string_view> initialized;
  for (const TensorMessage& t : model_.graph.initializers) initialized.insert(t.name);
  for (const SparseMessage& t : model_.graph.sparse) initialized.insert(t.values.name);
  for (const ValueMessage& input : model_.graph.inputs) {
    if (initialized.count(input.name)) continue;
    const std::optional<DType> dtype = dtype_of(input.element_type);
    if (!input.is_tensor || !dtype) {
      fail(unsupported_error("input '" + str(input.name) + "' is no tensor of numbers",
                             "sequences, maps and strings are not supported"));
    }
    TensorMessage shape_check;
    shape_check.name = input.name;
    shape_check.element_type = input.element_type;
    shape_check.dims = input_sizes(input);
    Result<Type> type = type_of(shape_check);
    if (!type) fail(type.take_error());
    Slot slot;
    slot.type = *type;
    slot.name = str(input.name);
    slot.id = add_input(slot, InputRole::kData);
    define(input.name, new_slot(std::move(slot)));
  }
}

void Importer::add_initializers(const GraphMessage& graph) {
  for (const SparseMessage& t : graph.sparse) {
    const Value value = dense(t);
    slots_[value].parameter = is_float(slots_[value].type.dtype) && slots_[value].type.rank() > 0;
    define(t.values.name, value);
  }
  for (const TensorMessage& t : graph.initializers) {
    Result<Type> type = type_of(t);
    if (!type) fail(type.take_error());
    Slot slot;
    slot.type = *type;
    slot.message = &t;
    slot.name = str(t.name);
    slot.parameter = is_float(type->dtype) && type->rank() > 0;
    define(t.name, new_slot(std::move(slot)));
  }
  for (const ValueMessage& value : graph.values) scopes_.back().declared.emplace(value.name, &value);
  for (const ValueMessage& value : graph.outputs) scopes_.back().declared.emplace(value.name, &value);
}

// ---- nodes

void Importer::run_nodes(const std::vector<NodeMessage>& nodes) {
  for (const NodeMessage& node : nodes) run_node(node);
}

std::vector<Value> Importer::run_graph(const GraphMessage& graph, const std::vector<Value>& arguments) {
  if (scopes_.size() >= kMaxScopes) fail(input_error("branches and functions nested too deep"));
  scopes_.emplace_back();
  scopes_.back().sees_outer = true;
  for (size_t i = 0; i < arguments.size() && i < graph.inputs.size(); ++i) define(graph.inputs[i].name, arguments[i]);
  add_initializers(graph);
  run_nodes(graph.nodes);
  std::vector<Value> outputs;
  for (const ValueMessage& output : graph.outputs) {
    const std::optional<Value> value = find(output.name);
    if (!value) fail(input_error("output '" + str(output.name) + "' is made by no node"));
    outputs.push_back(*value);
  }
  scopes_.pop_back();
  return outputs;
}

const FunctionMessage* Importer::function_of(const NodeMessage& node) const {
  for (const FunctionMessage& f : model_.functions) {
    if (f.name == node.op && f.domain == node.domain && f.overload == node.overload) return &f;
  }
  return nullptr;
}

void Importer::run_function(const FunctionMessage& function, const NodeMessage& call) {
  if (scopes_.size() >= kMaxScopes) fail(input_error("functions nested too deep, or one that calls itself"));
  Scope scope;
  scope.call = &call;
  scope.function = &function;
  for (size_t i = 0; i < function.inputs.size() && i < call.inputs.size(); ++i) {
    if (left_out(call.inputs[i])) continue;
    const std::optional<Value> value = find(call.inputs[i]);
    if (!value) fail(input_error("input '" + str(call.inputs[i]) + "' is not made before this node"));
    scope.values.emplace(function.inputs[i], *value);
  }
  scopes_.push_back(std::move(scope));
  run_nodes(function.nodes);
  std::vector<std::optional<Value>> results;
  for (const std::string_view output : function.outputs) results.push_back(find(output));
  scopes_.pop_back();
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    if (call.outputs[i].empty()) continue;
    if (i >= results.size() || !results[i]) fail(input_error("function '" + str(function.name) + "' lacks an output"));
    define(call.outputs[i], *results[i]);
  }
}

void Importer::run_node(const NodeMessage& node) {
  const SourceSpan outer = place_;
  const std::string name = node.name.empty() && !node.outputs.empty() ? str(node.outputs[0]) : str(node.name);
  place_.place = "graph '" + builder_.graph().name + "', node '" + name + "' (" + str(node.op) + ")";
  builder_.set_place(place_);
  const size_t depth = scopes_.size();
  const FunctionMessage* function = function_of(node);
  const bool has_body = function || std::ranges::any_of(node.attributes, [](const AttributeMessage& a) { return !a.graphs.empty(); });
  const std::vector<OnnxFallback> fallbacks = has_body && options_.fallbacks ? *options_.fallbacks : std::vector<OnnxFallback>{};
  if (nodes_left_-- == 0) fail(input_error("more nodes than the limit of " + std::to_string(options_.max_nodes)));
  try {
    if (function) {
      run_function(*function, node);
    } else if (const Handler handler = find_handler(node.domain, node.op)) {
      Node context(*this, node, opset(node.domain));
      handler(context);
    } else {
      const std::string full = (node.domain.empty() ? "" : str(node.domain) + ".") + str(node.op);
      fail(unsupported_error(
          "operator '" + full + "' of operator set " + std::to_string(opset(node.domain)) + " is not known",
          kKeptWhole));
    }
  } catch (const Failure& failure) {
    if (failure.error.code != ErrorCode::kUnsupported) throw;
    if (!options_.allow_opaque) {
      Error error = failure.error;
      if (error.hint.empty()) error.hint = kKeptWhole;
      throw Failure{std::move(error)};
    }
    scopes_.resize(depth);
    if (has_body && options_.fallbacks) *options_.fallbacks = fallbacks;  // what was tried of the body is not in the graph
    add_opaque(node, failure.error);
  }
  place_ = outer;
  builder_.set_place(place_);
}

}  // namespace egret::onnx
