// Maps of two and more operands, with NumPy's broadcasting.
#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

#define EGRET_BINARY(onnx_name, our_name) table[onnx_name] = [](Node& n) { n.out(n.map(our_name, {n.in(0), n.in(1)})); }

void same_dtype(Node& n, Value a, Value b) {
  if (n.dtype(a) != n.dtype(b)) {
    n.fail("operands have different element types: " + n.type(a).to_string() + " and " + n.type(b).to_string());
  }
}

void pow(Node& n) {
  const Value x = n.in(0), exponent = n.in(1);
  const std::optional<double> number = n.importer().uniform(exponent);
  const bool splat = number && n.common_sizes({x, exponent}) == n.sizes(x) && is_float(n.dtype(x));
  if (splat && *number == 1) return n.out(x);
  if (splat && *number == 2) return n.out(n.add("square", {x}));
  if (splat && *number == 0.5) return n.out(n.add("sqrt", {x}));
  if (splat && *number == -1) return n.out(n.add("reciprocal", {x}));
  if (is_float(n.dtype(x))) return n.out(n.map("pow", {x, n.cast(exponent, n.dtype(x))}));
  // Our pow is of floats; f64 holds what integers have of use as powers.
  n.out(n.cast(n.map("pow", {n.cast(x, DType::f64), n.cast(exponent, DType::f64)}), n.dtype(x)));
}

// fmod = 1: the sign of the dividend (our rem); else the sign of the divisor, as Python's %.
void mod(Node& n) {
  const Value a = n.in(0), b = n.in(1);
  const Value r = n.map("rem", {a, b});
  const DTypeRow::Kind kind = row(n.dtype(a)).kind;
  if (n.attr_int("fmod", 0) != 0 || kind == DTypeRow::Kind::kUnsigned) return n.out(r);
  const Value zero = n.number(r, 0);
  const Value signs_differ = n.map("ne", {n.map("lt", {r, zero}), n.map("lt", {b, zero})});
  const Value wrong = n.map("and", {n.map("ne", {r, zero}), signs_differ});
  n.out(n.map("select", {wrong, n.map("add", {r, b}), r}));
}

Value fold(Node& n, const char* op) {
  n.check(n.inputs_count() > 0, "no operands");
  Value all = n.in(0);
  for (size_t i = 1; i < n.inputs_count(); ++i) all = n.map(op, {all, n.in(i)});
  return all;
}

void mean(Node& n) {
  const Value sum = fold(n, "add");
  n.out(n.map("div", {sum, n.number(sum, static_cast<double>(n.inputs_count()))}));
}

void where(Node& n) {
  same_dtype(n, n.in(1), n.in(2));
  n.out(n.map("select", {n.in(0), n.in(1), n.in(2)}));
}

// Of unsigned integers: by a product with, or a quotient by, a power of two; shifts of the whole width give 0.
void bit_shift(Node& n) {
  const Value x = n.in(0), count = n.in(1);
  const std::string direction = n.attr_string("direction", "");
  n.check(direction == "LEFT" || direction == "RIGHT", "attribute 'direction' should be LEFT or RIGHT");
  if (row(n.dtype(x)).kind != DTypeRow::Kind::kUnsigned) n.unsupported("a shift of signed integers");
  const int bits = row(n.dtype(x)).bits;
  Sizes powers(static_cast<size_t>(bits));
  for (int i = 0; i < bits; ++i) powers[i] = static_cast<int64_t>(uint64_t{1} << i);
  const Value table = n.integers(n.dtype(x), {bits}, powers);
  const Value index = n.cast(count, DType::i64);
  const Value limit = n.splat(DType::i64, {}, bits);
  const Value inside = n.map("lt", {index, limit});
  const Value factor = n.gather(table, n.map("min", {index, n.splat(DType::i64, {}, bits - 1)}), 0);
  const Value shifted = n.map(direction == "LEFT" ? "mul" : "div", {x, factor});
  n.out(n.map("select", {inside, shifted, n.number(x, 0)}));
}

void compare(Node& n, const char* op) {
  same_dtype(n, n.in(0), n.in(1));
  n.out(n.map(op, {n.in(0), n.in(1)}));
}

}  // namespace

void add_arithmetic_handlers(HandlerTable& table) {
  EGRET_BINARY("Add", "add");
  EGRET_BINARY("Sub", "sub");
  EGRET_BINARY("Mul", "mul");
  EGRET_BINARY("Div", "div");
  EGRET_BINARY("And", "and");
  EGRET_BINARY("Or", "or");
  EGRET_BINARY("Xor", "xor");
  EGRET_BINARY("BitwiseAnd", "and");
  EGRET_BINARY("BitwiseOr", "or");
  EGRET_BINARY("BitwiseXor", "xor");
  table["Equal"] = [](Node& n) { compare(n, "eq"); };
  table["Greater"] = [](Node& n) { compare(n, "gt"); };
  table["Less"] = [](Node& n) { compare(n, "lt"); };
  table["GreaterOrEqual"] = [](Node& n) { compare(n, "ge"); };
  table["LessOrEqual"] = [](Node& n) { compare(n, "le"); };
  table["Min"] = [](Node& n) { n.out(fold(n, "min")); };
  table["Max"] = [](Node& n) { n.out(fold(n, "max")); };
  table["Sum"] = [](Node& n) { n.out(fold(n, "add")); };
  table["Mean"] = mean;
  table["Pow"] = pow;
  table["Mod"] = mod;
  table["Where"] = where;
  table["BitShift"] = bit_shift;
}

}  // namespace egret::onnx
