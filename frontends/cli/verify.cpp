#include "rules/verify/verify.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "frontends/cli/cli.h"
#include "frontends/cli/verify_domains.h"
#include "rules/lang/syntax.h"
#include "rules/verify/certificates.h"
#include "rules/verify/guard/guard.h"
#include "rules/verify/recorded.h"
#include "support/files.h"
#include "support/hint.h"

namespace egret::cli {
namespace {

constexpr const char* kBeside = "beside";  // of --record: where the rules lie

struct Arguments {
  std::vector<std::string> files;
  double timeout = 10;
  std::string only, record, domain, certificates;
  bool markdown = false, fresh = false, infer = false;
  int threads = 0;
};

// The guard of a rule: its own condition, or the one that was found.
std::string guard_of(const rules::RuleSet& set, const rules::Verification& v) {
  std::string own;
  for (const rules::Rule& rule : set.rules()) {
    if (rule.written != v.name) continue;
    for (const rules::Term& t : rule.syntax->where) own += (own.empty() ? "" : ", ") + rules::print_term(t);
    break;
  }
  const std::string found = v.guard.empty() ? "" : fmt::format("found: `{}`", v.guard);
  return own.empty() ? found : fmt::format("`{}`{}", own, found.empty() ? "" : "; " + found);
}

void print_markdown(const rules::RuleSet& set, const std::vector<rules::Verification>& rows) {
  fmt::print("| rule | verdict | ranks | licence | guard | seconds |\n| --- | --- | --- | --- | --- | --- |\n");
  for (const auto& v : rows) {
    fmt::print("| {} | {} | {} | {} | {} | {:.3f} |\n", v.name, rules::to_string(v.verdict), v.ranks + (v.any_size ? ", any size" : ""),
               v.numerics.empty() ? "nothing" : v.numerics, guard_of(set, v), v.seconds);
  }
}

void print_rows(const std::vector<rules::Verification>& rows) {
  for (const auto& v : rows) {
    fmt::print("{:<36} {:<9} {:<22} {:<28} {:>8.3f}\n", v.name, rules::to_string(v.verdict), v.ranks + (v.any_size ? ", any size" : ""),
               v.numerics.empty() ? "nothing" : v.numerics, v.seconds);
    if (!v.counterexample.empty()) fmt::print("    {}\n", v.counterexample);
    if (!v.guard.empty()) fmt::print("    proved where {}\n", v.guard);
    if (!v.reason.empty()) fmt::print("    {}\n", v.reason);
    if (!v.note.empty()) fmt::print("    note: {}\n", v.note);
  }
}

// Where the record of a run lies: the file asked for, or one beside each file of rules.
Result<rules::Proofs> records_of(const std::vector<std::string>& files) {
  rules::Proofs all;
  for (const std::string& file : files) {
    EGRET_TRY(const rules::Proofs beside, rules::Proofs::beside(file));
    all.merge(beside);
  }
  return all;
}

Status write_records(const Arguments& a, const rules::RuleSet& set, const rules::Proofs& record) {
  if (a.record != kBeside) return write_file(a.record, record.print(rules::rules_as_written(set)));
  for (const std::string& file : a.files) {
    std::vector<const rules::Rule*> own;
    for (const rules::Rule* rule : rules::rules_as_written(set)) {
      if (rule->file == file) own.push_back(rule);
    }
    EGRET_TRY_VOID(write_file(rules::Proofs::path_beside(file), record.print(own)));
  }
  return {};
}

Status verify_command(const Arguments& a, Context& context) {
  if (!(a.timeout > 0)) return input_error("--timeout must be a positive number of seconds");
  rules::VerifyOptions options;
  options.timeout = a.timeout;
  options.only = a.only;
  options.stop = &process_stop_token();
  options.threads = a.threads > 0 ? a.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (!a.domain.empty() || std::any_of(a.files.begin(), a.files.end(), is_domain_file)) {
    if (!a.record.empty() || a.infer || !a.certificates.empty()) return input_error("--record, --infer and --certificates are for rules of tensors", "scalar rules are decided anew each time, in milliseconds");
    return verify_domains(a.files, a.domain, a.markdown, options, context);
  }
  rules::RuleSet set(options.threads);
  if (a.files.empty()) EGRET_TRY_VOID(set.add_library());
  for (const std::string& file : a.files) EGRET_TRY_VOID(or_hint(set.add_file(file), "docs/rules.md has the grammar, rules/library/ many examples"));
  if (!a.files.empty()) {  // the library's are tested
    for (const rules::Rule& r : set.rules()) {
      const bool asked = a.only.empty() || r.written == a.only || r.name == a.only;
      if (asked && r.kind == rules::RuleKind::kAlgebra) EGRET_TRY_VOID(rules::check_examples(r));
    }
  }
  if (a.record.ends_with(".rules")) return input_error("--record would overwrite a file of rules: " + a.record, "give the rules first: egret verify FILE.rules --record");
  if (a.record == kBeside && a.files.empty()) return input_error("--record needs a file where no rules are given", "egret verify --record rules/library/PROOFS");
  EGRET_TRY(const rules::Proofs recorded, records_of(a.files));
  EGRET_TRY(auto rows, a.fresh ? rules::verify(set, options) : rules::verify_changed(set, options, recorded));
  if (a.infer && !options.stopped()) EGRET_TRY_VOID(rules::infer_guards(set, rows, options));
  rules::CertificateCount certified;
  if (!a.certificates.empty() && options.stopped()) fmt::print(stderr, "egret: note: stopped before certificates were written\n");
  if (!a.certificates.empty() && !options.stopped()) {
    EGRET_TRY(certified, rules::write_certificates(set, rows, options, a.certificates));
    for (const std::string& name : certified.missing) fmt::print(stderr, "egret: note: no certificate of {}: its proof was not found again within the time\n", name);
  }
  if (!a.record.empty()) EGRET_TRY_VOID(write_records(a, set, rules::record_of(set, rows, recorded)));
  Json list = Json::array();
  size_t proved = 0;
  for (const auto& v : rows) {
    proved += v.verdict == rules::Verdict::kProved;
    list.push_back({{"name", v.name}, {"kind", v.kind == rules::RuleKind::kFusion ? "fusion" : "algebra"}, {"on", v.on},
                    {"verdict", rules::to_string(v.verdict)}, {"ranks", v.ranks}, {"any_size", v.any_size},
                    {"numerics", v.numerics}, {"recorded", v.recorded}, {"seconds", v.seconds}, {"counterexample", v.counterexample},
                    {"reason", v.reason}, {"guard", v.guard}, {"note", v.note}});
  }
  Json object{{"rules", list}};
  if (!a.certificates.empty()) object["certificates"] = {{"rules", certified.rules}, {"shapes", certified.shapes}, {"obligations", certified.obligations}, {"open", certified.open}, {"missing", certified.missing}};
  context.print(object, [&] {
    if (a.markdown) return print_markdown(set, rows);
    print_rows(rows);
    fmt::print("{} of {} proved\n", proved, rows.size());
    if (!a.certificates.empty()) {
      fmt::print("{}: certificates of {} rules, {} shapes, {} obligations\n", a.certificates, certified.rules, certified.shapes, certified.obligations);
      if (certified.open > 0) fmt::print("{}/open: where the proofs of {} unproved rules stop\n", a.certificates, certified.open);
    }
  });
  if (proved < rows.size()) context.exit_status = kNo;
  return {};
}

}  // namespace

void add_verify(CLI::App& app, Context& context) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = app.add_subcommand("verify", "prove rules with Z3, or find a counterexample");
  c->add_option("rules", a->files, "rule files; the library where none is given");
  c->add_option("--timeout", a->timeout, "seconds a rule")->capture_default_str();
  c->add_option("--only", a->only, "one rule by name");
  c->add_option("--domain", a->domain, "of files of scalar rules, LEFT ==> RIGHT a line: bool, bv32, int or rational; the file's name where nothing is said");
  c->add_flag("--fresh", a->fresh, "prove everything: take no verdict from a record");
  c->add_option("--record", a->record, "write the verdicts to FILE (rules/library/PROOFS); beside each file of rules (mine.proofs) where none is said")->expected(0, 1)->default_str(kBeside);
  c->add_option("--certificates", a->certificates, "write to DIR a certificate of each rule that is proved (docs/rule_certificates.md)");
  c->add_flag("--infer", a->infer, "for what is refuted: the weakest guard of a grammar under which it is proved");
  c->add_flag("--markdown", a->markdown, "print a table");
  c->add_option("--threads", a->threads, "threads; 0: all cores")->capture_default_str();
  c->callback([a, &context] {
    if (auto status = verify_command(*a, context); !status.ok()) context.fail(status.error());
  });
}

}  // namespace egret::cli
