#include "ir/type.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "ir/text/scan.h"
#include "support/hash.h"

namespace egret {

namespace {

using Kind = DTypeRow::Kind;

// In the order of DType.
constexpr DTypeRow kRows[] = {
    {"f64", Kind::kFloat, 64, 52, 11},  {"f32", Kind::kFloat, 32, 23, 8},    {"tf32", Kind::kFloat, 32, 10, 8},
    {"f16", Kind::kFloat, 16, 10, 5},   {"bf16", Kind::kFloat, 16, 7, 8},    {"i64", Kind::kSigned, 64, 63, 0},
    {"i32", Kind::kSigned, 32, 31, 0},  {"i16", Kind::kSigned, 16, 15, 0},   {"i8", Kind::kSigned, 8, 7, 0},
    {"u64", Kind::kUnsigned, 64, 64, 0}, {"u32", Kind::kUnsigned, 32, 32, 0}, {"u16", Kind::kUnsigned, 16, 16, 0},
    {"u8", Kind::kUnsigned, 8, 8, 0},   {"bool", Kind::kBool, 8, 1, 0},
};

}  // namespace

const DTypeRow& row(DType t) { return kRows[static_cast<int>(t)]; }
const char* name(DType t) { return row(t).name; }

std::optional<DType> dtype_from_name(std::string_view text) {
  if (text.size() < 2 || text.size() > 4) return std::nullopt;
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (text[0] == kRows[i].name[0] && text == kRows[i].name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

bool holds(DType wide, DType narrow) {
  const DTypeRow &w = row(wide), &n = row(narrow);
  if (wide == narrow) return true;
  if (n.kind == Kind::kBool) return true;
  if (w.kind == Kind::kBool) return false;
  if (w.kind == Kind::kFloat && n.kind == Kind::kFloat) return w.mantissa >= n.mantissa && w.exponent >= n.exponent;
  if (w.kind == Kind::kFloat) return w.mantissa + 1 >= n.mantissa && (1 << (w.exponent - 1)) > n.mantissa;
  if (n.kind == Kind::kFloat) return false;
  if (w.kind == Kind::kUnsigned && n.kind == Kind::kSigned) return false;
  return w.mantissa >= n.mantissa;
}

double lowest_of(DType t) {
  if (is_float(t)) return -std::numeric_limits<double>::infinity();
  return row(t).kind == Kind::kSigned ? -std::ldexp(1.0, row(t).mantissa) : 0;
}

double highest_of(DType t) {
  if (is_float(t)) return std::numeric_limits<double>::infinity();
  return static_cast<double>(row(t).mantissa == 64 ? ~uint64_t{0} : (uint64_t{1} << row(t).mantissa) - 1);
}

Type Type::tensor(DType dtype, std::vector<Dim> dims) {
  Type t;
  t.dtype = dtype;
  t.dims = std::move(dims);
  return t;
}

Type Type::tuple(std::vector<Type> elements) {
  Type t;
  t.kind = Kind::kTuple;
  t.elements = std::move(elements);
  return t;
}

Type Type::token() {
  Type t;
  t.kind = Kind::kToken;
  return t;
}

bool Type::is_static() const {
  for (Dim d : dims) {
    if (!d.is_const()) return false;
  }
  for (const Type& e : elements) {
    if (!e.is_static()) return false;
  }
  return true;
}

std::vector<int64_t> Type::sizes() const {
  std::vector<int64_t> result;
  result.reserve(dims.size());
  for (Dim d : dims) result.push_back(d.value());
  return result;
}

int64_t Type::elements_count() const {
  int64_t count = 1;
  bool over = false;
  for (Dim d : dims) over |= __builtin_mul_overflow(count, d.value(), &count);
  if (!over && count < int64_t{1} << 60) return count;
  Dim product = 1;  // saturates
  for (Dim d : dims) product = product * Dim(d.value());
  return product.value();
}

int64_t Type::bytes() const {
  if (is_tensor()) return (Dim(elements_count()) * Dim(size_in_bytes(dtype))).value();
  Dim total = 0;
  for (const Type& e : elements) total = total + Dim(e.bytes());
  return total.value();
}

std::string Type::to_string() const {
  std::string text;
  switch (kind) {
    case Kind::kToken: return "token";
    case Kind::kTensor:
      text = name(dtype);
      text += '[';
      for (size_t i = 0; i < dims.size(); ++i) {
        if (i) text += ',';
        text += dims[i].to_string();
      }
      return text += ']';
    case Kind::kTuple:
      text = "(";
      for (size_t i = 0; i < elements.size(); ++i) text += (i ? ", " : "") + elements[i].to_string();
      return text + ")";
  }
  return text;
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == Type::Kind::kTuple) return a.elements == b.elements;
  return a.kind == Type::Kind::kToken || (a.dtype == b.dtype && a.dims == b.dims);
}

uint64_t Type::hash() const {
  uint64_t h = static_cast<uint64_t>(kind);
  if (is_tensor()) h = hash_combine(h, static_cast<uint64_t>(dtype));
  for (Dim d : dims) h = hash_combine(h, d.hash());
  for (const Type& e : elements) h = hash_combine(h, e.hash());
  return h;
}

Result<Type> parse_type(Scanner& scan, int depth) {
  if (depth > kMaxTextDepth) return input_error("a type is nested too deeply", {}, scan.here());
  if (scan.accept("token")) return Type::token();
  if (scan.accept("(")) {
    std::vector<Type> elements;
    while (!scan.accept(")")) {
      if (!elements.empty()) EGRET_TRY_VOID(scan.expect(",", "between types of a tuple"));
      EGRET_TRY(Type element, parse_type(scan, depth + 1));
      elements.push_back(std::move(element));
    }
    return Type::tuple(std::move(elements));
  }
  const char* hint = "types look like f32[64,32]; dtypes are f64 f32 tf32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8 bool";
  auto dtype = scan.peek().kind == Token::Kind::kName ? dtype_from_name(scan.peek().text) : std::nullopt;
  if (!dtype) return scan.expected("a type", hint);
  scan.next();
  EGRET_TRY_VOID(scan.expect("[", "after a dtype"));
  std::vector<Dim> dims;
  Dim elements = 1;
  while (!scan.accept("]")) {
    if (!dims.empty()) EGRET_TRY_VOID(scan.expect(",", "between sizes"));
    const Token size = scan.peek();
    EGRET_TRY(Dim d, parse_dim(scan));
    if (d.low() < 0) return input_error(fmt::format("the size {} may be negative", d.to_string()), {}, scan.span(size));
    if (dims.size() >= kMaxRank) return input_error(fmt::format("more than {} axes", kMaxRank), {}, scan.span(size));
    dims.push_back(d);
    elements = elements * Dim(d.is_const() ? std::max<int64_t>(d.value(), 1) : 1);
    if (elements.value() > kMaxElements) return input_error("the type is too large (more than 2^48 elements)", {}, scan.span(size));
  }
  return Type::tensor(*dtype, std::move(dims));
}

Result<Type> Type::parse(std::string_view text) {
  Scanner scan(text, "<type>");
  EGRET_TRY(Type t, parse_type(scan));
  if (!scan.at_end()) return scan.expected("the end of a type");
  return t;
}

}  // namespace egret
