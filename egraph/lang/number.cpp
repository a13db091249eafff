#include "egraph/lang/number.h"

#include <numeric>

namespace egret::egraph::lang {
namespace {

using Wide = __int128;

constexpr Wide kMax = INT64_MAX;

std::optional<Number> reduced(Wide numerator, Wide denominator) {
  if (denominator == 0) return std::nullopt;
  if (denominator < 0) {
    numerator = -numerator;
    denominator = -denominator;
  }
  Wide a = numerator < 0 ? -numerator : numerator, b = denominator;
  while (b != 0) {
    const Wide rest = a % b;
    a = b;
    b = rest;
  }
  numerator /= a;
  denominator /= a;
  if (numerator > kMax || numerator < -kMax || denominator > kMax) return std::nullopt;
  return Number{static_cast<int64_t>(numerator), static_cast<int64_t>(denominator)};
}

// A decimal's parts: [sign] digits [. digits] [e [sign] digits], or a quotient [sign] digits / digits.
struct Parts {
  bool negative = false;
  std::string_view whole, fraction, exponent, denominator;
  bool exponent_negative = false;
};

std::string_view take_digits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

bool take_sign(std::string_view& text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  parts.negative = take_sign(text);
  parts.whole = take_digits(text);
  if (!parts.whole.empty() && text.starts_with('/')) {
    text.remove_prefix(1);
    parts.denominator = take_digits(text);
    return text.empty() && !parts.denominator.empty() ? std::optional(parts) : std::nullopt;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    parts.exponent_negative = take_sign(text);
    parts.exponent = take_digits(text);
    if (parts.exponent.empty()) return std::nullopt;
  }
  return text.empty() ? std::optional(parts) : std::nullopt;
}

// Appends decimal digits to `value`; false where it no longer fits in 64 bits.
bool append_digits(std::string_view digits, Wide& value) {
  for (const char c : digits) {
    value = value * 10 + (c - '0');
    if (value > kMax) return false;
  }
  return true;
}

bool scale(Wide& value, Wide by) {
  for (; by > 0 && value != 0; --by) {
    value *= 10;
    if (value > kMax) return false;
  }
  return true;
}

}  // namespace

bool is_number(std::string_view atom) { return split(atom).has_value(); }

std::optional<Number> parse_number(std::string_view atom) {
  const std::optional<Parts> parts = split(atom);
  if (!parts) return std::nullopt;
  Wide numerator = 0, denominator = 1, exponent = 0;
  if (!append_digits(parts->whole, numerator)) return std::nullopt;
  if (!parts->denominator.empty()) {
    denominator = 0;
    if (!append_digits(parts->denominator, denominator)) return std::nullopt;
  } else {
    std::string_view fraction = parts->fraction;
    while (fraction.ends_with('0')) fraction.remove_suffix(1);
    if (!append_digits(fraction, numerator) || !append_digits(parts->exponent, exponent)) return std::nullopt;
    if (numerator == 0) return Number{};
    exponent = (parts->exponent_negative ? -exponent : exponent) - static_cast<Wide>(fraction.size());
    if (!scale(exponent < 0 ? denominator : numerator, exponent < 0 ? -exponent : exponent)) return std::nullopt;
  }
  return reduced(parts->negative ? -numerator : numerator, denominator);
}

std::string to_string(Number number) {
  if (number.denominator == 1) return std::to_string(number.numerator);
  int64_t rest = number.denominator;
  int twos = 0, fives = 0;
  for (; rest % 2 == 0; rest /= 2) ++twos;
  for (; rest % 5 == 0; rest /= 5) ++fives;
  const int places = std::max(twos, fives);
  const std::string quotient = std::to_string(number.numerator) + "/" + std::to_string(number.denominator);
  if (rest != 1 || places > 6) return quotient;
  Wide scaled = number.numerator;
  for (int i = 0; i < places; ++i) scaled *= 10;
  scaled /= number.denominator;
  const bool negative = scaled < 0;
  std::string digits;
  for (Wide left = negative ? -scaled : scaled; left > 0 || static_cast<int>(digits.size()) <= places; left /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
  }
  digits.insert(digits.size() - static_cast<size_t>(places), ".");
  return (negative ? "-" : "") + digits;
}

std::optional<Number> add(Number a, Number b) {
  return reduced(Wide{a.numerator} * b.denominator + Wide{b.numerator} * a.denominator,
                 Wide{a.denominator} * b.denominator);
}

std::optional<Number> subtract(Number a, Number b) { return add(a, {-b.numerator, b.denominator}); }

std::optional<Number> multiply(Number a, Number b) {
  return reduced(Wide{a.numerator} * b.numerator, Wide{a.denominator} * b.denominator);
}

std::optional<Number> divide(Number a, Number b) {
  return reduced(Wide{a.numerator} * b.denominator, Wide{a.denominator} * b.numerator);
}

}  // namespace egret::egraph::lang
