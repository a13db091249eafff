// Colours of a problem's items: what stands around a class in the program that it is a part of, a few operators far.  Classes in
// the middle of equal layers share one (extract/solve/exact/kinds.h).
#pragma once

#include "extract/fusion/fusion.h"
#include "extract/solve/exact/kinds.h"

namespace egret::extract {

// Empty where hardly any two items look alike.
Colours item_colours(const FusionGraph& graph, const FusionProblem& problem);

// Do two thirds of the items look like at least a dozen others?  Then the program is equal layers for the most part.
bool mostly_alike(Colours colours);

}  // namespace egret::extract
