// Values of a domain's terms at given values of the variables: what exhausts a small domain, and what replays a counterexample.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/evaluate/rational.h"
#include "rules/domains/domain.h"

namespace egret::rules {

using Word = unsigned __int128;

// Domain of bits.  `values` below 2^bits, one a variable; gives the value of every node.
void evaluate_words(const DomainRule& rule, const std::vector<Word>& values, std::vector<Word>& out);

// Domains int and rational; truth values are 0 and 1.  Nothing where the term has no value; a value that `Rational` does not
// hold is `overflowed`.
std::optional<Rational> evaluate_exact(const DomainRule& rule, uint32_t node, const std::vector<Rational>& values);

std::string word_text(const DomainRule& rule, Word value);
std::string exact_text(const Rational& value);

}  // namespace egret::rules
