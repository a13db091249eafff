#include "rules/verify/certificates.h"

#include <filesystem>
#include <mutex>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/verify/prove/proof_log.h"
#include "rules/verify/prove/symbolic.h"
#include "support/files.h"
#include "support/json_text.h"
#include "support/module.h"
#include "support/sha256.h"

namespace egret::rules {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> out;
  for (size_t from = 0; from < text.size();) {
    const size_t to = std::min(text.find(',', from), text.size());
    out.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

// A rule's name as a file's: what no file name holds is a `_`.
std::string file_name(const std::string& rule) {
  std::string out = rule;
  for (char& c : out) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
  }
  return out;
}

struct Certificate {
  std::string text;
  bool open = false;  // of a rule that is not proved: the shape at which its proof stops
  size_t shapes = 0;
  std::map<std::string, std::string> obligations;
};

std::optional<Certificate> certificate_of(const std::vector<const Rule*>& expansions, const Verification& row, const Deciders& deciders, double seconds) {
  const WorkClock clock;
  const bool proved = row.verdict == Verdict::kProved;
  const std::vector<std::string> words = proved ? words_of(row.numerics) : expansions[0]->needs.words;
  Certificate out;
  std::string rules;
  for (size_t k = 0; k < expansions.size(); ++k) {
    std::set<std::string> seen;  // a proof that goes to more ranks goes through the first ones again
    std::string shapes;
    const ShapeSteps steps = [&](const std::string& text, const std::map<std::string, std::string>& obligations, bool open) {
      if (open == proved || !seen.insert(sha256(text)).second) return;
      shapes += (shapes.empty() ? "" : ",\n") + text;
      ++out.shapes;
      out.obligations.insert(obligations.begin(), obligations.end());
    };
    const ProofRanks ranks = k == 0 ? ProofRanks::kAll : ProofRanks::kFirst;
    const bool holds = prove_for_all_sizes(*expansions[k], Laws::of(words), deciders, seconds - clock.seconds(), ranks, nullptr, steps).proved;
    if (proved && !holds) return std::nullopt;
    if (!proved && shapes.empty()) continue;
    out.open = !proved;
    rules += fmt::format("{}{{\"name\":{},\"shapes\":[\n{}]}}", rules.empty() ? "" : ",\n", json_string(expansions[k]->name), shapes);
  }
  out.text = fmt::format("{{\"egret-rule-certificate\":1,\"rule\":{},\"text\":{},\"proof_hash\":{},\"ranks\":{},\"numerics\":{},\"expansions\":[\n{}]}}\n",
                         json_string(row.name), json_string(expansions[0]->text), json_string(expansions[0]->proof_hash), json_string(row.ranks), json_string(row.numerics), rules);
  return out;
}

}  // namespace

Result<CertificateCount> write_certificates(const RuleSet& rules, const std::vector<Verification>& rows, const VerifyOptions& options, const std::string& folder) {
  EGRET_TRY(void* scalars, open_module_symbol("egret_z3", "egret_z3_decide"));
  EGRET_TRY(void* integers, open_module_symbol("egret_z3", "egret_z3_integers"));
  const Deciders deciders{reinterpret_cast<DecideIntegers>(integers), reinterpret_cast<DecideEquality>(scalars)};
  namespace fs = std::filesystem;
  std::error_code error;
  fs::create_directories(fs::path(folder) / "obligations", error);
  if (error) return io_error(fmt::format("cannot make {}/obligations: {}", folder, error.message()), "name a folder that can be made");
  std::vector<const Verification*> wanted;
  for (const Verification& v : rows) {
    if (v.verdict != Verdict::kRefuted && v.kind == RuleKind::kAlgebra) wanted.push_back(&v);
  }
  CertificateCount out;
  std::set<std::string> written;
  std::optional<Error> failed;
  std::mutex lock;
  const auto one = [&](const Verification& row) -> Status {
    std::vector<const Rule*> expansions;
    for (const Rule& r : rules.rules()) {
      if (r.written == row.name && (!r.name.ends_with("/rev") || expansions.empty())) expansions.push_back(&r);
    }
    const auto made = certificate_of(expansions, row, deciders, options.timeout * 4);
    const std::scoped_lock guard(lock);
    if (!made || (row.verdict != Verdict::kProved && !made->open)) {
      if (row.verdict == Verdict::kProved) out.missing.push_back(row.name);
      return {};
    }
    for (const auto& [hash, smt] : made->obligations) {
      if (written.insert(hash).second) EGRET_TRY_VOID(write_file(folder + "/obligations/" + hash + ".smt2", smt));
    }
    if (made->open) {
      ++out.open;
      fs::create_directories(fs::path(folder) / "open", error);
      return write_file(folder + "/open/" + file_name(row.name) + ".json", made->text);
    }
    ++out.rules;
    out.shapes += made->shapes;
    return write_file(folder + "/" + file_name(row.name) + ".json", made->text);
  };
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<size_t>(0, wanted.size(), 1), [&](const auto& range) {
      for (size_t i = range.begin(); i != range.end(); ++i) {
        auto status = one(*wanted[i]);
        const std::scoped_lock guard(lock);
        if (!status.ok() && !failed) failed = status.take_error();
      }
    }, tbb::simple_partitioner());
  });
  if (failed) return *failed;
  out.obligations = written.size();
  std::sort(out.missing.begin(), out.missing.end());
  return out;
}

}  // namespace egret::rules
