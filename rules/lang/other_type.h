// A right side of another type: at one assignment (rules.h looks for one among small assignments).
#pragma once

#include <optional>
#include <string>

#include "rules/rules.h"

namespace egret::rules {

// The left side has a type there, the rule's conditions hold, and the right side has provably another type; `why` says which.
bool has_other_type(const Rule& rule, const Assignment& assignment, std::string* why = nullptr);

// An assignment looked at once: its instance (conditions on elements as hypotheses), or how far it comes.
struct Attempt {
  std::optional<RuleInstance> instance;
  bool left_typed = false;
  bool other_type = false;  // as above
  std::string why;          // there is no instance
};
Attempt attempt_instance(const Rule& rule, const Assignment& assignment);

}  // namespace egret::rules
