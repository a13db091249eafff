// Counterexamples near given assignments, a rule's examples where nothing else is asked.
//
// Lists of integers that are drawn one by one seldom have a type together (five of a convolution, three of a slice), and where
// they have, conditions fail.  Examples have both.  So examples are changed one or a few things at a time (a size, everywhere or
// in one place, an element of a list, a number of axes), and what has a type is changed further, whether conditions hold or not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/rules.h"

namespace egret::rules {

struct Walked {
  std::optional<std::string> counterexample;  // what differs at the first such instance; or that the right side has another type there
  size_t instances = 0;                       // that were run
};

// At most `steps` assignments are looked at, in an order that the rule, `starts` and `seed` fix.
Walked walk_from(const Rule& rule, std::vector<Assignment> starts, size_t steps, uint64_t seed = 0);

// From the rule's example lines, accepted or not, and small assignments.
std::optional<std::string> counterexample_near_examples(const Rule& rule, size_t steps);

}  // namespace egret::rules
