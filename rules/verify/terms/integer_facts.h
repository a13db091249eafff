// Facts that a question of integers is asked with: what its atoms mean, products that linear arithmetic lacks, and which of many
// hypotheses can matter.
#pragma once

#include <vector>

#include "rules/verify/terms/index.h"

namespace egret::rules {

// What definitions say of the quotients, coordinates, minima and maxima in hypotheses and goal.
std::vector<CondId> atom_facts(Indices& indices, const std::vector<CondId>& hypotheses, CondId goal);

// Products of two hypotheses that are not negative, where products of their terms occur (all; or, `far`, some of them, or in
// such a product): what linear arithmetic lacks.
std::vector<CondId> products(Indices& indices, const std::vector<CondId>& facts, bool far, size_t limit);

// The hypotheses that share a variable with the goal, or with one that does.
std::vector<CondId> connected(const Indices& indices, const std::vector<CondId>& context, CondId goal);

}  // namespace egret::rules
