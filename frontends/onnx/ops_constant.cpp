// Constants, sizes, ranges.
#include <algorithm>
#include <cmath>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

constexpr int64_t kMaxRange = int64_t{1} << 22;

Value decoded(Node& n, const TensorMessage& message) {
  Result<Tensor> tensor = to_tensor(message, n.importer().base_dir());
  if (!tensor) n.importer().fail(tensor.take_error());
  return n.importer().tensor(*std::move(tensor));
}

void constant(Node& n) {
  if (const AttributeMessage* a = n.attr("value")) {
    n.check(a->tensors.size() == 1, "attribute 'value' should be a tensor");
    return n.out(decoded(n, a->tensors[0]));
  }
  if (n.has_attr("value_float")) return n.out(n.floats(DType::f32, {}, {n.attr_float("value_float", 0)}));
  if (n.has_attr("value_int")) return n.out(n.integers(DType::i64, {}, {n.attr_int("value_int", 0)}));
  if (n.has_attr("value_ints")) {
    const Sizes values = n.attr_ints("value_ints");
    return n.out(n.integers(DType::i64, {static_cast<int64_t>(values.size())}, values));
  }
  if (const AttributeMessage* a = n.attr("value_floats")) {
    const std::vector<double> values(a->floats.begin(), a->floats.end());
    return n.out(n.floats(DType::f32, {static_cast<int64_t>(values.size())}, values));
  }
  if (const AttributeMessage* a = n.attr("sparse_value")) {
    n.check(a->sparse.size() == 1, "attribute 'sparse_value' should be a sparse tensor");
    return n.out(n.importer().dense(a->sparse[0]));
  }
  n.unsupported("a constant that is no tensor of numbers");
}

void constant_of_shape(Node& n) {
  const Sizes sizes = n.input_ints(0, "shape");
  int64_t count = 1;
  for (const int64_t s : sizes) {
    n.check(s >= 0 && (s == 0 || count <= (int64_t{1} << 40) / s), "a size of the shape is out of range");
    count *= s;
  }
  DType dtype = DType::f32;
  double value = 0;
  int64_t integer = 0;
  if (const AttributeMessage* a = n.attr("value")) {
    n.check(a->tensors.size() == 1, "attribute 'value' should be a tensor");
    const Value v = decoded(n, a->tensors[0]);
    n.check(n.type(v).elements_count() == 1, "attribute 'value' should be one number");
    dtype = n.dtype(v);
    value = n.importer().known(v)->get(0);
    integer = is_float(dtype) ? 0 : n.importer().known(v)->get_int(0);
  }
  const Type type = Type::tensor(dtype, dims_of(sizes));
  n.importer().spend_constant_bytes(type.bytes());
  Tensor t = Tensor::splat(type, value);
  if (is_integer(dtype) && std::abs(value) > 9e15) {
    for (int64_t i = 0; i < count; ++i) t.set_int(i, integer);
  }
  n.out(n.importer().tensor(std::move(t)));
}

void shape(Node& n) {
  const Sizes own = n.sizes(n.in(0));
  const auto rank = static_cast<int64_t>(own.size());
  const auto place = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  const int64_t start = place(n.attr_int("start", 0)), end = std::max(start, place(n.attr_int("end", rank)));
  n.out(n.integers(DType::i64, {end - start}, Sizes(own.begin() + start, own.begin() + end)));
}

void size(Node& n) { n.out(n.integers(DType::i64, {}, {n.type(n.in(0)).elements_count()})); }

void range(Node& n) {
  const Value start = n.in(0);
  const DType dtype = n.dtype(start);
  if (is_integer(dtype)) {
    const int64_t from = n.input_int(0, "start"), to = n.input_int(1, "limit");
    const int64_t step = n.input_int(2, "delta");
    n.check(step != 0, "a step of 0");
    const double exact = std::ceil((static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(step));
    n.check(exact <= kMaxRange, "the range is too long");
    Sizes values(static_cast<size_t>(std::max(0.0, exact)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = from + static_cast<int64_t>(i) * step;
    return n.out(n.integers(dtype, {static_cast<int64_t>(values.size())}, values));
  }
  const double from = n.known_number(start, "start"), to = n.known_number(n.in(1), "limit");
  const double step = n.known_number(n.in(2), "delta");
  const double exact = std::ceil((to - from) / step);
  n.check(step != 0 && exact <= kMaxRange, "the range is too long");
  std::vector<double> values(static_cast<size_t>(std::max(0.0, exact)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = from + static_cast<double>(i) * step;
  n.out(n.floats(dtype, {static_cast<int64_t>(values.size())}, values));
}

void eye_like(Node& n) {
  const Value x = n.in(0);
  n.check(n.rank(x) == 2, "operand should be a matrix");
  const std::optional<DType> dtype = dtype_of(static_cast<int32_t>(n.attr_int("dtype", element_type_of(n.dtype(x)))));
  if (!dtype) n.unsupported("the element type of the result");
  const Sizes own = n.sizes(x);
  const Value row = n.iota(DType::i64, own, 0), column = n.iota(DType::i64, own, 1);
  const Value diagonal = n.map("add", {row, n.splat(DType::i64, {}, static_cast<double>(n.attr_int("k", 0)))});
  n.out(n.cast(n.add("eq", {column, diagonal}), *dtype));
}

// Keeps the part of matrices on one side of a diagonal.
void trilu(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  n.check(own.size() >= 2, "operand should be matrices");
  const bool upper = n.attr_int("upper", 1) != 0;
  const int64_t k = n.has(1) ? n.input_int(1, "k") : 0;
  const Sizes matrix(own.end() - 2, own.end());
  const Value row = n.iota(DType::i64, matrix, 0), column = n.iota(DType::i64, matrix, 1);
  const Value diagonal = n.map("add", {row, n.splat(DType::i64, {}, static_cast<double>(k))});
  const Value keep = n.add(upper ? "ge" : "le", {column, diagonal});
  n.out(n.map("select", {keep, x, n.number(x, 0)}));
}

}  // namespace

void add_constant_handlers(HandlerTable& table) {
  table["Constant"] = constant;
  table["ConstantOfShape"] = constant_of_shape;
  table["Shape"] = shape;
  table["Size"] = size;
  table["Range"] = range;
  table["EyeLike"] = eye_like;
  table["Trilu"] = trilu;
}

}  // namespace egret::onnx
