#include "rules/lang/proofs.h"

#include <algorithm>
#include <filesystem>
#include <unordered_set>

#include <fmt/format.h>

#include "rules/lang/library.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr const char* kHead =
    "# verdict, hash (rules/lang/proofs.h), name, ranks, sizes, licence; made by `egret verify --record`; version {} of the verifier\n";
constexpr const char* kNothing = "nothing";  // stands for an empty field
constexpr const char* kNone = "none";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find(' ', at), line.size());
    if (end > at) out.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::optional<Verdict> verdict_named(std::string_view word) {
  for (Verdict v : {Verdict::kProved, Verdict::kRefuted, Verdict::kUnproved}) {
    if (word == to_string(v)) return v;
  }
  return std::nullopt;
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProved: return "proved";
    case Verdict::kRefuted: return "refuted";
    case Verdict::kUnproved: return "unproved";
  }
  return "?";
}

Result<Proofs> Proofs::read(std::string_view text, const std::string& file) {
  Proofs out;
  int line_number = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (line.empty() || line.starts_with('#')) continue;
    const auto words = words_of(line);
    auto wrong = [&](size_t word, const char* what) {
      const size_t column = word < words.size() ? static_cast<size_t>(words[word].data() - line.data()) : line.size();
      return input_error(what, "`egret verify --record` writes such a file: VERDICT HASH NAME RANKS SIZES LICENCE",
                         {file, line_number, static_cast<int>(column) + 1, {}});
    };
    if (words.size() != 6) return wrong(std::min<size_t>(words.size(), 6), "a recorded verdict has six words");
    const auto verdict = verdict_named(words[0]);
    if (!verdict) return wrong(0, "expected proved, refuted or unproved");
    if (words[1].size() != 32 || words[1].find_first_not_of("0123456789abcdef") != std::string_view::npos) {
      return wrong(1, "expected a hash of 32 hexadecimal digits");
    }
    RecordedProof proof{*verdict, std::string(words[2]), std::string(words[3]), words[4] == "any", std::string(words[5])};
    if (proof.ranks == kNone) proof.ranks.clear();
    if (proof.numerics == kNothing) proof.numerics.clear();
    if (!out.by_hash_.emplace(std::string(words[1]), std::move(proof)).second) return wrong(1, "the hash stands twice");
  }
  return out;
}

std::string Proofs::path_beside(const std::string& rule_file) {
  return std::filesystem::path(rule_file).replace_extension(".proofs").string();
}

Result<Proofs> Proofs::beside(const std::string& rule_file) {
  const std::string path = path_beside(rule_file);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Proofs();
  EGRET_TRY(const std::string text, read_file(path, uint64_t{4} << 20));
  return read(text, path);
}

const RecordedProof* Proofs::find(const Rule& rule) const {
  auto it = by_hash_.find(rule.proof_hash);
  return it == by_hash_.end() ? nullptr : &it->second;
}

bool Proofs::names(std::string_view written) const {
  return std::any_of(by_hash_.begin(), by_hash_.end(), [&](const auto& row) { return row.second.name == written; });
}

std::string Proofs::print(const std::vector<const Rule*>& written) const {
  std::string out = fmt::format(fmt::runtime(kHead), kVerifierVersion);
  for (const Rule* rule : written) {
    const RecordedProof* proof = find(*rule);
    if (!proof) continue;
    out += fmt::format("{} {} {} {} {} {}\n", to_string(proof->verdict), rule->proof_hash, rule->written, proof->ranks.empty() ? kNone : proof->ranks,
                       proof->any_size ? "any" : kNone, proof->numerics.empty() ? kNothing : proof->numerics);
  }
  return out;
}

const Proofs& library_proofs() {
  static const Proofs proofs = [] {
    for (const LibraryFile& file : library_files()) {
      if (!std::string_view(file.path).ends_with("PROOFS")) continue;
      auto read = Proofs::read(file.text, file.path);
      EGRET_CHECK(read.ok(), (read.ok() ? "" : read.error().to_string().c_str()));
      return *std::move(read);
    }
    return Proofs();
  }();
  return proofs;
}

const RecordedProof* recorded_of(const Rule& rule, const Proofs& own) {
  const RecordedProof* proof = own.find(rule);
  return proof ? proof : library_proofs().find(rule);
}

std::vector<const Rule*> rules_as_written(const RuleSet& set) {
  std::vector<const Rule*> out;
  std::unordered_set<std::string_view> seen;
  for (const Rule& rule : set.rules()) {
    if (seen.insert(rule.written).second) out.push_back(&rule);
  }
  return out;
}

void set_proof_hash(std::vector<Rule>::iterator first, std::vector<Rule>::iterator last) {
  std::string subject = fmt::format("verifier {}\n", kVerifierVersion);
  subject.reserve(subject.size() + first->text.size() + 1 + static_cast<size_t>(last - first) * first->hash.size());
  subject += first->text;
  subject += '\n';
  for (auto rule = first; rule != last; ++rule) subject += rule->hash;
  const std::string hash = digest(subject);
  for (auto rule = first; rule != last; ++rule) rule->proof_hash = hash;
}

}  // namespace egret::rules
