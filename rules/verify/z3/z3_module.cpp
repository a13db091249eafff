#include "rules/verify/z3/z3_module.h"

#include <cmath>

#include <fmt/format.h>
#include <z3++.h>

#include "ir/evaluate/scalar_functions.h"
#include "rules/verify/z3/z3_context.h"
#include "rules/verify/z3/z3_machine_integers.h"

namespace egret::rules {
namespace {

using Theory = EqualityQuery::Theory;

constexpr unsigned kResourceLimit = 20'000'000;  // Z3's own units of work for one element: the same answer on every machine

// Formulas as Z3 terms, with what their meaning assumes.
class Translator {
 public:
  Translator(z3::context& context, const EqualityQuery& query) : c_(context), q_(query), f_(*query.formulas), assumptions_(context) {}

  z3::expr translate(FormulaId id) {
    if (auto it = done_.find(id); it != done_.end()) return it->second;
    // Operands first, without deep recursion: numbers of arguments are smaller.
    std::vector<FormulaId> work{id};
    while (!work.empty()) {
      const FormulaId at = work.back();
      bool ready = true;
      for (FormulaId a : f_.node(at).args) {
        if (!done_.contains(a)) {
          work.push_back(a);
          ready = false;
        }
      }
      if (!ready) continue;
      work.pop_back();
      if (!done_.contains(at)) done_.emplace(at, make(f_.node(at)));
    }
    return done_.at(id);
  }

  z3::expr_vector& assumptions() { return assumptions_; }
  bool has_machine_integers() const { return machine_; }
  const std::map<uint32_t, std::pair<z3::expr, DType>>& variables() const { return variables_; }

 private:
  z3::sort float_sort(DType t) {
    switch (q_.theory) {
      case Theory::kReal: return c_.real_sort();
      case Theory::kFloat: return q_.small ? c_.fpa_sort(4, 4) : c_.fpa_sort(5, 11);
      // A function of one dtype is another one than that of a second.
      case Theory::kUninterpreted: return c_.uninterpreted_sort(q_.ignore_rounding_casts ? "scalar" : egret::name(t));
    }
    return c_.real_sort();
  }
  z3::sort sort_of(DType t) {
    if (t == DType::boolean) return c_.bool_sort();
    machine_ |= !is_float(t);
    return is_float(t) ? float_sort(t) : c_.bv_sort(row(t).bits);
  }

  z3::expr number(double value, DType t) {
    if (t == DType::boolean) return c_.bool_val(value != 0);
    if (!is_float(t)) return c_.bv_val(float_to_int(t, value), row(t).bits);
    if (q_.theory == Theory::kFloat) {
      // Of 8 bits: whole numbers and halves up to 8 are held.
      if (q_.small && std::isfinite(value) && !(std::abs(value) <= 8 && value * 2 == std::floor(value * 2))) {
        throw z3::exception("a constant that a small float does not hold");
      }
      // In half precision a number that it lacks is another one, and what is true of that may not be of this one.
      if (std::isfinite(value) && round_to(DType::f16, value) != value) throw z3::exception("a constant that half precision does not hold");
      return z3::expr(c_, Z3_mk_fpa_numeral_double(c_, value, float_sort(t)));
    }
    if (q_.theory == Theory::kReal && std::isfinite(value)) {
      // Exact: a double is an integer times a power of two.
      int exponent = 0;
      const double mantissa = std::frexp(value, &exponent);
      z3::expr out = c_.real_val(std::to_string(static_cast<int64_t>(std::ldexp(mantissa, 53))).c_str());
      z3::expr power = c_.real_val(1);
      const int shift = exponent - 53;
      const std::string two = power_of_two(std::abs(shift));
      power = c_.real_val(two.c_str());
      return (shift >= 0 ? out * power : out / power).simplify();
    }
    return c_.constant(fmt::format("number {}", value).c_str(), float_sort(t));
  }

  static std::string power_of_two(int n) {
    std::string digits = "1";
    for (int i = 0; i < n; ++i) {
      int carry = 0;
      for (size_t d = digits.size(); d-- > 0;) {
        const int x = (digits[d] - '0') * 2 + carry;
        digits[d] = static_cast<char>('0' + x % 10);
        carry = x / 10;
      }
      if (carry) digits.insert(digits.begin(), static_cast<char>('0' + carry));
    }
    return digits;
  }

  z3::expr unknown(const std::string& name, const std::vector<z3::expr>& args, z3::sort result) {
    z3::sort_vector domain(c_);
    z3::expr_vector values(c_);
    for (const z3::expr& a : args) {
      domain.push_back(a.get_sort());
      values.push_back(a);
    }
    std::string full = name;
    for (const z3::expr& a : args) full += " " + a.get_sort().to_string();
    full += " " + result.to_string();
    return c_.function(full.c_str(), domain, result)(values);
  }

  z3::expr make(const FormulaNode& n) {
    switch (n.kind) {
      case FormulaNode::Kind::kConstant: return number(n.value, n.dtype);
      case FormulaNode::Kind::kVariable: {
        z3::expr v = c_.constant(("x" + std::to_string(n.variable)).c_str(), sort_of(n.dtype));
        variables_.emplace(n.variable, std::pair(v, n.dtype));
        if (q_.theory == Theory::kFloat && v.is_fpa()) {
          if (q_.ignore_nan) assumptions_.push_back(!z3::expr(c_, Z3_mk_fpa_is_nan(c_, v)));
          if (q_.ignore_infinity) assumptions_.push_back(!z3::expr(c_, Z3_mk_fpa_is_infinite(c_, v)));
        }
        return v;
      }
      case FormulaNode::Kind::kSelect: return z3::ite(done_.at(n.args[0]), done_.at(n.args[1]), done_.at(n.args[2]));
      case FormulaNode::Kind::kCall: break;
    }
    std::vector<z3::expr> args;
    for (FormulaId a : n.args) args.push_back(done_.at(a));
    const DType from = n.args.empty() ? n.dtype : f_.node(n.args[0]).dtype;
    if (n.fn == ScalarFn::kCast) return cast(n, args, from);
    if (from == DType::boolean) return boolean(n, args);
    if (!is_float(from)) return integer(n, args);
    switch (q_.theory) {
      case Theory::kReal: return real(n, args);
      case Theory::kFloat: return floating(n, args);
      case Theory::kUninterpreted: return exact(n, args);
    }
    return args[0];
  }

  z3::expr cast(const FormulaNode& n, const std::vector<z3::expr>& args, DType from) {
    if (from == n.dtype) return args[0];
    // A widening loses nothing: what follows it might as well read its source.
    const FormulaNode& inner = f_.node(n.args[0]);
    if (inner.kind == FormulaNode::Kind::kCall && inner.fn == ScalarFn::kCast) {
      const DType source = f_.node(inner.args[0]).dtype;
      // (Integers leave bits out where floats stop at the ends of the range.)
      const bool stops = is_integer(source) && is_float(from) && is_integer(n.dtype) && !holds(n.dtype, source);
      if (holds(from, source) && !stops) {
        FormulaNode direct = n;
        direct.args = inner.args;
        return cast(direct, {done_.at(inner.args[0])}, source);
      }
    }
    if (from == DType::boolean && n.dtype != DType::boolean) return z3::ite(args[0], number(1, n.dtype), number(0, n.dtype));
    if (q_.ignore_rounding_casts && q_.theory == Theory::kUninterpreted && is_float(from) && is_float(n.dtype)) return args[0];
    // A sign leaves a rounding to nearest.
    if (q_.theory == Theory::kUninterpreted && is_float(from) && is_float(n.dtype) && is_negation(args[0])) {
      return negated(cast(n, {args[0].arg(0)}, from));
    }
    // A widening cast is the identity on reals; a rounding is a function of the types that nothing is known of.
    if (q_.theory == Theory::kReal && is_float(from) && is_float(n.dtype) && holds(n.dtype, from)) return args[0];
    if (is_integer(from) && is_integer(n.dtype)) return machine_cast(args[0], from, n.dtype);
    return unknown(std::string("cast ") + egret::name(from) + " " + egret::name(n.dtype), args, sort_of(n.dtype));
  }

  z3::expr boolean(const FormulaNode& n, const std::vector<z3::expr>& a) {
    switch (n.fn) {
      case ScalarFn::kAnd: return a[0] && a[1];
      case ScalarFn::kOr: return a[0] || a[1];
      case ScalarFn::kXor:
      case ScalarFn::kNe: return a[0] != a[1];
      case ScalarFn::kNot: return !a[0];
      case ScalarFn::kEq: return a[0] == a[1];
      default: return unknown(egret::name(n.fn), a, sort_of(n.dtype));
    }
  }

  z3::expr integer(const FormulaNode& n, const std::vector<z3::expr>& a) {
    const DType t = f_.node(n.args[0]).dtype;
    const bool of_itself = n.fn != ScalarFn::kMul && a.size() == 2 && z3::eq(a[0], a[1]);
    if (q_.abstract_products && is_product(n.fn) && !of_itself) {
      z3::expr out = unknown(egret::name(n.fn), n.fn == ScalarFn::kMul ? machine_ordered(a) : a, sort_of(n.dtype));
      if (n.fn == ScalarFn::kRem) assumptions_.push_back(machine_remainder_fact(out, a[0], a[1], t));
      return out;
    }
    if (auto out = machine_call(n.fn, t, a)) return *out;
    return unknown(egret::name(n.fn), a, sort_of(n.dtype));
  }

  z3::expr comparison(const FormulaNode& n, const std::vector<z3::expr>& a) {
    switch (n.fn) {
      case ScalarFn::kEq: return a[0] == a[1];
      case ScalarFn::kNe: return a[0] != a[1];
      case ScalarFn::kLt: return a[0] < a[1];
      case ScalarFn::kLe: return a[0] <= a[1];
      case ScalarFn::kGt: return a[0] > a[1];
      case ScalarFn::kGe: return a[0] >= a[1];
      default: return unknown(egret::name(n.fn), a, sort_of(n.dtype));
    }
  }

  // What holds of IEEE numbers bit for bit, whatever they are: sums and products commute, a sign leaves a product or a
  // quotient, a difference is the sum with the negation.  Where the sign of zero does not count, it also leaves a sum.
  z3::expr exact(const FormulaNode& n, const std::vector<z3::expr>& a) {
    switch (n.fn) {
      case ScalarFn::kNeg: return negated(a[0]);
      case ScalarFn::kSub: return exact_sum(a[0], negated(a[1]));
      case ScalarFn::kAdd: return exact_sum(a[0], a[1]);
      case ScalarFn::kRem: {
        // A remainder is its own.
        const z3::expr out = unknown(egret::name(n.fn), a, sort_of(n.dtype));
        const bool again = a[0].is_app() && a[0].num_args() == 2 && z3::eq(a[0].decl(), out.decl()) && z3::eq(a[0].arg(1), a[1]);
        return again ? a[0] : out;
      }
      case ScalarFn::kMul:
      case ScalarFn::kDiv: {
        bool negative = false;
        std::vector<z3::expr> args{without_sign(a[0], negative), without_sign(a[1], negative)};
        const z3::expr out = n.fn == ScalarFn::kMul ? commuting("mul", args[0], args[1]) : unknown(egret::name(n.fn), args, sort_of(n.dtype));
        return negative ? negated(out) : out;
      }
      case ScalarFn::kMax:
      case ScalarFn::kMin: return lattice(egret::name(n.fn), a);
      case ScalarFn::kPow:
        if (f_.is_constant(n.args[1]) && f_.node(n.args[1]).value == 1) return a[0];
        if (f_.is_constant(n.args[1]) && f_.node(n.args[1]).value == 0) return number(1, n.dtype);  // of NaN, too
        [[fallthrough]];
      default: return unknown(egret::name(n.fn), a, sort_of(n.dtype));
    }
  }

  // Maximum and minimum as IEEE 754-2019 has them depend on the set of their arguments alone (NaN payloads aside).
  z3::expr lattice(const std::string& fn, const std::vector<z3::expr>& args) {
    std::map<unsigned, z3::expr> set;
    std::vector<z3::expr> work = args;
    while (!work.empty()) {
      const z3::expr x = work.back();
      work.pop_back();
      if (x.is_app() && x.num_args() == 2 && x.decl().name().str().rfind(fn + " ", 0) == 0) {
        work.push_back(x.arg(0));
        work.push_back(x.arg(1));
      } else {
        set.emplace(x.id(), x);
      }
    }
    z3::expr out = set.begin()->second;
    for (auto it = std::next(set.begin()); it != set.end(); ++it) out = unknown(fn, {it->second, out}, out.get_sort());
    return out;
  }

  z3::expr exact_sum(z3::expr a, z3::expr b) {
    bool left = false, right = false;
    const z3::expr x = without_sign(a, left), y = without_sign(b, right);
    if (q_.ignore_sign_of_zero && left && right) return negated(exact_sum(x, y));
    // a - b = -(b - a): the first in order is the one without a sign.
    if (q_.ignore_sign_of_zero && left != right && (left ? x : y).id() < (left ? y : x).id()) {
      return negated(exact_sum(left ? x : negated(x), right ? y : negated(y)));
    }
    return commuting("add", a, b);
  }

  // One order for all; where an operand is a choice, what it chooses may stand elsewhere in the other.
  z3::expr commuting(const char* name, z3::expr a, z3::expr b) {
    if (b.id() < a.id()) std::swap(a, b);
    const z3::expr out = unknown(name, {a, b}, a.get_sort());
    if (a.is_ite() || b.is_ite()) assumptions_.push_back(out == unknown(name, {b, a}, a.get_sort()));
    return out;
  }

  static bool is_negation(const z3::expr& x) {
    return x.is_app() && x.num_args() == 1 && x.decl().name().str().rfind("neg ", 0) == 0;
  }
  static z3::expr without_sign(const z3::expr& x, bool& negative) {
    if (!is_negation(x)) return x;
    negative = !negative;
    return x.arg(0);
  }
  z3::expr negated(const z3::expr& x) { return is_negation(x) ? x.arg(0) : unknown("neg", {x}, x.get_sort()); }

  // exp of a sum is a product of exp: with it soft-max rules are identities of fractions.
  z3::expr exponential(z3::expr x) {
    if (x.is_app()) {
      const auto kind = x.decl().decl_kind();
      if (kind == Z3_OP_ADD) {
        z3::expr out = exponential(x.arg(0));
        for (unsigned i = 1; i < x.num_args(); ++i) out = out * exponential(x.arg(i));
        return out;
      }
      if (kind == Z3_OP_SUB && x.num_args() == 2) return exponential(x.arg(0)) / exponential(x.arg(1));
      if (kind == Z3_OP_UMINUS) return c_.real_val(1) / exponential(x.arg(0));
      if (kind == Z3_OP_ITE) return z3::ite(x.arg(0), exponential(x.arg(1)), exponential(x.arg(2)));
      if (kind == Z3_OP_UNINTERPRETED && x.decl().name().str().rfind("log ", 0) == 0) {
        assumptions_.push_back(x.arg(0) > 0);
        return x.arg(0);
      }
      if (x.is_numeral() && x.simplify().to_string() == "0.0") return c_.real_val(1);
    }
    z3::expr e = unknown("exp", {x.simplify()}, c_.real_sort());
    assumptions_.push_back(e > 0);
    return e;
  }

  z3::expr root(z3::expr x) {
    x = x.simplify();
    z3::expr r = unknown("sqrt", {x}, c_.real_sort());
    assumptions_.push_back(x >= 0 && r >= 0 && r * r == x);
    return r;
  }

  z3::expr real(const FormulaNode& n, const std::vector<z3::expr>& a) {
    switch (n.fn) {
      case ScalarFn::kAdd: return a[0] + a[1];
      case ScalarFn::kSub: return a[0] - a[1];
      case ScalarFn::kMul: return a[0] * a[1];
      case ScalarFn::kDiv:
        assumptions_.push_back(a[1] != 0);
        return a[0] / a[1];
      case ScalarFn::kNeg: return -a[0];
      case ScalarFn::kAbs: return z3::ite(a[0] >= 0, a[0], -a[0]);
      case ScalarFn::kSign: return z3::ite(a[0] > 0, c_.real_val(1), z3::ite(a[0] < 0, c_.real_val(-1), c_.real_val(0)));
      case ScalarFn::kMax: return z3::ite(a[0] >= a[1], a[0], a[1]);
      case ScalarFn::kMin: return z3::ite(a[0] <= a[1], a[0], a[1]);
      case ScalarFn::kExp: return exponential(a[0]);
      case ScalarFn::kExpm1: return exponential(a[0]) - 1;
      case ScalarFn::kLogistic: {
        const z3::expr e = exponential(-a[0]);
        return c_.real_val(1) / (1 + e);
      }
      case ScalarFn::kLog: {
        assumptions_.push_back(a[0] > 0);
        return logarithm(a[0]);
      }
      case ScalarFn::kLog1p: {
        assumptions_.push_back(a[0] + 1 > 0);
        return logarithm((a[0] + 1).simplify());
      }
      case ScalarFn::kSqrt: return root(a[0]);
      case ScalarFn::kRsqrt: {
        const z3::expr r = root(a[0]);
        assumptions_.push_back(r != 0);
        return c_.real_val(1) / r;
      }
      case ScalarFn::kIsNan: return c_.bool_val(false);
      case ScalarFn::kIsFinite: return c_.bool_val(true);
      case ScalarFn::kPow: return power(n, a);
      case ScalarFn::kSin:
      case ScalarFn::kTanh:
      case ScalarFn::kErf:
      case ScalarFn::kCos: {
        const z3::expr x = a[0].simplify(), e = unknown(egret::name(n.fn), {x}, c_.real_sort()), turned = unknown(egret::name(n.fn), {(-x).simplify()}, c_.real_sort());
        assumptions_.push_back(turned == (n.fn == ScalarFn::kCos ? e : -e));
        return e;
      }
      default: return comparison(n, a);
    }
  }

  static bool is_exponential(const z3::expr& x) {
    return x.is_app() && x.num_args() == 1 && x.decl().name().kind() == Z3_STRING_SYMBOL && x.decl().name().str().rfind("exp ", 0) == 0;
  }

  z3::expr logarithm(z3::expr x) {
    if (is_exponential(x)) return x.arg(0);
    // Exponentials are positive and leave a product; of other factors only the sign of all is known.
    if (x.is_app() && x.decl().decl_kind() == Z3_OP_MUL) {
      z3::expr out = c_.real_val(0), rest = c_.real_val(1);
      bool found = false;
      for (unsigned i = 0; i < x.num_args(); ++i) {
        const bool e = is_exponential(x.arg(i));
        found |= e;
        (e ? out : rest) = e ? out + x.arg(i).arg(0) : rest * x.arg(i);
      }
      if (found) return out + logarithm(rest.simplify());
    }
    if (x.is_app() && x.decl().decl_kind() == Z3_OP_DIV) {
      if (is_exponential(x.arg(1))) return logarithm(x.arg(0)) - x.arg(1).arg(0);
      if (is_exponential(x.arg(0))) return x.arg(0).arg(0) + logarithm((c_.real_val(1) / x.arg(1)).simplify());
    }
    if (x.is_numeral() && x.simplify().to_string() == "1.0") return c_.real_val(0);
    return unknown("log", {x.simplify()}, c_.real_sort());
  }

  z3::expr power(const FormulaNode& n, const std::vector<z3::expr>& a) {
    if (f_.is_constant(n.args[1])) {
      const double p = f_.node(n.args[1]).value;
      if (p == std::floor(p) && std::abs(p) <= 8) {
        z3::expr out = c_.real_val(1);
        for (int i = 0; i < static_cast<int>(std::abs(p)); ++i) out = out * a[0];
        if (p >= 0) return out;
        assumptions_.push_back(a[0] != 0);
        return c_.real_val(1) / out;
      }
      if (p == 0.5) return root(a[0]);
      if (p == -0.5) {
        const z3::expr r = root(a[0]);
        assumptions_.push_back(r != 0);
        return c_.real_val(1) / r;
      }
    }
    return unknown("pow", a, c_.real_sort());
  }

  z3::expr is_negative(const z3::expr& x) { return z3::expr(c_, Z3_mk_fpa_is_negative(c_, x)); }
  z3::expr is_nan(const z3::expr& x) { return z3::expr(c_, Z3_mk_fpa_is_nan(c_, x)); }

  z3::expr whole(const z3::expr& x, Z3_ast mode) { return z3::expr(c_, Z3_mk_fpa_round_to_integral(c_, z3::expr(c_, mode), x)); }

  z3::expr floating(const FormulaNode& n, const std::vector<z3::expr>& a) {
    c_.set_rounding_mode(z3::RNE);
    switch (n.fn) {
      case ScalarFn::kAdd: return a[0] + a[1];
      case ScalarFn::kSub: return a[0] - a[1];
      case ScalarFn::kMul: return a[0] * a[1];
      case ScalarFn::kDiv: return a[0] / a[1];
      case ScalarFn::kNeg: return -a[0];
      case ScalarFn::kAbs: return z3::expr(c_, Z3_mk_fpa_abs(c_, a[0]));
      case ScalarFn::kSqrt: return z3::sqrt(a[0], c_.fpa_rounding_mode());
      case ScalarFn::kFloor: return whole(a[0], Z3_mk_fpa_rtn(c_));
      case ScalarFn::kCeil: return whole(a[0], Z3_mk_fpa_rtp(c_));
      case ScalarFn::kRoundEven: return whole(a[0], Z3_mk_fpa_rne(c_));
      // Of zeros and NaN itself.
      case ScalarFn::kSign: return z3::ite(is_nan(a[0]) || fp(Z3_mk_fpa_eq, {a[0], number(0, n.dtype)}), a[0], z3::ite(is_negative(a[0]), number(-1, n.dtype), number(1, n.dtype)));
      // NaN if either is; +0 is more than -0 (IEEE 754-2019 maximum and minimum).
      case ScalarFn::kMax:
        return z3::ite(is_nan(a[0]) || (!is_nan(a[1]) && (fp(Z3_mk_fpa_gt, a) || (!fp(Z3_mk_fpa_lt, a) && !is_negative(a[0])))), a[0], a[1]);
      case ScalarFn::kMin:
        return z3::ite(is_nan(a[0]) || (!is_nan(a[1]) && (fp(Z3_mk_fpa_lt, a) || (!fp(Z3_mk_fpa_gt, a) && is_negative(a[0])))), a[0], a[1]);
      // Never negative, whatever its value.
      case ScalarFn::kExp:
      case ScalarFn::kLogistic: {
        const z3::expr e = unknown(egret::name(n.fn), a, sort_of(n.dtype));
        assumptions_.push_back(is_nan(e) || !is_negative(e));
        return e;
      }
      case ScalarFn::kEq: return fp(Z3_mk_fpa_eq, a);
      case ScalarFn::kNe: return !fp(Z3_mk_fpa_eq, a);
      case ScalarFn::kLt: return fp(Z3_mk_fpa_lt, a);
      case ScalarFn::kLe: return fp(Z3_mk_fpa_leq, a);
      case ScalarFn::kGt: return fp(Z3_mk_fpa_gt, a);
      case ScalarFn::kGe: return fp(Z3_mk_fpa_geq, a);
      case ScalarFn::kIsNan: return is_nan(a[0]);
      case ScalarFn::kPow:
        if (f_.is_constant(n.args[1]) && f_.node(n.args[1]).value == 1) return a[0];
        if (f_.is_constant(n.args[1]) && f_.node(n.args[1]).value == 0) return number(1, n.dtype);
        return unknown("pow", a, sort_of(n.dtype));
      case ScalarFn::kIsFinite: return !is_nan(a[0]) && !z3::expr(c_, Z3_mk_fpa_is_infinite(c_, a[0]));
      default: return unknown(egret::name(n.fn), a, sort_of(n.dtype));
    }
  }

  z3::expr fp(Z3_ast (*make)(Z3_context, Z3_ast, Z3_ast), const std::vector<z3::expr>& a) {
    return z3::expr(c_, make(c_, a[0], a[1]));
  }

  z3::context& c_;
  const EqualityQuery& q_;
  const Formulas& f_;
  z3::expr_vector assumptions_;
  bool machine_ = false;
  std::map<FormulaId, z3::expr> done_;
  std::map<uint32_t, std::pair<z3::expr, DType>> variables_;
};

// Not equal, under what the licence gives away.
z3::expr differ(z3::context& c, const EqualityQuery& q, const Translator& t, const z3::expr& a, const z3::expr& b) {
  if (q.theory != EqualityQuery::Theory::kFloat || !a.is_fpa()) return a != b;
  z3::expr different = a != b;  // of FP terms: structural, all NaN are one
  if (q.ignore_sign_of_zero) different = different && !z3::expr(c, Z3_mk_fpa_eq(c, a, b));
  if (q.ignore_nan) {
    z3::expr claimed = !z3::expr(c, Z3_mk_fpa_is_nan(c, a)) && !z3::expr(c, Z3_mk_fpa_is_nan(c, b));
    for (const auto& [number, v] : t.variables()) {
      if (!q.ignore_infinity && v.first.is_fpa()) claimed = claimed || z3::expr(c, Z3_mk_fpa_is_infinite(c, v.first));
    }
    different = different && claimed;
  }
  if (q.ignore_infinity) {
    different = different && !z3::expr(c, Z3_mk_fpa_is_infinite(c, a)) && !z3::expr(c, Z3_mk_fpa_is_infinite(c, b));
  }
  return different;
}

double value_of(const z3::expr& v, DType dtype) {
  if (v.is_bv()) return machine_value(v, dtype);
  if (v.is_bool()) return v.is_true();
  if (v.is_fpa()) {
    z3::context& c = v.ctx();
    if (z3::expr(c, Z3_mk_fpa_is_nan(c, v)).simplify().is_true()) return std::nan("");
    if (z3::expr(c, Z3_mk_fpa_is_infinite(c, v)).simplify().is_true()) {
      return z3::expr(c, Z3_mk_fpa_is_negative(c, v)).simplify().is_true() ? -INFINITY : INFINITY;
    }
    const z3::expr real = z3::expr(c, Z3_mk_fpa_to_real(c, v)).simplify();
    const double d = std::stod(real.get_decimal_string(12));
    return d == 0 && z3::expr(c, Z3_mk_fpa_is_negative(c, v)).simplify().is_true() ? -0.0 : d;
  }
  std::string text = v.get_decimal_string(12);
  if (!text.empty() && text.back() == '?') text.pop_back();
  return std::stod(text);
}

void decide(const EqualityQuery& q, EqualityAnswer& answer) {
  z3::context& c = z3_context();
  Translator translator(c, q);
  if (q.assumptions && q.theory != EqualityQuery::Theory::kUninterpreted) {
    for (FormulaId a : *q.assumptions) translator.assumptions().push_back(translator.translate(a));
  }
  std::vector<z3::expr> differences;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < q.pairs->size(); ++i) {
    const auto& [left, right] = (*q.pairs)[i];
    if (left == right) continue;
    z3::expr a = translator.translate(left), b = translator.translate(right);
    if (a.id() == b.id()) continue;  // terms are shared, so those that are the same are one
    if (q.theory == EqualityQuery::Theory::kReal && a.is_real()) {
      z3::params p(c);
      p.set("som", true);
      const z3::expr difference = (a - b).simplify(p);
      if (difference.is_numeral() && difference.to_string() == "0.0") continue;
    }
    differences.push_back(differ(c, q, translator, a, b));
    numbers.push_back(i);
  }
  if (translator.assumptions().size() > 0 && !differences.empty()) {
    z3::solver solver(c);
    for (const z3::expr& a : translator.assumptions()) solver.add(a);
    z3::params p(c);
    p.set("timeout", q.timeout_ms);
    solver.set(p);
    if (solver.check() == z3::unsat) {
      answer.kind = EqualityAnswer::Kind::kEqual;
      answer.vacuous = true;
      return;
    }
  }
  // Unknown functions alone are congruence: what Z3 would prepare for more costs more than its core needs.
  const bool plain = q.theory == EqualityQuery::Theory::kUninterpreted && !translator.has_machine_integers();
  for (size_t d = 0; d < differences.size(); ++d) {
    z3::solver solver = plain ? z3::solver(c, z3::solver::simple()) : z3::solver(c);
    z3::params p(c);
    p.set("rlimit", kResourceLimit);
    p.set("timeout", q.timeout_ms);
    solver.set(p);
    for (const z3::expr& a : translator.assumptions()) solver.add(a);
    solver.add(differences[d]);
    const z3::check_result result = solver.check();
    if (result == z3::unsat) {
      if (q.print) answer.smt += solver.to_smt2();
      continue;
    }
    answer.pair = numbers[d];
    if (result == z3::unknown) {
      answer.kind = EqualityAnswer::Kind::kUnknown;
      answer.reason = solver.reason_unknown();
      return;
    }
    answer.kind = EqualityAnswer::Kind::kDifferent;
    if (q.theory == EqualityQuery::Theory::kUninterpreted) return;
    const z3::model m = solver.get_model();
    for (const auto& [number, v] : translator.variables()) answer.model[number] = value_of(m.eval(v.first, true), v.second);
    return;
  }
  answer.kind = EqualityAnswer::Kind::kEqual;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void egret_z3_decide(const EqualityQuery* query, EqualityAnswer* answer) {
  try {
    decide(*query, *answer);
  } catch (const z3::exception& e) {
    answer->kind = EqualityAnswer::Kind::kUnknown;
    answer->reason = e.msg();
  } catch (const std::exception& e) {
    answer->kind = EqualityAnswer::Kind::kUnknown;
    answer->reason = e.what();
  }
}

}  // namespace egret::rules
