#include "rules/verify/verify.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/lang/syntax.h"
#include "rules/verify/licence.h"
#include "rules/verify/refute/refute.h"
#include "rules/verify/refute/walk.h"
#include "support/module.h"

namespace egret::rules {

namespace {

constexpr uint64_t kSpecialRuns = 12;  // an instance
constexpr uint64_t kRunsOfDTypes = 4;  // a choice of dtypes
constexpr size_t kLossInstances = 4;
constexpr uint64_t kLossRuns = 1'500;  // of each
constexpr size_t kDraws = 600;  // of small sizes for a shape that was not proved
constexpr size_t kSteps = 16'000;  // from the examples of a rule that was not proved

class RuleVerifier {
 public:
  RuleVerifier(const Deciders& deciders, const VerifyOptions& options) : deciders_(deciders), options_(options) {}

  Verification verify(const std::vector<const Rule*>& expansions) {
    const Rule& first = *expansions[0];
    out_.name = first.written;
    out_.kind = first.kind;
    out_.on = first.on;
    out_.numerics = first.needs.to_string();
    if (first.kind == RuleKind::kFusion) {
      // A kernel's meaning is its body with the ports' terms put in: absorbing changes no term (design decision 6).
      out_.verdict = Verdict::kProved;
      out_.ranks = "any";
      out_.any_size = true;
      return out_;
    }
    if (options_.stopped()) {
      out_.tried = false;
      out_.reason = kStopped;
      return out_;
    }
    decide(expansions);
    out_.seconds = clock_.seconds();
    if (options_.stopped() && out_.verdict == Verdict::kUnproved) {
      out_.tried = false;
      out_.reason = kStopped;
    }
    return out_;
  }

 private:
  void decide(const std::vector<const Rule*>& expansions) {
    for (const Equation& e : equations_of(*expansions[0]->syntax)) {
      if (print_term(*e.left) != print_term(*e.right)) continue;
      out_.reason = "both sides are one term: the rule says nothing";
      return;
    }
    std::string unproved, missing;
    Ranks ranks;
    std::set<std::string> words;
    for (size_t k = 0; k < expansions.size() && unproved.empty(); ++k) {
      const Rule& rule = *expansions[k];
      if (auto other = right_of_another_type(rule)) {
        out_.verdict = Verdict::kRefuted;
        out_.counterexample = *other;
        return;
      }
      if (disagrees(rule)) return;
      // The operators of one class are defined alike: ranks are tried on the first.
      const ComputedLicence found = compute_licence(rule, deciders_, left(), k == 0 ? ProofRanks::kAll : ProofRanks::kFirst);
      if (!found.proof.proved) {
        unproved = fmt::format("{}: {}", rule.name, found.proof.reason);
        refute(rule, found.proof);
      }
      if (k == 0) ranks = found.proof.ranks;
      if (missing.empty()) missing = found.missing;
      words.insert(found.words.begin(), found.words.end());
    }
    if (!unproved.empty()) {
      const std::string enough = first_words(*expansions[0]);
      if (!enough.empty()) out_.note = "it holds with `needs " + enough + "`";
      if (out_.verdict != Verdict::kRefuted) out_.reason = unproved;
      return;
    }
    if (words.contains("field")) {
      for (const char* w : {"reassoc", "contract", "arcp", "nsz"}) words.erase(w);
    }
    out_.numerics = Licence{{words.begin(), words.end()}}.to_string();
    if (!missing.empty()) {
      out_.reason = missing;
      for (const Rule* rule : expansions) {
        if (auto found = shows_loss(*rule)) {
          out_.verdict = Verdict::kRefuted;
          out_.counterexample = *found;
          out_.note = std::move(out_.reason);
          out_.reason.clear();
          return;
        }
      }
      return;
    }
    out_.verdict = Verdict::kProved;
    out_.any_size = true;
    out_.ranks = ranks.to_string();
    const std::string declared = expansions[0]->needs.to_string();
    if (declared != out_.numerics) {
      out_.note = fmt::format("declares {} and needs {}", declared, out_.numerics.empty() ? "nothing" : out_.numerics);
    }
  }

  // What would be enough of a rule that is not proved under what it declares.
  std::string first_words(const Rule& rule) const {
    const std::string found = sufficient_words(rule, deciders_, std::min(left(), 2.0));
    if (found.empty()) return found;
    // They were tried at the first ranks alone.
    std::vector<std::string> words;
    for (size_t from = 0, to = 0; to != std::string::npos; from = to + 1) {
      to = found.find(',', from);
      words.push_back(found.substr(from, to - from));
    }
    const bool holds = prove_for_all_sizes(rule, Laws::of(words), deciders_, std::min(left(), 2.0), ProofRanks::kAll).proved;
    return holds ? found : std::string();
  }

  // A run at which a rule that lacks `cancel` or `range` loses what the left side has.
  static std::optional<std::string> shows_loss(const Rule& rule) {
    for (const Assignment& a : small_assignments(rule, kLossInstances)) {
      auto made = instance(rule, a);
      for (uint64_t seed = 0; made.ok() && *made && seed < kLossRuns; ++seed) {
        if (auto found = loses_digits(**made, seed)) return found;
      }
    }
    return std::nullopt;
  }

  double left() const { return options_.stopped() ? 0 : options_.timeout - clock_.seconds(); }

  // What the engine builds at small sizes and several ranks is run: a proof is about the same terms.
  bool disagrees(const Rule& rule) {
    uint64_t seed = 1;
    for (const Assignment& a : small_assignments(rule, options_.assignments)) {
      auto made = instance(rule, a);
      if (!made.ok() || !*made) continue;
      auto found = differs_when_run(rule, **made, seed++);
      for (uint64_t k = 0; k < kSpecialRuns && !found; ++k) found = differs_at_special_values(rule, **made, seed * 64 + k);
      if (found) {
        out_.verdict = Verdict::kRefuted;
        out_.counterexample = *found;
        return true;
      }
    }
    const auto& typed = dtype_assignments(rule);
    for (size_t k = 0; typed && k < typed->size(); ++k) {
      auto made = instance(rule, (*typed)[k]);
      if (!made.ok() || !*made) continue;
      auto found = differs_when_run(rule, **made, seed++);
      for (uint64_t s = 0; s < kRunsOfDTypes && !found; ++s) found = differs_at_special_values(rule, **made, seed * 64 + s);
      if (found) {
        out_.verdict = Verdict::kRefuted;
        out_.counterexample = *found;
        return true;
      }
    }
    return false;
  }

  void refute(const Rule& rule, const SymbolicProof& proof) {
    auto found = proof.failed ? counterexample_at(rule, *proof.failed, proof.models) : std::nullopt;
    if (!found && proof.failed) found = search_counterexample(rule, *proof.failed, kDraws);
    if (!found) found = counterexample_near_examples(rule, kSteps);
    if (found) {
      out_.verdict = Verdict::kRefuted;
      out_.counterexample = *found;
      return;
    }
    for (const Assignment& a : small_assignments(rule, options_.assignments)) {
      if (left() <= 0) return;
      auto made = instance(rule, a);
      if (!made.ok() || !*made) continue;
      const SmallAnswer answer = decide_small(rule, **made, deciders_.scalars, std::min(left(), 2.0));
      if (answer.kind != SmallAnswer::Kind::kRefuted) continue;
      out_.verdict = Verdict::kRefuted;
      out_.counterexample = answer.text;
      return;
    }
  }

  Deciders deciders_;
  const VerifyOptions& options_;
  WorkClock clock_;
  Verification out_;
};

}  // namespace

Result<std::vector<Verification>> verify(const RuleSet& rules, const VerifyOptions& options) {
  EGRET_TRY(void* scalars, open_module_symbol("egret_z3", "egret_z3_decide"));
  EGRET_TRY(void* integers, open_module_symbol("egret_z3", "egret_z3_integers"));
  const Deciders deciders{reinterpret_cast<DecideIntegers>(integers), reinterpret_cast<DecideEquality>(scalars)};
  std::vector<std::vector<const Rule*>> written;
  std::map<std::string, size_t> number;
  for (const Rule& rule : rules.rules()) {
    if (!options.only.empty() && rule.written != options.only && rule.name != options.only) continue;
    auto [it, fresh] = number.try_emplace(rule.written, written.size());
    if (fresh) written.emplace_back();
    // The other direction of `<=>` is the same equation, but for what each side needs to be typed.
    if (!rule.name.ends_with("/rev") || written[it->second].empty()) written[it->second].push_back(&rule);
  }
  if (written.empty() && !options.only.empty()) return input_error("no rule is named " + options.only, "`egret rules` lists them");
  std::vector<Verification> out(written.size());
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<size_t>(0, written.size(), 1), [&](const auto& range) {
      for (size_t i = range.begin(); i != range.end(); ++i) out[i] = RuleVerifier(deciders, options).verify(written[i]);
    }, tbb::simple_partitioner());
  });
  return out;
}

}  // namespace egret::rules
