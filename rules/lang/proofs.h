// Recorded verdicts: a text file, one line a rule as written: `verdict hash name ranks sizes licence`.
//
// rules/library/PROOFS (embedded) holds the library's; beside a user's `mine.rules` lies `mine.proofs`.  `egret verify --record`
// writes both.  The hash is Rule::proof_hash: of the rule's text, what `for` makes of it, the definitions of the operators that it
// names (of composites: all definitions, and the source of composites), and the verifier's version.  Where any of them changes,
// no line has that hash, and the rule has no verdict.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/rules.h"

namespace egret::rules {

// Raised with every change by which the verifier may come to another verdict.
inline constexpr int kVerifierVersion = 8;

struct RecordedProof {
  Verdict verdict = Verdict::kUnproved;
  std::string name;      // of the rule as written
  std::string ranks;     // of a proof; else empty
  bool any_size = false;
  std::string numerics;  // licence words
};

class Proofs {
 public:
  // Errors name file:line:column.
  static Result<Proofs> read(std::string_view text, const std::string& file);
  // What lies beside a file of rules; empty where nothing does.
  static Result<Proofs> beside(const std::string& rule_file);
  static std::string path_beside(const std::string& rule_file);

  const RecordedProof* find(const Rule& rule) const;
  bool names(std::string_view written) const;  // has a verdict on some text of a rule of that name
  void add(const std::string& proof_hash, RecordedProof proof) { by_hash_[proof_hash] = std::move(proof); }
  void merge(const Proofs& other) { by_hash_.insert(other.by_hash_.begin(), other.by_hash_.end()); }
  // The file for these rules as written, in order; what is recorded of others is left out.
  std::string print(const std::vector<const Rule*>& written) const;

 private:
  std::map<std::string, RecordedProof, std::less<>> by_hash_;
};

const Proofs& library_proofs();
// What `own` records of the rule, else what the library's record does, for a rule is its text, wherever it stands; else null.
const RecordedProof* recorded_of(const Rule& rule, const Proofs& own);

// The first expansion of each rule as written, in order.
std::vector<const Rule*> rules_as_written(const RuleSet& set);

// Sets Rule::proof_hash of the expansions of one rule as written.
void set_proof_hash(std::vector<Rule>::iterator first, std::vector<Rule>::iterator last);

}  // namespace egret::rules
