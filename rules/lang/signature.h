// Matching by role (design decision 5).
//
// A place is (occurrence of an operator in the pattern, axis), never (class, axis): one class may stand in two places.
// Each occurrence joins the places that its operator says are one axis and notes (occurrence, group) on them; the notes
// on a joined axis are its signature.  A name of the pattern owns a set of signatures: those that agree outside the notes
// of implied broadcasts.  So there is no search: each axis has one name or the match fails.  For rules/lang only.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <vector>

#include "rules/lang/roles.h"
#include "rules/lang/syntax.h"
#include "rules/lang/terms.h"

namespace egret::rules {

inline constexpr size_t kMaxOccurrences = 8;
using Signature = std::bitset<kMaxOccurrences * kRoleGroups>;

struct LeftOperand {
  bool is_leaf = false;
  uint32_t index = 0;  // of the node or the leaf
};

// An operator of a left side.  Nodes are in pre-order, root by root, as the engine numbers occurrences.
struct LeftNode {
  const OpDef* op = nullptr;
  const Term* term = nullptr;  // null: implied
  std::vector<LeftOperand> operands;
};

// A variable with one list of axes; a number.
struct LeftLeaf {
  std::string variable;               // empty: a number
  std::optional<double> number;
  const std::vector<AxisName>* axes = nullptr;  // as written (of the PreparedRule); null: none are
  bool full = false;                  // has all axes of its place: a splat, or nothing is missing
  uint32_t class_variable = 0;        // of the engine's pattern

  bool has_axis(std::string_view name) const;
};

// A name's axes.  Where no operator joins two uses of the name (the channels of two weights), it has a signature for each;
// their axes correspond in order and are taken to be one, whatever their sizes: a right side that needs equal sizes is
// ill-typed without them.
struct AxisGroup {
  std::string name;
  bool many = false;
  std::vector<Signature> signatures;
  Signature free;  // bits that are not looked at
};

// One form of a left side: with its missing axes as broadcasts, or with splats and nothing missing.
struct Left {
  bool tracked = false;  // axes have names
  std::vector<LeftNode> nodes;
  std::vector<uint32_t> roots;
  std::vector<LeftLeaf> leaves;
  uint32_t class_variables = 0;
  std::vector<AxisGroup> groups;

  const AxisGroup* group(std::string_view name) const;
};

// What was matched: a term for each node and each leaf.
struct LeftTerms {
  std::vector<TermId> nodes, leaves;
};

// The axes of a match, numbered: the first root's in order, then those of other roots, leaves and inner results.
struct JoinedAxes {
  std::vector<std::vector<AxisId>> nodes, leaves;
  std::vector<Signature> signatures;
  std::vector<Dim> sizes;  // where the axis was first seen
};
// False where an operator has no roles.
bool join_axes(const Left& left, const LeftTerms& terms, const TermView& view, JoinedAxes& out);

struct BoundAxes {
  JoinedAxes axes;
  std::vector<std::vector<AxisId>> groups;  // of left.groups, ascending
  std::vector<uint8_t> leaf_is_number;      // a splat that stands for all its axes
};
// Names every axis; false where one has no name, or stands twice in a leaf.
bool bind_axes(const Left& left, const LeftTerms& terms, const TermView& view, BoundAxes& out);

}  // namespace egret::rules
