#include "rules/verify/z3/z3_machine_integers.h"

namespace egret::rules {
namespace {

bool is_signed(DType t) { return row(t).kind == DTypeRow::Kind::kSigned; }

z3::expr less(const z3::expr& a, const z3::expr& b, DType t) { return is_signed(t) ? z3::slt(a, b) : z3::ult(a, b); }

z3::expr constant(const z3::expr& like, int64_t value) {
  return like.ctx().bv_val(value, like.get_sort().bv_size());
}

// Towards zero; x / 0 is -1 (all bits set), x rem 0 is x.
z3::expr quotient(const z3::expr& a, const z3::expr& b, DType t) {
  if (z3::eq(a, b)) return z3::ite(b == constant(b, 0), constant(a, -1), constant(a, 1));
  return z3::ite(b == constant(b, 0), constant(a, -1), is_signed(t) ? a / b : z3::udiv(a, b));
}
z3::expr remainder(const z3::expr& a, const z3::expr& b, DType t) {
  if (z3::eq(a, b)) return constant(a, 0);
  return z3::ite(b == constant(b, 0), a, is_signed(t) ? z3::srem(a, b) : z3::urem(a, b));
}

}  // namespace

std::optional<z3::expr> machine_call(ScalarFn fn, DType t, const std::vector<z3::expr>& a) {
  const z3::expr zero = constant(a[0], 0);
  switch (fn) {
    case ScalarFn::kAdd: return a[0] + a[1];
    case ScalarFn::kSub: return a[0] - a[1];
    case ScalarFn::kMul: return a[0] * a[1];
    case ScalarFn::kDiv: return quotient(a[0], a[1], t);
    case ScalarFn::kRem: return remainder(a[0], a[1], t);
    case ScalarFn::kNeg: return -a[0];
    case ScalarFn::kAbs: return is_signed(t) ? z3::ite(less(a[0], zero, t), -a[0], a[0]) : a[0];
    case ScalarFn::kSign:
      return z3::ite(a[0] == zero, zero, is_signed(t) ? z3::ite(less(a[0], zero, t), constant(a[0], -1), constant(a[0], 1)) : constant(a[0], 1));
    case ScalarFn::kMax: return z3::ite(less(a[0], a[1], t), a[1], a[0]);
    case ScalarFn::kMin: return z3::ite(less(a[1], a[0], t), a[1], a[0]);
    case ScalarFn::kAnd: return a[0] & a[1];
    case ScalarFn::kOr: return a[0] | a[1];
    case ScalarFn::kXor: return a[0] ^ a[1];
    case ScalarFn::kNot: return ~a[0];
    case ScalarFn::kEq: return a[0] == a[1];
    case ScalarFn::kNe: return a[0] != a[1];
    case ScalarFn::kLt: return less(a[0], a[1], t);
    case ScalarFn::kLe: return !less(a[1], a[0], t);
    case ScalarFn::kGt: return less(a[1], a[0], t);
    case ScalarFn::kGe: return !less(a[0], a[1], t);
    default: return std::nullopt;
  }
}

std::vector<z3::expr> machine_ordered(const std::vector<z3::expr>& a) {
  const z3::expr less_first = z3::ult(a[0], a[1]);
  return {z3::ite(less_first, a[0], a[1]), z3::ite(less_first, a[1], a[0])};
}

z3::expr machine_remainder_fact(const z3::expr& remainder, const z3::expr& x, const z3::expr& y, DType t) {
  // Magnitudes without sign, so that the lowest number has one.
  auto magnitude = [&](const z3::expr& v) { return is_signed(t) ? z3::ite(less(v, constant(v, 0), t), -v, v) : v; };
  const z3::expr zero = y == constant(y, 0);
  return (zero || z3::ult(magnitude(remainder), magnitude(y))) && z3::implies(zero || z3::ult(magnitude(x), magnitude(y)), remainder == x);
}

z3::expr machine_cast(const z3::expr& value, DType from, DType to) {
  const unsigned have = value.get_sort().bv_size(), want = row(to).bits;
  if (have == want) return value;
  if (have > want) return value.extract(want - 1, 0);
  return is_signed(from) ? z3::sext(value, want - have) : z3::zext(value, want - have);
}

double machine_value(const z3::expr& value, DType dtype) {
  uint64_t bits = 0;
  if (!value.is_numeral_u64(bits)) return 0;
  const unsigned width = value.get_sort().bv_size();
  if (is_signed(dtype) && width < 64 && (bits >> (width - 1))) bits |= ~uint64_t{0} << width;
  return is_signed(dtype) ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
}

}  // namespace egret::rules
