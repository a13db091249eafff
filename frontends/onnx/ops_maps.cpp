// Maps: one operand, or attributes for constants.
#include <cmath>
#include <limits>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

#define EGRET_UNARY(onnx_name, our_name) table[onnx_name] = [](Node& n) { n.out(n.add(our_name, {n.in(0)})); }

void tan(Node& n) { n.out(n.add("div", {n.add("sin", {n.in(0)}), n.add("cos", {n.in(0)})})); }

// sqrt(1 - x * x), as a product so that nothing cancels at 1 and -1.
Value other_leg(Node& n, Value x) {
  return n.add("sqrt", {n.add("mul", {n.map("sub", {n.number(x, 1), x}), n.map("add", {x, n.number(x, 1)})})});
}

void asin(Node& n) { n.out(n.add("atan2", {n.in(0), other_leg(n, n.in(0))})); }
void acos(Node& n) { n.out(n.add("atan2", {other_leg(n, n.in(0)), n.in(0)})); }
void atan(Node& n) { n.out(n.map("atan2", {n.in(0), n.number(n.in(0), 1)})); }

// Hyperbolic functions in forms that keep their digits at small and at large arguments.
void half_exponentials(Node& n, const char* function, const char* op) {
  const Value x = n.in(0);
  const Value both = n.add(op, {n.add(function, {x}), n.add(function, {n.add("neg", {x})})});
  n.out(n.map("mul", {both, n.number(x, 0.5)}));
}
void sinh(Node& n) { half_exponentials(n, "expm1", "sub"); }
void cosh(Node& n) { half_exponentials(n, "exp", "add"); }

void asinh(Node& n) {  // odd; of a > 0: log1p(a + a / (r + sqrt(1 + r * r))), r = 1 / a
  const Value x = n.in(0), a = n.add("abs", {x}), r = n.add("reciprocal", {a});
  const Value root = n.add("sqrt", {n.map("add", {n.add("mul", {r, r}), n.number(x, 1)})});
  const Value more = n.add("div", {a, n.add("add", {r, root})});
  n.out(n.add("mul", {n.add("sign", {x}), n.add("log1p", {n.add("add", {a, more})})}));
}
void acosh(Node& n) {  // log1p(t + sqrt(t) * sqrt(t + 2)), t = x - 1
  const Value x = n.in(0), t = n.map("sub", {x, n.number(x, 1)});
  const Value roots = n.add("mul", {n.add("sqrt", {t}), n.add("sqrt", {n.map("add", {x, n.number(x, 1)})})});
  n.out(n.add("log1p", {n.add("add", {t, roots})}));
}
void atanh(Node& n) {
  const Value x = n.in(0);
  const Value difference = n.add("sub", {n.add("log1p", {x}), n.add("log1p", {n.add("neg", {x})})});
  n.out(n.map("mul", {difference, n.number(x, 0.5)}));
}

void identity(Node& n) { n.out(n.in(0)); }

void dropout(Node& n) {
  if (n.has(2)) {
    const Value training = n.in(2);
    const double ratio = n.has(1) ? n.known_number(n.in(1), "ratio") : 0.5;
    if (n.known_number(training, "training_mode") != 0 && ratio != 0) {
      n.unsupported("dropout in training mode draws random numbers", "export the model for inference");
    }
  }
  n.out(0, n.in(0));
  if (n.wants(1)) n.out(1, n.splat(n.version < 10 ? n.dtype(n.in(0)) : DType::boolean, n.sizes(n.in(0)), 1));
}

void cast(Node& n) {
  const std::optional<DType> to = dtype_of(static_cast<int32_t>(n.attr_int("to", 0)));
  if (!to) n.unsupported("a cast to element type " + std::to_string(n.attr_int("to", 0)));
  n.out(n.cast(n.in(0), *to));
}

void cast_like(Node& n) { n.out(n.cast(n.in(0), n.dtype(n.in(1)))); }

void clip(Node& n) {
  Value x = n.in(0);
  if (n.version < 11) {
    const double low = n.attr_float("min", -kInfinity), high = n.attr_float("max", kInfinity);
    if (low > -kInfinity && high < kInfinity && low <= high) {
      return n.out(n.add("clip", {x}, {{"low", low}, {"high", high}}));
    }
    if (low > -kInfinity) x = n.map("max", {x, n.number(x, low)});
    if (high < kInfinity) x = n.map("min", {x, n.number(x, high)});
    return n.out(x);
  }
  const auto bound = [&](size_t i) { return n.has(i) ? n.importer().uniform(n.in(i)) : std::nullopt; };
  const std::optional<double> low = bound(1), high = bound(2);
  if (low && high && *low <= *high && is_float(n.dtype(x))) {
    return n.out(n.add("clip", {x}, {{"low", *low}, {"high", *high}}));
  }
  if (n.has(1)) x = n.map("max", {x, n.in(1)});
  if (n.has(2)) x = n.map("min", {x, n.in(2)});
  n.out(x);
}

void hard_sigmoid(Node& n) {
  n.out(
      n.add("hard_sigmoid", {n.in(0)}, {{"alpha", n.attr_float("alpha", 0.2f)}, {"beta", n.attr_float("beta", 0.5f)}}));
}

void leaky_relu(Node& n) { n.out(n.add("leaky_relu", {n.in(0)}, {{"alpha", n.attr_float("alpha", 0.01f)}})); }
void elu(Node& n) { n.out(n.add("elu", {n.in(0)}, {{"alpha", n.attr_float("alpha", 1)}})); }

void selu(Node& n) {
  const Value x = n.in(0);
  const double alpha = n.attr_float("alpha", 1.67326319217681884765625f);
  const double gamma = n.attr_float("gamma", 1.05070102214813232421875f);
  n.out(n.map("mul", {n.add("elu", {x}, {{"alpha", alpha}}), n.number(x, gamma)}));
}

void celu(Node& n) {  // max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
  const Value x = n.in(0);
  const double alpha = n.attr_float("alpha", 1);
  const Value curve = n.map("mul", {n.add("expm1", {n.map("div", {x, n.number(x, alpha)})}), n.number(x, alpha)});
  n.out(n.add("add", {n.add("relu", {x}), n.map("min", {curve, n.number(x, 0)})}));
}

void prelu(Node& n) {
  const Value x = n.in(0);
  const Value slope = n.broadcast_to(n.in(1), n.sizes(x));
  n.out(n.add("select", {n.map("lt", {x, n.number(x, 0)}), n.add("mul", {x, slope}), x}));
}

void gelu(Node& n) {
  const std::string kind = n.attr_string("approximate", "none");
  n.check(kind == "none" || kind == "tanh", "attribute 'approximate' should be none or tanh");
  n.out(n.add(kind == "tanh" ? "gelu_tanh" : "gelu", {n.in(0)}));
}

void swish(Node& n) {
  const Value x = n.in(0);
  const double alpha = n.attr_float("alpha", 1);
  if (alpha == 1) return n.out(n.add("silu", {x}));
  n.out(n.add("mul", {x, n.add("logistic", {n.map("mul", {x, n.number(x, alpha)})})}));
}

void softsign(Node& n) {
  const Value x = n.in(0);
  n.out(n.add("div", {x, n.map("add", {n.add("abs", {x}), n.number(x, 1)})}));
}

void thresholded_relu(Node& n) {
  const Value x = n.in(0);
  const Value above = n.map("gt", {x, n.number(x, n.attr_float("alpha", 1))});
  n.out(n.map("select", {above, x, n.number(x, 0)}));
}

void shrink(Node& n) {  // x < -lambd: x + bias; x > lambd: x - bias; else 0
  const Value x = n.in(0);
  const double lambd = n.attr_float("lambd", 0.5), bias = n.attr_float("bias", 0);
  const Value below = n.map("lt", {x, n.number(x, -lambd)}), above = n.map("gt", {x, n.number(x, lambd)});
  const Value inner = n.map("select", {above, n.map("sub", {x, n.number(x, bias)}), n.number(x, 0)});
  n.out(n.add("select", {below, n.map("add", {x, n.number(x, bias)}), inner}));
}

void is_inf(Node& n) {
  const Value x = n.in(0);
  const bool positive = n.attr_int("detect_positive", 1) != 0, negative = n.attr_int("detect_negative", 1) != 0;
  const Value up = n.map("eq", {x, n.number(x, kInfinity)}), down = n.map("eq", {x, n.number(x, -kInfinity)});
  if (positive && negative) return n.out(n.add("or", {up, down}));
  if (positive || negative) return n.out(positive ? up : down);
  n.out(n.splat(DType::boolean, n.sizes(x), 0));
}

}  // namespace

void add_map_handlers(HandlerTable& table) {
  EGRET_UNARY("Abs", "abs");
  EGRET_UNARY("Neg", "neg");
  EGRET_UNARY("Exp", "exp");
  EGRET_UNARY("Log", "log");
  EGRET_UNARY("Sqrt", "sqrt");
  EGRET_UNARY("Sin", "sin");
  EGRET_UNARY("Cos", "cos");
  EGRET_UNARY("Tanh", "tanh");
  EGRET_UNARY("Erf", "erf");
  EGRET_UNARY("Sigmoid", "logistic");
  EGRET_UNARY("Floor", "floor");
  EGRET_UNARY("Ceil", "ceil");
  EGRET_UNARY("Round", "round");
  EGRET_UNARY("Sign", "sign");
  EGRET_UNARY("Not", "not");
  EGRET_UNARY("BitwiseNot", "not");
  EGRET_UNARY("IsNaN", "is_nan");
  EGRET_UNARY("Relu", "relu");
  EGRET_UNARY("Softplus", "softplus");
  EGRET_UNARY("Mish", "mish");
  EGRET_UNARY("HardSwish", "hard_swish");
  EGRET_UNARY("Reciprocal", "reciprocal");
  EGRET_UNARY("com.microsoft.FastGelu", "gelu_tanh");
  table["Tan"] = tan;
  table["Asin"] = asin;
  table["Acos"] = acos;
  table["Atan"] = atan;
  table["Sinh"] = sinh;
  table["Cosh"] = cosh;
  table["Asinh"] = asinh;
  table["Acosh"] = acosh;
  table["Atanh"] = atanh;
  table["Identity"] = identity;
  table["Dropout"] = dropout;
  table["Cast"] = cast;
  table["CastLike"] = cast_like;
  table["Clip"] = clip;
  table["HardSigmoid"] = hard_sigmoid;
  table["LeakyRelu"] = leaky_relu;
  table["Elu"] = elu;
  table["Selu"] = selu;
  table["Celu"] = celu;
  table["PRelu"] = prelu;
  table["Gelu"] = gelu;
  table["com.microsoft.Gelu"] = gelu;
  table["Swish"] = swish;
  table["Softsign"] = softsign;
  table["ThresholdedRelu"] = thresholded_relu;
  table["Shrink"] = shrink;
  table["IsInf"] = is_inf;
}

}  // namespace egret::onnx
