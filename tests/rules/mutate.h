// Mutants: a rule of the library with one edit, as a slip of the author would make it.
//
// Each kind of edit goes through all places of a rule where it applies, in a fixed order.  What no longer reads as a rule is no
// mutant.  A rule for a class of operators is mutated for the first of them.
#pragma once

#include <string>
#include <vector>

#include "rules/lang/syntax.h"

namespace egret::rules {

struct Mutant {
  std::string kind, rule, text;  // the kind of edit, the rule's name, the mutant's text (one rule)
};

std::vector<std::string> mutant_kinds();
// Of one kind; none that prints as the rule itself, none twice.
std::vector<Mutant> mutants_of(const RuleSyntax& rule, const std::string& kind);

}  // namespace egret::rules
