// Quantization: whole numbers with a scale and a zero point.  Products are exact, in i32, as the standard has them.
#include <cmath>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

// scale or zero point of a (de)quantization, along its axis or for all of x.
Value along(Node& n, Value v, Value x) {
  if (n.type(v).elements_count() == 1) return n.broadcast_to(n.reshape(v, {}), n.sizes(x));
  if (n.rank(v) != 1 || n.attr_int("block_size", 0) != 0) n.unsupported("a blocked quantization");
  const int64_t axis = n.axis(n.attr_int("axis", 1), n.rank(x));
  n.check(n.size(v, 0) == n.size(x, axis), "scale or zero point does not fit the axis");
  return n.broadcast_in(v, {axis}, n.sizes(x));
}

void dequantize_linear(Node& n) {
  const Value x = n.in(0), scale = along(n, n.in(1), x);
  const DType wide = n.dtype(scale);
  Value shifted = n.cast(x, DType::i32);
  if (n.has(2)) shifted = n.add("sub", {shifted, n.cast(along(n, n.in(2), x), DType::i32)});
  n.out(n.add("mul", {n.cast(shifted, wide), scale}));
}

void quantize_linear(Node& n) {
  const Value x = n.in(0), scale = along(n, n.in(1), x);
  const std::optional<DType> named = dtype_of(static_cast<int32_t>(n.attr_int("output_dtype", kUint8)));
  if (!n.has(2) && !named) n.unsupported("the element type of the result");
  const DType narrow = n.has(2) ? n.dtype(n.in(2)) : *named;
  if (row(narrow).bits > 16) n.unsupported("a quantization to " + std::string(name(narrow)));
  Value q = n.add("round", {n.cast(n.add("div", {x, n.cast(scale, n.dtype(x))}), DType::f32)});
  if (n.has(2)) q = n.add("add", {q, n.cast(along(n, n.in(2), x), DType::f32)});
  const bool is_signed = row(narrow).kind == DTypeRow::Kind::kSigned;
  const double span = std::ldexp(1.0, row(narrow).bits), low = is_signed ? -span / 2 : 0;
  n.out(n.cast(n.add("clip", {q}, {{"low", low}, {"high", low + span - 1}}), narrow));
}

// x - zero point in i32; the zero point is one number, or one for each place along `axis`.
Value centered(Node& n, Value x, size_t zero_point, int64_t axis) {
  const Value wide = n.cast(x, DType::i32);
  if (!n.has(zero_point)) return wide;
  const Value zero = n.in(zero_point);
  if (n.type(zero).elements_count() == 1) return n.add("sub", {wide, n.broadcast_to(n.reshape(n.cast(zero, DType::i32), {}), n.sizes(x))});
  n.check(n.rank(zero) == 1 && axis >= 0 && axis < n.rank(x) && n.size(zero, 0) == n.size(x, axis), "a zero point does not fit its operand");
  return n.add("sub", {wide, n.broadcast_in(n.cast(zero, DType::i32), {axis}, n.sizes(x))});
}

// round(sum * scale) + zero point, in the type of the zero point, saturated.
Value requantized(Node& n, Value sum, Value scale, Value zero_point) {
  const DType narrow = n.dtype(zero_point);
  const Value scaled = n.add("round", {n.map("mul", {n.cast(sum, DType::f32), scale})});
  const Value shifted = n.map("add", {scaled, n.reshape(n.cast(zero_point, DType::f32), {})});
  const bool is_signed = row(narrow).kind == DTypeRow::Kind::kSigned;
  const double span = std::ldexp(1.0, row(narrow).bits), low = is_signed ? -span / 2 : 0;
  return n.cast(n.add("clip", {shifted}, {{"low", low}, {"high", low + span - 1}}), narrow);
}

// A scale as f32: one number, or one for each place along `axis` of a result of that rank.
Value scale_along(Node& n, Value scale, int64_t axis, int64_t rank) {
  scale = n.cast(scale, DType::f32);
  if (n.type(scale).elements_count() == 1) return n.reshape(scale, {});
  if (n.rank(scale) != 1) n.unsupported("a scale with several axes");
  Sizes sizes(static_cast<size_t>(rank), 1);
  sizes[static_cast<size_t>(axis)] = n.size(scale, 0);
  return n.reshape(scale, sizes);
}

void mat_mul_integer(Node& n) {
  const Value a = centered(n, n.in(0), 2, n.rank(n.in(0)) - 2), b = centered(n, n.in(1), 3, n.rank(n.in(1)) - 1);
  n.out(matmul(n, a, b));
}

void q_linear_mat_mul(Node& n) {
  const Value x = n.in(0), w = n.in(3);
  const Value sum = matmul(n, centered(n, x, 2, n.rank(x) - 2), centered(n, w, 5, n.rank(w) - 1));
  n.check(n.rank(sum) >= 2, "operands should be matrices");
  const Value left = scale_along(n, n.in(1), n.rank(sum) - 2, n.rank(sum)), right = scale_along(n, n.in(4), n.rank(sum) - 1, n.rank(sum));
  const Value scale = n.map("div", {n.map("mul", {left, right}), n.reshape(n.cast(n.in(6), DType::f32), {})});
  n.out(requantized(n, sum, scale, n.in(7)));
}

// Convolutions are of floats: in f64 sums of products of 8-bit numbers are exact.
Value exact_convolution(Node& n, Value x, Value w) {
  return n.cast(convolution(n, n.cast(x, DType::f64), n.cast(w, DType::f64)), DType::i32);
}

void conv_integer(Node& n) { n.out(exact_convolution(n, centered(n, n.in(0), 2, 1), centered(n, n.in(1), 3, 0))); }

void q_linear_conv(Node& n) {
  Value sum = exact_convolution(n, centered(n, n.in(0), 2, 1), centered(n, n.in(3), 5, 0));
  if (n.has(8)) sum = n.add("add", {sum, n.broadcast_in(n.in(8), {1}, n.sizes(sum))});
  const Value x_scale = n.reshape(n.cast(n.in(1), DType::f32), {}), y_scale = n.reshape(n.cast(n.in(6), DType::f32), {});
  const Value scale = n.map("div", {n.map("mul", {x_scale, scale_along(n, n.in(4), 1, n.rank(sum))}), y_scale});
  n.out(requantized(n, sum, scale, n.in(7)));
}

// To u8, with a scale and a zero point from the operand's own range (0 included).
void dynamic_quantize_linear(Node& n) {
  const Value x = n.in(0), zero = n.number(x, 0);
  Sizes all;
  for (int64_t a = 0; a < n.rank(x); ++a) all.push_back(a);
  const Value low = n.map("min", {n.reduce("reduce_min", x, all, false), zero}), high = n.map("max", {n.reduce("reduce_max", x, all, false), zero});
  const Value scale = n.map("div", {n.map("sub", {high, low}), n.number(x, 255)});
  const Value place = n.add("round", {n.map("div", {n.map("sub", {zero, low}), scale})});
  const Attrs range{{"low", 0.0}, {"high", 255.0}};
  const Value zero_point = n.add("clip", {place}, range);
  const Value q = n.map("add", {n.add("round", {n.map("div", {x, scale})}), zero_point});
  n.out(0, n.cast(n.add("clip", {q}, range), DType::u8));
  if (n.wants(1)) n.out(1, scale);
  if (n.wants(2)) n.out(2, n.cast(zero_point, DType::u8));
}

}  // namespace

void add_quantized_handlers(HandlerTable& table) {
  table["DequantizeLinear"] = dequantize_linear;
  table["QuantizeLinear"] = quantize_linear;
  table["DynamicQuantizeLinear"] = dynamic_quantize_linear;
  table["MatMulInteger"] = mat_mul_integer;
  table["QLinearMatMul"] = q_linear_mat_mul;
  table["ConvInteger"] = conv_integer;
  table["QLinearConv"] = q_linear_conv;
}

}  // namespace egret::onnx
