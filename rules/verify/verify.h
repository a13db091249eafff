// The verifier: what a rule claims, decided by Z3.
//
// A rule is proved for all sizes (symbolic.h) under the laws that its licence grants, and what the engine builds of it at
// small sizes is run as a check that the proof is about the same terms.  A rule that is not proved is looked at by Z3 at small
// sizes; a refutation is replayed on the reference interpreter.  Anything else, a limit included, is `unproved`.
// docs/verifier.md says what a proof rests on.
#pragma once

#include <string>
#include <vector>

#include "rules/rules.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret::rules {

struct Verification {
  std::string name;          // as written
  RuleKind kind = RuleKind::kAlgebra;
  bool on = true;            // loaded by default
  Verdict verdict = Verdict::kUnproved;
  std::string ranks;         // of a proof: "any", or those it speaks of ("0-3")
  bool any_size = false;
  std::string numerics;      // the licence words that it needs, computed (licence.h)
  std::string note;          // of a proved one that declares more than it needs; of another, what would be enough
  bool recorded = false;     // taken from a record (recorded.h)
  bool tried = true;         // to the end; not: verifying was stopped before
  double seconds = 0;        // of work, whatever else the machine does
  std::string counterexample;  // of a refutation: sizes, element, values of both sides
  std::string reason;        // of an unproved one
  std::string guard;         // of a refuted one, where asked for: under which it is proved (guard.h)
};

constexpr const char* kStopped = "verifying was stopped before it was decided";  // reason of what was not

struct VerifyOptions {
  double timeout = 10;       // seconds of work a rule
  std::string only;          // one rule by name as written; empty: all
  int threads = 1;
  size_t assignments = 16;   // small assignments tried a rule
  const StopToken* stop = nullptr;  // once it is set no further rule is tried; not owned
  bool stopped() const { return stop && stop->stop_requested(); }
};

// One row a rule as written (its expansions together).  kUnsupported where Z3 is off in this build.
Result<std::vector<Verification>> verify(const RuleSet& rules, const VerifyOptions& options);

}  // namespace egret::rules
