// Rational: exact fractions of 128-bit integers, with infinities and NaN, for evaluating graphs over the reals.
//
// There is one zero (no sign).  A result that does not fit is the value `overflow`, which every later operation keeps;
// whoever compares or stores a value asks `overflowed` first.
#pragma once

#include <cstdint>

namespace egret {

class Rational {
 public:
  using Int = __int128;

  constexpr Rational() = default;  // 0
  static Rational of(int64_t integer) { return {integer, 1}; }
  static Rational fraction(Int numerator, Int denominator);  // Requires: denominator > 0
  // Exactly the double; overflow where 127 bits do not hold it.
  static Rational exactly(double x);
  // The fraction of smallest denominator that rounds to x (0.1 gives 1/10): what a decimal constant meant.
  static Rational simplest(double x);
  static Rational infinity(int sign) { return {sign < 0 ? -1 : 1, 0}; }
  static Rational nan() { return {0, 0}; }
  static Rational overflow() { return {0, -1}; }

  bool overflowed() const { return denominator_ < 0; }
  bool is_nan() const { return numerator_ == 0 && denominator_ == 0; }
  bool is_finite() const { return denominator_ > 0; }
  bool is_integer() const { return denominator_ == 1; }
  int sign() const { return numerator_ < 0 ? -1 : numerator_ > 0; }
  double to_double() const;
  Int numerator() const { return numerator_; }
  Int denominator() const { return denominator_; }
  Rational floor() const;  // of infinities and NaN: the same

  // IEEE rules for infinities and NaN; x / 0 is an infinity of the sign of x.
  friend Rational operator+(Rational a, Rational b);
  friend Rational operator-(Rational a, Rational b) { return a + -b; }
  friend Rational operator-(Rational a) { return {-a.numerator_, a.denominator_}; }
  friend Rational operator*(Rational a, Rational b);
  friend Rational operator/(Rational a, Rational b);
  // False where either is NaN.  Requires: neither overflowed.
  friend bool operator<(Rational a, Rational b);
  friend bool operator==(Rational a, Rational b) {
    return a.numerator_ == b.numerator_ && a.denominator_ == b.denominator_ && !a.is_nan();
  }

 private:
  constexpr Rational(Int numerator, Int denominator) : numerator_(numerator), denominator_(denominator) {}
  // Lowest terms; denominator 0: an infinity or NaN (numerator -1, 1 or 0); denominator -1: overflow.
  Int numerator_ = 0, denominator_ = 1;
};

}  // namespace egret
