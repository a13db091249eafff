#include "ir/evaluate/scalar_functions.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/result.h"

namespace egret {
namespace {

bool is_unsigned(DType t) { return row(t).kind == DTypeRow::Kind::kUnsigned; }

int64_t lowest_int(DType t) {
  if (row(t).kind != DTypeRow::Kind::kSigned) return 0;
  return row(t).bits == 64 ? std::numeric_limits<int64_t>::min() : -(int64_t{1} << (row(t).bits - 1));
}

int64_t highest_int(DType t) {
  if (row(t).kind == DTypeRow::Kind::kBool) return 1;
  if (is_unsigned(t)) return row(t).bits == 64 ? -1 : (int64_t{1} << row(t).bits) - 1;
  return row(t).bits == 64 ? std::numeric_limits<int64_t>::max() : (int64_t{1} << (row(t).bits - 1)) - 1;
}

// Square and multiply; a negative exponent gives what truncating the quotient 1 / a^-n gives.
int64_t int_power(DType dtype, int64_t base, int64_t exponent) {
  if (exponent < 0 && !is_unsigned(dtype)) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (uint64_t n = static_cast<uint64_t>(exponent); n != 0; n >>= 1, square *= square) {
    if (n & 1) result *= square;
  }
  return static_cast<int64_t>(result);
}

int64_t int_divide(DType dtype, int64_t a, int64_t b) {
  if (b == 0) return -1;
  if (dtype == DType::u64) return static_cast<int64_t>(static_cast<uint64_t>(a) / static_cast<uint64_t>(b));
  return b == -1 ? static_cast<int64_t>(0 - static_cast<uint64_t>(a)) : a / b;
}

int64_t int_remainder(DType dtype, int64_t a, int64_t b) {
  if (b == 0) return a;
  if (dtype == DType::u64) return static_cast<int64_t>(static_cast<uint64_t>(a) % static_cast<uint64_t>(b));
  return b == -1 ? 0 : a % b;
}

}  // namespace

double round_to(DType dtype, double x) {
  if (dtype == DType::f64 || x == 0 || !std::isfinite(x)) return x;
  if (dtype == DType::f32) return static_cast<float>(x);
  const int precision = row(dtype).mantissa + 1;
  const int bias = (1 << (row(dtype).exponent - 1)) - 1;
  int exponent = 0;
  std::frexp(x, &exponent);                                // |x| in [2^(exponent-1), 2^exponent)
  const int lowest_exponent = 1 - bias - (precision - 1);  // of the last bit of a subnormal
  const int last_bit = std::max(exponent - precision, lowest_exponent);
  const double rounded = std::ldexp(std::nearbyint(std::ldexp(x, -last_bit)), last_bit);
  const double largest = std::ldexp(2.0 - std::ldexp(1.0, 1 - precision), bias);
  return std::fabs(rounded) > largest ? std::copysign(std::numeric_limits<double>::infinity(), x) : rounded;
}

int64_t wrap_to(DType dtype, int64_t x) {
  switch (dtype) {
    case DType::boolean:
      return x != 0;
    case DType::i32:
      return static_cast<int32_t>(x);
    case DType::i16:
      return static_cast<int16_t>(x);
    case DType::i8:
      return static_cast<int8_t>(x);
    case DType::u32:
      return static_cast<uint32_t>(x);
    case DType::u16:
      return static_cast<uint16_t>(x);
    case DType::u8:
      return static_cast<uint8_t>(x);
    default:
      return x;
  }
}

int64_t float_to_int(DType dtype, double x) {
  if (dtype == DType::boolean) return x != 0;
  if (std::isnan(x)) return 0;
  const double truncated = std::trunc(x);
  if (is_unsigned(dtype) && truncated <= 0) return 0;
  if (dtype == DType::u64) {
    return truncated >= 0x1p64 ? -1 : static_cast<int64_t>(static_cast<uint64_t>(truncated));
  }
  if (truncated <= static_cast<double>(lowest_int(dtype))) return lowest_int(dtype);
  if (truncated >= static_cast<double>(highest_int(dtype))) return highest_int(dtype);
  return static_cast<int64_t>(truncated);
}

double int_to_float(DType from, int64_t x) {
  return from == DType::u64 ? static_cast<double>(static_cast<uint64_t>(x)) : static_cast<double>(x);
}

bool gives_bool(ScalarFn fn) { return fn >= ScalarFn::kEq && fn <= ScalarFn::kIsFinite; }

bool defined_on(ScalarFn fn, DType argument) {
  if (gives_bool(fn) || fn == ScalarFn::kCast) return true;
  const bool logic = fn >= ScalarFn::kAnd && fn <= ScalarFn::kNot;
  if (is_float(argument)) return !logic;
  if (logic) return true;
  return fn <= ScalarFn::kMin || (fn >= ScalarFn::kNeg && fn <= ScalarFn::kRoundEven);
}

double float_call(ScalarFn fn, double a, double b) {
  switch (fn) {
    case ScalarFn::kAdd:
      return a + b;
    case ScalarFn::kSub:
      return a - b;
    case ScalarFn::kMul:
      return a * b;
    case ScalarFn::kDiv:
      return a / b;
    case ScalarFn::kRem:
      return std::fmod(a, b);
    case ScalarFn::kPow:
      return std::pow(a, b);
    case ScalarFn::kMax:
      return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b > a ? b : std::signbit(a) ? b : a;
    case ScalarFn::kMin:
      return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b < a ? b : std::signbit(a) ? a : b;
    case ScalarFn::kAtan2:
      return std::atan2(a, b);
    case ScalarFn::kNeg:
      return -a;
    case ScalarFn::kAbs:
      return std::fabs(a);
    case ScalarFn::kSign:
      return a > 0 ? 1.0 : a < 0 ? -1.0 : a;
    case ScalarFn::kFloor:
      return std::floor(a);
    case ScalarFn::kCeil:
      return std::ceil(a);
    case ScalarFn::kRoundEven:
      return std::nearbyint(a);
    case ScalarFn::kExp:
      return std::exp(a);
    case ScalarFn::kExpm1:
      return std::expm1(a);
    case ScalarFn::kLog:
      return std::log(a);
    case ScalarFn::kLog1p:
      return std::log1p(a);
    case ScalarFn::kSqrt:
      return std::sqrt(a);
    case ScalarFn::kRsqrt:
      return 1.0 / std::sqrt(a);
    case ScalarFn::kSin:
      return std::sin(a);
    case ScalarFn::kCos:
      return std::cos(a);
    case ScalarFn::kTanh:
      return std::tanh(a);
    case ScalarFn::kErf:
      return std::erf(a);
    case ScalarFn::kLogistic:
      return 1.0 / (1.0 + std::exp(-a));
    default:
      break;
  }
  EGRET_CHECK(false, "function does not give a float");
  return 0;
}

bool float_test(ScalarFn fn, double a, double b) {
  switch (fn) {
    case ScalarFn::kEq:
      return a == b;
    case ScalarFn::kNe:
      return a != b;
    case ScalarFn::kLt:
      return a < b;
    case ScalarFn::kLe:
      return a <= b;
    case ScalarFn::kGt:
      return a > b;
    case ScalarFn::kGe:
      return a >= b;
    case ScalarFn::kIsNan:
      return std::isnan(a);
    case ScalarFn::kIsFinite:
      return std::isfinite(a);
    default:
      break;
  }
  EGRET_CHECK(false, "function is no test of floats");
  return false;
}

bool int_less(DType dtype, int64_t a, int64_t b) {
  return dtype == DType::u64 ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
}

int64_t int_call(ScalarFn fn, DType dtype, int64_t a, int64_t b) {
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  const auto wrapped = [&](uint64_t x) { return wrap_to(dtype, static_cast<int64_t>(x)); };
  switch (fn) {
    case ScalarFn::kAdd:
      return wrapped(ua + ub);
    case ScalarFn::kSub:
      return wrapped(ua - ub);
    case ScalarFn::kMul:
      return wrapped(ua * ub);
    case ScalarFn::kDiv:
      return wrap_to(dtype, int_divide(dtype, a, b));
    case ScalarFn::kRem:
      return int_remainder(dtype, a, b);
    case ScalarFn::kPow:
      return wrap_to(dtype, int_power(dtype, a, b));
    case ScalarFn::kMax:
      return int_less(dtype, a, b) ? b : a;
    case ScalarFn::kMin:
      return int_less(dtype, b, a) ? b : a;
    case ScalarFn::kNeg:
      return wrapped(0 - ua);
    case ScalarFn::kAbs:
      return is_unsigned(dtype) || a >= 0 ? a : wrapped(0 - ua);
    case ScalarFn::kSign:
      return a == 0 ? 0 : is_unsigned(dtype) || a > 0 ? 1 : -1;
    case ScalarFn::kFloor:
    case ScalarFn::kCeil:
    case ScalarFn::kRoundEven:
      return a;
    case ScalarFn::kAnd:
      return a & b;
    case ScalarFn::kOr:
      return a | b;
    case ScalarFn::kXor:
      return a ^ b;
    case ScalarFn::kNot:
      return dtype == DType::boolean ? a == 0 : wrapped(~ua);
    case ScalarFn::kEq:
      return a == b;
    case ScalarFn::kNe:
      return a != b;
    case ScalarFn::kLt:
      return int_less(dtype, a, b);
    case ScalarFn::kLe:
      return !int_less(dtype, b, a);
    case ScalarFn::kGt:
      return int_less(dtype, b, a);
    case ScalarFn::kGe:
      return !int_less(dtype, a, b);
    case ScalarFn::kIsNan:
      return 0;
    case ScalarFn::kIsFinite:
      return 1;
    default:
      break;
  }
  EGRET_CHECK(false, "function has no meaning on integers");
  return 0;
}

ScalarFn combining_function(FoldKind kind) {
  switch (kind) {
    case FoldKind::kSum:
      return ScalarFn::kAdd;
    case FoldKind::kProd:
      return ScalarFn::kMul;
    case FoldKind::kMax:
      return ScalarFn::kMax;
    case FoldKind::kMin:
      return ScalarFn::kMin;
    case FoldKind::kAny:
      return ScalarFn::kOr;
    case FoldKind::kAll:
      return ScalarFn::kAnd;
    default:
      break;
  }
  EGRET_CHECK(false, "arg-max and arg-min combine no two values");
  return ScalarFn::kAnd;
}

double float_identity(FoldKind kind) {
  switch (kind) {
    case FoldKind::kProd:
      return 1;
    case FoldKind::kMax:
      return -std::numeric_limits<double>::infinity();
    case FoldKind::kMin:
      return std::numeric_limits<double>::infinity();
    default:
      return 0;
  }
}

int64_t int_identity(FoldKind kind, DType dtype) {
  switch (kind) {
    case FoldKind::kProd:
    case FoldKind::kAll:
      return 1;
    case FoldKind::kMax:
      return lowest_int(dtype);
    case FoldKind::kMin:
      return highest_int(dtype);
    default:
      return 0;
  }
}

}  // namespace egret
