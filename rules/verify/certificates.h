// Certificates of proved rules, for checkers that share nothing with this one (docs/rule_certificates.md).
#pragma once

#include <string>
#include <vector>

#include "rules/rules.h"
#include "rules/verify/verify.h"

namespace egret::rules {

struct CertificateCount {
  size_t rules = 0, shapes = 0, obligations = 0;
  size_t open = 0;                   // unproved rules whose open claim was saved
  std::vector<std::string> missing;  // proved, but not again under the same licence within the limits
};

// For each row that is proved: the proof is made anew under the row's licence, and its steps go to DIR/NAME.json, what Z3
// was asked to DIR/obligations/SHA256.smt2.  For each that is unproved: the shape at which its proof stops, with the claim that has
// no step, to DIR/open/NAME.json.  The folder is made; files of the same names are written over.
Result<CertificateCount> write_certificates(const RuleSet& rules, const std::vector<Verification>& rows, const VerifyOptions& options,
                                            const std::string& folder);

}  // namespace egret::rules
