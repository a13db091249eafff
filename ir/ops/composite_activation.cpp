// Activation functions as terms.
#include <cmath>

#include "ir/definitions/registry.h"
#include "ir/ops/compose.h"

namespace egret {

namespace {

using Operands = std::span<const ValueId>;

Result<ValueId> expand_clip(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  ValueId low = c.op("max", {x[0], c.like(x[0], attrs.at("low"))});
  return c.done(c.op("min", {low, c.like(x[0], attrs.at("high"))}));
}

// x * 0.5 * (1 + inner)
ValueId half_gated(Compose& c, ValueId x, ValueId inner) {
  return c.op("mul", {c.scaled(x, 0.5), c.plus(inner, 1)});
}

Result<ValueId> expand_gelu(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  return c.done(half_gated(c, x[0], c.op("erf", {c.scaled(x[0], std::sqrt(0.5))})));
}

Result<ValueId> expand_gelu_tanh(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  ValueId cube = c.op("mul", {c.op("square", {x[0]}), x[0]});
  ValueId sum = c.op("add", {x[0], c.scaled(cube, 0.044715)});
  return c.done(half_gated(c, x[0], c.op("tanh", {c.scaled(sum, std::sqrt(2 / M_PI))})));
}

Result<ValueId> expand_silu(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  return c.done(c.op("mul", {x[0], c.op("logistic", {x[0]})}));
}

ValueId hard_sigmoid(Compose& c, ValueId x, const AttrValue& alpha, const AttrValue& beta) {
  ValueId line = c.plus(c.scaled(x, alpha), beta);
  return c.op("max", {c.op("min", {line, c.like(x, 1)}), c.like(x, 0)});
}

Result<ValueId> expand_hard_sigmoid(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  return c.done(hard_sigmoid(c, x[0], attrs.at("alpha"), attrs.at("beta")));
}

Result<ValueId> expand_hard_swish(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  return c.done(c.op("mul", {x[0], hard_sigmoid(c, x[0], 1.0 / 6, 0.5)}));
}

// `below` where x < 0, else x.
ValueId where_negative(Compose& c, ValueId x, ValueId below) {
  return c.op("select", {c.op("lt", {x, c.like(x, 0)}), below, x});
}

Result<ValueId> expand_leaky_relu(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  return c.done(where_negative(c, x[0], c.scaled(x[0], attrs.at("alpha"))));
}

Result<ValueId> expand_elu(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  return c.done(where_negative(c, x[0], c.scaled(c.op("expm1", {x[0]}), attrs.at("alpha"))));
}

// log(1 + exp(x)) without overflow.
ValueId softplus(Compose& c, ValueId x) {
  ValueId small = c.op("exp", {c.op("neg", {c.op("abs", {x})})});
  return c.op("add", {c.op("relu", {x}), c.op("log1p", {small})});
}

Result<ValueId> expand_softplus(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  return c.done(softplus(c, x[0]));
}

Result<ValueId> expand_mish(GraphBuilder& b, Operands x, const Attrs&) {
  Compose c(b);
  return c.done(c.op("mul", {x[0], c.op("tanh", {softplus(c, x[0])})}));
}

constexpr OpText kOps[] = {
    {"x cut to [low, high]", "op clip(x){low: number = -inf, high: number = inf}", expand_clip},
    {"x times the normal distribution function at x", "op gelu(x)", expand_gelu},
    {"gelu by the tanh approximation", "op gelu_tanh(x)", expand_gelu_tanh},
    {"x * logistic(x), also called swish", "op silu(x)", expand_silu},
    {"alpha*x + beta cut to [0, 1]", "op hard_sigmoid(x){alpha: number = 0.2, beta: number = 0.5}", expand_hard_sigmoid},
    {"x * hard_sigmoid(x) with alpha 1/6", "op hard_swish(x)", expand_hard_swish},
    {"alpha*x where x < 0, else x", "op leaky_relu(x){alpha: number = 0.01}", expand_leaky_relu},
    {"alpha*(exp(x) - 1) where x < 0, else x", "op elu(x){alpha: number = 1}", expand_elu},
    {"log(1 + exp(x))", "op softplus(x)", expand_softplus},
    {"x * tanh(softplus(x))", "op mish(x)", expand_mish},
};

}  // namespace

std::span<const OpText> activation_ops() { return kOps; }

}  // namespace egret
