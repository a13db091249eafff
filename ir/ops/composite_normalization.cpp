// Softmax, means and normalizations as terms.
#include <fmt/format.h>

#include "ir/definitions/registry.h"
#include "ir/ops/compose.h"

namespace egret {

namespace {

using Operands = std::span<const ValueId>;

std::vector<Dim> axes_of(const Attrs& attrs) { return std::get<std::vector<Dim>>(attrs.at("axes")); }

// The axes from `axis` on.
std::vector<Dim> axes_from(int axis, int rank) {
  std::vector<Dim> axes;
  for (int a = axis; a < rank; ++a) axes.push_back(a);
  return axes;
}

// x less its maximum along an axis.
ValueId shifted(Compose& c, ValueId x, const std::vector<Dim>& axes) {
  return c.op("sub", {x, c.along(c.reduced("reduce_max", x, axes), x, axes)});
}

Result<ValueId> expand_softmax(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  std::vector<Dim> axes = {Dim(integer(attrs, "axis"))};
  ValueId e = c.op("exp", {shifted(c, x[0], axes)});
  return c.done(c.op("div", {e, c.along(c.reduced("reduce_sum", e, axes), x[0], axes)}));
}

Result<ValueId> expand_log_softmax(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  std::vector<Dim> axes = {Dim(integer(attrs, "axis"))};
  ValueId s = shifted(c, x[0], axes);
  ValueId total = c.op("log", {c.reduced("reduce_sum", c.op("exp", {s}), axes)});
  return c.done(c.op("sub", {s, c.along(total, x[0], axes)}));
}

// An infinite maximum is not subtracted: it would give NaN.
Result<ValueId> expand_logsumexp(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  std::vector<Dim> axes = axes_of(attrs);
  ValueId most = c.reduced("reduce_max", x[0], axes);
  most = c.op("select", {c.op("is_finite", {most}), most, c.like(most, 0)});
  ValueId e = c.op("exp", {c.op("sub", {x[0], c.along(most, x[0], axes)})});
  ValueId result = c.op("add", {most, c.op("log", {c.reduced("reduce_sum", e, axes)})});
  if (c.failed() || integer(attrs, "keep") == 0) return c.done(result);
  std::vector<Dim> sizes = c.type(x[0]).dims;
  for (Dim a : axes) sizes[static_cast<size_t>(a.value())] = 1;
  return c.done(c.op("reshape", {result}, {{"sizes", sizes}}));
}

Result<ValueId> expand_mean(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  return c.done(c.mean(x[0], axes_of(attrs)));
}

// x less its mean.
ValueId centered(Compose& c, ValueId x, const std::vector<Dim>& axes) {
  return c.op("sub", {x, c.along(c.mean(x, axes), x, axes)});
}

Result<ValueId> expand_variance(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  std::vector<Dim> axes = axes_of(attrs);
  return c.done(c.mean(c.op("square", {centered(c, x[0], axes)}), axes));
}

// v / sqrt(mean(v^2) + epsilon), times scale.
ValueId normalized(Compose& c, ValueId v, ValueId scale, int axis, const AttrValue& epsilon) {
  std::vector<Dim> axes = axes_from(axis, c.rank(v));
  ValueId inverse = c.op("rsqrt", {c.plus(c.mean(c.op("square", {v}), axes), epsilon)});
  ValueId unit = c.op("mul", {v, c.along(inverse, v, axes)});
  return c.op("mul", {unit, c.at(scale, v, axis)});
}

int axis_in(Compose& c, ValueId x, const Attrs& attrs) {
  int axis = static_cast<int>(integer(attrs, "axis"));
  if (axis >= c.rank(x)) c.fail(input_error(fmt::format("axis {} is out of range of {}", axis, c.type(x).to_string())));
  return axis;
}

Result<ValueId> expand_layer_norm(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  int axis = axis_in(c, x[0], attrs);
  ValueId v = centered(c, x[0], axes_from(axis, c.rank(x[0])));
  ValueId scaled = normalized(c, v, x[1], axis, attrs.at("epsilon"));
  return c.done(c.op("add", {scaled, c.at(x[2], x[0], axis)}));
}

Result<ValueId> expand_rms_norm(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  int axis = axis_in(c, x[0], attrs);
  return c.done(normalized(c, x[0], x[1], axis, attrs.at("epsilon")));
}

// x, scale, bias, mean, variance; the last four have one value a channel.
Result<ValueId> expand_batch_norm(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  if (c.rank(x[0]) < 2) return input_error("the first operand needs a channel axis");
  ValueId inverse = c.op("rsqrt", {c.plus(x[4], attrs.at("epsilon"))});
  ValueId factor = c.op("mul", {x[1], inverse});
  ValueId v = c.op("sub", {x[0], c.at(x[3], x[0], 1)});
  return c.done(c.op("add", {c.op("mul", {v, c.at(factor, x[0], 1)}), c.at(x[2], x[0], 1)}));
}

// x / (bias + alpha/size * sum of x^2 over `size` neighbouring channels)^beta
Result<ValueId> expand_lrn(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  int64_t size = integer(attrs, "size");
  if (c.rank(x[0]) < 2) return input_error("the operand needs a channel axis");
  if (size < 1) return input_error("size must be positive");
  auto rank = static_cast<size_t>(c.rank(x[0]));
  std::vector<Dim> window(rank, 1), low(rank, 0), high(rank, 0);
  window[1] = size;
  low[1] = (size - 1) / 2;
  high[1] = size / 2;
  ValueId sum = c.op("window_sum", {c.op("square", {x[0]})}, {{"window", window}, {"low", low}, {"high", high}});
  const auto* alpha = std::get_if<double>(&attrs.at("alpha"));
  if (!alpha) return unsupported_error("alpha of lrn must be known");
  ValueId base = c.plus(c.scaled(sum, *alpha / static_cast<double>(size)), attrs.at("bias"));
  return c.done(c.op("div", {x[0], c.op("pow", {base, c.like(base, attrs.at("beta"))})}));
}

constexpr OpText kOps[] = {
    {"exp(x) / sum of exp(x) along an axis", "op softmax(x){axis: axis}", expand_softmax},
    {"log of softmax", "op log_softmax(x){axis: axis}", expand_log_softmax},
    {"log of the sum of exp(x) over axes; keep = 1 leaves them with size 1",
     "op logsumexp(x){axes: axes, keep: int = 0}", expand_logsumexp},
    {"mean over axes", "op mean(x){axes: axes}", expand_mean},
    {"mean of (x - mean)^2 over axes", "op variance(x){axes: axes}", expand_variance},
    {"(x - mean) / sqrt(variance + epsilon) * scale + bias over the axes from `axis` on",
     "op layer_norm(x, scale, bias){axis: axis, epsilon: number = 1e-05}", expand_layer_norm},
    {"x / sqrt(mean of x^2 + epsilon) * scale over the axes from `axis` on",
     "op rms_norm(x, scale){axis: axis, epsilon: number = 1e-05}", expand_rms_norm},
    {"(x - mean) / sqrt(variance + epsilon) * scale + bias with one value a channel (axis 1)",
     "op batch_norm(x, scale, bias, mean, variance){epsilon: number = 1e-05}", expand_batch_norm},
    {"local response normalization over channels (axis 1)",
     "op lrn(x){size: int, alpha: number = 0.0001, beta: number = 0.75, bias: number = 1}", expand_lrn},
};

}  // namespace

std::span<const OpText> normalization_ops() { return kOps; }

}  // namespace egret
