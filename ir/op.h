// OpDef: an operator, defined once.  Its text (ir/ops/*.cpp) gives the type rule and the meaning; everything else here is
// derived from that text: comprehensions for concrete sizes, axis roles, what class of operator it is.
//
// The language of definitions is described in docs/definitions.md.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attr.h"
#include "ir/definitions/expr.h"
#include "ir/type.h"
#include "support/result.h"

namespace egret {

struct Definition;  // the parsed text: ir/definitions/definition.h
class Graph;
class GraphBuilder;
using ValueId = uint32_t;

enum class Purity : uint8_t { kPure, kOpaque, kEffect };

// Classes of operators, derived from the shape of the definition; a rule's `for f in map.unary` means these.
enum class OpClass : uint8_t {
  kInput,        // input, constant, splat, iota: no operands
  kMap,          // one element of each operand at the result's own index
  kMovement,     // one read an element, at another index: broadcast, transpose, reshape, slice, pad, concat, gather, ...
  kReduction,    // folds whole axes, every other index bare
  kContraction,  // a fold of a product of two operands: dot, convolution and its gradients
  kWindow,       // folds over index arithmetic: pooling, scatter-add, ...
  kTuple,        // get, split (several results)
  kComposite,    // a term over other operators
  kOther,        // opaque, effect, no comprehension
};
const char* to_string(OpClass);

struct AttrSpec {
  std::string name;
  AttrKind kind;
  std::optional<AttrValue> fallback;  // value where the text form leaves it out
};

class OpDef {
 public:
  std::string name;
  std::string summary;               // one line for `egret ops`
  std::string text;                  // the definition as written
  std::vector<AttrSpec> attrs;
  int min_operands = 0, max_operands = 0;   // max -1: any number (operand group, last)
  Purity purity = Purity::kPure;
  OpClass op_class = OpClass::kOther;
  bool commutative = false;          // read off: swapping the operands gives the same comprehension
  std::shared_ptr<const Definition> definition;  // null: composite, input, opaque
  // Composite: builds the decomposition over operands already in the builder; null otherwise.
  using Expand = Result<ValueId> (*)(GraphBuilder&, std::span<const ValueId> operands, const Attrs& attrs);
  Expand expand = nullptr;
  // The type rule where neither a definition nor a decomposition gives it (leaves, tuples); null otherwise.
  using TypeRule = Result<Type> (*)(const Attrs& attrs, std::span<const Type> operands);
  TypeRule type_rule = nullptr;

  const AttrSpec* attr(std::string_view name) const;
};

// All operators, in the order of registration.  Built once; afterwards read-only (any thread).
std::span<const OpDef* const> all_ops();
const OpDef* find_op(std::string_view name);   // null where there is none
const OpDef& op_named(std::string_view name);  // Requires: it exists
std::string closest_op(std::string_view name);  // the name most like a misspelt one; empty where none is near

// Fills defaults and checks names and kinds of attributes.
Result<Attrs> complete_attrs(const OpDef& op, Attrs attrs);
// The same for known operands: where an attribute has one integer as its default for all axes (`stride = 1`), a list of
// one is also spread over all axes of its group, which is the form that infer_type and everything after it expects.
Result<Attrs> complete_attrs(const OpDef& op, Attrs attrs, std::span<const Type> operands);

// The type rule.  Attributes must be complete.  Errors say which condition failed, with sizes; several results give a
// tuple.  A condition on sizes that cannot be proved (named sizes) is an error.
Result<Type> infer_type(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

// The meaning for concrete (static) operand types: one comprehension a result.  Requires: infer_type succeeds and the
// operator has a definition.
Result<std::vector<Comprehension>> instantiate(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

// Where each axis of an operand stands in the definition (design decision 5).
struct AxisRole {
  uint16_t group = 0;    // number of the axis group in the definition (names in order of appearance)
  uint16_t ordinal = 0;  // which axis of that group
  // How the meaning uses the axis at this place:
  enum class Use : uint8_t {
    kPassed,  // read by the bare group index, which is also a result axis
    kFolded,  // read by the bare group index, which is bound by a fold
    kOther,   // index arithmetic, cut, merged or data-dependent
  } use = Use::kPassed;
};
struct AxisRoles {
  std::vector<std::vector<AxisRole>> operands;  // [operand][axis]
  std::vector<std::vector<AxisRole>> results;   // [result][axis]
  std::vector<std::string> groups;              // names by number
};
// Works for ranks alone: sizes are not looked at.  Requires: infer_type succeeds.
Result<AxisRoles> axis_roles(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

}  // namespace egret
