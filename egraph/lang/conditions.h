// Conditions of rules, judged during the search, on a clean graph.
//
//   not-zero, is-zero      the class is not (is) known to be the number zero
//   is-const, not-const    the class is (is not) known to be a number
//   is-symbol, not-symbol  the class has (has no) leaf that is not a number
//   differ, equal          the two are in different classes (in one class); a term that the graph lacks is in no class
#pragma once

#include <functional>

#include "egraph/lang/language.h"

namespace egret::egraph::lang {

// `value` gives the id of a variable.  Thread safety: any number of threads on a clean graph.
bool holds(const Condition& condition, const Language& language, const EGraph& graph,
           const std::function<Id(uint32_t)>& value);

}  // namespace egret::egraph::lang
