// Roundings between f32 and the narrower float formats: to nearest, ties to even; NaN stays a (quiet) NaN.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace egret {

inline float float_of_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// Rounds away the low `drop` bits of an f32 (bf16: 16, tf32: 13).
inline uint32_t round_mantissa(float x, int drop) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint32_t mask = (uint32_t{1} << drop) - 1;
  if (std::isnan(x)) return (bits | 0x00400000u) & ~mask;
  bits += (mask >> 1) + ((bits >> drop) & 1);
  return bits & ~mask;
}
inline uint16_t bf16_of_float(float x) { return static_cast<uint16_t>(round_mantissa(x, 16) >> 16); }
inline float round_to_tf32(float x) { return std::bit_cast<float>(round_mantissa(x, 13)); }

inline float float_of_f16(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t exponent = (bits >> 10) & 31, mantissa = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

inline uint16_t f16_of_float(float x) {
  uint32_t bits = std::bit_cast<uint32_t>(x);
  uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u | static_cast<uint16_t>((magnitude >> 13) & 0x3ffu);
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // from 65520 on
  if (magnitude < 0x38800000u) {                        // below 2^-14: a multiple of 2^-24
    float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;
    return sign | static_cast<uint16_t>(std::nearbyintf(scaled));
  }
  magnitude += 0xfffu + ((magnitude >> 13) & 1);
  return sign | static_cast<uint16_t>((magnitude - 0x38000000u) >> 13);
}

// f64 rounded once: through f32 with the sticky bit kept (round to odd), so that no double rounding happens.
inline float to_float_odd(double x) {
  float f = static_cast<float>(x);
  double back = f;
  if (back == x || !std::isfinite(f) || std::isnan(x)) return f;
  uint32_t bits = std::bit_cast<uint32_t>(f);
  bool away = std::abs(back) > std::abs(x);
  if (away) --bits;  // truncated toward zero
  return std::bit_cast<float>(bits | 1);
}

}  // namespace egret
