// Normalizations.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

void batch_normalization(Node& n) {
  const Value x = n.in(0);
  n.check(n.rank(x) >= 2, "operand should be [batch, channels, ...]");
  if (n.version < 14 && n.wants(1)) n.unsupported("batch normalization in training mode", "export the model for inference");
  if (n.version < 9 && n.attr_int("spatial", 1) == 0) n.unsupported("batch normalization with spatial = 0");
  for (size_t i = 1; i < 5; ++i) {
    n.check(n.sizes(n.in(i)) == Sizes{n.size(x, 1)},
            "input " + std::to_string(i) + " should have a number for each channel");
  }
  std::vector<Value> operands{x};
  for (size_t i = 1; i < 5; ++i) operands.push_back(n.cast(n.in(i), n.dtype(x)));
  if (n.version >= 14 && n.attr_int("training_mode", 0) != 0) {  // by the batch's own mean and variance
    Sizes axes(static_cast<size_t>(n.rank(x)));
    std::iota(axes.begin(), axes.end(), 0);
    axes.erase(axes.begin() + 1);
    const double momentum = n.attr_float("momentum", 0.9f);
    for (size_t i = 3; i < 5; ++i) {
      operands[i] = n.reduce(i == 3 ? "mean" : "variance", x, axes, false);
      const Value saved = n.in(i), fresh = n.cast(operands[i], n.dtype(saved));
      if (n.wants(i - 2)) n.out(i - 2, n.add("add", {n.map("mul", {saved, n.number(saved, momentum)}), n.map("mul", {fresh, n.number(saved, 1 - momentum)})}));
    }
  }
  n.out(n.add("batch_norm", operands, {{"epsilon", n.attr_float("epsilon", 1e-5f)}}));
}

// (x - mean) / sqrt(variance + epsilon) over `axes`, kept.
Value normalized(Node& n, Value x, const Sizes& axes, double epsilon) {
  const Sizes own = n.sizes(x);
  const Value centred = n.add("sub", {x, n.broadcast_to(n.reduce("mean", x, axes, true), own)});
  const Value variance = n.reduce("variance", x, axes, true);
  const Value scale = n.add("rsqrt", {n.map("add", {variance, n.number(x, epsilon)})});
  return n.map("mul", {centred, scale});
}

void instance_normalization(Node& n) {
  const Value x = n.in(0);
  n.check(n.rank(x) >= 2, "operand should be [batch, channels, ...]");
  Sizes axes;
  for (int64_t i = 2; i < n.rank(x); ++i) axes.push_back(i);
  const Value y = normalized(n, x, axes, n.attr_float("epsilon", 1e-5f));
  const Value scaled = n.add("mul", {y, n.broadcast_in(n.in(1), {1}, n.sizes(x))});
  n.out(n.add("add", {scaled, n.broadcast_in(n.in(2), {1}, n.sizes(x))}));
}

void group_normalization(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  n.check(own.size() >= 2, "operand should be [batch, channels, ...]");
  const int64_t groups = n.attr_int("num_groups", 0);
  n.check(groups > 0 && own[1] % groups == 0, "num_groups does not divide the channels");
  const int64_t rest = product(own, 2, own.size());
  const Value parts = n.reshape(x, {own[0], groups, own[1] / groups, rest});
  const Value y = n.reshape(normalized(n, parts, {2, 3}, n.attr_float("epsilon", 1e-5f)), own);
  const auto each_channel = [&](Value v) {  // before operand set 21 there is one number a group
    const int64_t count = n.type(v).elements_count();
    n.check(count == own[1] || count == groups, "scale and bias should have a number for each channel");
    if (count == own[1]) return v;
    return n.reshape(n.broadcast_in(v, {0}, {groups, own[1] / groups}), {own[1]});
  };
  const Value scaled = n.add("mul", {y, n.broadcast_in(each_channel(n.in(1)), {1}, own)});
  n.out(n.add("add", {scaled, n.broadcast_in(each_channel(n.in(2)), {1}, own)}));
}

// Where the operand is narrow, statistics are taken in f32 (stash_type).
DType stash(Node& n, Value x) {
  const std::optional<DType> type = dtype_of(static_cast<int32_t>(n.attr_int("stash_type", kFloat)));
  n.check(type && is_float(*type), "stash_type should be a float type");
  return holds(*type, n.dtype(x)) ? *type : n.dtype(x);
}

Sizes from_axis(Node& n, Value x, int64_t axis) {
  const Sizes own = n.sizes(x);
  return Sizes(own.begin() + axis, own.end());
}

// x normalized over axes axis.., with scale and the bias of an input (absent: 0).
Value layer_norm(Node& n, Value x, Value scale, size_t bias, int64_t axis, double epsilon) {
  const DType wide = stash(n, x), narrow = n.dtype(x);
  const Sizes tail = from_axis(n, x, axis);
  const Value b = n.has(bias) ? n.broadcast_to(n.cast(n.in(bias), wide), tail) : n.splat(wide, tail, 0);
  const Value y = n.add("layer_norm", {n.cast(x, wide), n.broadcast_to(n.cast(scale, wide), tail), b},
                        {{"axis", Dim(axis)}, {"epsilon", epsilon}});
  return n.cast(y, narrow);
}

Value rms_norm(Node& n, Value x, Value scale, int64_t axis, double epsilon) {
  const DType wide = stash(n, x), narrow = n.dtype(x);
  const Sizes tail = from_axis(n, x, axis);
  const Value y = n.add("rms_norm", {n.cast(x, wide), n.broadcast_to(n.cast(scale, wide), tail)},
                        {{"axis", Dim(axis)}, {"epsilon", epsilon}});
  return n.cast(y, narrow);
}

// The mean and 1 / sqrt(variance + epsilon) that some nodes give as further results.
void out_statistics(Node& n, Value x, int64_t axis, double epsilon, size_t mean_output, size_t inverse_output) {
  Sizes axes;
  for (int64_t i = axis; i < n.rank(x); ++i) axes.push_back(i);
  const Value wide = n.cast(x, stash(n, x));
  if (n.wants(mean_output)) n.out(mean_output, n.reduce("mean", wide, axes, true));
  if (!n.wants(inverse_output)) return;
  const Value variance = n.reduce("variance", wide, axes, true);
  n.out(inverse_output, n.add("rsqrt", {n.map("add", {variance, n.number(wide, epsilon)})}));
}

void layer_normalization(Node& n) {
  const Value x = n.in(0);
  const int64_t axis = n.axis(n.attr_int("axis", -1), n.rank(x));
  const double epsilon = n.attr_float("epsilon", 1e-5f);
  n.out(layer_norm(n, x, n.in(1), 2, axis, epsilon));
  out_statistics(n, x, axis, epsilon, 1, 2);
}

void rms_normalization(Node& n) {
  const Value x = n.in(0);
  if (n.wants(1)) n.unsupported("the inverse deviation of an RMS normalization");
  const int64_t axis = n.axis(n.attr_int("axis", -1), n.rank(x));
  n.out(rms_norm(n, x, n.in(1), axis, n.attr_float("epsilon", 1e-5f)));
}

// com.microsoft: norm(x + skip [+ bias]); the sum is the fourth result.
void skip_normalization(Node& n, bool with_mean) {
  const Value x = n.in(0), gamma = n.in(2);
  if (n.wants(1) || n.wants(2)) n.unsupported("the statistics of a skip normalization");
  const size_t bias_input = with_mean ? 4 : 3;
  Value sum = n.map("add", {x, n.in(1)});
  if (n.has(bias_input)) sum = n.map("add", {sum, n.in(bias_input)});
  const int64_t axis = n.rank(x) - 1;
  const double epsilon = n.attr_float("epsilon", 1e-12f);
  n.out(0, with_mean ? layer_norm(n, sum, gamma, 3, axis, epsilon) : rms_norm(n, sum, gamma, axis, epsilon));
  n.out(3, sum);
}

void lrn(Node& n) {
  n.check(n.rank(n.in(0)) >= 2 && n.attr_int("size", 0) > 0, "needs [batch, channels, ...] and a positive size");
  n.out(n.add("lrn", {n.in(0)},
              {{"size", Dim(n.attr_int("size", 0))},
               {"alpha", n.attr_float("alpha", 0.0001f)},
               {"beta", n.attr_float("beta", 0.75f)},
               {"bias", n.attr_float("bias", 1.0f)}}));
}

void lp_normalization(Node& n) {
  const Value x = n.in(0);
  const int64_t axis = n.axis(n.attr_int("axis", -1), n.rank(x)), p = n.attr_int("p", 2);
  n.check(p == 1 || p == 2, "p should be 1 or 2");
  const Value sum = n.reduce("reduce_sum", n.add(p == 1 ? "abs" : "square", {x}), {axis}, true);
  const Value norm = p == 1 ? sum : n.add("sqrt", {sum});
  const Value zero = n.map("eq", {norm, n.number(norm, 0)});
  n.out(n.map("select", {zero, n.number(x, 0), n.map("div", {x, norm})}));
}

void mean_variance_normalization(Node& n) {
  const Value x = n.in(0);
  const Sizes axes = n.axes(n.attr_ints("axes", {0, 2, 3}), n.rank(x)), own = n.sizes(x);
  const Value centred = n.add("sub", {x, n.broadcast_to(n.reduce("mean", x, axes, true), own)});
  const Value deviation = n.add("sqrt", {n.reduce("variance", x, axes, true)});
  n.out(n.map("div", {centred, n.map("add", {deviation, n.number(x, 1e-9)})}));
}

}  // namespace

void add_norm_handlers(HandlerTable& table) {
  table["BatchNormalization"] = batch_normalization;
  table["InstanceNormalization"] = instance_normalization;
  table["GroupNormalization"] = group_normalization;
  table["LayerNormalization"] = layer_normalization;
  table["RMSNormalization"] = rms_normalization;
  table["SimplifiedLayerNormalization"] = rms_normalization;
  table["com.microsoft.SimplifiedLayerNormalization"] = rms_normalization;
  table["com.microsoft.SkipLayerNormalization"] = [](Node& n) { skip_normalization(n, true); };
  table["com.microsoft.SkipSimplifiedLayerNormalization"] = [](Node& n) { skip_normalization(n, false); };
  table["LRN"] = lrn;
  table["LpNormalization"] = lp_normalization;
  table["MeanVarianceNormalization"] = mean_variance_normalization;
}

}  // namespace egret::onnx
