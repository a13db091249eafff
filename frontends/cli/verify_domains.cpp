#include "frontends/cli/verify_domains.h"

#include <fmt/format.h>

#include "rules/domains/decide.h"
#include "support/files.h"

namespace egret::cli {
namespace {

constexpr uint64_t kMaxRulesFile = uint64_t{64} << 20;

Result<std::vector<rules::DomainRule>> read_domain_rules(const std::vector<std::string>& files, const std::string& name) {
  std::vector<rules::DomainRule> out;
  for (const std::string& file : files) {
    EGRET_TRY(const std::string text, read_file(file, kMaxRulesFile));
    std::optional<rules::Domain> domain = rules::Domain::of_file(file);
    if (!name.empty()) {
      EGRET_TRY(domain, rules::Domain::parse(name));
    }
    if (!domain) return input_error(file + ": the file's name says no domain", "say which: --domain bool, bv32, int or rational");
    EGRET_TRY(auto read, rules::parse_domain_rules(text, file, *domain));
    out.insert(out.end(), std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
  }
  return out;
}

void print_domain_rows(bool markdown, const std::vector<const rules::DomainRule*>& rules, const std::vector<rules::Verification>& rows) {
  if (markdown) fmt::print("| rule | domain | verdict | left ==> right | note | seconds |\n| --- | --- | --- | --- | --- | --- |\n");
  for (size_t k = 0; k < rows.size(); ++k) {
    const rules::Verification& v = rows[k];
    const std::string more = v.counterexample + v.reason + v.note;
    if (markdown) {
      std::string text = rules[k]->text;
      for (size_t bar = text.find('|'); bar != std::string::npos; bar = text.find('|', bar + 2)) text.insert(bar, "\\");
      fmt::print("| {} | {} | {} | `{}` | {} | {:.4f} |\n", v.name, rules[k]->domain.to_string(), rules::to_string(v.verdict), text, more, v.seconds);
    } else {
      fmt::print("{:<24} {:<9} {:<9} {:>8.4f}  {}\n", v.name, rules[k]->domain.to_string(), rules::to_string(v.verdict), v.seconds, rules[k]->text);
      if (!more.empty()) fmt::print("    {}\n", more);
    }
  }
}

}  // namespace

bool is_domain_file(const std::string& file) {
  const auto text = read_file(file, kMaxRulesFile);
  return text.ok() && rules::looks_like_domain_rules(*text);
}

Status verify_domains(const std::vector<std::string>& files, const std::string& domain, bool markdown, const rules::VerifyOptions& options, Context& context) {
  for (const std::string& file : files) {
    if (!is_domain_file(file)) return input_error(file + " is a file of rules of tensors, others are of scalars (LEFT ==> RIGHT)", "verify the two kinds apart");
  }
  EGRET_TRY(const auto read, read_domain_rules(files, domain));
  EGRET_TRY(const auto rows, rules::verify_domain_rules(read, options));
  std::vector<const rules::DomainRule*> shown;
  for (const rules::DomainRule& r : read) {
    if (options.only.empty() || r.name == options.only) shown.push_back(&r);
  }
  Json list = Json::array();
  size_t proved = 0;
  for (size_t k = 0; k < rows.size(); ++k) {
    const rules::Verification& v = rows[k];
    proved += v.verdict == rules::Verdict::kProved;
    list.push_back({{"name", v.name}, {"kind", "algebra"}, {"on", false}, {"domain", shown[k]->domain.to_string()}, {"text", shown[k]->text},
                    {"verdict", rules::to_string(v.verdict)}, {"ranks", v.ranks}, {"any_size", v.any_size}, {"numerics", v.numerics},
                    {"recorded", false}, {"seconds", v.seconds}, {"counterexample", v.counterexample}, {"reason", v.reason}, {"guard", ""}, {"note", v.note}});
  }
  context.print(Json{{"rules", list}}, [&] {
    print_domain_rows(markdown, shown, rows);
    if (!markdown) fmt::print("{} of {} proved\n", proved, rows.size());
  });
  if (proved < rows.size()) context.exit_status = kNo;
  return {};
}

}  // namespace egret::cli
