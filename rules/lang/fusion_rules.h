// FusionRules: what the loaded fusion rules (library/fusion) let kernels do; extract/fusion asks it.
//
// Fusion rules run in their own stratum, after algebra (design decision 6).  A rule names a form and operator classes; with
// no rule of a form loaded, that form of fusion is off.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "rules/rules.h"

namespace egret::rules {

struct FusionRules {
  // Operators that may begin a kernel; that it may compute before a fold reads them, or after its result; reductions that it
  // may do after its result, within a tile; contractions that may fold its rows.
  std::set<const OpDef*> begin, absorb_before, absorb_after, absorb_reduction, absorb_contraction;
  bool side_by_side = false;                 // several results of one kernel
  bool side_by_side_shares_operand = false;  // ... only where they read a common operand
  std::vector<std::string> names;            // of the rules loaded, in order

  bool any() const { return !names.empty(); }
};

FusionRules fusion_rules(const RuleSet& rules);

}  // namespace egret::rules
