// Definition: the parsed text of an operator (docs/definitions.md), for any rank.
//
// Consumers that know ranks and sizes use `instantiate` and `axis_roles` (ir/op.h); those that reason about all ranks
// read this tree.  Nodes live in one vector; an argument's number is smaller than that of its user.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attr.h"
#include "ir/definitions/expr.h"
#include "ir/op.h"
#include "support/result.h"

namespace egret {

using DefId = uint32_t;
inline constexpr int kNoAttr = -1;

// An axis group: one axis, or any number of axes (`many`).
struct DefGroup {
  std::string name;
  bool many = false;
};

// Where a group stands among the axes of an operand or a result.
struct DefPlace {
  enum class Where : uint8_t { kInOrder, kAt, kBefore, kAfter } where = Where::kInOrder;
  uint16_t group = 0;
  int attr = kNoAttr;           // of kAt (axes, axis), kBefore and kAfter (axis)
  std::optional<DefId> size;    // of a result axis that is not an operand's
};

// kCommon...: the dtype that these operands share (with a restriction); the others stand outside.
enum class DTypeRule : uint8_t { kCommon, kCommonFloat, kCommonNumber, kCommonLogical, kInt, kBool, kAny };

struct DefOperand {
  std::string name;
  bool variadic = false;  // any number of operands, all alike; the last
  std::vector<DefPlace> places;
  DTypeRule dtype = DTypeRule::kCommon;
};

enum class DefKind : uint8_t {
  kNumber,     // value; in an index its integer
  kAttr,       // attribute `number`; of a list: the element in step
  kGroup,      // index of group `number`, in step
  kNth,        // index of axis args[0] (an attribute) of group `number`
  kSize,       // size of group `other` in operand `number`, in step (variadic: of the operand picked)
  kCount,      // product of the sizes of group `other` in operand `number`; number -1: of result or binder group `other`
  kRank,       // number of axes of group `number`
  kTotal,      // sum of an attribute's list (args[0]), or of a size over all operands of an operand group (kSize)
  kPart,       // the size of this part, under `each part in sizes`
  kBefore,     // the sum of the sizes of the parts before this one
  kFlatten,    // row-major position of the indices of group `number`
  kUnflatten,  // of position args[0]: the index along the axis in step, row-major over the group where it stands
  kAdd, kSub, kMul, kIntDiv, kMod,         // of indices or scalars (kAdd, kSub, kMul)
  kFloatDiv,   // a / b
  kNeg,
  kCall,       // fn(args); kMin and kMax also of indices
  kCast,       // args[0] to the dtype attribute `number`
  kClamp,      // clamp(x, low, high) of indices
  kRead,       // operand `number`, an index for each of its places
  kLess, kLessEqual, kEqual, kNotEqual,    // of indices
  kAnd,
  kAll,        // args[0] holds for every axis of group `number`
  kCond,       // args: condition, then, otherwise
  kFold,       // over binders, args: body
  kValue,      // value(index): an index as a number
  kLowest, kHighest,
  kPick,       // operand group `number`, located by group `other`; args[0] reads the operand picked
};

struct DefBinder {
  uint16_t group = 0;
  std::optional<DefId> size;  // none: the group's size in an operand
};

struct DefNode {
  DefKind kind = DefKind::kNumber;
  int number = 0, other = 0;
  double value = 0;
  ScalarFn fn = ScalarFn::kAdd;
  FoldKind fold = FoldKind::kSum;
  std::optional<DType> accumulator;  // of a fold, where it is written
  std::vector<DefId> args;
  std::vector<DefBinder> binders;
};

struct DefCondition {
  DefId node = 0;
  std::string text;
};

// What goes in step with a group: an attribute's list (where it is one) or another group, as long as that group.
struct DefStep {
  bool is_attr = false;
  int number = 0;        // of the attribute, or the group
  int group = -1;        // whose length it has; -1: one
  friend bool operator==(const DefStep&, const DefStep&) = default;
};

struct Definition {
  std::vector<DefGroup> groups;
  std::vector<DefOperand> operands;
  std::vector<DefNode> nodes;
  std::vector<DefPlace> result;
  std::optional<int> each;          // attribute (sizes): one result for each of its elements
  std::optional<DType> result_dtype;  // fixed
  int result_dtype_attr = kNoAttr;
  DefId body = 0;
  std::vector<DefCondition> where;
  std::vector<int> step_group;      // by attribute number: the group an `ints` attribute is in step with, or -1
  std::vector<DefStep> steps;       // all of them, each once, in order of the text

  const DefNode& node(DefId id) const { return nodes[id]; }
  // The operand number in the definition of operand `o` of a call.
  size_t spec_of(size_t o) const { return o < operands.size() ? o : operands.size() - 1; }
};

// The header of a text "op name(operands){attributes}" and, where "->" follows, its definition.
struct ParsedOp {
  std::string name;
  std::vector<AttrSpec> attrs;
  int min_operands = 0, max_operands = 0;
  std::shared_ptr<Definition> definition;  // null where the text ends after the header
};
Result<ParsedOp> parse_definition(std::string_view text);

}  // namespace egret
