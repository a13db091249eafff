// Counterexamples near a rule's examples.
//
// Lists of integers that are drawn one by one seldom have a type together (five of a convolution, three of a slice), and where
// they have, conditions fail.  Examples have both.  So examples are changed one or a few things at a time (a size, everywhere or
// in one place, an element of a list, a number of axes), and what has a type is changed further, whether conditions hold or not.
#pragma once

#include <optional>
#include <string>

#include "rules/rules.h"

namespace egret::rules {

// What differs at the first such instance, at most `steps` of them looked at, in an order that the rule alone fixes; where the
// right side has another type than the left, that.
std::optional<std::string> counterexample_near_examples(const Rule& rule, size_t steps);

}  // namespace egret::rules
