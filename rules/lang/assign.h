// Assignments: from the example lines of a rule, and small ones made up.  For rules/lang only.
#pragma once

#include <vector>

#include "rules/lang/left.h"

namespace egret::rules {

// What an example line may mean, likeliest first: axes are shared out to the groups so that sizes agree (one axis a group
// where possible, fewest in the first); of a rule made by `for`, also with other dtypes.
Result<std::vector<Assignment>> assignments_of(const Rule& rule, const PreparedRule& prepared, const Example& example);

// The assignment with one attribute variable changed: other lists, axes and numbers, whatever they mean.
std::vector<Assignment> varied_assignments(const Assignment& assignment);

// Small assignments in a fixed order; not all have an instance.
std::vector<Assignment> candidate_assignments(const PreparedRule& prepared, const std::vector<Assignment>& examples);

// Whether, in a `find all`, each member has its own size of the group.
bool varies_in_group(const PreparedRule& rule, std::string_view group);

}  // namespace egret::rules
