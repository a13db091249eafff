// Leaves and maps as ONNX nodes.
#include <cmath>

#include "frontends/onnx/emitter.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

using Target = Emitter::Target;

bool is_bool(const Type& type) { return type.dtype == DType::boolean; }

// Maps that ONNX has as they are.
struct Plain {
  const char* ours;
  const char* theirs;
};
constexpr Plain kPlain[] = {{"neg", "Neg"},
                            {"abs", "Abs"},
                            {"sign", "Sign"},
                            {"floor", "Floor"},
                            {"ceil", "Ceil"},
                            {"round", "Round"},
                            {"exp", "Exp"},
                            {"log", "Log"},
                            {"sqrt", "Sqrt"},
                            {"sin", "Sin"},
                            {"cos", "Cos"},
                            {"tanh", "Tanh"},
                            {"erf", "Erf"},
                            {"logistic", "Sigmoid"},
                            {"is_nan", "IsNaN"},
                            {"reciprocal", "Reciprocal"},
                            {"add", "Add"},
                            {"sub", "Sub"},
                            {"mul", "Mul"},
                            {"div", "Div"},
                            {"pow", "Pow"},
                            {"max", "Max"},
                            {"min", "Min"},
                            {"eq", "Equal"},
                            {"lt", "Less"},
                            {"le", "LessOrEqual"},
                            {"gt", "Greater"},
                            {"ge", "GreaterOrEqual"},
                            {"select", "Where"},
                            {"gelu", "Gelu"},
                            {"hard_swish", "HardSwish"},
                            {"softplus", "Softplus"},
                            {"mish", "Mish"},
                            {"matmul", "MatMul"}};

Result<Names> plain(Emitter& e, const Target& t) {
  for (const Plain& p : kPlain) {
    if (t.node->op->name == p.ours) return Names{e.node(p.theirs, t.operands, {}, t.node->name)};
  }
  return internal_error("no plain map");
}

Result<Names> constant(Emitter& e, const Target& t) {
  const TensorRef& value = std::get<TensorRef>(t.attrs().at("value"));
  return Names{e.initializer(*value)};
}

Result<Names> splat(Emitter& e, const Target& t) {
  if (t.type().rank() == 0) return Names{e.scalar(number(t.attrs(), "value"), t.type().dtype)};
  const Tensor value = Tensor::splat(Type::tensor(t.type().dtype, {Dim(1)}), number(t.attrs(), "value"));
  NodeAttribute a;
  a.kind = NodeAttribute::Kind::kTensor;
  a.name = "value";
  a.tensor = &value;
  return Names{e.node("ConstantOfShape", {e.integers(t.type().sizes())}, {a}, t.node->name)};
}

Result<Names> iota(Emitter& e, const Target& t) {
  const Ints sizes = t.type().sizes();
  const auto axis = static_cast<size_t>(integer(t.attrs(), "axis"));
  const std::string line = e.node(
      "Range",
      {e.scalar(0, DType::i64), e.scalar(static_cast<double>(sizes[axis]), DType::i64), e.scalar(1, DType::i64)});
  Ints shape(sizes.size(), 1);
  shape[axis] = sizes[axis];
  const std::string spread = e.expand(e.reshape(line, shape), sizes);
  if (t.type().dtype == DType::i64) return Names{spread};
  return Names{e.node("Cast", {spread}, {attribute("to", int64_t{element_type_of(t.type().dtype)})}, t.node->name)};
}

Result<Names> cast(Emitter& e, const Target& t) {
  return Names{e.node("Cast", t.operands, {attribute("to", int64_t{element_type_of(t.type().dtype)})}, t.node->name)};
}

Result<Names> expm1(Emitter& e, const Target& t) {  // tanh(x / 2) * (exp(x) + 1): exact near 0
  const DType dtype = t.type().dtype;
  const std::string half = e.node("Tanh", {e.node("Mul", {t.operands[0], e.scalar(0.5, dtype)})});
  const std::string sum = e.node("Add", {e.node("Exp", {t.operands[0]}), e.scalar(1, dtype)});
  return Names{e.node("Mul", {half, sum}, {}, t.node->name)};
}

// log(u) x / (u - 1) with u the rounded 1 + x (Kahan): exact near 0; x where u is 1, log(u) where u is x or infinite.
Result<Names> log1p(Emitter& e, const Target& t) {
  const std::string& x = t.operands[0];
  const std::string one = e.scalar(1, t.type().dtype);
  const std::string u = e.node("Add", {x, one});
  const std::string log = e.node("Log", {u});
  const std::string scaled = e.node("Mul", {log, e.node("Div", {x, e.node("Sub", {u, one})})});
  const std::string far = e.node("Where", {e.node("Equal", {u, x}), log, scaled});
  return Names{e.node("Where", {e.node("Equal", {u, one}), x, far}, {}, t.node->name)};
}

Result<Names> rsqrt(Emitter& e, const Target& t) {
  return Names{e.node("Reciprocal", {e.node("Sqrt", t.operands)}, {}, t.node->name)};
}

Result<Names> square(Emitter& e, const Target& t) {
  return Names{e.node("Mul", {t.operands[0], t.operands[0]}, {}, t.node->name)};
}

Result<Names> relu(Emitter& e, const Target& t) {
  if (is_float(t.type().dtype)) return Names{e.node("Relu", t.operands, {}, t.node->name)};
  return Names{e.node("Max", {t.operands[0], e.scalar(0, t.type().dtype)}, {}, t.node->name)};
}

Result<Names> rem(Emitter& e, const Target& t) {
  return Names{e.node("Mod", t.operands, {attribute("fmod", int64_t{1})}, t.node->name)};
}

Result<Names> ne(Emitter& e, const Target& t) {
  return Names{e.node("Not", {e.node("Equal", t.operands)}, {}, t.node->name)};
}

Result<Names> is_finite(Emitter& e, const Target& t) {
  const std::string bad = e.node("Or", {e.node("IsNaN", t.operands), e.node("IsInf", t.operands)});
  return Names{e.node("Not", {bad}, {}, t.node->name)};
}

Result<Names> logical(Emitter& e, const Target& t, const char* of_bool, const char* of_integers) {
  return Names{e.node(is_bool(t.type()) ? of_bool : of_integers, t.operands, {}, t.node->name)};
}

// The angle of (|b|, |a|), turned into the quadrant of (b, a); the sign of a zero is that of its reciprocal.
Result<Names> atan2(Emitter& e, const Target& t) {
  const DType dtype = t.type().dtype;
  const std::string zero = e.scalar(0, dtype);
  auto negative = [&](const std::string& x) {
    return e.node("Or", {e.node("Less", {x, zero}), e.node("Less", {e.node("Reciprocal", {x}), zero})});
  };
  const std::string high = e.node("Abs", {t.operands[0]}), wide = e.node("Abs", {t.operands[1]});
  const std::string diagonal = e.node("Where", {e.node("Equal", {high, zero}), zero, e.scalar(1, dtype)});
  const std::string slope =
      e.node("Where", {e.node("Equal", {high, wide}), diagonal, e.node("Div", {high, wide})});  // not 0 / 0, inf / inf
  const std::string angle = e.node("Atan", {slope});
  const std::string turned = e.node("Sub", {e.scalar(M_PI, dtype), angle});
  const std::string upper = e.node("Where", {negative(t.operands[1]), turned, angle});
  return Names{
      e.node("Where", {negative(t.operands[0]), e.node("Neg", {upper}), upper}, {}, t.node->name)};
}

Result<Names> clip(Emitter& e, const Target& t) {
  const DType dtype = t.type().dtype;
  const std::string low = e.scalar(number(t.attrs(), "low"), dtype), high = e.scalar(number(t.attrs(), "high"), dtype);
  return Names{e.node("Clip", {t.operands[0], low, high}, {}, t.node->name)};
}

Result<Names> gelu_tanh(Emitter& e, const Target& t) {
  return Names{e.node("Gelu", t.operands, {attribute("approximate", std::string_view("tanh"))}, t.node->name)};
}

Result<Names> silu(Emitter& e, const Target& t) {
  return Names{e.node("Mul", {t.operands[0], e.node("Sigmoid", t.operands)}, {}, t.node->name)};
}

Result<Names> with_alpha(Emitter& e, const Target& t, const char* op) {
  return Names{e.node(op, t.operands, {attribute("alpha", number(t.attrs(), "alpha"))}, t.node->name)};
}

Result<Names> hard_sigmoid(Emitter& e, const Target& t) {
  return Names{e.node("HardSigmoid", t.operands,
                      {attribute("alpha", number(t.attrs(), "alpha")), attribute("beta", number(t.attrs(), "beta"))},
                      t.node->name)};
}

}  // namespace

void add_map_writers(std::unordered_map<std::string_view, OpWriter>& table) {
  for (const Plain& p : kPlain) table[p.ours] = plain;
  table["constant"] = constant;
  table["splat"] = splat;
  table["iota"] = iota;
  table["cast"] = cast;
  table["expm1"] = expm1;
  table["log1p"] = log1p;
  table["rsqrt"] = rsqrt;
  table["square"] = square;
  table["relu"] = relu;
  table["rem"] = rem;
  table["ne"] = ne;
  table["is_finite"] = is_finite;
  table["not"] = [](Emitter& e, const Target& t) { return logical(e, t, "Not", "BitwiseNot"); };
  table["and"] = [](Emitter& e, const Target& t) { return logical(e, t, "And", "BitwiseAnd"); };
  table["or"] = [](Emitter& e, const Target& t) { return logical(e, t, "Or", "BitwiseOr"); };
  table["xor"] = [](Emitter& e, const Target& t) { return logical(e, t, "Xor", "BitwiseXor"); };
  table["atan2"] = atan2;
  table["clip"] = clip;
  table["gelu_tanh"] = gelu_tanh;
  table["silu"] = silu;
  table["leaky_relu"] = [](Emitter& e, const Target& t) { return with_alpha(e, t, "LeakyRelu"); };
  table["elu"] = [](Emitter& e, const Target& t) { return with_alpha(e, t, "Elu"); };
  table["hard_sigmoid"] = hard_sigmoid;
}

}  // namespace egret::onnx
