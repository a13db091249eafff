// Explanations of a kept run: why its program was chosen, and why another was not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontends/explain/kept_run.h"
#include "frontends/explain/pricing.h"

namespace egret::explain {

inline constexpr size_t kPricedSteps = 12, kPricedRules = 16, kPricedPlaces = 8;  // beyond these, steps stay without a price

// An application of a rule on the way from the imported to the chosen program.
struct StepReason {
  std::string rule, needs, verdict;
  std::vector<std::string> from, to;   // an equation each
  bool chosen = false;                 // a kernel computes a term that it made; else it is on the way to others
  std::optional<double> saves;         // seconds that the best program without those terms costs more; unset: not priced
};
struct RuleReason {
  std::string rule;
  size_t applications = 0;
  std::optional<double> saves;
};
struct KernelReason {
  std::vector<std::string> covers;     // operators over the source's names, the result last
  std::vector<std::string> results, rules;  // rules: that made terms it computes
  double seconds = 0;
  std::optional<double> alone;         // what its operators cost as a kernel each, launches included
  std::vector<std::vector<std::string>> instead;  // what each kernel would cover that stood there if this one might not
  std::optional<double> dearer;        // how much longer the program would then take
};
struct Explanation {
  std::vector<StepReason> steps;
  std::vector<RuleReason> rules;
  std::vector<KernelReason> kernels;
};
Result<Explanation> explain_run(const KeptRun& run, const Device& device, const Limits& limits);

// One place of a pattern, or what is to be said where there is none.
struct WhyNot {
  // "chosen", "dearer", "no_form" (no kernel, or kernels in a cycle), "condition" (a condition of the rule fails there),
  // "not_made" (the rule's right side is not in the e-graph), "no_match"
  std::string kind;
  std::string rule;                    // by name; empty for a pattern
  std::string place, text;
  std::optional<double> dearer;        // seconds over the chosen program, at most
  std::optional<double> at_least;      // seconds over it, proved
};
// `pattern`: the name of a rule that the run knew, or a term of the rule language.  Errors name line and column in `pattern`
// and show the place.
Result<std::vector<WhyNot>> why_not(const KeptRun& run, const std::string& pattern, const Device& device, const Limits& limits);

}  // namespace egret::explain
