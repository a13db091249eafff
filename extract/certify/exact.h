// Sums of doubles without rounding: a two's complement number of 512 bits in units of 2^-320.  Every double from 2^-267
// to 2^189 in size is held exactly, and so is every sum of them that a proof can write down.  Nothing in a certificate
// is multiplied or divided, so these dyadic rationals are all the arithmetic that its checker needs.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>

namespace egret::certify {

class Exact {
 public:
  Exact() = default;
  static bool fits(double value) {
    return value == 0 || (std::isfinite(value) && std::abs(value) >= 0x1p-267 && std::abs(value) < 0x1p189);
  }
  // Expects a number that `fits`.
  explicit Exact(double value) {
    if (value == 0) return;
    int exponent = 0;
    const auto digits = static_cast<uint64_t>(std::ldexp(std::frexp(std::abs(value), &exponent), 53));
    const int shift = exponent - 53 + kUnit;  // >= 0 for what fits
    limbs_[shift / 64] = digits << (shift % 64);
    if (shift % 64 > 11) limbs_[shift / 64 + 1] = digits >> (64 - shift % 64);
    if (value < 0) *this = Exact() - *this;
  }

  Exact& operator+=(const Exact& other) { return add(other, false); }
  Exact& operator-=(const Exact& other) { return add(other, true); }
  friend Exact operator+(Exact a, const Exact& b) { return a += b; }
  friend Exact operator-(Exact a, const Exact& b) { return a -= b; }
  bool negative() const { return static_cast<int64_t>(limbs_.back()) < 0; }
  bool operator==(const Exact& other) const { return limbs_ == other.limbs_; }
  std::strong_ordering operator<=>(const Exact& other) const {
    if (negative() != other.negative()) return other.negative() <=> negative();
    return std::lexicographical_compare_three_way(limbs_.rbegin(), limbs_.rend(), other.limbs_.rbegin(), other.limbs_.rend());
  }
  // The largest double that is no larger.
  double rounded_down() const {
    const Exact size = negative() ? Exact() - *this : *this;
    double value = 0;
    for (int i = 0; i < 8; ++i) value += std::ldexp(static_cast<double>(size.limbs_[i]), 64 * i - kUnit);
    if (negative()) value = -value;
    while (!fits(value) ? value > 0 : Exact(value) > *this) {
      value = std::nextafter(value, -std::numeric_limits<double>::infinity());
    }
    return value;
  }

 private:
  static constexpr int kUnit = 320;  // binary places below the point

  // this + other, or this + ~other + 1.
  Exact& add(const Exact& other, bool negated) {
    unsigned __int128 carry = negated;
    for (size_t i = 0; i < limbs_.size(); ++i) {
      carry += static_cast<unsigned __int128>(limbs_[i]) + (negated ? ~other.limbs_[i] : other.limbs_[i]);
      limbs_[i] = static_cast<uint64_t>(carry);
      carry >>= 64;
    }
    return *this;
  }

  std::array<uint64_t, 8> limbs_{};  // the lowest first
};

}  // namespace egret::certify
