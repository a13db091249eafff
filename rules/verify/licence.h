// The licence of a rule, computed (design decision 7): the weakest theory that proves it, in the words of `needs`.
//
// A rule that is true bit for bit needs nothing.  Else words are taken away from what it declares as long as it is still
// proved: where it is proved without `field`, it needs none of the algebra of the reals; of `nnan ninf nsz contract arcp reassoc`
// none stays that can go.  Where `field` stays, what real equality does not see is added (rounding.h): `cancel`, `range`, and
// `nnan ninf` where a term is dropped.
#pragma once

#include <string>
#include <vector>

#include "rules/rules.h"
#include "rules/verify/prove/symbolic.h"

namespace egret::rules {

struct ComputedLicence {
  SymbolicProof proof;              // under the words; at any rank where the rule was proved there
  std::vector<std::string> words;   // sorted; of what is proved
  std::string missing;              // what it needs and does not declare, and why
};

// `ranks`: of the final proof; the words are found at the first.
ComputedLicence compute_licence(const Rule& rule, const Deciders& deciders, double seconds, ProofRanks ranks);

// Words by which a rule that is not proved as it stands would be ("" where none of those tried are enough).
std::string sufficient_words(const Rule& rule, const Deciders& deciders, double seconds);

}  // namespace egret::rules
