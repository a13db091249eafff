// Dtypes under which the left side of a rule may have a type: the engine applies a rule under any of them, so a proof must speak
// of all.  For rules/lang only.
//
// What operators force to be one dtype is one class (the operands of a map, a tensor and what it is padded with, the result of a
// cast and the attribute that names it); each class has the dtypes that every operator that it meets allows, and the choices are
// their product.  The right side has a type, too, the same one, or the rule claims nothing; conditions are not looked at, so a choice need
// not have an instance.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/lang/left.h"

namespace egret::rules {

struct DTypeChoice {
  std::map<std::string, DType> variables, attributes;  // of all variables of the rule; of attribute variables that are dtypes
};

// In a fixed order, f32, i32 and bool first.  Where the rule names no dtype, f32 stands for f64 and f16 for bf16 and tf32: what is
// proved of floats knows them by their accumulator alone.  In rules of sums and products alone f32 stands for integers.  Nothing
// where there are too many.
std::optional<std::vector<DTypeChoice>> dtype_choices(const PreparedRule& rule);
// Those under which the left side may have a type, whatever the right side then has.
std::optional<std::vector<DTypeChoice>> left_dtype_choices(const PreparedRule& rule);

// The same sizes and values under other dtypes.
Assignment with_dtypes(Assignment a, const PreparedRule& rule, const DTypeChoice& choice);

}  // namespace egret::rules
