#include "ir/evaluate/rational.h"

#include <cmath>
#include <limits>
#include <utility>

namespace egret {
namespace {

using Int = Rational::Int;
using Unsigned = unsigned __int128;

int trailing_zeros(Unsigned x) {
  const auto low = static_cast<uint64_t>(x);
  return low ? __builtin_ctzll(low) : 64 + __builtin_ctzll(static_cast<uint64_t>(x >> 64));
}

Int gcd(Int a, Int b) {  // binary; Requires: not both 0, neither the lowest Int
  auto x = static_cast<Unsigned>(a < 0 ? -a : a), y = static_cast<Unsigned>(b < 0 ? -b : b);
  if (x == 0) return static_cast<Int>(y);
  if (y == 0) return static_cast<Int>(x);
  const int shift = trailing_zeros(x | y);
  x >>= trailing_zeros(x);
  while (y != 0) {
    y >>= trailing_zeros(y);
    if (x > y) std::swap(x, y);
    y -= x;
  }
  return static_cast<Int>(x << shift);
}

bool multiply(Int a, Int b, Int* out) {
  constexpr Int kLowest = Int{1} << 127;  // its negation does not fit: counts as overflow
  return !__builtin_mul_overflow(a, b, out) && *out != kLowest;
}

Int floor_of(Int a, Int b) { return a / b - (a % b != 0 && a < 0); }

// a/b < c/d for positive denominators, without products: compares the continued fractions.
bool less(Int a, Int b, Int c, Int d) {
  for (;;) {
    const Int left = floor_of(a, b), right = floor_of(c, d);
    if (left != right) return left < right;
    a -= left * b;
    c -= right * d;
    if (a == 0 || c == 0) return a == 0 && c != 0;
    std::swap(a, d);  // a/b < c/d  iff  d/c < b/a
    std::swap(b, c);
  }
}

}  // namespace

Rational Rational::fraction(Int numerator, Int denominator) {
  const Int common = gcd(numerator, denominator);
  return {numerator / common, denominator / common};
}

Rational Rational::exactly(double x) {
  if (std::isnan(x)) return nan();
  if (std::isinf(x)) return infinity(x < 0 ? -1 : 1);
  int exponent = 0;
  auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 53));
  exponent -= 53;
  if (mantissa == 0) return {};
  const int zeros = __builtin_ctzll(static_cast<uint64_t>(mantissa));
  mantissa /= int64_t{1} << zeros;
  exponent += zeros;
  if (exponent > 72 || exponent < -126) return overflow();
  if (exponent >= 0) return {static_cast<Int>(mantissa) * (Int{1} << exponent), 1};
  return {mantissa, Int{1} << -exponent};
}

Rational Rational::simplest(double x) {
  if (!std::isfinite(x) || x == 0 || std::fabs(x) >= 0x1p62) return exactly(x);
  // Convergents p/q of the continued fraction of |x|, until one rounds to it.
  const double target = std::fabs(x);
  long double rest = target;
  Int p = 1, q = 0, last_p = 0, last_q = 1;
  for (int step = 0; step < 64; ++step) {
    const long double whole = std::floor(rest);
    if (whole >= 0x1p62L) break;
    const Int next_p = static_cast<Int>(whole) * p + last_p, next_q = static_cast<Int>(whole) * q + last_q;
    if (next_q >= (Int{1} << 62) || next_p >= (Int{1} << 62)) break;
    last_p = std::exchange(p, next_p);
    last_q = std::exchange(q, next_q);
    const auto value = static_cast<double>(static_cast<long double>(p) / static_cast<long double>(q));
    if (value == target) return fraction(x < 0 ? -p : p, q);
    if (rest == whole) break;
    rest = 1.0L / (rest - whole);
  }
  return exactly(x);
}

double Rational::to_double() const {
  if (overflowed() || is_nan()) return std::numeric_limits<double>::quiet_NaN();
  if (denominator_ == 0) return sign() * std::numeric_limits<double>::infinity();
  return static_cast<double>(static_cast<long double>(numerator_) / static_cast<long double>(denominator_));
}

Rational Rational::floor() const { return is_finite() ? Rational{floor_of(numerator_, denominator_), 1} : *this; }

Rational operator+(Rational a, Rational b) {
  if (a.overflowed() || b.overflowed()) return Rational::overflow();
  if (!a.is_finite() || !b.is_finite()) {
    if (a.is_nan() || b.is_nan()) return Rational::nan();
    if (a.is_finite()) return b;
    if (b.is_finite()) return a;
    return a.sign() == b.sign() ? a : Rational::nan();
  }
  const Int common = gcd(a.denominator_, b.denominator_);
  Int left = 0, right = 0, numerator = 0, denominator = 0;
  if (!multiply(a.numerator_, b.denominator_ / common, &left) ||
      !multiply(b.numerator_, a.denominator_ / common, &right) || __builtin_add_overflow(left, right, &numerator) ||
      numerator == Int{1} << 127 || !multiply(a.denominator_, b.denominator_ / common, &denominator)) {
    return Rational::overflow();
  }
  return Rational::fraction(numerator, denominator);
}

Rational operator*(Rational a, Rational b) {
  if (a.overflowed() || b.overflowed()) return Rational::overflow();
  if (!a.is_finite() || !b.is_finite()) {
    if (a.is_nan() || b.is_nan() || a.sign() == 0 || b.sign() == 0) return Rational::nan();
    return Rational::infinity(a.sign() * b.sign());
  }
  const Int left = gcd(a.numerator_, b.denominator_), right = gcd(b.numerator_, a.denominator_);
  Int numerator = 0, denominator = 0;
  if (!multiply(a.numerator_ / left, b.numerator_ / right, &numerator) ||
      !multiply(a.denominator_ / right, b.denominator_ / left, &denominator)) {
    return Rational::overflow();
  }
  return {numerator, denominator};
}

Rational operator/(Rational a, Rational b) {
  if (a.overflowed() || b.overflowed()) return Rational::overflow();
  if (b.is_nan()) return b;
  if (b.is_finite() && b.sign() == 0) {
    return a.is_nan() || a.sign() == 0 ? Rational::nan() : Rational::infinity(a.sign());
  }
  if (!b.is_finite()) return a.is_finite() ? Rational{} : Rational::nan();
  const Rational inverse =
      b.sign() < 0 ? Rational{-b.denominator_, -b.numerator_} : Rational{b.denominator_, b.numerator_};
  return a * inverse;
}

bool operator<(Rational a, Rational b) {
  if (a.is_nan() || b.is_nan()) return false;
  if (a.is_finite() && b.is_finite()) return less(a.numerator_, a.denominator_, b.numerator_, b.denominator_);
  if (!a.is_finite()) return a.sign() < 0 && (b.is_finite() || b.sign() > 0);
  return b.sign() > 0;
}

}  // namespace egret
