// Attributes: the static arguments of an operator (axes, sizes, strides, a dtype), by name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "ir/dim.h"
#include "ir/tensor.h"
#include "ir/type.h"

namespace egret {

// What an attribute may be.  `axes` and `axis` are positions of axes (from 0, never negative); `sizes` and `dims` are
// lists of Dim (a size each; any integer each, per axis of a group); `number` is an exact double; `word` a name.
enum class AttrKind : uint8_t { kAxes, kAxis, kSizes, kInts, kInt, kNumber, kDType, kWord, kTensor };
const char* to_string(AttrKind);  // "axes", "axis", "sizes", "ints", "int", "number", "dtype", "word", "tensor"

using AttrValue = std::variant<Dim, std::vector<Dim>, double, DType, std::string, TensorRef>;

// Sorted by name, complete: an operator's attributes are all present (defaults filled in), so that equality of
// attribute tuples is equality of maps.
using Attrs = std::map<std::string, AttrValue>;

bool equal(const AttrValue& a, const AttrValue& b);
bool equal(const Attrs& a, const Attrs& b);
uint64_t hash(const Attrs& attrs);
std::string to_string(const AttrValue& value);  // as the text form prints it

// Shorthands for building and reading.  Requires (readers): the attribute is there, of this kind and constant.
std::vector<Dim> dims_of(const std::vector<int64_t>& values);
std::vector<int64_t> ints(const Attrs& attrs, const std::string& name);
int64_t integer(const Attrs& attrs, const std::string& name);
double number(const Attrs& attrs, const std::string& name);
DType dtype(const Attrs& attrs, const std::string& name);

// Interns attribute tuples as numbers from 1; 0 is the empty tuple.  Numbers are given in order of first use.
// Thread safety: `intern` is serial, `attrs` may be called from any thread between calls of `intern`.
class AttrTable {
 public:
  AttrTable();
  uint32_t intern(const Attrs& attrs);
  const Attrs& attrs(uint32_t id) const { return rows_[id]; }
  size_t size() const { return rows_.size(); }

 private:
  std::vector<Attrs> rows_;
  std::multimap<uint64_t, uint32_t> by_hash_;
};

}  // namespace egret
