// The independent checker (design decision 10): replays a proof with terms alone.
//
// Trusted: this folder's checker, the definitions of ir/, the text rules' reader and replay (rules/lang), and what
// `trusted` lists.  Nothing of egraph/ or extract/ is used.
#pragma once

#include <string>
#include <vector>

#include "frontends/proof/proof.h"
#include "support/result.h"

namespace egret::proof {

struct CheckReport {
  uint64_t steps = 0;
  bool ok = false;
  std::string failed_step;           // where it failed: "step 12: ...", "kernel 3: ..."; empty where ok
  std::vector<std::string> trusted;  // what the proof rests on and was not checked
};

struct CheckInputs {
  const Graph* model = nullptr;   // the program read anew; null: not compared
  std::string artifact;           // folder; empty: not compared
  bool ignore_digest = false;
};

// Never fails by itself: what is wrong with the text is a failed check.
CheckReport check(std::string_view text, const CheckInputs& inputs);

// --- the parts, in order ---------------------------------------------------------------------------------------------

// Declares the inputs' roles and values for facts; names are distinct and input terms are those declared.
Status check_inputs(Proof& proof);
// Rules are read from their text, hashes compared, licences allowed.  Adds rules that are not in the library to `trusted`.
Result<rules::RuleSet> check_rules(const Proof& proof, std::vector<std::string>& trusted);
// Every step follows from its premises.
Status check_steps(Proof& proof, const rules::RuleSet& rules);
// Inlined bodies give the claimed terms, from what is there before; outputs are made and proved equal.
Status check_kernels(const Proof& proof);
Result<std::vector<TermId>> inline_body(const ProofTerms& terms, const std::string& body, const std::vector<TermId>& ports);
Status check_outputs(const Proof& proof);
// No term, step or rule that nothing needs.
Status check_all_used(const Proof& proof);
// Parameters without a value in the model are trusted to be those of the proof.
Status check_model(const Proof& proof, const Graph& model, std::vector<std::string>& trusted);
Status check_artifact(const Proof& proof, const std::string& folder);

}  // namespace egret::proof
