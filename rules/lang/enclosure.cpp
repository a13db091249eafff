#include "rules/lang/enclosure.h"

#include <algorithm>
#include <cmath>

namespace egret::rules {
namespace {

// A class that is folded takes its rounded value for the exact one, and rules go on from there, any number of times: what differs by less
// than this of the largest element is no contradiction.
constexpr double kDrift = 1e-3;
constexpr double kRoundings = 16;  // of one operator: those of its decompositions and of functions a few units off

size_t count(const KnownValue& v) { return v.literal ? static_cast<size_t>(v.literal->size()) : 1; }
double element(const KnownValue& v, size_t i) { return v.literal ? v.literal->get(static_cast<int64_t>(i)) : *v.splat; }

double largest(const KnownValue& v) {
  double out = 0;
  for (size_t i = 0; i < count(v); ++i) {
    const double x = std::abs(element(v, i));
    if (std::isfinite(x)) out = std::max(out, x);
  }
  return out;
}

KnownValue moved(const KnownValue& v, double by) {
  KnownValue out = v;
  if (out.splat) *out.splat += by;
  if (!out.literal) return out;
  Tensor t = *out.literal;
  for (int64_t i = 0; i < t.size(); ++i) t.set(i, t.get(i) + by);
  out.literal = std::make_shared<const Tensor>(std::move(t));
  return out;
}

double distance(const KnownValue& a, const KnownValue& b) {
  double out = 0;
  for (size_t i = 0; i < std::max(count(a), count(b)); ++i) {
    const double x = element(a, a.literal ? i : 0), y = element(b, b.literal ? i : 0);
    if (std::isfinite(x) && std::isfinite(y)) out = std::max(out, std::abs(x - y));
  }
  return out;
}

}  // namespace

double enclosure_radius(const OpDef& op, const KnownValue& result, const Type& type, std::span<const KnownValue> operands,
                        const std::function<KnownValue(std::span<const KnownValue>)>& evaluate, const Slack& slack) {
  const bool any = std::any_of(operands.begin(), operands.end(), [](const KnownValue& v) { return v.radius > 0; });
  if (!slack.rounding || operands.empty() || (!any && !is_float(type.dtype))) return 0;
  if (op.op_class == OpClass::kMovement) {
    double out = 0;
    for (const KnownValue& v : operands) out = std::max(out, v.radius);
    return out;
  }
  const DTypeRow& format = row(type.dtype);
  // A result near zero may have been rounded to one of the numbers there.
  const double least = is_float(type.dtype) ? std::ldexp(1.0, 2 - (1 << (format.exponent - 1))) : 0;
  const double unit = is_float(type.dtype) ? std::max(std::ldexp(1.0, -format.mantissa), slack.relative) : 0;
  double out = kRoundings * unit * largest(result) + least;
  if (op.op_class == OpClass::kMap) {
    for (size_t j = 0; j < operands.size(); ++j) {
      double most = 0;
      for (double by : {operands[j].radius, -operands[j].radius}) {
        if (by == 0) continue;
        std::vector<KnownValue> at(operands.begin(), operands.end());
        at[j] = moved(at[j], by);
        const KnownValue there = evaluate(at);
        if (there.splat || there.literal) most = std::max(most, distance(result, there));
      }
      out += most;
    }
    return out;
  }
  double elements = 1, product = 1;
  for (const KnownValue& v : operands) {
    elements = std::max(elements, static_cast<double>(count(v)));
    product *= std::max(largest(v), least);
  }
  out += kRoundings * unit * elements * product;
  for (const KnownValue& v : operands) out += v.radius * elements * std::max(1.0, product / std::max(largest(v), least));
  return out;
}

bool contradict(const KnownValue& a, const KnownValue& b, const Slack& slack) {
  if (a.literal && b.literal && !(a.literal->type() == b.literal->type())) return true;
  const double apart = a.radius + b.radius + (slack.rounding ? kDrift * std::max(largest(a), largest(b)) : 0);
  for (size_t i = 0; i < std::max(count(a), count(b)); ++i) {
    const double x = element(a, a.literal ? i : 0), y = element(b, b.literal ? i : 0);
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
