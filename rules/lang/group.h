// `find all`: products (or the like) of one shared operand, as an operand group.  For rules/lang only.
#pragma once

#include <vector>

#include "rules/lang/left.h"

namespace egret::rules {

inline constexpr size_t kMaxMembers = 64;

// One member bound by itself; `key` tells which members can stand in one group.
struct GroupMember {
  LeftTerms terms;
  Environment env;
  std::vector<std::string> key;
};
// Nothing where the member does not match.
std::optional<GroupMember> bind_member(const PreparedRule& rule, const LeftTerms& terms, const TermView& view);

// The group's right terms, one a member; false where conditions fail or a term is ill-typed.
// Requires: equal keys, one shared operand.
bool build_group(const PreparedRule& rule, std::vector<GroupMember>& members, const TermView& view,
                 const MatchOptions& options, Plan& plan, std::vector<TermRef>& out);

}  // namespace egret::rules
