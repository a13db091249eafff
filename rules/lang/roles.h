// Roles of axes: for each axis of an operator's operands and result the group of the definition that it stands in.  What
// ir's axis_roles says, made fit for matching: the groups before and after an axis are one, and composites get theirs
// from their decomposition.  For rules/lang only.
#pragma once

#include <span>
#include <vector>

#include "ir/op.h"

namespace egret::rules {

inline constexpr uint32_t kRoleGroups = 16;  // groups of one operator that a signature can tell apart

// Two axes with equal numbers are one axis; the number's group says what it does.
struct Role {
  uint32_t number = 0;  // group * 2^16 + position in the group
  uint32_t group() const { return number >> 16; }
};

struct OpRoles {
  std::vector<std::vector<Role>> operands;  // [operand][axis]
  std::vector<Role> result;                 // [axis]
};

// Nothing where the operator has no roles: several results, or a composite whose axes are cut or merged.
// Requires: the operands fit the operator.  Thread safety: any thread.
const OpRoles* roles_of(const OpDef& op, const Attrs& attrs, std::span<const Type> operands);

// One element of each operand at the result's own index: maps, and composites of maps and numbers.
bool is_elementwise(const OpDef& op);

}  // namespace egret::rules
