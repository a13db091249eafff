// Number: what a numeric atom means, an exact quotient of 64-bit integers.
//
// Atoms: 12, -3, 0.25, 1.5e3, 2/3.  Two spellings of one value are one number; its canonical text is an integer, else a
// finite decimal where there is one (0.25), else a quotient (2/3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace egret::egraph::lang {

struct Number {
  int64_t numerator = 0;
  int64_t denominator = 1;  // positive; no common factor

  bool operator==(const Number&) const = default;
};

// Whether the atom is written as a number, whatever its size.
bool is_number(std::string_view atom);
// Nothing where the atom is no number or does not fit.
std::optional<Number> parse_number(std::string_view atom);
std::string to_string(Number);

// Nothing where the result does not fit, or for a division by zero.
std::optional<Number> add(Number, Number);
std::optional<Number> subtract(Number, Number);
std::optional<Number> multiply(Number, Number);
std::optional<Number> divide(Number, Number);

}  // namespace egret::egraph::lang
