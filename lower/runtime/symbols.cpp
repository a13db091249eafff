#include "lower/runtime/symbols.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

namespace egret {
namespace {

uint64_t power(uint64_t base, uint64_t exponent) {
  uint64_t result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if (exponent & 1) result *= base;
  }
  return result;
}
int64_t pow_unsigned(int64_t base, int64_t exponent) {
  return static_cast<int64_t>(power(static_cast<uint64_t>(base), static_cast<uint64_t>(exponent)));
}
// A negative exponent gives what truncating the quotient gives.
int64_t pow_signed(int64_t base, int64_t exponent) {
  if (exponent >= 0) return pow_unsigned(base, exponent);
  return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
}

template <class F>
void* address(F* f) {
  return reinterpret_cast<void*>(f);
}
using Unary = double(double);
using Binary = double(double, double);

}  // namespace

void* runtime_symbol(std::string_view name) {
  static const std::pair<const char*, void*> kTable[] = {
      {"egret_exp", address<Unary>(std::exp)},
      {"egret_expm1", address<Unary>(std::expm1)},
      {"egret_log", address<Unary>(std::log)},
      {"egret_log1p", address<Unary>(std::log1p)},
      {"egret_sin", address<Unary>(std::sin)},
      {"egret_cos", address<Unary>(std::cos)},
      {"egret_tanh", address<Unary>(std::tanh)},
      {"egret_erf", address<Unary>(std::erf)},
      {"egret_pow", address<Binary>(std::pow)},
      {"egret_fmod", address<Binary>(std::fmod)},
      {"egret_atan2", address<Binary>(std::atan2)},
      {"egret_pow_signed", address(pow_signed)},
      {"egret_pow_unsigned", address(pow_unsigned)},
      {"memcpy", address(std::memcpy)},
      {"memset", address(std::memset)},
      {"memmove", address(std::memmove)},
      {"floor", address<Unary>(std::floor)},
      {"ceil", address<Unary>(std::ceil)},
      {"rint", address<Unary>(std::rint)},
  };
  for (const auto& [known, function] : kTable) {
    if (name == known) return function;
  }
  return nullptr;
}

}  // namespace egret
