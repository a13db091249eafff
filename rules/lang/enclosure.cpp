#include "rules/lang/enclosure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace egret::rules {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();
constexpr double kRoundings = 16;    // of one operator: functions may be a few units off
constexpr double kWellKnown = 64;    // units of a value that a rule may take for the number that it reads
constexpr double kMostKnown = 0x1p-6;  // of a value, where a unit is large

size_t count(const KnownValue& v) { return v.literal ? static_cast<size_t>(v.literal->size()) : 1; }
double element(const KnownValue& v, size_t i) { return v.literal ? v.literal->get(static_cast<int64_t>(i)) : *v.splat; }
double element_of(const KnownValue& v, size_t i) { return element(v, v.literal ? i : 0); }

double largest(const KnownValue& v) {
  double out = 0;
  for (size_t i = 0; i < count(v); ++i) {
    const double x = std::abs(element(v, i));
    if (std::isfinite(x)) out = std::max(out, x);
  }
  return out;
}

double smallest(const KnownValue& v) {
  double out = kUnbounded;
  for (size_t i = 0; i < count(v); ++i) out = std::min(out, std::abs(element(v, i)));
  return out;
}

bool all_finite(const KnownValue& v) {
  for (size_t i = 0; i < count(v); ++i) {
    if (!std::isfinite(element(v, i))) return false;
  }
  return true;
}

double unit_of(DType dtype, const Slack& slack) {
  return is_float(dtype) ? std::max(std::ldexp(1.0, -row(dtype).mantissa), slack.relative) : 0;
}

double smallest_normal(DType dtype) { return is_float(dtype) ? std::ldexp(1.0, 2 - (1 << (row(dtype).exponent - 1))) : 0; }

KnownValue moved(const KnownValue& v, double by) {
  KnownValue out = v;
  if (out.splat) *out.splat += by;
  if (!out.literal) return out;
  Tensor t = *out.literal;
  for (int64_t i = 0; i < t.size(); ++i) t.set(i, t.get(i) + by);
  out.literal = std::make_shared<const Tensor>(std::move(t));
  return out;
}

// Infinite where one of them is not a finite number.
double distance(const KnownValue& a, const KnownValue& b) {
  double out = 0;
  for (size_t i = 0; i < std::max(count(a), count(b)); ++i) {
    const double apart = std::abs(element_of(a, i) - element_of(b, i));
    if (!std::isfinite(apart)) return kUnbounded;
    out = std::max(out, apart);
  }
  return out;
}

template <class... Names>
bool is_one_of(std::string_view name, Names... names) {
  return ((name == names) || ...);
}

// The result is one of the numbers that exact arithmetic gives at these operands.
bool is_exact(const OpDef& op, const KnownValue& result, std::span<const KnownValue> operands) {
  const std::string_view name = op.name;
  if (op.op_class == OpClass::kMovement ||
      is_one_of(name, "neg", "abs", "sign", "floor", "ceil", "round", "relu", "max", "min", "select", "not", "and", "or", "xor", "eq", "ne", "lt", "le",
                "gt", "ge", "is_nan", "is_finite", "reduce_max", "reduce_min", "reduce_any", "reduce_all", "window_max", "argmax", "argmin")) {
    return true;
  }
  if (!is_one_of(name, "add", "sub", "mul", "square", "cast")) return false;
  for (size_t i = 0; i < count(result); ++i) {
    const double r = element_of(result, i), x = element_of(operands[0], i);
    if (name == "cast") {
      if (r != x) return false;
    } else if (name == "mul" || name == "square") {
      if (std::fma(x, name == "mul" ? element_of(operands[1], i) : x, -r) != 0) return false;
    } else {
      const double y = (name == "add" ? 1 : -1) * element_of(operands[1], i);
      if (x + y != r || r - x != y || r - y != x) return false;
    }
  }
  return true;
}

// How far a map of operands anywhere in their enclosures can be from its value.
double spread_of_map(const OpDef& op, const KnownValue& result, std::span<const KnownValue> operands,
                     const std::function<KnownValue(std::span<const KnownValue>)>& evaluate) {
  const std::string_view name = op.name;
  // Monotone or affine in each operand, or furthest off at an end: abs, square.
  const bool at_ends = is_one_of(name, "neg", "abs", "sign", "floor", "ceil", "round", "exp", "expm1", "log", "log1p", "sqrt", "tanh", "erf", "logistic",
                                 "relu", "square", "add", "sub", "mul", "max", "min", "lt", "le", "gt", "ge", "select", "and", "or", "xor", "not", "cast");
  if (is_one_of(name, "is_nan", "is_finite")) return 0;
  if (is_one_of(name, "eq", "ne")) return 1;
  if (is_one_of(name, "sin", "cos")) return operands[0].radius;
  const bool divides = is_one_of(name, "div", "reciprocal", "rsqrt") && smallest(operands.back()) > operands.back().radius;
  const bool powers = name == "pow" && smallest(operands[0]) > operands[0].radius;  // of a negative number: not finite at an end
  if (!at_ends && !divides && !powers) return kUnbounded;
  double out = 0;
  size_t corners = 1;
  for (size_t j = 0; j < operands.size(); ++j) corners *= 3;
  std::vector<KnownValue> at(operands.begin(), operands.end());
  for (size_t c = 1; c < corners; ++c) {
    bool there = true;
    for (size_t j = 0, rest = c; j < operands.size(); ++j, rest /= 3) {
      const double by = rest % 3 == 0 ? 0 : rest % 3 == 1 ? operands[j].radius : -operands[j].radius;
      there &= rest % 3 == 0 || by != 0;
      if (there) at[j] = by == 0 ? operands[j] : moved(operands[j], by);
    }
    if (!there) continue;
    const KnownValue value = evaluate(at);
    if (!value.splat && !value.literal) return kUnbounded;
    out = std::max(out, distance(result, value));
  }
  return out;
}

}  // namespace

Enclosure enclosure_of(const OpDef& op, const KnownValue& result, std::span<const KnownValue> operands,
                       const std::function<KnownValue(std::span<const KnownValue>)>& evaluate, const Slack& slack) {
  constexpr Enclosure kUnknown{kUnbounded, true}, kUndefined{kUnbounded, false};
  if (operands.empty()) return {};
  double widest = 0, elements = 1, product = 1, moved_product = 1;
  bool finite = all_finite(result), integers_move = false;
  for (const KnownValue& v : operands) {
    if (!v.defined) return kUndefined;
    widest = std::max(widest, v.radius);
    elements = std::max(elements, static_cast<double>(count(v)));
    product *= largest(v);
    moved_product *= largest(v) + v.radius;
    finite &= all_finite(v);
    integers_move |= v.radius > 0 && is_integer(v.dtype);
  }
  if (op.op_class == OpClass::kMovement) return integers_move ? kUnknown : Enclosure{widest, true};
  if (slack.only_finite && !finite) return kUndefined;
  if (widest == kUnbounded || (slack.signs_of_zero && op.name == "atan2")) return kUnknown;
  if (!slack.rounding || (widest == 0 && (!is_float(result.dtype) || is_exact(op, result, operands)))) return {};
  if (integers_move || op.op_class == OpClass::kComposite) return kUnknown;  // a composite's class has its decomposition's value
  // A result near zero may have been rounded to one of the numbers there.
  const DTypeRow& format = row(result.dtype);
  const double unit = unit_of(result.dtype, slack);
  const double least = smallest_normal(result.dtype);
  const double highest = is_float(result.dtype) ? std::ldexp(2 - std::ldexp(1.0, -format.mantissa), (1 << (format.exponent - 1)) - 1) : kUnbounded;
  double radius = 0, partial = 0;  // partial: size of what may stand between
  if (op.op_class == OpClass::kMap) {
    const double spread = widest == 0 ? 0 : spread_of_map(op, result, operands, evaluate);
    if (spread == kUnbounded) return is_one_of(op.name, "atan2", "rem") ? kUnknown : kUndefined;
    radius = spread + (is_exact(op, result, operands) ? 0 : kRoundings * unit * (largest(result) + spread) + least);
  } else if (is_one_of(op.name, "reduce_max", "reduce_min", "reduce_any", "reduce_all", "window_max")) {
    radius = widest;
  } else if (is_one_of(op.name, "reduce_sum", "window_sum", "cumsum")) {
    radius = elements * (widest + kRoundings * unit * moved_product + least);
    partial = elements * moved_product;
  } else if (op.op_class == OpClass::kContraction) {
    radius = elements * (moved_product - product + kRoundings * unit * moved_product + least);
    partial = elements * moved_product;
  } else {
    return kUnknown;
  }
  return std::max(partial, largest(result) + radius) > highest ? kUndefined : Enclosure{radius, true};
}

bool is_well_known(const KnownValue& v, const Slack& slack) {
  if (v.radius == 0 && v.defined) return true;
  return v.radius <= std::max(64 * smallest_normal(v.dtype), std::min(kWellKnown * unit_of(v.dtype, slack), kMostKnown) * std::abs(*v.splat));
}

bool is_normal(const KnownValue& v) {
  return is_float(v.dtype) && all_finite(v) && smallest(v) >= smallest_normal(v.dtype);
}

bool contradict(const KnownValue& a, const KnownValue& b, const Slack& slack) {
  if (a.literal && b.literal && !(a.literal->type() == b.literal->type())) return true;
  // A rule that reads a number may have taken it for one that is well known, a few times.
  const double taken = slack.rounding ? 4 * std::min(kWellKnown * unit_of(a.dtype, slack), kMostKnown) : 0;
  const double apart = a.radius + b.radius + taken * std::max(largest(a), largest(b));
  if (apart == kUnbounded || !a.defined || !b.defined) return false;
  for (size_t i = 0; i < std::max(count(a), count(b)); ++i) {
    const double x = element_of(a, i), y = element_of(b, i);
    if (std::isnan(x) && std::isnan(y)) continue;
    if (x == y && (slack.signs_of_zero || std::signbit(x) == std::signbit(y))) continue;
    if (!std::isfinite(x) || !std::isfinite(y)) {
      if (slack.only_finite) continue;
      return true;
    }
    if (x == y || std::abs(x - y) > apart) return true;
  }
  return false;
}

}  // namespace egret::rules
