// Mutants of the library through the verifier.
//
//   test_rules_mutants [COUNT] [KIND]     2500 is the whole; without arguments a sample.
//
// A mutant that is proved is run at many small sizes, on many inputs: what differs there is a false proof, and fails.  Of the
// others at least 97 % must be refuted, by values that differ when they are run.  Mutants without an instance at any small size
// (a side that never has a type, a guard that nothing meets), and those of which the verifier says that they claim nothing, are drawn
// and not counted.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

#include <fmt/format.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/lang/library.h"
#include "rules/mutate.h"
#include "rules/verify/prove/shapes.h"
#include "rules/verify/refute/refute.h"
#include "rules/verify/refute/walk.h"
#include "rules/verify/verify.h"

using namespace egret;
using namespace egret::rules;

namespace {

constexpr size_t kSample = 60;
constexpr double kRefuted = 0.97;

struct Judged {
  Mutant mutant;
  bool counts = false;
  Verdict verdict = Verdict::kUnproved;
  std::string false_proof, reason;
};

// What both sides give at many small sizes and inputs, where they differ.
std::string contradiction(const Rule& rule) {
  uint64_t seed = 1000;
  for (const Assignment& a : small_assignments(rule, 60)) {
    auto made = instance(rule, a);
    if (!made.ok() || !*made) continue;
    for (int k = 0; k < 20; ++k, ++seed) {
      if (auto found = differs_when_run(rule, **made, seed)) return *found;
      if (auto found = differs_at_special_values(rule, **made, seed)) return *found;
    }
  }
  std::string found = counterexample_near_examples(rule, 3'000).value_or("");
  // Where sizes that no example has give the right side another type, the engine quarantines the rule (docs/verifier.md).
  if (!found.empty() && found.find("does not hold there: the right side is") == std::string::npos) return found;
  found.clear();
  int shapes = 0;
  for_each_shape(rule, {.dtypes = ShapeDTypes::kOwn, .rank = 2, .group_axes = {}, .tries = 2'000}, [&](Shape& shape) {
    found = search_counterexample(rule, shape.instance.assignment, 150).value_or("");
    return found.empty() && ++shapes < 8;
  });
  return found;
}

void judge(Judged& j) {
  RuleSet set;
  if (!set.add_text("ruleset mutants\n\n" + j.mutant.text, "mutant").ok()) return;
  bool says = false;
  for (const Rule& rule : set.rules()) says |= !small_assignments(rule, 1).empty() || right_of_another_type(rule);
  if (!says) return;
  VerifyOptions options;
  options.timeout = 15;
  auto rows = verify(set, options);
  if (!rows.ok()) {
    j.reason = rows.error().message;
    return;
  }
  const auto says_nothing = [&](const char* why) { return rows->at(0).verdict == Verdict::kUnproved && rows->at(0).reason.find(why) != std::string::npos; };
  if (says_nothing("no shape satisfies its conditions") || says_nothing("both sides are one term")) return;
  j.counts = true;
  j.verdict = rows->at(0).verdict;
  j.reason = rows->at(0).reason + rows->at(0).counterexample;
  if (j.verdict != Verdict::kProved) return;
  for (const Rule& rule : set.rules()) {
    if (j.false_proof.empty() && !rule.name.ends_with("/rev")) j.false_proof = contradiction(rule);
  }
}

// Up to `share` of each kind, spread over the library; what a kind lacks falls to the others.
std::vector<Judged> drawn(size_t count, const std::string& only) {
  std::map<std::string, std::vector<Mutant>> by_kind;
  for (const LibraryFile& file : library_files()) {
    if (!std::string_view(file.path).ends_with(".rules")) continue;
    const auto parsed = read_rules(file.text, file.path);
    for (const RuleSyntax& rule : parsed->rules) {
      if (rule.kind != RuleKind::kAlgebra) continue;
      for (const std::string& kind : mutant_kinds()) {
        if (!only.empty() && kind != only) continue;
        for (Mutant& m : mutants_of(rule, kind)) {
          RuleSet set;
          if (set.add_text("ruleset mutants\n\n" + m.text, "mutant").ok()) by_kind[kind].push_back(std::move(m));
        }
      }
    }
  }
  std::vector<std::vector<Mutant>*> kinds;
  for (auto& [kind, all] : by_kind) kinds.push_back(&all);
  std::sort(kinds.begin(), kinds.end(), [](auto* a, auto* b) { return a->size() < b->size(); });
  std::vector<Judged> out;
  for (size_t k = 0; k < kinds.size(); ++k) {
    const size_t share = (count - std::min(count, out.size())) / (kinds.size() - k);
    const size_t take = std::min(kinds[k]->size(), share);
    for (size_t i = 0; i < take; ++i) {
      Judged& j = out.emplace_back();
      j.mutant = (*kinds[k])[(2 * i + 1) * kinds[k]->size() / (2 * take)];
    }
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : kSample;
  std::vector<Judged> all = drawn(count, argc > 2 ? argv[2] : "");
  tbb::task_arena arena(2);
  arena.execute([&] { tbb::parallel_for(size_t{0}, all.size(), [&](size_t i) { judge(all[i]); }); });

  struct Row {
    size_t drawn = 0, counted = 0, proved = 0, refuted = 0, unproved = 0;
  };
  std::map<std::string, Row> table;
  Row sum;
  size_t false_proofs = 0;
  for (const Judged& j : all) {
    if (!j.counts && j.reason.find("Z3") != std::string::npos) {
      std::puts("SKIPPED: Z3 is off in this build");
      return 0;
    }
    for (Row* r : {&table[j.mutant.kind], &sum}) {
      ++r->drawn;
      r->counted += j.counts;
      r->proved += j.counts && j.verdict == Verdict::kProved;
      r->refuted += j.counts && j.verdict == Verdict::kRefuted;
      r->unproved += j.counts && j.verdict == Verdict::kUnproved;
    }
    if (!j.false_proof.empty()) {
      ++false_proofs;
      fmt::print("FALSE PROOF ({}): {}  {}\n", j.mutant.kind, j.mutant.text, j.false_proof);
    }
    if (j.counts && j.verdict == Verdict::kUnproved) fmt::print("unproved ({}): {}  {}\n", j.mutant.kind, j.mutant.text, j.reason);
  }
  fmt::print("{:<24} {:>6} {:>6} {:>7} {:>8} {:>9}\n", "kind", "drawn", "count", "proved", "refuted", "unproved");
  table["all"] = sum;
  for (const auto& [kind, r] : table) fmt::print("{:<24} {:>6} {:>6} {:>7} {:>8} {:>9}\n", kind, r.drawn, r.counted, r.proved, r.refuted, r.unproved);
  // Of a small sample one may stay open, whatever share that is.
  const bool enough = sum.unproved <= 1 || static_cast<double>(sum.refuted) >= kRefuted * static_cast<double>(sum.counted - sum.proved);
  if (!enough) fmt::print("fewer than {} % of what is not proved is refuted\n", kRefuted * 100);
  return false_proofs == 0 && enough && sum.counted > 0 ? 0 : 1;
}
