#include "frontends/onnx/node.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace egret::onnx {
namespace {

constexpr int64_t kMaxElements = int64_t{1} << 40;
constexpr int64_t kMaxRank = 64;

std::string list(const Sizes& sizes) {
  std::string text = "[";
  for (size_t i = 0; i < sizes.size(); ++i) text += (i ? "," : "") + std::to_string(sizes[i]);
  return text + "]";
}

}  // namespace

int64_t product(const Sizes& sizes, size_t begin, size_t end) {
  int64_t count = 1;
  for (size_t i = begin; i < end; ++i) count *= sizes[i];
  return count;
}

// ---- inputs, outputs, attributes

Value Node::in(size_t i) {
  if (!has(i)) fail("input " + std::to_string(i) + " is missing");
  const std::optional<Value> value = importer_.find(message_.inputs[i]);
  if (!value) {
    fail("input '" + std::string(message_.inputs[i]) + "' is not made before this node",
         "the nodes of an ONNX graph must be in order");
  }
  return *value;
}

void Node::out(size_t i, Value value) {
  if (wants(i)) importer_.define(message_.outputs[i], value);
}

void Node::check_kind(const AttributeMessage& a, int32_t kind, const char* what) const {
  if (a.type != 0 && a.type != kind) fail("attribute '" + std::string(a.name) + "' should be " + what);
}

int64_t Node::attr_int(std::string_view name, int64_t fallback) {
  const AttributeMessage* a = attr(name);
  if (a) check_kind(*a, 2, "an integer");
  return a ? a->i : fallback;
}

double Node::attr_float(std::string_view name, double fallback) {
  const AttributeMessage* a = attr(name);
  if (a) check_kind(*a, 1, "a number");
  return a ? a->f : fallback;
}

std::string Node::attr_string(std::string_view name, std::string fallback) {
  const AttributeMessage* a = attr(name);
  if (a) check_kind(*a, 3, "a word");
  return a ? std::string(a->s) : fallback;
}

Sizes Node::attr_ints(std::string_view name, Sizes fallback) {
  const AttributeMessage* a = attr(name);
  if (a) check_kind(*a, 7, "a list of integers");
  return a ? a->ints : fallback;
}

// ---- what is known

Sizes Node::known_ints(Value v, std::string_view what) {
  if (!is_integer(dtype(v)) && dtype(v) != DType::boolean) fail(std::string(what) + " should be integers");
  if (type(v).elements_count() > kFoldedIntegers) fail(std::string(what) + ": too many elements");
  const TensorRef tensor = importer_.known(v);
  if (!tensor) {
    unsupported(std::string(what) + " depends on the input's values, so sizes are not known at import",
                "export the model with constant " + std::string(what));
  }
  Sizes values(static_cast<size_t>(tensor->size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = tensor->get_int(static_cast<int64_t>(i));
  return values;
}

int64_t Node::input_int(size_t input, std::string_view what) {
  const Sizes values = input_ints(input, what);
  if (values.size() != 1) fail(std::string(what) + " should be one integer");
  return values[0];
}

double Node::known_number(Value v, std::string_view what) {
  if (type(v).elements_count() != 1) fail(std::string(what) + " should be one number");
  const TensorRef tensor = importer_.known(v);
  if (!tensor) unsupported(std::string(what) + " depends on the input's values");
  return tensor->get(0);
}

int64_t Node::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    fail("axis " + std::to_string(axis) + " is outside of rank " + std::to_string(rank));
  }
  return axis < 0 ? axis + rank : axis;
}

Sizes Node::axes(Sizes axes, int64_t rank) {
  for (int64_t& a : axes) a = axis(a, rank);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) fail("an axis is named twice in " + list(axes));
  return axes;
}

// ---- errors

void Node::fail(std::string message, std::string hint) const {
  importer_.fail(input_error(std::move(message), std::move(hint)));
}

void Node::unsupported(std::string message, std::string hint) const {
  importer_.fail(unsupported_error(std::move(message), std::move(hint)));
}

void Node::check(bool condition, std::string_view message) const {
  if (!condition) fail(std::string(message));
}

// ---- building

Value Node::add(std::string_view op, std::initializer_list<Value> operands, Attrs attrs) {
  return importer_.add(op, std::vector<Value>(operands), std::move(attrs));
}

Value Node::add(std::string_view op, const std::vector<Value>& operands, Attrs attrs) {
  return importer_.add(op, operands, std::move(attrs));
}

Sizes Node::common_sizes(const std::vector<Value>& values) {
  Sizes common;
  for (const Value v : values) {
    const Sizes own = sizes(v);
    if (own.size() > common.size()) common.insert(common.begin(), own.size() - common.size(), 1);
    for (size_t i = 0; i < own.size(); ++i) {
      int64_t& c = common[common.size() - own.size() + i];
      if (c == 1) {
        c = own[i];
      } else if (own[i] != 1 && own[i] != c) {
        fail("sizes do not fit: " + type(values[0]).to_string() + " and " + type(v).to_string());
      }
    }
  }
  return common;
}

Value Node::map(std::string_view op, std::vector<Value> operands, Attrs attrs) {
  const Sizes common = common_sizes(operands);
  for (Value& v : operands) v = broadcast_to(v, common);
  return add(op, operands, std::move(attrs));
}

Value Node::integers(DType dtype, const Sizes& sizes, const Sizes& values) {
  Tensor t(Type::tensor(dtype, dims_of(sizes)));
  for (size_t i = 0; i < values.size(); ++i) t.set_int(static_cast<int64_t>(i), values[i]);
  importer_.spend_constant_bytes(t.type().bytes());
  return importer_.tensor(std::move(t));
}

Value Node::floats(DType dtype, const Sizes& sizes, const std::vector<double>& values) {
  Tensor t(Type::tensor(dtype, dims_of(sizes)));
  for (size_t i = 0; i < values.size(); ++i) t.set(static_cast<int64_t>(i), values[i]);
  importer_.spend_constant_bytes(t.type().bytes());
  return importer_.tensor(std::move(t));
}

Value Node::cast(Value v, DType to) {
  if (dtype(v) == to) return v;
  if (to == DType::boolean) return map("ne", {v, number(v, 0)});
  return add("cast", {v}, {{"to", to}});
}

Value Node::reshape(Value v, const Sizes& sizes_wanted) {
  if (sizes(v) == sizes_wanted) return v;
  if (static_cast<int64_t>(sizes_wanted.size()) > kMaxRank) fail("rank above " + std::to_string(kMaxRank));
  int64_t count = 1;
  for (const int64_t s : sizes_wanted) {
    if (s < 0 || (s > 0 && count > kMaxElements / s)) fail("cannot reshape to " + list(sizes_wanted));
    count *= s;
  }
  if (count != type(v).elements_count()) {
    fail("cannot reshape " + type(v).to_string() + " to " + list(sizes_wanted));
  }
  const std::optional<double> number = count > kFoldedFloats ? importer_.uniform(v) : std::nullopt;
  if (number && importer_.slots_[v].splat) return splat(dtype(v), sizes_wanted, *number);
  return add("reshape", {v}, {{"sizes", dims_of(sizes_wanted)}});
}

Value Node::transpose(Value v, const Sizes& perm) {
  bool identity = true;
  for (size_t i = 0; i < perm.size(); ++i) identity &= perm[i] == static_cast<int64_t>(i);
  return identity ? v : add("transpose", {v}, {{"perm", dims_of(perm)}});
}

Value Node::slice(Value v, const Sizes& start, const Sizes& limit, const Sizes& stride) {
  const Sizes zeros(start.size(), 0), ones(start.size(), 1);
  if (start == zeros && limit == sizes(v) && stride == ones) return v;
  return add("slice", {v}, {{"start", dims_of(start)}, {"limit", dims_of(limit)}, {"stride", dims_of(stride)}});
}

Value Node::slice_axis(Value v, int64_t axis, int64_t start, int64_t limit, int64_t stride) {
  Sizes starts(static_cast<size_t>(rank(v)), 0), limits = sizes(v), strides(static_cast<size_t>(rank(v)), 1);
  starts[axis] = start;
  limits[axis] = limit;
  strides[axis] = stride;
  return slice(v, starts, limits, strides);
}

Value Node::concat(const std::vector<Value>& values, int64_t axis) {
  if (values.size() == 1) return values[0];
  return add("concat", values, {{"axis", Dim(axis)}});
}

Value Node::gather(Value v, Value indices, int64_t axis) {
  if (const std::optional<double> same = importer_.uniform(v); same && product(sizes(v)) > 0) {  // whatever the index
    Sizes result = sizes(v);
    const Sizes places = sizes(indices);
    result.erase(result.begin() + axis);
    result.insert(result.begin() + axis, places.begin(), places.end());
    return splat(dtype(v), result, *same);
  }
  return add("gather", {v, indices}, {{"axis", Dim(axis)}});
}

Value Node::pad(Value v, const Sizes& low, const Sizes& high, Value with) {
  const Sizes zeros(low.size(), 0);
  if (low == zeros && high == zeros) return v;
  return add("pad", {v, with}, {{"low", dims_of(low)}, {"high", dims_of(high)}, {"interior", dims_of(zeros)}});
}

Value Node::iota(DType dtype, const Sizes& sizes, int64_t axis) {
  const int64_t count = product(sizes);
  if (count <= kFoldedIntegers) {
    Sizes values(static_cast<size_t>(count));
    const int64_t inner = product(sizes, static_cast<size_t>(axis) + 1, sizes.size());
    for (int64_t i = 0; i < count; ++i) values[i] = inner == 0 ? 0 : i / inner % sizes[axis];
    return integers(dtype, sizes, values);
  }
  return add("iota", {}, {{"axis", Dim(axis)}, {"dtype", dtype}, {"sizes", dims_of(sizes)}});
}

Value Node::broadcast_in(Value v, const Sizes& dims, const Sizes& sizes_wanted) {
  if (sizes(v) == sizes_wanted) return v;
  if (const std::optional<double> number = importer_.uniform(v)) return splat(dtype(v), sizes_wanted, *number);
  Sizes fresh;
  for (size_t i = 0; i < sizes_wanted.size(); ++i) {
    if (std::find(dims.begin(), dims.end(), static_cast<int64_t>(i)) == dims.end()) fresh.push_back(sizes_wanted[i]);
  }
  return add("broadcast", {v}, {{"dims", dims_of(dims)}, {"sizes", dims_of(fresh)}});
}

Value Node::broadcast_to(Value v, const Sizes& wanted) {
  const Sizes own = sizes(v);
  if (own == wanted) return v;
  check(own.size() <= wanted.size(), "cannot broadcast " + type(v).to_string() + " to " + list(wanted));
  const size_t lead = wanted.size() - own.size();
  Sizes kept, dims;
  for (size_t i = 0; i < own.size(); ++i) {
    if (own[i] == wanted[lead + i]) {
      kept.push_back(own[i]);
      dims.push_back(static_cast<int64_t>(lead + i));
    } else if (own[i] != 1) {
      fail("cannot broadcast " + type(v).to_string() + " to " + list(wanted));
    }
  }
  if (const std::optional<double> number = importer_.uniform(v)) return splat(dtype(v), wanted, *number);
  if (kept.size() != own.size()) v = reshape(v, kept);
  return broadcast_in(v, dims, wanted);
}

Value Node::reduce(std::string_view op, Value v, const Sizes& axes, bool keep) {
  if (axes.empty() && op != "logsumexp") return v;
  const Value reduced = add(op, {v}, {{"axes", dims_of(axes)}});
  return keep ? keep_axes(reduced, v, axes) : reduced;
}

Value Node::keep_axes(Value reduced, Value source, const Sizes& axes) {
  Sizes kept = sizes(source);
  for (const int64_t a : axes) kept[a] = 1;
  return reshape(reduced, kept);
}

Value Node::dot(Value a, Value b, Sizes lb, Sizes rb, Sizes lc, Sizes rc) {
  return add("dot", {a, b}, {{"lb", dims_of(lb)}, {"rb", dims_of(rb)}, {"lc", dims_of(lc)}, {"rc", dims_of(rc)}});
}

// ---- the table

Handler find_handler(std::string_view domain, std::string_view op) {
  static const HandlerTable table = [] {
    HandlerTable t;
    add_map_handlers(t);
    add_arithmetic_handlers(t);
    add_shape_handlers(t);
    add_index_handlers(t);
    add_reduce_handlers(t);
    add_product_handlers(t);
    add_window_handlers(t);
    add_norm_handlers(t);
    add_resize_handlers(t);
    add_constant_handlers(t);
    add_control_handlers(t);
    add_recurrent_handlers(t);
    add_quantized_handlers(t);
    add_attention_handlers(t);
    add_loss_handlers(t);
    return t;
  }();
  const bool contributed = domain == "com.microsoft";
  if (!domain.empty() && domain != "ai.onnx" && !contributed) return nullptr;
  const std::string key = contributed ? "com.microsoft." + std::string(op) : std::string(op);
  const auto found = table.find(key);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace egret::onnx
