// Enclosures of constants (design decision 8): how far the run's licence may move a value that is known.
//
// A constant fact holds the original's value and a radius.  Where the licence lets nothing be rounded otherwise the radius is
// 0.  Else every operator adds its own rounding to what its operands' radii come to: a map is evaluated at the ends of each
// operand's interval; of a fold each element counts, at the size of the largest.  Two values of one class contradict each
// other where their enclosures have no number in common: then no rounding explains the difference, and a rule is wrong.
#pragma once

#include <functional>
#include <span>

#include "rules/lang/facts.h"

namespace egret::rules {

// Requires: `result` is the operator's value at `operands`.  `evaluate`: its value at others of the same types.
double enclosure_radius(const OpDef& op, const KnownValue& result, const Type& type, std::span<const KnownValue> operands,
                        const std::function<KnownValue(std::span<const KnownValue>)>& evaluate, const Slack& slack);

bool contradict(const KnownValue& a, const KnownValue& b, const Slack& slack);

}  // namespace egret::rules
