// Enclosures of constants (design decision 8): how far the run's licence may move a value that is known.
//
// A constant fact holds the original's value and a radius: what the same term comes to in exact arithmetic is no further off.
// Where the licence lets nothing be rounded otherwise the radius is 0.  Else every operator adds its own rounding to what its
// operands' radii come to: a map is evaluated at the ends of each operand's interval; of a fold each element counts, at the
// size of the largest.  It is infinite where nothing is known of it.  Two values of one class contradict each other where
// their enclosures have no number in common: then no rounding explains the difference, and a rule is wrong.
//
// A licence that promises a result only where every intermediate is finite says nothing of a term in which one may not be: its
// value is not defined.  Nor is that of its class, where it may equal anything, nor of what reads it: no alarm is raised there.
#pragma once

#include <functional>
#include <span>

#include "rules/lang/facts.h"

namespace egret::rules {

struct Enclosure {
  double radius = 0;
  bool defined = true;
};
// Requires: `result` is the operator's value at `operands`.  `evaluate`: its value at others of the same types.
Enclosure enclosure_of(const OpDef& op, const KnownValue& result, std::span<const KnownValue> operands,
                       const std::function<KnownValue(std::span<const KnownValue>)>& evaluate, const Slack& slack);

// Known so well that a rule may take it for the number: a few roundings off.  Requires: `value.splat`.
bool is_well_known(const KnownValue& value, const Slack& slack);

// No element is so near zero that the rounding of a product is large in proportion.
bool is_normal(const KnownValue& value);

bool contradict(const KnownValue& a, const KnownValue& b, const Slack& slack);

}  // namespace egret::rules
