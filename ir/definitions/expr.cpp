// Comprehension::add: sharing and simplification of index arithmetic, by linear forms and intervals.
#include "ir/definitions/expr.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "ir/definitions/index_form.h"
#include "ir/text/scan.h"

namespace egret {

const char* name(ScalarFn fn) {
  constexpr const char* kNames[] = {"add",  "sub",   "mul",   "div",  "rem",   "pow",  "max", "min",     "atan2",
                                    "neg",  "abs",   "sign",  "floor", "ceil", "round", "exp", "expm1",   "log",
                                    "log1p", "sqrt", "rsqrt", "sin",  "cos",   "tanh", "erf", "logistic", "and",
                                    "or",   "xor",   "not",   "eq",   "ne",    "lt",   "le",  "gt",      "ge",
                                    "is_nan", "is_finite", "cast"};
  return kNames[static_cast<int>(fn)];
}

int arity(ScalarFn fn) {
  bool two = fn <= ScalarFn::kAtan2 || (fn >= ScalarFn::kAnd && fn <= ScalarFn::kXor) ||
             (fn >= ScalarFn::kEq && fn <= ScalarFn::kGe);
  return two ? 2 : 1;
}

const char* name(FoldKind fold) {
  constexpr const char* kNames[] = {"sum", "prod", "max", "min", "any", "all", "argmax", "argmin"};
  return kNames[static_cast<int>(fold)];
}

namespace {

constexpr int64_t kUnknown = int64_t{1} << 60;
constexpr size_t kSharingWindow = 512;  // how far back an equal expression is looked for

int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? q - 1 : q;
}

bool shareable(ExprKind kind) {
  return kind <= ExprKind::kTruth || kind == ExprKind::kNumber || kind == ExprKind::kValue;
}

bool same(const Expr& a, const Expr& b) {
  return a.kind == b.kind && a.dtype == b.dtype && a.number == b.number && a.integer == b.integer &&
         a.args == b.args && (a.value == b.value && std::signbit(a.value) == std::signbit(b.value));
}

ExprId push(Comprehension& c, Expr e) {
  if (shareable(e.kind)) {
    size_t first = c.exprs.size() > kSharingWindow ? c.exprs.size() - kSharingWindow : 0;
    for (size_t i = first; i < c.exprs.size(); ++i) {
      if (same(c.exprs[i], e)) return static_cast<ExprId>(i);
    }
  }
  c.exprs.push_back(std::move(e));
  return static_cast<ExprId>(c.exprs.size() - 1);
}

ExprId push(Comprehension& c, ExprKind kind, std::vector<ExprId> args) {
  Expr e;
  e.kind = kind;
  e.args = std::move(args);
  return push(c, std::move(e));
}

ExprId push_int(Comprehension& c, int64_t value) {
  Expr e;
  e.integer = value;
  return push(c, std::move(e));
}

// Truth values are comparisons of constants.
ExprId truth(Comprehension& c, bool value) {
  ExprId zero = push_int(c, 0);
  return push(c, value ? ExprKind::kLessEqual : ExprKind::kLess, {zero, zero});
}

ExprId scaled(Comprehension& c, ExprId atom, int64_t coefficient) {
  return coefficient == 1 ? atom : push(c, ExprKind::kMul, {atom, push_int(c, coefficient)});
}

// Positive terms first (or else the constant), so that a subtraction follows.
ExprId emit(Comprehension& c, const IndexForm& form) {
  std::optional<ExprId> sum;
  for (auto [atom, k] : form.terms) {
    if (k > 0) sum = sum ? push(c, ExprKind::kAdd, {*sum, scaled(c, atom, k)}) : scaled(c, atom, k);
  }
  bool constant_first = !sum && !form.terms.empty();
  if (constant_first) sum = push_int(c, form.constant);
  for (auto [atom, k] : form.terms) {
    if (k < 0) sum = push(c, ExprKind::kSub, {*sum, scaled(c, atom, -k)});
  }
  if (!sum) return push_int(c, form.constant);
  if (form.constant == 0 || constant_first) return *sum;
  return form.constant > 0 ? push(c, ExprKind::kAdd, {*sum, push_int(c, form.constant)})
                           : push(c, ExprKind::kSub, {*sum, push_int(c, -form.constant)});
}

// r = sum of the terms whose coefficients `unit` divides + small, with small in [0, unit): what div and mod by a
// multiple of `unit` can take apart.
struct Grain {
  int64_t unit = 1;
  IndexForm coarse;  // divided by unit
  IndexForm small;
};

std::optional<Grain> find_grain(const Comprehension& c, const IndexForm& r, int64_t divisor) {
  std::vector<int64_t> units;
  for (auto [atom, k] : r.terms) {
    int64_t unit = std::gcd(k, divisor);
    if (unit > 1 && std::find(units.begin(), units.end(), unit) == units.end()) units.push_back(unit);
  }
  std::sort(units.rbegin(), units.rend());
  for (int64_t unit : units) {
    Grain grain;
    grain.unit = unit;
    for (auto [atom, k] : r.terms) {
      if (k % unit == 0) {
        grain.coarse.terms.push_back({atom, k / unit});
      } else {
        grain.small.terms.push_back({atom, k});
      }
    }
    grain.coarse.constant = floor_div(r.constant, unit);
    grain.small.constant = r.constant - unit * grain.coarse.constant;
    IndexRange range = range_of(c, grain.small);
    if (range.low >= 0 && range.high < unit) return grain;
  }
  return std::nullopt;
}

// Takes the multiples of the divisor out of a form: form = divisor * quotient + rest.
void split_form(const IndexForm& form, int64_t divisor, IndexForm& quotient, IndexForm& rest) {
  for (auto [atom, k] : form.terms) {
    if (k % divisor == 0) {
      quotient.terms.push_back({atom, k / divisor});
    } else {
      rest.terms.push_back({atom, k});
    }
  }
  quotient.constant = floor_div(form.constant, divisor);
  rest.constant = form.constant - divisor * quotient.constant;
}

ExprId add_div(Comprehension& c, ExprId a, int64_t divisor) {
  IndexForm quotient, rest;
  split_form(index_form(c, a), divisor, quotient, rest);
  IndexRange range = range_of(c, rest);
  int64_t low = floor_div(range.low, divisor);
  if (low == floor_div(range.high, divisor)) {
    quotient.constant += low;
    return emit(c, quotient);
  }
  if (auto grain = find_grain(c, rest, divisor)) {
    rest = grain->coarse;
    divisor /= grain->unit;
  }
  ExprId atom = push(c, ExprKind::kDiv, {emit(c, rest), push_int(c, divisor)});
  quotient.add_term(atom, 1);
  return emit(c, quotient);
}

ExprId add_mod(Comprehension& c, ExprId a, int64_t divisor) {
  IndexForm quotient, rest;
  split_form(index_form(c, a), divisor, quotient, rest);
  IndexRange range = range_of(c, rest);
  int64_t low = floor_div(range.low, divisor);
  if (low == floor_div(range.high, divisor)) {
    rest.constant -= low * divisor;
    return emit(c, rest);
  }
  if (auto grain = find_grain(c, rest, divisor)) {
    IndexForm result = grain->small;
    ExprId coarse = emit(c, grain->coarse);
    result.add_term(push(c, ExprKind::kMod, {coarse, push_int(c, divisor / grain->unit)}), grain->unit);
    return emit(c, result);
  }
  return push(c, ExprKind::kMod, {emit(c, rest), push_int(c, divisor)});
}

ExprId add_extremum(Comprehension& c, const Expr& e) {
  IndexForm difference = index_form(c, e.args[1]);
  difference.add(index_form(c, e.args[0]), -1);
  IndexRange range = range_of(c, difference);
  bool is_min = e.kind == ExprKind::kMin;
  if (range.low >= 0) return is_min ? e.args[0] : e.args[1];
  if (range.high <= 0) return is_min ? e.args[1] : e.args[0];
  return push(c, e);
}

ExprId add_comparison(Comprehension& c, const Expr& e) {
  IndexForm difference = index_form(c, e.args[1]);
  difference.add(index_form(c, e.args[0]), -1);
  IndexRange range = range_of(c, difference);
  if (e.kind == ExprKind::kEqual) {
    if (range.low == 0 && range.high == 0) return truth(c, true);
    if (range.low > 0 || range.high < 0) return truth(c, false);
  } else {
    int64_t least = e.kind == ExprKind::kLess ? 1 : 0;
    if (range.low >= least) return truth(c, true);
    if (range.high < least) return truth(c, false);
  }
  return push(c, e);
}

ExprId add_logic(Comprehension& c, const Expr& e) {
  auto first = known_truth(c, e.args[0]);
  if (e.kind == ExprKind::kNot) return first ? truth(c, !*first) : push(c, e);
  auto second = known_truth(c, e.args[1]);
  bool neutral = e.kind == ExprKind::kAnd;
  if (first) return *first == neutral ? e.args[1] : truth(c, !neutral);
  if (second) return *second == neutral ? e.args[0] : truth(c, !neutral);
  return e.args[0] == e.args[1] ? e.args[0] : push(c, e);
}

ExprId add_product(Comprehension& c, const Expr& e) {
  IndexForm a = index_form(c, e.args[0]), b = index_form(c, e.args[1]), result;
  if (!a.terms.empty() && !b.terms.empty()) return push(c, e);
  result.add(a.terms.empty() ? b : a, a.terms.empty() ? a.constant : b.constant);
  return emit(c, result);
}

void visit(const Comprehension& c, ExprId id, std::vector<bool>& seen) {
  std::vector<ExprId> stack = {id};
  while (!stack.empty()) {
    ExprId e = stack.back();
    stack.pop_back();
    if (seen[e]) continue;
    seen[e] = true;
    for (ExprId a : c.exprs[e].args) stack.push_back(a);
  }
}

}  // namespace

void IndexForm::add_term(ExprId atom, int64_t coefficient) {
  auto it = std::lower_bound(terms.begin(), terms.end(), atom,
                             [](const std::pair<ExprId, int64_t>& t, ExprId a) { return t.first < a; });
  if (it != terms.end() && it->first == atom) {
    it->second += coefficient;
    if (it->second == 0) terms.erase(it);
  } else if (coefficient != 0) {
    terms.insert(it, {atom, coefficient});
  }
}

void IndexForm::add(const IndexForm& other, int64_t scale) {
  for (auto [atom, k] : other.terms) add_term(atom, k * scale);
  constant += other.constant * scale;
}

IndexRange range_of(const Comprehension& c, const IndexForm& form) {
  __int128 low = form.constant, high = form.constant;
  for (auto [atom, k] : form.terms) {
    IndexRange r = range_of(c, atom);
    low += static_cast<__int128>(k) * (k > 0 ? r.low : r.high);
    high += static_cast<__int128>(k) * (k > 0 ? r.high : r.low);
  }
  auto clamp = [](__int128 x) { return static_cast<int64_t>(std::clamp<__int128>(x, -kUnknown, kUnknown)); };
  return {clamp(low), clamp(high)};
}

IndexRange range_of(const Comprehension& c, ExprId id) {
  const Expr& e = c.exprs[id];
  switch (e.kind) {
    case ExprKind::kIndex: return {0, std::max<int64_t>(c.sizes[e.number] - 1, 0)};
    case ExprKind::kInt: return {e.integer, e.integer};
    case ExprKind::kAdd:
    case ExprKind::kSub: return range_of(c, index_form(c, id));
    case ExprKind::kMul: {
      IndexForm form = index_form(c, id);
      if (form.terms.size() == 1 && form.terms[0].first == id) return {-kUnknown, kUnknown};
      return range_of(c, form);
    }
    case ExprKind::kDiv: {
      IndexRange a = range_of(c, e.args[0]), b = range_of(c, e.args[1]);
      if (b.low < 1 || b.low != b.high) return {-kUnknown, kUnknown};
      return {floor_div(a.low, b.low), floor_div(a.high, b.low)};
    }
    case ExprKind::kMod: {
      IndexRange a = range_of(c, e.args[0]), b = range_of(c, e.args[1]);
      if (a.low >= 0 && a.high < b.low) return a;
      return b.low < 1 ? IndexRange{-kUnknown, kUnknown} : IndexRange{0, b.high - 1};
    }
    case ExprKind::kMin:
    case ExprKind::kMax: {
      IndexRange a = range_of(c, e.args[0]), b = range_of(c, e.args[1]);
      if (e.kind == ExprKind::kMin) return {std::min(a.low, b.low), std::min(a.high, b.high)};
      return {std::max(a.low, b.low), std::max(a.high, b.high)};
    }
    default: return {-kUnknown, kUnknown};
  }
}

IndexForm index_form(const Comprehension& c, ExprId id) {
  const Expr& e = c.exprs[id];
  IndexForm form;
  if (e.kind == ExprKind::kInt) {
    form.constant = e.integer;
  } else if (e.kind == ExprKind::kAdd || e.kind == ExprKind::kSub) {
    form = index_form(c, e.args[0]);
    form.add(index_form(c, e.args[1]), e.kind == ExprKind::kAdd ? 1 : -1);
  } else if (e.kind == ExprKind::kMul && c.exprs[e.args[1]].kind == ExprKind::kInt) {
    form.add(index_form(c, e.args[0]), c.exprs[e.args[1]].integer);
  } else if (e.kind != ExprKind::kIndex || c.sizes[e.number] > 1) {
    form.terms.push_back({id, 1});  // an index over one element is 0
  }
  return form;
}

std::optional<bool> known_truth(const Comprehension& c, ExprId id) {
  const Expr& e = c.exprs[id];
  if (e.kind != ExprKind::kLess && e.kind != ExprKind::kLessEqual) return std::nullopt;
  const Expr &a = c.exprs[e.args[0]], &b = c.exprs[e.args[1]];
  if (a.kind != ExprKind::kInt || b.kind != ExprKind::kInt) return std::nullopt;
  return e.kind == ExprKind::kLess ? a.integer < b.integer : a.integer <= b.integer;
}

ExprId Comprehension::add(Expr e) {
  switch (e.kind) {
    case ExprKind::kAdd:
    case ExprKind::kSub: {
      IndexForm form = index_form(*this, e.args[0]);
      form.add(index_form(*this, e.args[1]), e.kind == ExprKind::kAdd ? 1 : -1);
      return emit(*this, form);
    }
    case ExprKind::kMul: return add_product(*this, e);
    case ExprKind::kDiv:
    case ExprKind::kMod: {
      const Expr& divisor = exprs[e.args[1]];
      if (divisor.kind != ExprKind::kInt || divisor.integer < 1) return push(*this, std::move(e));
      int64_t by = divisor.integer;
      return e.kind == ExprKind::kDiv ? add_div(*this, e.args[0], by) : add_mod(*this, e.args[0], by);
    }
    case ExprKind::kMin:
    case ExprKind::kMax: return add_extremum(*this, e);
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual: return add_comparison(*this, e);
    case ExprKind::kAnd:
    case ExprKind::kOr:
    case ExprKind::kNot: return add_logic(*this, e);
    case ExprKind::kSelect:
      if (auto known = known_truth(*this, e.args[0])) return *known ? e.args[1] : e.args[2];
      return push(*this, std::move(e));
    default: return push(*this, std::move(e));
  }
}

void drop_unused(Comprehension& c) {
  std::vector<bool> used(c.exprs.size(), false);
  visit(c, c.body, used);
  std::vector<ExprId> renamed(c.exprs.size(), 0);
  std::vector<Expr> kept;
  for (size_t i = 0; i < c.exprs.size(); ++i) {
    if (!used[i]) continue;
    renamed[i] = static_cast<ExprId>(kept.size());
    kept.push_back(std::move(c.exprs[i]));
    for (ExprId& a : kept.back().args) a = renamed[a];
  }
  c.exprs = std::move(kept);
  c.body = renamed[c.body];
}

namespace {

std::string text_of(const Comprehension& c, ExprId id);

std::string list(const Comprehension& c, const std::vector<ExprId>& args, const char* separator = ", ") {
  std::string text;
  for (size_t i = 0; i < args.size(); ++i) text += (i ? separator : "") + text_of(c, args[i]);
  return text;
}

std::string text_of(const Comprehension& c, ExprId id) {
  const Expr& e = c.exprs[id];
  auto infix = [&](const char* op) { return "(" + list(c, e.args, op) + ")"; };
  switch (e.kind) {
    case ExprKind::kIndex: return fmt::format("v{}", e.number);
    case ExprKind::kInt: return std::to_string(e.integer);
    case ExprKind::kAdd: return infix(" + ");
    case ExprKind::kSub: return infix(" - ");
    case ExprKind::kMul: return infix("*");
    case ExprKind::kDiv: return infix(" div ");
    case ExprKind::kMod: return infix(" mod ");
    case ExprKind::kMin: return "min(" + list(c, e.args) + ")";
    case ExprKind::kMax: return "max(" + list(c, e.args) + ")";
    case ExprKind::kToIndex: return "index(" + list(c, e.args) + ")";
    case ExprKind::kLess: return infix(" < ");
    case ExprKind::kLessEqual: return infix(" <= ");
    case ExprKind::kEqual: return infix(" == ");
    case ExprKind::kAnd: return infix(" and ");
    case ExprKind::kOr: return infix(" or ");
    case ExprKind::kNot: return "not " + list(c, e.args);
    case ExprKind::kTruth: return list(c, e.args);
    case ExprKind::kNumber: return print_number(e.value);
    case ExprKind::kRead: return fmt::format("a{}[{}]", e.number, list(c, e.args));
    case ExprKind::kCall:
      if (e.fn == ScalarFn::kCast) return fmt::format("{}({})", name(e.dtype), list(c, e.args));
      return fmt::format("{}({})", name(e.fn), list(c, e.args));
    case ExprKind::kSelect:
      return fmt::format("({} ? {} : {})", text_of(c, e.args[0]), text_of(c, e.args[1]), text_of(c, e.args[2]));
    case ExprKind::kFold: {
      std::string over;
      for (uint32_t v : e.variables) over += fmt::format("{}v{}<{}", over.empty() ? "" : ", ", v, c.sizes[v]);
      return fmt::format("{}<{}>({}) {}", name(e.fold), name(e.dtype), over, text_of(c, e.args[0]));
    }
    case ExprKind::kValue: return fmt::format("value<{}>({})", name(e.dtype), list(c, e.args));
  }
  return {};
}

}  // namespace

std::string Comprehension::to_string() const {
  std::string axes;
  for (int i = 0; i < result.rank(); ++i) axes += fmt::format("{}v{}<{}", i ? ", " : "", i, sizes[i]);
  return fmt::format("{}[{}] = {}", name(result.dtype), axes, text_of(*this, body));
}

}  // namespace egret
