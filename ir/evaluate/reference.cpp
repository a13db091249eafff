// The reference evaluator: one recursive function over Expr, an element of the result at a time.
#include <cmath>
#include <functional>
#include <memory>

#include "ir/evaluate/evaluate.h"
#include "ir/evaluate/evaluate_graph.h"
#include "ir/evaluate/rational.h"
#include "ir/evaluate/scalar_functions.h"
#include "support/hash.h"

namespace egret {
namespace {

// The three scalars.  Each says what a float is; integers and bools are int64_t in all of them.

struct NativeScalar {
  using Float = double;
  static Float number(DType t, double x) { return round_to(t, x); }
  static Float load(double x) { return x; }
  static double store(Float x) { return x; }
  static Float from_int(DType from, DType to, int64_t x) { return round_to(to, int_to_float(from, x)); }
  static int64_t to_int(DType to, Float x) { return float_to_int(to, x); }
  static Float call(ScalarFn fn, DType t, Float a, Float b) { return round_to(t, float_call(fn, a, b)); }
  static bool test(ScalarFn fn, Float a, Float b) { return float_test(fn, a, b); }
  static Float cast(DType, DType to, Float x) { return round_to(to, x); }
  static bool overflowed(Float) { return false; }
};

struct DoubleScalar : NativeScalar {
  static Float number(DType, double x) { return x; }
  static Float from_int(DType from, DType, int64_t x) { return int_to_float(from, x); }
  static Float call(ScalarFn fn, DType, Float a, Float b) { return float_call(fn, a, b); }
};

struct RationalScalar {
  using Float = Rational;
  static Float number(DType, double x) { return Rational::simplest(x); }
  static Float load(double x) { return Rational::exactly(x); }
  static double store(const Float& x) { return x.to_double(); }
  static Float from_int(DType from, DType, int64_t x) {
    if (from == DType::u64 && x < 0) return Rational::fraction(static_cast<uint64_t>(x), 1);
    return Rational::of(x);
  }
  static int64_t to_int(DType to, const Float& x) {
    const Rational whole = x.sign() < 0 ? -(-x).floor() : x.floor();
    const bool fits = x.is_finite() && whole.numerator() >= INT64_MIN && whole.numerator() <= INT64_MAX;
    if (to == DType::boolean) return x.is_nan() || x.sign() != 0;
    if (!fits || to == DType::u64) return float_to_int(to, x.to_double());
    const double near = whole.to_double();
    const int64_t saturated = float_to_int(to, near);
    return static_cast<double>(saturated) == near ? static_cast<int64_t>(whole.numerator()) : saturated;
  }
  static bool test(ScalarFn fn, const Float& a, const Float& b);
  static Float call(ScalarFn fn, DType, const Float& a, const Float& b);
  // A cast to a type that holds every value of the first is the identity; a rounding is an unknown function.
  static Float cast(DType from, DType to, const Float& x) {
    if (holds(to, from) || !x.is_finite() || x.is_integer()) return x;
    return unknown(hash_combine(static_cast<uint64_t>(ScalarFn::kCast), static_cast<uint64_t>(to)), x, x, false);
  }
  static bool overflowed(const Float& x) { return x.overflowed(); }

 private:
  static Float unknown(uint64_t fn, const Float& a, const Float& b, bool positive);
  static Float binary(ScalarFn fn, const Float& a, const Float& b);
};

bool RationalScalar::test(ScalarFn fn, const Rational& a, const Rational& b) {
  switch (fn) {
    case ScalarFn::kEq:
      return a == b;
    case ScalarFn::kNe:
      return !(a == b);
    case ScalarFn::kLt:
      return a < b;
    case ScalarFn::kLe:
      return a < b || a == b;
    case ScalarFn::kGt:
      return b < a;
    case ScalarFn::kGe:
      return b < a || a == b;
    case ScalarFn::kIsNan:
      return a.is_nan();
    default:
      return a.is_finite();
  }
}

// An uninterpreted function: equal arguments give equal small fractions, other arguments other ones.
Rational RationalScalar::unknown(uint64_t fn, const Rational& a, const Rational& b, bool positive) {
  uint64_t h = hash_combine(0x65677265742d756eULL, fn);
  for (Rational::Int part : {a.numerator(), a.denominator(), b.numerator(), b.denominator()}) {
    h = hash_combine(h, static_cast<uint64_t>(part));
    h = hash_combine(h, static_cast<uint64_t>(part >> 64));
  }
  const auto numerator = static_cast<int64_t>(h % 97) + 1;
  const auto denominator = static_cast<int64_t>((h >> 32) % 7) + 1;
  return Rational::fraction(!positive && (h >> 60) % 2 ? -numerator : numerator, denominator);
}

Rational RationalScalar::binary(ScalarFn fn, const Rational& a, const Rational& b) {
  switch (fn) {
    case ScalarFn::kAdd:
      return a + b;
    case ScalarFn::kSub:
      return a - b;
    case ScalarFn::kMul:
      return a * b;
    case ScalarFn::kDiv:
      return a / b;
    case ScalarFn::kMax:
      return a.is_nan() ? a : b.is_nan() ? b : a < b ? b : a;
    case ScalarFn::kMin:
      return a.is_nan() ? a : b.is_nan() ? b : b < a ? b : a;
    case ScalarFn::kRem: {
      const Rational quotient = a / b;
      if (quotient.overflowed()) return quotient;
      if (!quotient.is_finite() || !b.is_finite()) {
        return Rational::exactly(float_call(fn, a.to_double(), b.to_double()));
      }
      return a - b * (quotient.sign() < 0 ? -(-quotient).floor() : quotient.floor());
    }
    default:
      break;
  }
  if (fn == ScalarFn::kPow && b.is_integer() && b.numerator() >= -16 && b.numerator() <= 16) {
    const auto n = static_cast<int>(b.numerator());
    Rational power = Rational::of(1);
    for (int i = 0; i < std::abs(n); ++i) power = power * a;
    return n < 0 ? Rational::of(1) / power : power;
  }
  return unknown(static_cast<uint64_t>(fn), a, b, false);
}

Rational RationalScalar::call(ScalarFn fn, DType, const Rational& a, const Rational& b) {
  if (a.overflowed() || (arity(fn) == 2 && b.overflowed())) return Rational::overflow();
  if (arity(fn) == 2) return binary(fn, a, b);
  switch (fn) {
    case ScalarFn::kNeg:
      return -a;
    case ScalarFn::kAbs:
      return a.sign() < 0 ? -a : a;
    case ScalarFn::kSign:
      return a.is_nan() ? a : Rational::of(a.sign());
    case ScalarFn::kFloor:
      return a.floor();
    case ScalarFn::kCeil:
      return -(-a).floor();
    case ScalarFn::kRoundEven: {
      if (!a.is_finite()) return a;
      const Rational half = Rational::fraction(1, 2), below = a.floor();
      const Rational rest = a - below;
      const bool up = half < rest || (rest == half && below.numerator() % 2 != 0);
      return up ? below + Rational::of(1) : below;
    }
    default:
      break;
  }
  // Limits at infinities, and the points where the value is a small integer or half (exp(0), log(1), sqrt(4)).
  const double value = float_call(fn, a.to_double(), 0);
  if (!a.is_finite()) return Rational::exactly(value);
  if (std::isnan(value) || std::isinf(value)) return Rational::exactly(value);
  if (a.is_integer() && std::fabs(value) < 0x1p20 && value * 2 == std::nearbyint(value * 2) &&
      (a.sign() == 0 || fn == ScalarFn::kSqrt || fn == ScalarFn::kRsqrt || fn == ScalarFn::kLog)) {
    return Rational::exactly(value);
  }
  const bool positive =
      fn == ScalarFn::kExp || fn == ScalarFn::kSqrt || fn == ScalarFn::kRsqrt || fn == ScalarFn::kLogistic;
  return unknown(static_cast<uint64_t>(fn), a, Rational{}, positive);
}

// A tensor as the evaluator holds it: floats of the scalar, or integers.
template <class S>
struct Values {
  Type type;
  std::vector<typename S::Float> floats;
  std::vector<int64_t> ints;
};

template <class S>
struct Value {
  typename S::Float f{};
  int64_t i = 0;
};

// One comprehension over given operands.
template <class S>
class ElementEvaluator {
 public:
  using Float = typename S::Float;

  ElementEvaluator(const Comprehension& c, std::span<const std::shared_ptr<const Values<S>>> operands)
      : c_(c), operands_(operands), at_(c.sizes.size(), 0) {
    for (const auto& operand : operands) sizes_.push_back(operand->type.sizes());
  }

  Result<std::shared_ptr<const Values<S>>> run(const Limits& limits, const Stopwatch& watch) {
    auto result = std::make_shared<Values<S>>();
    result->type = c_.result;
    const int rank = c_.result.rank();
    int64_t count = 1;
    for (int axis = 0; axis < rank; ++axis) count *= c_.sizes[axis];
    for (int64_t flat = 0; flat < count; ++flat) {
      int64_t rest = flat;
      for (int axis = rank; axis-- > 0; rest /= c_.sizes[axis]) at_[axis] = rest % c_.sizes[axis];
      const Value<S> value = convert(scalar(c_.body), c_.exprs[c_.body].dtype, c_.result.dtype);
      if (error_) return *std::move(error_);
      if (is_float(c_.result.dtype)) {
        result->floats.push_back(value.f);
      } else {
        result->ints.push_back(value.i);
      }
      if (flat % 1024 == 0 && watch.expired(limits)) return limit_error("evaluation was stopped");
    }
    return std::shared_ptr<const Values<S>>(std::move(result));
  }

 private:
  const Expr& expr(ExprId id) const { return c_.exprs[id]; }

  int64_t index(ExprId id) {
    const Expr& e = expr(id);
    const auto arg = [&](int k) { return index(e.args[k]); };
    switch (e.kind) {
      case ExprKind::kIndex:
        return at_[e.number];
      case ExprKind::kInt:
        return e.integer;
      case ExprKind::kAdd:
        return arg(0) + arg(1);
      case ExprKind::kSub:
        return arg(0) - arg(1);
      case ExprKind::kMul:
        return arg(0) * arg(1);
      case ExprKind::kDiv:
        return floor_div(arg(0), arg(1));
      case ExprKind::kMod:
        return floor_mod(arg(0), arg(1));
      case ExprKind::kMin:
        return std::min(arg(0), arg(1));
      case ExprKind::kMax:
        return std::max(arg(0), arg(1));
      default:
        break;
    }
    const Value<S> data = scalar(e.args[0]);  // kToIndex
    return is_float(expr(e.args[0]).dtype) ? S::to_int(DType::i64, data.f) : data.i;
  }

  bool condition(ExprId id) {
    const Expr& e = expr(id);
    switch (e.kind) {
      case ExprKind::kLess:
        return index(e.args[0]) < index(e.args[1]);
      case ExprKind::kLessEqual:
        return index(e.args[0]) <= index(e.args[1]);
      case ExprKind::kEqual:
        return index(e.args[0]) == index(e.args[1]);
      case ExprKind::kAnd:
        for (ExprId arg : e.args) {
          if (!condition(arg)) return false;
        }
        return true;
      case ExprKind::kOr:
        for (ExprId arg : e.args) {
          if (condition(arg)) return true;
        }
        return false;
      case ExprKind::kNot:
        return !condition(e.args[0]);
      default:
        break;
    }
    return convert(scalar(e.args[0]), expr(e.args[0]).dtype, DType::boolean).i != 0;  // kTruth
  }

  Value<S> scalar(ExprId id) {
    if (error_) return {};
    const Expr& e = expr(id);
    switch (e.kind) {
      case ExprKind::kNumber:
        return number(e.dtype, e.value);
      case ExprKind::kRead:
        return read(e);
      case ExprKind::kSelect:
        return scalar(e.args[condition(e.args[0]) ? 1 : 2]);
      case ExprKind::kValue:
        return convert({{}, index(e.args[0])}, DType::i64, e.dtype);
      case ExprKind::kFold:
        return fold(e);
      default:
        break;
    }
    const DType from = expr(e.args[0]).dtype;
    const Value<S> a = scalar(e.args[0]);
    if (e.fn == ScalarFn::kCast) return convert(a, from, e.dtype);
    const Value<S> b = e.args.size() > 1 ? scalar(e.args[1]) : Value<S>{};
    return call(e.fn, from, a, b);
  }

  Value<S> number(DType t, double x) {
    return is_float(t) ? Value<S>{checked(S::number(t, x)), 0} : Value<S>{{}, wrap_to(t, float_to_int(t, x))};
  }

  Value<S> call(ScalarFn fn, DType t, const Value<S>& a, const Value<S>& b) {
    if (!is_float(t)) return {{}, int_call(fn, t, a.i, b.i)};
    if (gives_bool(fn)) return {{}, S::test(fn, a.f, b.f)};
    return {checked(S::call(fn, t, a.f, b.f)), 0};
  }

  Value<S> convert(const Value<S>& x, DType from, DType to) {
    if (from == to) return x;
    if (is_float(from)) {
      return is_float(to) ? Value<S>{checked(S::cast(from, to, x.f)), 0} : Value<S>{{}, S::to_int(to, x.f)};
    }
    return is_float(to) ? Value<S>{checked(S::from_int(from, to, x.i)), 0} : Value<S>{{}, wrap_to(to, x.i)};
  }

  Value<S> read(const Expr& e) {
    const Values<S>& operand = *operands_[e.number];
    int64_t offset = 0;
    for (size_t axis = 0; axis < e.args.size(); ++axis) {
      const int64_t at = index(e.args[axis]);
      if (error_) return {};
      if (at < 0 || at >= sizes_[e.number][axis]) {
        error_ =
            internal_error("operand " + std::to_string(e.number) + " is read at " + std::to_string(at) + " on axis " +
                           std::to_string(axis) + " of size " + std::to_string(sizes_[e.number][axis]));
        return {};
      }
      offset = offset * sizes_[e.number][axis] + at;
    }
    return is_float(e.dtype) ? Value<S>{checked(operand.floats[offset]), 0} : Value<S>{{}, operand.ints[offset]};
  }

  // Calls `step(position)` for every point of the fold's index set, in row-major order.
  template <class Step>
  void for_each_point(const Expr& e, const Step& step) {
    int64_t count = 1;
    for (uint32_t v : e.variables) count *= c_.sizes[v];
    for (int64_t flat = 0; flat < count && !error_; ++flat) {
      int64_t rest = flat;
      for (size_t k = e.variables.size(); k-- > 0; rest /= c_.sizes[e.variables[k]]) {
        at_[e.variables[k]] = rest % c_.sizes[e.variables[k]];
      }
      step(flat);
    }
  }

  Value<S> fold(const Expr& e) {
    const DType body_type = expr(e.args[0]).dtype;
    if (e.fold == FoldKind::kArgMax || e.fold == FoldKind::kArgMin) return arg_fold(e, body_type);
    Value<S> result =
        is_float(e.dtype) ? Value<S>{S::load(float_identity(e.fold)), 0} : Value<S>{{}, int_identity(e.fold, e.dtype)};
    for_each_point(e, [&](int64_t) {
      const Value<S> item = convert(scalar(e.args[0]), body_type, e.dtype);
      result = call(combining_function(e.fold), e.dtype, result, item);
    });
    return result;
  }

  // The first of the largest (smallest) items; a NaN counts as beyond all others.
  Value<S> arg_fold(const Expr& e, DType body_type) {
    Value<S> best;
    int64_t position = -1;
    for_each_point(e, [&](int64_t flat) {
      const Value<S> item = scalar(e.args[0]);
      if (error_) return;
      const ScalarFn better = e.fold == FoldKind::kArgMax ? ScalarFn::kGt : ScalarFn::kLt;
      const auto is_nan = [&](const Value<S>& x) { return call(ScalarFn::kIsNan, body_type, x, {}).i != 0; };
      if (position < 0 || call(better, body_type, item, best).i || (is_nan(item) && !is_nan(best))) {
        best = item;
        position = flat;
      }
    });
    if (position < 0 && !error_) error_ = internal_error("arg-max or arg-min of an empty axis");
    return convert({{}, position}, DType::i64, e.dtype);
  }

  Float checked(Float x) {
    if (S::overflowed(x) && !error_) {
      error_ = limit_error("exact arithmetic left 127 bits", "give inputs that are small integers or short fractions");
    }
    return x;
  }

  const Comprehension& c_;
  std::span<const std::shared_ptr<const Values<S>>> operands_;
  std::vector<std::vector<int64_t>> sizes_;  // of each operand
  std::vector<int64_t> at_;                  // the value of every variable
  std::optional<Error> error_;
};

template <class S>
struct ReferenceBackend {
  using Array = std::shared_ptr<const Values<S>>;
  const Limits& limits;
  Stopwatch watch;

  Array load(const TensorRef& tensor) {
    auto values = std::make_shared<Values<S>>();
    values->type = tensor->type();
    for (int64_t i = 0; i < tensor->size(); ++i) {
      if (is_float(tensor->dtype())) {
        values->floats.push_back(S::load(tensor->get(i)));
      } else {
        values->ints.push_back(tensor->get_int(i));
      }
    }
    return values;
  }
  int64_t bytes(const Array& a) const {
    return static_cast<int64_t>(a->floats.size() * sizeof(typename S::Float) + a->ints.size() * sizeof(int64_t));
  }
  Result<Array> compute(const Comprehension& c, std::span<const Array> operands) {
    return ElementEvaluator<S>(c, operands).run(limits, watch);
  }
};

// Float results of the wide scalars leave as f64.
template <class S>
Result<Tensor> tensor_of(const Values<S>& values) {
  Type type = values.type;
  if (is_float(type.dtype) && !std::is_same_v<S, NativeScalar>) type.dtype = DType::f64;
  Tensor tensor(std::move(type));
  for (size_t i = 0; i < values.floats.size(); ++i) {
    if (S::overflowed(values.floats[i])) return limit_error("an input does not fit exact arithmetic in 127 bits");
    tensor.set(static_cast<int64_t>(i), S::store(values.floats[i]));
  }
  for (size_t i = 0; i < values.ints.size(); ++i) tensor.set_int(static_cast<int64_t>(i), values.ints[i]);
  return tensor;
}

template <class S>
Result<std::vector<Tensor>> evaluate_with(const Graph& graph, const std::vector<Tensor>& inputs, const Limits& limits) {
  EGRET_TRY(const Graph expanded, expand_composites(graph));
  ReferenceBackend<S> backend{limits, {}};
  using Arrays = std::vector<std::shared_ptr<const Values<S>>>;
  EGRET_TRY(const Arrays arrays, GraphWalk(expanded, limits, backend).run(inputs));
  std::vector<Tensor> results;
  for (const auto& array : arrays) {
    EGRET_TRY(Tensor tensor, tensor_of(*array));
    results.push_back(std::move(tensor));
  }
  return results;
}

template <class S>
Result<Tensor> evaluate_with(const Comprehension& comprehension, const std::vector<Tensor>& operands) {
  const Limits limits;
  ReferenceBackend<S> backend{limits, {}};
  std::vector<Type> types;
  std::vector<std::shared_ptr<const Values<S>>> arrays;
  for (const Tensor& operand : operands) {
    types.push_back(operand.type());
    arrays.push_back(backend.load(TensorRef(TensorRef{}, &operand)));
  }
  EGRET_TRY_VOID(check_comprehension(comprehension, types));
  EGRET_TRY(const auto result, backend.compute(comprehension, arrays));
  return tensor_of(*result);
}

// Calls f with a scalar's type.
template <class F>
auto with_scalar(Scalar scalar, const F& f) {
  switch (scalar) {
    case Scalar::kNative:
      return f(NativeScalar{});
    case Scalar::kDouble:
      return f(DoubleScalar{});
    default:
      return f(RationalScalar{});
  }
}

}  // namespace

Result<std::vector<Tensor>> evaluate_reference(const Graph& graph, const std::vector<Tensor>& inputs, Scalar scalar,
                                               const Limits& limits) {
  return with_scalar(scalar, [&](auto s) { return evaluate_with<decltype(s)>(graph, inputs, limits); });
}

Result<Tensor> evaluate_reference(const Comprehension& comprehension, const std::vector<Tensor>& operands,
                                  Scalar scalar) {
  return with_scalar(scalar, [&](auto s) { return evaluate_with<decltype(s)>(comprehension, operands); });
}

}  // namespace egret
