// Dim: a size, an interned integer expression over named sizes.
//
// Constants are stored in the handle; other expressions are interned once per process, so equality is identity.  A sum
// is kept as a polynomial in canonical order; div, mod (floor), min and max are atoms.  Names carry a range.
// Thread safety: all functions may be called from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/result.h"

namespace egret {

class Dim {
 public:
  constexpr Dim(int64_t constant = 0) : bits_(constant * 2 + 1) {}
  // A named size in [low, high].  Requires: a name has one range in a process (the intersection is taken).
  static Dim named(std::string_view name, int64_t low = 0, int64_t high = int64_t{1} << 40);

  bool is_const() const { return bits_ & 1; }
  int64_t value() const;  // Requires: is_const()
  int64_t low() const;    // bounds that hold for all values of the names
  int64_t high() const;
  // Replaces names by the values given; names that are absent stay.
  Dim substitute(const std::vector<std::pair<std::string, int64_t>>& values) const;

  std::string to_string() const;                   // "b*128 + 1"; parse(to_string()) is the same Dim
  static Result<Dim> parse(std::string_view text);

  friend Dim operator+(Dim a, Dim b);
  friend Dim operator-(Dim a, Dim b);
  friend Dim operator*(Dim a, Dim b);
  static Dim div(Dim a, Dim b);  // floor; Requires: b is not the constant 0
  static Dim mod(Dim a, Dim b);
  static Dim min(Dim a, Dim b);
  static Dim max(Dim a, Dim b);
  friend bool operator==(Dim a, Dim b) { return a.bits_ == b.bits_; }
  friend bool operator<(Dim a, Dim b);  // a total order that does not depend on addresses
  uint64_t hash() const;

  friend struct DimAccess;  // ir/dim.cpp

 private:
  intptr_t bits_;  // constant * 2 + 1, or the address of an interned expression
};

}  // namespace egret
