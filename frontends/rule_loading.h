// The rules of a run: the library's and those of the files that it names, each with a proof.
//
// A rule of the library without a fresh proof is off.  A rule of a user's file has its verdict from the record beside the file
// (`mine.proofs`, written by `egret verify mine.rules --record`), or is proved here, within kProofSeconds of work a rule and
// kFileSeconds in all; where it is not proved the run does not begin, unless `unproved` says so.  What is refuted is never loaded: by
// values, the run does not begin; by a right side of another type, the rule is quarantined (design decision 8 b), or an error where
// `strict_rules` says so.
#pragma once

#include <string>
#include <vector>

#include "frontends/pass.h"
#include "rules/rules.h"

namespace egret {

inline constexpr double kProofSeconds = 10, kFileSeconds = 60;

struct LoadedRules {
  rules::RuleSet set;
  std::vector<std::string> unproved;  // loaded without a proof, as written
  std::vector<std::string> quarantined;  // as written: the right side has another type somewhere
  std::vector<std::string> notes;     // for people: what is off and why, what took time
  double seconds = 0;                 // spent on proofs
};

// Errors: a file that cannot be read, or holds a rule that is refuted (its counterexample), or unproved and not asked for.
Result<LoadedRules> load_rules(const OptimizeOptions& options);

}  // namespace egret
