#include "lower/cuda/scalar_text.h"

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "ir/evaluate/scalar_functions.h"
#include "support/result.h"

namespace egret::lower {
namespace {

bool is_unsigned(DType t) { return row(t).kind == DTypeRow::Kind::kUnsigned; }
bool rounds(DType t) { return t == DType::f16 || t == DType::bf16 || t == DType::tf32; }
std::string letter(DType t) { return t == DType::f64 ? "" : "f"; }  // suffix of a math function

struct Function {
  const char* name;
  const char* uses;  // names, separated by blanks
  const char* text;
};

// In order: each uses only those before it.
const Function kFunctions[] = {
    {"round_f16", "",
     R"(__device__ __forceinline__ float round_f16(float x) {
  const unsigned bits = __float_as_uint(x), sign = bits & 0x80000000u, magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) return x;
  if (magnitude >= 0x477ff000u) return __uint_as_float(sign | 0x7f800000u);
  if (magnitude < 0x38800000u) {  // a subnormal: the sum's last bit is 2^-24
    const float shifted = __fadd_rn(__uint_as_float(magnitude), 0.5f);
    return __uint_as_float(sign | __float_as_uint(__fadd_rn(shifted, -0.5f)));
  }
  return __uint_as_float(sign | ((magnitude + 0xfffu + ((magnitude >> 13) & 1u)) & 0xffffe000u));
}
)"},
    {"round_bf16", "",
     R"(__device__ __forceinline__ float round_bf16(float x) {
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) >= 0x7f800000u) return x;
  return __uint_as_float((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}
)"},
    {"round_tf32", "",
     R"(__device__ __forceinline__ float round_tf32(float x) {
  const unsigned bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) >= 0x7f800000u) return x;
  return __uint_as_float((bits + 0xfffu + ((bits >> 13) & 1u)) & 0xffffe000u);
}
)"},
    {"load_f16", "",
     R"(__device__ __forceinline__ float load_f16(unsigned short h) {
  const unsigned sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  if (magnitude >= 0x7c00u) return __uint_as_float(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x400u) return __uint_as_float(sign | ((magnitude << 13) + 0x38000000u));
  const float small = (float)magnitude * 0x1p-24f;
  return sign ? -small : small;
}
)"},
    {"store_f16", "",
     R"(__device__ __forceinline__ unsigned short store_f16(float x) {  // x is a value of the type
  const unsigned bits = __float_as_uint(x), sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return 0x7e00u;
  if (magnitude == 0x7f800000u) return (unsigned short)(sign | 0x7c00u);
  if (magnitude >= 0x38800000u) return (unsigned short)(sign | ((magnitude - 0x38000000u) >> 13));
  return (unsigned short)(sign | (unsigned)(__uint_as_float(magnitude) * 0x1p24f));
}
)"},
    {"load_bf16", "",
     R"(__device__ __forceinline__ float load_bf16(unsigned short h) { return __uint_as_float((unsigned)h << 16); }
)"},
    {"store_bf16", "",
     R"(__device__ __forceinline__ unsigned short store_bf16(float x) {  // x is a value of the type
  return x != x ? 0x7fc0u : (unsigned short)(__float_as_uint(x) >> 16);
}
)"},
    {"sign_of", "",
     R"(template <class T> __device__ __forceinline__ T sign_of(T x) { return x > 0 ? T(1) : x < 0 ? T(-1) : x; }
)"},
    {"logistic_of", "",
     R"(__device__ __forceinline__ float logistic_of(float x) { return 1.0f / (1.0f + expf(-x)); }
__device__ __forceinline__ double logistic_of(double x) { return 1.0 / (1.0 + exp(-x)); }
)"},
    {"int_divide", "",  // x / 0 is -1, and lowest / -1 wraps
     R"(template <class T> __device__ __forceinline__ T int_divide(T a, T b) {
  return b == 0 ? T(-1) : T(-1) < T(0) && b == T(-1) ? T(0ull - (unsigned long long)a) : T(a / b);
}
)"},
    {"int_remainder", "",
     R"(template <class T> __device__ __forceinline__ T int_remainder(T a, T b) {
  return b == 0 ? a : T(-1) < T(0) && b == T(-1) ? T(0) : T(a % b);
}
)"},
    {"int_power", "",
     R"(template <class T> __device__ __forceinline__ T int_power(T base, T exponent) {
  if (T(-1) < T(0) && exponent < T(0)) return base == T(1) ? T(1) : base == T(-1) ? T(exponent % 2 == 0 ? 1 : -1) : T(0);
  unsigned long long result = 1, square = (unsigned long long)base;
  for (unsigned long long n = (unsigned long long)exponent; n != 0; n >>= 1, square *= square)
    if (n & 1) result *= square;
  return T(result);
}
)"},
    {"float_to_int", "",  // truncates, saturates, NaN gives 0; `low` and `high` bound the type
     R"(template <class T, class F> __device__ __forceinline__ T float_to_int(F x, F below, F above, T low, T high) {
  return x != x ? T(0) : x <= below ? low : x >= above ? high : T(x);
}
)"},
    {"floor_div", "",  // of a positive divisor
     R"(__device__ __forceinline__ Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -1 - (-1 - a) / b; }
)"},
    {"floor_mod", "floor_div",
     R"(__device__ __forceinline__ Index floor_mod(Index a, Index b) { return a - floor_div(a, b) * b; }
)"},
};

std::string rounded(DType dtype, const std::string& value, Library& library) {
  if (!rounds(dtype)) return value;
  const std::string function = std::string("round_") + name(dtype);
  library.need(function);
  return function + "(" + value + ")";
}

// `value`, or NaN where a or b is; literals are known not to be.
std::string unless_nan(const std::string& a, const std::string& b, const std::string& value) {
  std::string test;
  for (const std::string& x : {a, b}) {
    if (x[0] == '(' || std::isdigit(static_cast<unsigned char>(x[0]))) continue;
    test += (test.empty() ? "" : " || ") + x + " != " + x;
  }
  return test.empty() ? value : test + " ? " + a + " + " + b + " : " + value;
}

std::string float_call_text(ScalarFn fn, DType t, const std::vector<std::string>& args, Library& library) {
  const std::string& a = args[0];
  const std::string b = args.size() > 1 ? args[1] : "";
  const std::string f = letter(t);
  auto unary = [&](const char* function) { return function + f + "(" + a + ")"; };
  auto binary = [&](const char* function) { return function + f + "(" + a + ", " + b + ")"; };
  switch (fn) {
    case ScalarFn::kAdd: return a + " + " + b;
    case ScalarFn::kSub: return a + " - " + b;
    case ScalarFn::kMul: return a + " * " + b;
    case ScalarFn::kDiv: return a + " / " + b;
    case ScalarFn::kRem: return binary("fmod");
    case ScalarFn::kPow: return binary("pow");
    case ScalarFn::kAtan2: return binary("atan2");
    // fmax and fmin drop a NaN.
    case ScalarFn::kMax: return unless_nan(a, b, binary("fmax"));
    case ScalarFn::kMin: return unless_nan(a, b, binary("fmin"));
    case ScalarFn::kNeg: return "-" + a;
    case ScalarFn::kAbs: return unary("fabs");
    case ScalarFn::kSign:
      library.need("sign_of");
      return "sign_of(" + a + ")";
    case ScalarFn::kFloor: return unary("floor");
    case ScalarFn::kCeil: return unary("ceil");
    case ScalarFn::kRoundEven: return unary("rint");
    case ScalarFn::kExp: return unary("exp");
    case ScalarFn::kExpm1: return unary("expm1");
    case ScalarFn::kLog: return unary("log");
    case ScalarFn::kLog1p: return unary("log1p");
    case ScalarFn::kSqrt: return unary("sqrt");
    case ScalarFn::kRsqrt: return unary("rsqrt");
    case ScalarFn::kSin: return unary("sin");
    case ScalarFn::kCos: return unary("cos");
    case ScalarFn::kTanh: return unary("tanh");
    case ScalarFn::kErf: return unary("erf");
    case ScalarFn::kLogistic:
      library.need("logistic_of");
      return "logistic_of(" + a + ")";
    case ScalarFn::kEq: return a + " == " + b;
    case ScalarFn::kNe: return a + " != " + b;
    case ScalarFn::kLt: return a + " < " + b;
    case ScalarFn::kLe: return a + " <= " + b;
    case ScalarFn::kGt: return a + " > " + b;
    case ScalarFn::kGe: return a + " >= " + b;
    case ScalarFn::kIsNan: return a + " != " + a;
    case ScalarFn::kIsFinite: return a + " - " + a + " == 0";
    default:
      break;
  }
  EGRET_CHECK(false, "function has no meaning on floats");
  return {};
}

std::string int_call_text(ScalarFn fn, DType t, const std::vector<std::string>& args, Library& library) {
  const std::string type = held_type(t);
  const std::string& a = args[0];
  const std::string b = args.size() > 1 ? args[1] : "";
  // Wraps: unsigned arithmetic of at least the type's width, then the type.
  const std::string wide = size_in_bytes(t) == 8 ? "(unsigned long long)" : "(unsigned)";
  auto wrapped = [&](const std::string& value) { return "(" + type + ")(" + value + ")"; };
  auto function = [&](const char* name) {
    library.need(name);
    return std::string(name) + "<" + type + ">(" + a + ", " + b + ")";
  };
  switch (fn) {
    case ScalarFn::kAdd:
      return wrapped(wide + a + " + " + wide + b);
    case ScalarFn::kSub:
      return wrapped(wide + a + " - " + wide + b);
    case ScalarFn::kMul:
      return wrapped(wide + a + " * " + wide + b);
    case ScalarFn::kDiv:
      return function("int_divide");
    case ScalarFn::kRem:
      return function("int_remainder");
    case ScalarFn::kPow:
      return function("int_power");
    case ScalarFn::kMax:
      return a + " < " + b + " ? " + b + " : " + a;
    case ScalarFn::kMin:
      return b + " < " + a + " ? " + b + " : " + a;
    case ScalarFn::kNeg:
      return wrapped("0u - " + wide + a);
    case ScalarFn::kAbs:
      return is_unsigned(t) ? a : a + " >= 0 ? " + a + " : " + wrapped("0u - " + wide + a);
    case ScalarFn::kSign:
      return a + " == 0 ? " + wrapped("0") + " : " + (is_unsigned(t) ? "" : a + " < 0 ? " + wrapped("-1") + " : ") +
             wrapped("1");
    case ScalarFn::kFloor:
    case ScalarFn::kCeil:
    case ScalarFn::kRoundEven:
      return a;
    case ScalarFn::kAnd:
      return wrapped(a + " & " + b);
    case ScalarFn::kOr:
      return wrapped(a + " | " + b);
    case ScalarFn::kXor:
      return wrapped(a + " ^ " + b);
    case ScalarFn::kNot:
      return t == DType::boolean ? "!" + a : wrapped("~" + a);
    case ScalarFn::kEq:
      return a + " == " + b;
    case ScalarFn::kNe:
      return a + " != " + b;
    case ScalarFn::kLt:
      return a + " < " + b;
    case ScalarFn::kLe:
      return a + " <= " + b;
    case ScalarFn::kGt:
      return a + " > " + b;
    case ScalarFn::kGe:
      return a + " >= " + b;
    case ScalarFn::kIsNan:
      return "false";
    case ScalarFn::kIsFinite:
      return "true";
    default:
      break;
  }
  EGRET_CHECK(false, "function has no meaning on integers");
  return {};
}

std::string integer_text(DType t, int64_t value) {
  const std::string type = held_type(t);
  if (t == DType::boolean) return value ? "true" : "false";
  if (is_unsigned(t)) return "(" + type + ")" + std::to_string(static_cast<uint64_t>(wrap_to(t, value))) + "ull";
  if (value == INT64_MIN) return "(-9223372036854775807ll - 1)";
  const std::string digits = std::to_string(value) + (t == DType::i64 ? "ll" : "");
  if (t == DType::i32 && value == INT32_MIN) return "(-2147483647 - 1)";
  if (t == DType::i16 || t == DType::i8) return "(" + type + ")" + (value < 0 ? "(" + digits + ")" : digits);
  return value < 0 ? "(" + digits + ")" : digits;
}

}  // namespace

const char* held_type(DType t) {
  switch (t) {
    case DType::f64:
      return "double";
    case DType::f32:
    case DType::tf32:
    case DType::f16:
    case DType::bf16:
      return "float";
    case DType::i64:
      return "long long";
    case DType::i32:
      return "int";
    case DType::i16:
      return "short";
    case DType::i8:
      return "signed char";
    case DType::u64:
      return "unsigned long long";
    case DType::u32:
      return "unsigned";
    case DType::u16:
      return "unsigned short";
    case DType::u8:
      return "unsigned char";
    case DType::boolean:
      return "bool";
  }
  return "?";
}

int64_t held_bytes(DType t) { return size_in_bytes(t) == 8 ? 8 : 4; }

const char* stored_type(DType t) {
  if (t == DType::f16 || t == DType::bf16) return "unsigned short";
  return t == DType::boolean ? "unsigned char" : held_type(t);
}

std::string number_text(DType t, double value) {
  if (!is_float(t)) return integer_text(t, wrap_to(t, float_to_int(t, value)));
  value = round_to(t, value);
  if (std::isfinite(value)) {
    char buffer[64];
    if (value == std::trunc(value) && std::fabs(value) < 1e6) {
      std::snprintf(buffer, sizeof buffer, "%.1f", value);
    } else {
      std::snprintf(buffer, sizeof buffer, "%a", value);
    }
    const std::string digits = buffer + letter(t);
    return std::signbit(value) ? "(" + digits + ")" : digits;
  }
  if (t == DType::f64) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return "__longlong_as_double(" + std::to_string(static_cast<int64_t>(bits & INT64_MAX)) +
           (std::signbit(value) && std::isinf(value) ? "ll | (1ll << 63))" : "ll)");
  }
  return std::isnan(value) ? "__uint_as_float(0x7fffffffu)"
         : value > 0       ? "__uint_as_float(0x7f800000u)"
                           : "__uint_as_float(0xff800000u)";
}

void Library::need(const std::string& name) {
  if (!needed_.insert(name).second) return;
  for (const Function& function : kFunctions) {
    if (function.name != name) continue;
    if (*function.uses) need(function.uses);
    return;
  }
  EGRET_CHECK(false, "the device function is in the table");
}

std::string Library::text() const {
  std::string result;
  for (const Function& function : kFunctions) {
    if (needed_.count(function.name)) result += function.text;
  }
  return result;
}

std::string call_text(ScalarFn fn, DType from, DType to, const std::vector<std::string>& args, Library& library) {
  if (fn == ScalarFn::kCast) return cast_text(from, to, args[0], library);
  if (!is_float(from)) return int_call_text(fn, from, args, library);
  const std::string value = float_call_text(fn, from, args, library);
  return is_float(to) ? rounded(from, value, library) : value;
}

std::string cast_text(DType from, DType to, const std::string& value, Library& library) {
  if (from == to) return value;
  const std::string type = held_type(to);
  if (to == DType::boolean) return value + " != 0";
  if (is_float(to)) {
    const bool exact = is_float(from) && holds(to, from);
    // A double reaches f16 and bf16 through float: two roundings, which the half-way cases of a cast may show.
    const std::string converted = std::strcmp(held_type(from), held_type(to)) == 0 ? value : "(" + type + ")" + value;
    return exact ? converted : rounded(to, converted, library);
  }
  if (!is_float(from)) return "(" + type + ")" + value;
  library.need("float_to_int");
  const double low = is_unsigned(to) ? 0.0 : -std::ldexp(1.0, row(to).bits - 1);
  const int magnitude = is_unsigned(to) ? row(to).bits : row(to).bits - 1;
  const double high = std::ldexp(1.0, magnitude);  // first value beyond the type
  const int64_t highest = magnitude == 64 ? -1 : magnitude == 63 ? INT64_MAX : (int64_t{1} << magnitude) - 1;
  const int64_t lowest = is_unsigned(to) ? 0 : magnitude == 63 ? INT64_MIN : -(int64_t{1} << magnitude);
  const DType held = from == DType::f64 ? DType::f64 : DType::f32;
  return "float_to_int<" + type + ", " + held_type(held) + ">(" + value + ", " + number_text(held, low) + ", " +
         number_text(held, high) + ", " + integer_text(to, lowest) + ", " + integer_text(to, highest) + ")";
}

std::string load_text(DType t, const std::string& element, Library& library) {
  if (t == DType::boolean) return element + " != 0";
  if (t != DType::f16 && t != DType::bf16) return element;
  const std::string function = std::string("load_") + name(t);
  library.need(function);
  return function + "(" + element + ")";
}

std::string store_text(DType t, const std::string& value, Library& library) {
  if (t != DType::f16 && t != DType::bf16) return value;
  const std::string function = std::string("store_") + name(t);
  library.need(function);
  return function + "(" + value + ")";
}

std::string identity_text(FoldKind fold, DType t) {
  if (is_float(t)) return number_text(t, float_identity(fold));
  return integer_text(t, int_identity(fold, t));
}

std::string join_text(FoldKind fold, DType t, const std::string& a, const std::string& b, Library& library) {
  switch (fold) {
    case FoldKind::kSum:
      return call_text(ScalarFn::kAdd, t, t, {a, b}, library);
    case FoldKind::kProd:
      return call_text(ScalarFn::kMul, t, t, {a, b}, library);
    case FoldKind::kMax:
      return call_text(ScalarFn::kMax, t, t, {a, b}, library);
    case FoldKind::kMin:
      return call_text(ScalarFn::kMin, t, t, {a, b}, library);
    case FoldKind::kAny:
      return call_text(ScalarFn::kOr, t, t, {a, b}, library);
    case FoldKind::kAll:
      return call_text(ScalarFn::kAnd, t, t, {a, b}, library);
    default:
      break;
  }
  EGRET_CHECK(false, "arg-max and arg-min join positions too");
  return {};
}

std::string better_text(FoldKind fold, DType t, const std::string& item, const std::string& best) {
  const std::string order = item + (fold == FoldKind::kArgMax ? " > " : " < ") + best;
  if (!is_float(t)) return order;
  return order + " || (" + item + " != " + item + " && " + best + " == " + best + ")";
}

}  // namespace egret::lower
