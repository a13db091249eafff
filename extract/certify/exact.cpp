#include "extract/certify/exact.h"

#include <cmath>
#include <limits>

namespace egret::certify {
namespace {

constexpr int kUnit = 320;  // binary places below the point

}  // namespace

bool Exact::fits(double value) {
  if (value == 0) return true;
  return std::isfinite(value) && std::abs(value) >= 0x1p-267 && std::abs(value) < 0x1p189;
}

Exact::Exact(double value) {
  if (value == 0) return;
  int exponent = 0;
  auto digits = static_cast<uint64_t>(std::ldexp(std::frexp(std::abs(value), &exponent), 53));
  const int shift = exponent - 53 + kUnit;  // >= 0 for what fits
  limbs_[shift / 64] = digits << (shift % 64);
  if (shift % 64 > 11) limbs_[shift / 64 + 1] = digits >> (64 - shift % 64);
  if (value < 0) *this = Exact() - *this;
}

// this + other, or this + ~other + 1.
Exact& Exact::add(const Exact& other, bool negated) {
  unsigned __int128 carry = negated;
  for (size_t i = 0; i < limbs_.size(); ++i) {
    carry += static_cast<unsigned __int128>(limbs_[i]) + (negated ? ~other.limbs_[i] : other.limbs_[i]);
    limbs_[i] = static_cast<uint64_t>(carry);
    carry >>= 64;
  }
  return *this;
}

std::strong_ordering Exact::operator<=>(const Exact& other) const {
  const auto top = static_cast<int64_t>(limbs_.back()) <=> static_cast<int64_t>(other.limbs_.back());
  if (top != 0) return top;
  for (size_t i = limbs_.size(); i-- > 0;) {
    if (limbs_[i] != other.limbs_[i]) return limbs_[i] <=> other.limbs_[i];
  }
  return std::strong_ordering::equal;
}

double Exact::rounded_down() const {
  const Exact size = negative() ? Exact() - *this : *this;
  double value = 0;
  for (size_t i = 0; i < limbs_.size(); ++i) {
    value += std::ldexp(static_cast<double>(size.limbs_[i]), static_cast<int>(64 * i) - kUnit);
  }
  if (negative()) value = -value;
  while (!fits(value) ? value > 0 : Exact(value) > *this) {
    value = std::nextafter(value, -std::numeric_limits<double>::infinity());
  }
  return value;
}

}  // namespace egret::certify
