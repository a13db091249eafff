// Rational terms as fractions of polynomials with integer coefficients (rules/verify/terms/index.h).
#pragma once

#include "rules/domains/domain.h"

namespace egret::rules {

// Both sides are one fraction, so equal wherever both have a value.  |p| is s*p with a sign s whose square is 1, one for each p up
// to sign; false where that is not enough, or a side holds an `if`.
bool same_fraction(const DomainRule& rule);

// Every divisor of the right side is, up to a constant factor, one of the left: it has a value wherever the left has.
bool same_divisors(const DomainRule& rule);

}  // namespace egret::rules
