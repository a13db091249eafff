// Guard inference: for a rule that is false as it stands, the weakest condition in a grammar under which it is proved.
//
// The rule is run at some hundred drawn sizes, integers and ranks, each of which shows it right or wrong there.  A guard is a
// conjunction of at most kMostAtoms atoms of the grammar (guard_grammar.cpp: predicates of shapes and attributes) that rules
// out every draw at which the rule is wrong; those that leave most of the others are tried first, and the first that is
// proved is the answer.  It is the weakest of the grammar as far as the draws tell, and none of its atoms can be left out.
// Where no such guard does, conditions on elements (nonzero, positive, ...) are tried one by one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/lang/syntax.h"
#include "rules/verify/verify.h"

namespace egret::rules {

struct Atom {
  Term term;
  std::string text;
  bool of_dtypes = false;  // and of nothing else
};

// Predicates of the shapes and attributes of a rule's left side, weak ones of a kind first.
std::vector<Atom> shape_atoms(const Rule& rule);
// Of the elements of its variables.
std::vector<Atom> element_atoms(const Rule& rule);

struct InferredGuard {
  std::vector<std::string> atoms;  // all must hold
  Verification proof;              // of the rule under it
  std::string to_string() const;
};

// `expansions`: of one rule as written; nothing where the grammar has no guard that is proved within the options' time.
Result<std::optional<InferredGuard>> infer_guard(const std::vector<const Rule*>& expansions, const VerifyOptions& options);

// Fills in `guard` of the rows that are refuted, each within the options' time.
Status infer_guards(const RuleSet& rules, std::vector<Verification>& rows, const VerifyOptions& options);

}  // namespace egret::rules
