// An unchanged rule costs nothing: what a record says is proved is taken from it, and only the rest is proved anew.
//
// Recorded refutations and what was unproved are looked at again: a record holds no counterexample, and a limit is no verdict.
#pragma once

#include <vector>

#include "rules/lang/proofs.h"
#include "rules/verify/verify.h"

namespace egret::rules {

// As `verify`.  The library's own record is asked as well, for a rule is its text, wherever it stands.
Result<std::vector<Verification>> verify_changed(const RuleSet& rules, const VerifyOptions& options, const Proofs& recorded);

// The record that these rows make, over what was recorded of rules that they do not speak of.
Proofs record_of(const RuleSet& rules, const std::vector<Verification>& rows, const Proofs& before);

}  // namespace egret::rules
