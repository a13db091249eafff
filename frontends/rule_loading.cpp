#include "frontends/rule_loading.h"

#include <algorithm>
#include <map>
#include <thread>

#include <fmt/format.h>

#include "rules/lang/check.h"
#include "rules/lang/proofs.h"
#include "rules/verify/recorded.h"
#include "support/hint.h"

namespace egret {
namespace {

using rules::Rule;
using rules::Verdict;

constexpr const char* kRuleHint = "docs/rules.md has the grammar, rules/library/ many examples";

// Verdicts that are recorded for the rules of one file that have none yet.
Status take_record(rules::RuleSet& set, const std::string& file, std::vector<std::string>& notes) {
  EGRET_TRY(const rules::Proofs beside, rules::Proofs::beside(file));
  std::vector<std::pair<std::string, Verdict>> found;
  for (const Rule* rule : rules::rules_as_written(set)) {
    if (rule->file != file) continue;
    if (const rules::RecordedProof* proof = rules::recorded_of(*rule, beside)) {
      found.emplace_back(rule->written, proof->verdict);
    } else if (beside.names(rule->written)) {
      notes.push_back(fmt::format("{}: the verdict recorded for {} is of another text of the rule, or of another verifier; it is proved anew",
                                  rules::Proofs::path_beside(file), rule->written));
    }
  }
  for (const auto& [written, verdict] : found) set.set_verdict(written, verdict);
  return {};
}

bool is_users(const Rule& rule) { return !rule.file.starts_with("library/"); }

// Where an expansion of the rule gives a term of another type.
std::optional<std::string> other_type(const rules::RuleSet& set, const Rule& rule) {
  for (const Rule& one : set.rules()) {
    if (one.written != rule.written) continue;
    if (auto found = rules::right_of_another_type(one)) return found;
  }
  return std::nullopt;
}

Error not_loaded(const Rule& rule, const rules::Verification* row) {
  const SourceSpan where{rule.file, rule.line, 1, {}};
  if (rule.verdict == Verdict::kRefuted) {
    return input_error(fmt::format("rule {} is refuted: {}", rule.written, row && !row->counterexample.empty() ? row->counterexample : "its record says so"),
                       fmt::format("a wrong rule is never loaded; `egret verify {} --only {}` has more", rule.file, rule.written), where);
  }
  const std::string reason = row ? row->reason : "its record says so";
  if (reason.find("no shape satisfies") != std::string::npos) {
    return input_error(fmt::format("rule {} is not proved: {}", rule.written, reason),
                       "with an `accept` line `egret verify` says what fails: a side without a type, a condition; --unproved loads the rule all the same", where);
  }
  return input_error(fmt::format("rule {} is not proved: {}", rule.written, reason),
                     fmt::format("--unproved loads it all the same; `egret verify {} --timeout 60 --record` tries longer and keeps the verdict", rule.file), where);
}

// Proves what has no verdict.  Rows by rule as written.
Result<std::map<std::string, rules::Verification>> prove_here(LoadedRules& loaded, const rules::Licence& licence, const OptimizeOptions& options) {
  std::map<std::string, rules::Verification> rows;
  const auto wanted = [&](const Rule& rule) {
    return is_users(rule) && rule.on && licence.allows(rule.needs) && rule.verdict == Verdict::kUnproved;
  };
  if (std::none_of(loaded.set.rules().begin(), loaded.set.rules().end(), wanted)) return rows;
  rules::RuleSet open = loaded.set;
  std::vector<std::string> others;
  for (const Rule* rule : rules::rules_as_written(loaded.set)) {
    if (!wanted(*rule)) others.push_back(rule->written);
  }
  open.remove(others);
  Stopwatch watch;
  rules::VerifyOptions verify;
  verify.threads = options.threads > 0 ? options.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const double share = kFileSeconds * verify.threads / static_cast<double>(rules::rules_as_written(open).size());
  verify.timeout = std::min(kProofSeconds, share);
  auto made = rules::verify(open, verify);
  if (!made.ok() && made.error().code != ErrorCode::kUnsupported) return made.take_error();
  for (const Rule* rule : rules::rules_as_written(open)) {
    if (!made.ok()) rows[rule->written].reason = made.error().message;
  }
  if (made.ok()) {
    for (rules::Verification& v : *made) {
      loaded.set.set_verdict(v.name, v.verdict);
      rows[v.name] = std::move(v);
    }
  }
  loaded.seconds = watch.seconds();
  return rows;
}

}  // namespace

Result<LoadedRules> load_rules(const OptimizeOptions& options) {
  EGRET_TRY(const rules::Licence licence, rules::Licence::parse(options.numerics));
  LoadedRules out;
  out.set = rules::RuleSet(options.threads);
  if (options.library) EGRET_TRY_VOID(out.set.add_library());
  for (const std::string& file : options.rule_files) {
    // A name without a folder or an ending is a set of the library that is off.
    const bool named = options.library && file.find('/') == std::string::npos && !file.ends_with(".rules");
    EGRET_TRY_VOID(or_hint(named ? out.set.enable(file) : out.set.add_file(file), kRuleHint));
    if (!named) EGRET_TRY_VOID(take_record(out.set, file, out.notes));
  }
  for (const Rule& rule : out.set.rules()) {
    if (is_users(rule)) EGRET_TRY_VOID(rules::check_types(rule));
  }
  EGRET_TRY(const auto rows, prove_here(out, licence, options));
  std::vector<std::string> off;
  for (const Rule* rule : rules::rules_as_written(out.set)) {
    if (!rule->on || rule->verdict == Verdict::kProved || !licence.allows(rule->needs)) continue;
    const bool refuted = rule->verdict == Verdict::kRefuted;
    if (const auto other = refuted ? other_type(out.set, *rule) : std::nullopt) {
      const std::string what = fmt::format("rule {} gives a term of another type: {}", rule->written, *other);
      if (options.strict_rules) return input_error(what, "without --strict-rules the run goes on without it", {rule->file, rule->line, 1, {}});
      out.quarantined.push_back(rule->written);
      out.notes.push_back(what + "; it is quarantined");
      continue;
    }
    if (is_users(*rule) && (refuted || !options.unproved)) {
      auto row = rows.find(rule->written);
      return not_loaded(*rule, row == rows.end() ? nullptr : &row->second);
    }
    if (options.unproved && !refuted) {
      out.unproved.push_back(rule->written);
    } else {
      off.push_back(rule->written);
    }
  }
  for (const auto* names : {&off, &out.quarantined}) {
    for (const std::string& written : *names) out.set.switch_off(written);
  }
  if (!off.empty()) {
    out.notes.push_back(fmt::format("{} rules of the library are off: no fresh proof ({}, ...); `egret verify --record rules/library/PROOFS` makes it",
                                    off.size(), off.front()));
  }
  if (out.seconds > 1) out.notes.push_back(fmt::format("proving the rules given took {:.1f} s; `egret verify FILE --record` keeps the verdicts", out.seconds));
  return out;
}

}  // namespace egret
