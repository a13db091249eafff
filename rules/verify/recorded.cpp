#include "rules/verify/recorded.h"

#include <map>

namespace egret::rules {
namespace {

Verification taken(const Rule& rule, const RecordedProof& proof) {
  Verification v;
  v.name = rule.written;
  v.kind = rule.kind;
  v.on = rule.on;
  v.verdict = proof.verdict;
  v.ranks = proof.ranks;
  v.any_size = proof.any_size;
  v.numerics = proof.numerics;
  v.recorded = true;
  return v;
}

}  // namespace

Result<std::vector<Verification>> verify_changed(const RuleSet& rules, const VerifyOptions& options, const Proofs& recorded) {
  std::map<std::string, Verification> known;
  std::vector<const Rule*> asked;
  std::vector<std::string> proved;
  for (const Rule* rule : rules_as_written(rules)) {
    if (!options.only.empty() && rule->written != options.only && !(rules.find(options.only) && rules.find(options.only)->written == rule->written)) continue;
    asked.push_back(rule);
    const RecordedProof* proof = recorded_of(*rule, recorded);
    if (!proof || proof->verdict != Verdict::kProved) continue;
    known[rule->written] = taken(*rule, *proof);
    proved.push_back(rule->written);
  }
  if (asked.empty() || known.size() < asked.size()) {
    RuleSet rest = rules;
    rest.remove(proved);
    EGRET_TRY(auto rows, verify(rest, options));
    for (Verification& v : rows) known[v.name] = std::move(v);
  }
  std::vector<Verification> out;
  for (const Rule* rule : asked) out.push_back(std::move(known.at(rule->written)));
  return out;
}

Proofs record_of(const RuleSet& rules, const std::vector<Verification>& rows, const Proofs& before) {
  std::map<std::string_view, const Verification*> row;
  for (const Verification& v : rows) row[v.name] = &v;
  Proofs out;
  for (const Rule* rule : rules_as_written(rules)) {
    auto it = row.find(rule->written);
    if (it != row.end() && it->second->tried) {
      const Verification& v = *it->second;
      out.add(rule->proof_hash, {v.verdict, v.name, v.ranks, v.any_size, v.numerics});
    } else if (const RecordedProof* old = recorded_of(*rule, before)) {
      out.add(rule->proof_hash, *old);
    }
  }
  return out;
}

}  // namespace egret::rules
