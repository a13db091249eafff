// Arithmetic and comparisons of the values that rules compute with, and those values as attributes.
#include <algorithm>
#include <cmath>

#include "ir/assume.h"
#include "rules/lang/natives.h"

namespace egret::rules {

std::optional<int64_t> integer_of(const Value& v) {
  if (auto* d = std::get_if<Dim>(&v); d && d->is_const()) return d->value();
  if (auto* x = std::get_if<double>(&v); x && *x == std::floor(*x) && std::abs(*x) < 0x1p53) return static_cast<int64_t>(*x);
  return std::nullopt;
}

namespace {

using Out = std::optional<Value>;
using List = std::vector<Dim>;

const List* list(const Value& v) { return std::get_if<List>(&v); }

std::optional<Dim> dim_of(const Value& v) {
  if (auto* d = std::get_if<Dim>(&v)) return *d;
  if (auto i = integer_of(v)) return Dim(*i);
  return std::nullopt;
}

std::optional<double> number_of(const Value& v) {
  if (auto* x = std::get_if<double>(&v)) return *x;
  if (auto i = integer_of(v)) return static_cast<double>(*i);
  return std::nullopt;
}

bool names_real(Dim d) { return !d.is_const() && d.to_string().find(kRealName) != std::string::npos; }

std::optional<Dim> on_sizes(char op, Dim a, Dim b) {
  switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    default: return b == Dim(0) || names_real(a) || names_real(b) ? std::nullopt : std::optional<Dim>(Dim::div(a, b));
  }
}

// Known, or taken as true in a proof for all sizes.
bool proved(const std::string& op, Dim a, Dim b) {
  using Kind = SizeFact::Kind;
  // As integers, neighbours leave nothing between them.
  if (op != "==" && op != "<=" && op != ">=" && (names_real(a) || names_real(b))) return false;
  if (op == ">") return proved("<", b, a);
  if (op == ">=") return proved("<=", b, a);
  if (op == "==") return a == b || AssumeSizes::take({Kind::kEqual, a, b});
  if (op == "!=") return (a - b).low() > 0 || (a - b).high() < 0 || AssumeSizes::take({Kind::kNotEqual, a, b});
  if (op == "<") return (b - a).low() > 0 || AssumeSizes::take({Kind::kLess, a, b});
  return (b - a).low() >= 0 || AssumeSizes::take({Kind::kLessEqual, a, b});
}

bool on_numbers(const std::string& op, double a, double b) {
  if (op == "==") return a == b;
  if (op == "!=") return a != b;
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  return op == ">" ? a > b : a >= b;
}

}  // namespace

std::optional<Value> infix(const std::string& op, const Value& a, const Value& b) {
  const List *x = list(a), *y = list(b);
  if (x || y) {
    if (x && y && x->size() != y->size()) return std::nullopt;
    std::optional<Dim> one = x && y ? std::nullopt : dim_of(x ? b : a);
    if (!(x && y) && !one) return std::nullopt;
    List out;
    for (size_t i = 0; i < (x ? x : y)->size(); ++i) {
      auto d = on_sizes(op[0], x ? (*x)[i] : *one, y ? (*y)[i] : *one);
      if (!d) return std::nullopt;
      out.push_back(*d);
    }
    return out;
  }
  bool sizes = std::holds_alternative<Dim>(a) || std::holds_alternative<Dim>(b);
  if (sizes) {
    auto p = dim_of(a), q = dim_of(b);
    if (p && q) {
      auto d = on_sizes(op[0], *p, *q);
      return d ? Out(*d) : std::nullopt;
    }
  }
  auto p = number_of(a), q = number_of(b);
  if (!p || !q) return std::nullopt;
  switch (op[0]) {
    case '+': return *p + *q;
    case '-': return *p - *q;
    case '*': return *p * *q;
    default: return *p / *q;
  }
}

std::optional<bool> compare(const std::string& op, const Value& a, const Value& b) {
  const List *x = list(a), *y = list(b);
  if (x || y) {  // of lists: every element; != : some element
    if (x && y && x->size() != y->size()) return op == "!=";
    std::optional<Dim> one = x && y ? std::nullopt : dim_of(x ? b : a);
    if (!(x && y) && !one) return std::nullopt;
    if (op == "!=" && AssumeSizes::active()) {
      const std::vector<Dim>& length = x ? *x : *y;
      if (length.empty()) return false;
      const size_t i = AssumeSizes::choose(length.size());  // that differs
      return proved(op, x ? (*x)[i] : *one, y ? (*y)[i] : *one);
    }
    bool all = true, some = false;
    for (size_t i = 0; i < (x ? x : y)->size(); ++i) {
      bool holds = proved(op, x ? (*x)[i] : *one, y ? (*y)[i] : *one);
      all &= holds;
      some |= holds;
    }
    return op == "!=" ? some : all;
  }
  if (std::holds_alternative<Dim>(a) || std::holds_alternative<Dim>(b)) {
    auto p = dim_of(a), q = dim_of(b);
    if (p && q) return proved(op, *p, *q);
  }
  if (auto p = number_of(a), q = number_of(b); p && q) return on_numbers(op, *p, *q);
  if (a.index() != b.index() || (op != "==" && op != "!=")) return std::nullopt;
  bool same = false;
  if (auto* d = std::get_if<DType>(&a)) {
    same = *d == std::get<DType>(b);
  } else if (auto* s = std::get_if<std::string>(&a)) {
    same = *s == std::get<std::string>(b);
  } else if (auto* q = std::get_if<bool>(&a)) {
    same = *q == std::get<bool>(b);
  } else {
    return std::nullopt;
  }
  return same == (op == "==");
}

std::optional<AttrValue> as_attr(const Value& value, AttrKind kind) {
  switch (kind) {
    case AttrKind::kAxes:
    case AttrKind::kSizes:
    case AttrKind::kInts:
      if (const List* l = list(value)) return *l;
      return std::nullopt;
    case AttrKind::kAxis:
    case AttrKind::kInt:
      if (auto d = dim_of(value)) return *d;
      return std::nullopt;
    case AttrKind::kNumber:
      if (auto* d = std::get_if<Dim>(&value); d && !d->is_const() && AssumeSizes::active()) return *d;
      if (auto n = number_of(value)) return *n;
      return std::nullopt;
    case AttrKind::kDType:
      if (auto* d = std::get_if<DType>(&value)) return *d;
      return std::nullopt;
    case AttrKind::kWord:
      if (auto* s = std::get_if<std::string>(&value)) return *s;
      return std::nullopt;
    case AttrKind::kTensor:
      if (auto* t = std::get_if<TensorRef>(&value)) return *t;
      return std::nullopt;
  }
  return std::nullopt;
}

Value as_value(const AttrValue& value) {
  return std::visit([](const auto& v) -> Value { return v; }, value);
}

}  // namespace egret::rules
