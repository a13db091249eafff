// The verifier: what a rule claims, decided by Z3.
//
// A rule is expanded at small sizes and several ranks (rules.h, small_assignments) into scalar formulas, one an element of
// each side, and the two must be equal for all values of the variables: over the reals where the rule's licence lets
// rounding move, over IEEE numbers where only special values are licensed away, over uninterpreted operators where nothing
// is.  A rule whose operators are all maps speaks of one element, so its proof holds for any size and rank; every other
// verdict is for the sizes tried (`any_size` false).  A refutation is replayed on the reference interpreter.
#pragma once

#include <string>
#include <vector>

#include "rules/rules.h"
#include "support/result.h"

namespace egret::rules {

enum class Verdict { kProved, kRefuted, kUnproved };
const char* to_string(Verdict);

struct Verification {
  std::string name;          // as written
  RuleKind kind = RuleKind::kAlgebra;
  bool on = true;            // loaded by default
  Verdict verdict = Verdict::kUnproved;
  std::string ranks;         // "any", or the number of rank assignments tried
  bool any_size = false;
  std::string numerics;      // licence words under which it was proved
  double seconds = 0;
  std::string counterexample;  // of a refutation: sizes, element, values of both sides
  std::string reason;        // of an unproved one
  uint64_t instances = 0;    // assignments proved
};

struct VerifyOptions {
  double timeout = 10;       // seconds a rule
  std::string only;          // one rule by name as written; empty: all
  int threads = 1;
  size_t assignments = 16;   // small assignments tried a rule
};

// One row a rule as written (its expansions together).  kUnsupported where Z3 is off in this build.
Result<std::vector<Verification>> verify(const RuleSet& rules, const VerifyOptions& options);

}  // namespace egret::rules
