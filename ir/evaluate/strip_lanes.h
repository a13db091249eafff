// Lanes: how the dtypes are held while a strip is computed (float, double or int64_t), and loops over them.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ir/evaluate/scalar_functions.h"
#include "ir/round.h"

namespace egret::strip {

// f32, tf32, f16, bf16: float; f64: double; integers and bool: int64_t.
template <class Visit>
auto with_lane(DType t, const Visit& visit) {
  if (t == DType::f64) return visit(double{});
  if (is_float(t)) return visit(float{});
  return visit(int64_t{});
}

struct Half {
  uint16_t bits;
};  // as stored
struct BFloat {
  uint16_t bits;
};
struct Truth {
  uint8_t bits;
};

template <class Visit>
auto with_stored(DType t, const Visit& visit) {
  switch (t) {
    case DType::f64:
      return visit(double{});
    case DType::f32:
    case DType::tf32:
      return visit(float{});
    case DType::f16:
      return visit(Half{});
    case DType::bf16:
      return visit(BFloat{});
    case DType::i32:
      return visit(int32_t{});
    case DType::i16:
      return visit(int16_t{});
    case DType::i8:
      return visit(int8_t{});
    case DType::u32:
      return visit(uint32_t{});
    case DType::u16:
      return visit(uint16_t{});
    case DType::u8:
      return visit(uint8_t{});
    case DType::boolean:
      return visit(Truth{});
    default:
      return visit(int64_t{});  // i64, u64
  }
}

template <class Lane, class Stored>
inline Lane load_lane(Stored x) {
  if constexpr (std::is_same_v<Stored, Half>) {
    return static_cast<Lane>(float_of_f16(x.bits));
  } else if constexpr (std::is_same_v<Stored, BFloat>) {
    return static_cast<Lane>(float_of_bf16(x.bits));
  } else if constexpr (std::is_same_v<Stored, Truth>) {
    return static_cast<Lane>(x.bits != 0);
  } else {
    return static_cast<Lane>(x);
  }
}

// Requires: x is a value of the dtype (rounded or wrapped already).
template <class Stored, class Lane>
inline Stored store_lane(Lane x) {
  if constexpr (std::is_same_v<Stored, Half>) {
    return {f16_of_float(static_cast<float>(x))};
  } else if constexpr (std::is_same_v<Stored, BFloat>) {
    return {bf16_of_float(static_cast<float>(x))};
  } else if constexpr (std::is_same_v<Stored, Truth>) {
    return {static_cast<uint8_t>(x != 0)};
  } else {
    return static_cast<Stored>(x);
  }
}

// Rounds a float lane to its dtype, wraps an integer lane.
template <class Lane>
inline Lane settle(DType t, Lane x) {
  if constexpr (std::is_same_v<Lane, int64_t>) {
    return wrap_to(t, x);
  } else if constexpr (std::is_same_v<Lane, float>) {
    switch (t) {
      case DType::f16:
        return float_of_f16(f16_of_float(x));
      case DType::bf16:
        return float_of_bf16(bf16_of_float(x));
      case DType::tf32:
        return round_to_tf32(x);
      default:
        return x;
    }
  } else {
    return x;
  }
}

// A value of dtype `from` as one of `to`.
template <class To, class From>
inline To convert_lane(DType from, DType to, From x) {
  if constexpr (std::is_same_v<From, int64_t>) {
    if constexpr (std::is_same_v<To, int64_t>)
      return wrap_to(to, x);
    else
      return static_cast<To>(round_to(to, int_to_float(from, x)));
  } else {
    if constexpr (std::is_same_v<To, int64_t>)
      return float_to_int(to, x);
    else if constexpr (sizeof(To) < sizeof(From))
      return static_cast<To>(round_to(to, x));
    else
      return settle(to, static_cast<To>(x));
  }
}

// a[i] = fn(a[i], b[i]), in the arithmetic of dtype t; `b` is ignored by unary functions.
template <class Lane>
void apply(ScalarFn fn, DType t, Lane* a, const Lane* b, int n) {
  const auto each = [&](auto f) {
    for (int i = 0; i < n; ++i) a[i] = f(a[i], b[i]);
    if (t != DType::f32 && t != DType::f64 && t != DType::i64 && t != DType::u64) {
      for (int i = 0; i < n; ++i) a[i] = settle(t, a[i]);
    }
  };
  if constexpr (std::is_same_v<Lane, int64_t>) {
    switch (fn) {
      case ScalarFn::kAdd:
        return each([](int64_t x, int64_t y) { return static_cast<int64_t>(uint64_t(x) + uint64_t(y)); });
      case ScalarFn::kMul:
        return each([](int64_t x, int64_t y) { return static_cast<int64_t>(uint64_t(x) * uint64_t(y)); });
      default:
        for (int i = 0; i < n; ++i) a[i] = int_call(fn, t, a[i], b[i]);
    }
  } else {
    switch (fn) {
      case ScalarFn::kAdd:
        return each([](Lane x, Lane y) { return x + y; });
      case ScalarFn::kSub:
        return each([](Lane x, Lane y) { return x - y; });
      case ScalarFn::kMul:
        return each([](Lane x, Lane y) { return x * y; });
      case ScalarFn::kDiv:
        return each([](Lane x, Lane y) { return x / y; });
      case ScalarFn::kNeg:
        return each([](Lane x, Lane) { return -x; });
      case ScalarFn::kAbs:
        return each([](Lane x, Lane) { return std::fabs(x); });
      case ScalarFn::kSqrt:
        return each([](Lane x, Lane) { return std::sqrt(x); });
      case ScalarFn::kMax:
        return each([](Lane x, Lane y) {
          return x > y ? x : y > x ? y : x != x ? x : y != y ? y : std::signbit(x) ? y : x;
        });
      case ScalarFn::kMin:
        return each([](Lane x, Lane y) {
          return x < y ? x : y < x ? y : x != x ? x : y != y ? y : std::signbit(x) ? x : y;
        });
      default:
        for (int i = 0; i < n; ++i) a[i] = static_cast<Lane>(round_to(t, float_call(fn, a[i], b[i])));
    }
  }
}

}  // namespace egret::strip
