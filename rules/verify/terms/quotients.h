// Exact quotients: a hypothesis a - b*(a div b) == 0 says that b divides a.
//
// A variable that stands in `a` by itself is then b*q - (the rest of a) for some q: put in everywhere, the quotient is q and its
// remainder is gone, in the goal too; conditions on multiples of b are conditions on what is multiplied.  What is left has a model
// exactly where the question has one, and linear arithmetic often decides it.
#pragma once

#include <utility>
#include <vector>

#include "rules/verify/terms/index.h"

namespace egret::rules {

struct IntegerQuestion {
  std::vector<CondId> hypotheses;
  CondId goal = Indices::kTrueCond;
  std::vector<std::pair<VariableId, IntId>> replaced;  // in this order: each by what the ones after it may stand in
};

// False where no hypothesis is of that form.
bool take_quotients_out(Indices& indices, IntegerQuestion& question);

// Values of the variables replaced, put to those of the others; false where some are not known.
bool complete_model(const Indices& indices, const IntegerQuestion& question, std::vector<std::pair<VariableId, int64_t>>& model);

}  // namespace egret::rules
