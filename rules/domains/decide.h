// Scalar rules of a domain, decided: proved, refuted by values at which both sides were computed, or unproved.
//
// In this order: every value, where they are few (at most 2^16 of all variables together: a proof or a refutation); special and
// drawn values (a refutation); the identity of fractions of polynomials (rational: a proof); Z3 (a proof, or values that are
// computed again).  Over the rationals a rule claims that both sides are equal where both have a value; where the left has one
// and the right has none, the `note` gives values: no e-graph that knows of definedness may use such a rule unguarded.
#pragma once

#include <vector>

#include "rules/domains/domain.h"
#include "rules/verify/verify.h"

namespace egret::rules {

// A row a rule, in order; the name is the rule's, `guard` its condition.  kUnsupported where Z3 is off in this build.
Result<std::vector<Verification>> verify_domain_rules(const std::vector<DomainRule>& rules, const VerifyOptions& options);

}  // namespace egret::rules
