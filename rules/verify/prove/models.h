// Models of a shape: numbers for its names that meet its facts.
//
// Where a shape is not proved, the rule may be wrong there at sizes that are seldom drawn (a convolution has a dozen, which must fit
// each other): Z3 gives some that fit, small ones and unlike each other.
#pragma once

#include <deque>
#include <vector>

#include "rules/verify/prove/elaborate.h"
#include "rules/verify/terms/witnesses.h"
#include "rules/verify/z3/z3_module.h"

namespace egret::rules {

// At most `count`, those near `known` (where conditions of a proof were not met) first.
std::vector<NamedNumbers> small_models(Sizes& sizes, Indices& indices, DecideIntegers decide, const std::deque<NamedNumbers>& known, size_t count);

}  // namespace egret::rules
