// Sums of doubles without rounding: a two's complement number of 512 bits in units of 2^-320.  Every double from 2^-267
// to 2^189 in size is held exactly, and so is every sum of them that a proof can write down.  Nothing in a certificate
// is multiplied or divided, so these dyadic rationals are all the arithmetic that its checker needs.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace egret::certify {

class Exact {
 public:
  Exact() = default;
  // Expects a number that `fits`.
  explicit Exact(double value);
  static bool fits(double value);

  Exact& operator+=(const Exact& other) { return add(other, false); }
  Exact& operator-=(const Exact& other) { return add(other, true); }
  friend Exact operator+(Exact a, const Exact& b) { return a += b; }
  friend Exact operator-(Exact a, const Exact& b) { return a -= b; }
  bool negative() const { return static_cast<int64_t>(limbs_.back()) < 0; }
  bool operator==(const Exact& other) const { return limbs_ == other.limbs_; }
  std::strong_ordering operator<=>(const Exact& other) const;
  // The largest double that is no larger.
  double rounded_down() const;

 private:
  Exact& add(const Exact& other, bool negated);
  std::array<uint64_t, 8> limbs_{};  // the lowest first
};

}  // namespace egret::certify
