// Type: what a value is: a tensor (dtype and sizes), a tuple of types, or the token that orders effects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/dim.h"
#include "support/result.h"

namespace egret {

enum class DType : uint8_t { f64, f32, tf32, f16, bf16, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

// One row a dtype.  `tf32` is only a target of casts (a rounding), never stored: its bytes are those of f32.
struct DTypeRow {
  const char* name;        // "f32", ..., "bool"
  enum class Kind : uint8_t { kFloat, kSigned, kUnsigned, kBool } kind;
  uint8_t bits;            // as stored
  uint8_t mantissa;        // explicit bits of precision; integers: bits of magnitude
  uint8_t exponent;        // bits; 0 for integers
};
const DTypeRow& row(DType);
const char* name(DType);
std::optional<DType> dtype_from_name(std::string_view name);
inline bool is_float(DType t) { return row(t).kind == DTypeRow::Kind::kFloat; }
inline bool is_integer(DType t) { return !is_float(t) && row(t).kind != DTypeRow::Kind::kBool; }
inline int64_t size_in_bytes(DType t) { return (row(t).bits + 7) / 8; }
bool holds(DType wide, DType narrow);  // every value of `narrow` is a value of `wide`
// Least and greatest value: infinities of floats, 0 and 1 of bool; of 64 bits the nearest double.
double lowest_of(DType t);
double highest_of(DType t);

struct Type {
  enum class Kind : uint8_t { kTensor, kTuple, kToken } kind = Kind::kTensor;
  DType dtype = DType::f32;
  std::vector<Dim> dims;       // tensor: sizes, outermost first (row-major)
  std::vector<Type> elements;  // tuple

  static Type tensor(DType dtype, std::vector<Dim> dims);
  static Type tuple(std::vector<Type> elements);
  static Type token();

  bool is_tensor() const { return kind == Kind::kTensor; }
  int rank() const { return static_cast<int>(dims.size()); }
  bool is_static() const;                 // every size is a constant
  std::vector<int64_t> sizes() const;     // Requires: is_static()
  int64_t elements_count() const;         // product of sizes; Requires: is_static()
  int64_t bytes() const;                  // Requires: is_static(); of a tuple: the sum
  std::string to_string() const;          // "f32[64,32]", "(f32[2], i64[])", "token"
  static Result<Type> parse(std::string_view text);
  friend bool operator==(const Type&, const Type&);
  uint64_t hash() const;
};

}  // namespace egret
