// Natives: the named conditions and computations of the rule language, in one table.
//
// They are evaluated on what a match bound: attributes, axis groups and facts of tensors, never on e-nodes or use counts.
#pragma once

#include <span>
#include <string>
#include <variant>
#include <vector>

#include "rules/lang/terms.h"

namespace egret::rules {

// Tensors that an operand group or a variable stands for.
struct TensorsValue {
  std::vector<TermValue> terms;
};
// Axes that a group stands for, with their sizes in order.
struct AxesValue {
  std::vector<AxisId> axes;
  std::vector<Dim> sizes;
};

using Value = std::variant<bool, double, Dim, std::vector<Dim>, DType, std::string, TensorRef, TensorsValue, AxesValue>;

struct NativeContext {
  const TermView* view = nullptr;
  const Plan* plan = nullptr;
};

struct Native {
  const char* name;
  const char* sorts;      // "tensor, axes, list, int, number, dtype, any", one a parameter; "..": the last may repeat
  const char* summary;
  // How a proof may use it: kSizes are decided by types and attributes; kValues are hypotheses on the elements of the
  // first argument; kNumber is the number that all elements of the first argument are, a name in a proof for all of them
  // (`named_splat`); kOrigin says where a value comes from, which no proof needs.
  enum class Meaning : uint8_t { kSizes, kValues, kNumber, kOrigin } meaning;
  std::optional<Value> (*body)(std::span<const Value> args, const NativeContext& context);  // nothing: not known
};

// The number that every element of input `term` is, where sizes are assumed (ir/assume.h).
Dim named_splat(DType dtype, uint32_t term);
// The name stands for any real number, of which only the order is known: what ends so, as names of numbers of attributes do.
inline constexpr const char* kRealName = "~number";

const Native* find_native(std::string_view name);
// Whether `count` arguments fit.
bool fits(const Native& native, size_t count);

// A whole number, of a size or of a number; nothing where it is none or has a name.
std::optional<int64_t> integer_of(const Value& v);
// + - * / and comparisons: on numbers, on sizes, element by element on lists (with a number: each with it).
std::optional<Value> infix(const std::string& op, const Value& a, const Value& b);
std::optional<bool> compare(const std::string& op, const Value& a, const Value& b);
// As an attribute of that kind; nothing where it is none.
std::optional<AttrValue> as_attr(const Value& value, AttrKind kind);
Value as_value(const AttrValue& value);

}  // namespace egret::rules
