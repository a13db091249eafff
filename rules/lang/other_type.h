// A right side of another type: at one assignment (rules.h looks for one among small assignments).
#pragma once

#include <string>

#include "rules/rules.h"

namespace egret::rules {

// The left side has a type there, the rule's conditions hold, and the right side has provably another type; `why` says which.
bool has_other_type(const Rule& rule, const Assignment& assignment, std::string* why = nullptr);

}  // namespace egret::rules
