#include "rules/verify/licence.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "rules/verify/refute/refute.h"

namespace egret::rules {
namespace {

using Words = std::set<std::string>;

constexpr size_t kInstances = 6;  // run to see what does not hold
constexpr uint64_t kRuns = 8;     // of each
constexpr const char* kPartsOfField[] = {"reassoc", "contract", "arcp", "nsz"};
// In the order in which they are taken away: what gives most first.
constexpr const char* kRemovable[] = {"reassoc", "arcp", "contract", "ninf", "nnan", "nsz"};

Laws laws_of(const Words& words) { return Laws::of({words.begin(), words.end()}); }

bool over_the_reals(const Words& words) {
  return words.contains("field") || words.contains("cancel") || words.contains("range") || words.contains("afn");
}

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : ",") + w;
  return out.empty() ? "nothing" : out;
}

class Search {
 public:
  Search(const Rule& rule, const Deciders& deciders, double seconds) : rule_(rule), deciders_(deciders), seconds_(seconds) {}

  double left() const { return seconds_ - clock_.seconds(); }
  SymbolicProof prove(const Words& words, ProofRanks ranks, Needs* needs = nullptr) {
    return prove_for_all_sizes(rule_, laws_of(words), deciders_, left(), ranks, needs);
  }
  bool holds(const Words& words) {
    // Where nothing may be rounded otherwise, running both sides shows most of what is not so.
    const bool exact = !over_the_reals(words) && !words.contains("reassoc") && !words.contains("arcp") && !words.contains("contract");
    return !(exact && differs(words)) && prove(words, ProofRanks::kSketch).proved;
  }

  // Instances that the rule has at small sizes.
  const std::vector<RuleInstance>& instances() {
    if (instances_.empty()) {
      for (const Assignment& a : small_assignments(rule_, kInstances)) {
        auto made = instance(rule_, a);
        if (made.ok() && *made) instances_.push_back(std::move(**made));
      }
    }
    return instances_;
  }

  bool differs(const Words& words) {
    const Licence licence{{words.begin(), words.end()}};
    uint64_t seed = 1;
    for (const RuleInstance& i : instances()) {
      for (uint64_t k = 0; k < kRuns; ++k) {
        if (differs_bit_for_bit(i, licence, seed++, k > 0 && i.hypotheses.empty())) return true;
      }
    }
    return false;
  }

  // None of the words that are left can go.
  Words shrunk(Words words) {
    // Without reassociation IEEE arithmetic itself is asked, so these two go together where they can.
    Words plain = words;
    plain.erase("reassoc");
    plain.erase("arcp");
    plain.erase("contract");
    if (plain != words && holds(plain)) words = std::move(plain);
    for (const char* w : kRemovable) {
      if (!words.erase(w)) continue;
      if (!holds(words)) words.insert(w);
    }
    return words;
  }

  // Words without `field` that prove the rule, if any do.
  std::optional<Words> without_field(const Words& declared) {
    Words words(std::begin(kPartsOfField), std::end(kPartsOfField));
    for (const char* w : {"nnan", "ninf"}) {
      if (declared.contains(w)) words.insert(w);
    }
    if (holds(words)) return shrunk(words);
    for (const char* w : {"reassoc", "arcp", "contract"}) words.erase(w);
    return holds(words) ? std::optional(shrunk(words)) : std::nullopt;
  }

 private:
  const Rule& rule_;
  const Deciders& deciders_;
  double seconds_;
  WorkClock clock_;
  std::vector<RuleInstance> instances_;
};

}  // namespace

ComputedLicence compute_licence(const Rule& rule, const Deciders& deciders, double seconds, ProofRanks ranks) {
  ComputedLicence out;
  Search search(rule, deciders, seconds);
  Words declared(rule.needs.words.begin(), rule.needs.words.end());
  std::set<std::string> narrows;
  std::erase_if(declared, [&](const std::string& w) { return w.starts_with("narrow(") && narrows.insert(w).second; });
  Needs needs;
  const bool reals = over_the_reals(declared);
  out.proof = search.prove(declared, declared.empty() ? ranks : ProofRanks::kSketch, declared.empty() ? nullptr : &needs);
  if (!out.proof.proved) return out;
  Words words = declared;
  auto need = [&](const char* word, const std::string& why) {
    words.insert(word);
    if (declared.contains(word)) return;
    out.missing += fmt::format("{}needs {}: {}", out.missing.empty() ? "" : "; ", word, why);
  };
  if (reals) {
    const auto plain = search.without_field(declared);
    words = plain ? *plain : Words{"field"};
    if (!plain && !needs.range.empty()) need("range", needs.range);
  } else if (!declared.empty()) {
    words = search.shrunk(declared);
  }
  // Masks are -inf: a rule through max or exp holds with them, too.
  for (uint32_t input : needs.masks) {
    if (!words.contains("field") || words.contains("ninf")) break;
    for (const RuleInstance& i : search.instances()) {
      for (uint64_t seed = 0; seed < kRuns && !words.contains("ninf"); ++seed) {
        if (auto found = differs_when_masked(i, input, seed)) need("ninf", "with -inf as in a mask: " + *found);
      }
    }
  }
  // A sum in another order may be one that subtracts: what it rounds is told over the reals.
  if (words.contains("reassoc") && !reals) search.prove({"field"}, ProofRanks::kSketch, &needs);
  const bool sums = words.contains("field") || words.contains("reassoc");
  if (sums && !needs.cancel.empty()) need("cancel", needs.cancel);
  // Where special values were not looked at, a term that is dropped takes its own with it.
  const bool algebra = words.contains("field") || words.contains("reassoc") || words.contains("arcp");
  for (const char* word : {"nnan", "ninf"}) {
    if (algebra && !needs.drop.empty()) need(word, needs.drop);
  }
  if (!declared.empty()) {
    out.proof = search.prove(words, ranks);
    if (!out.proof.proved || (!out.proof.ranks.any && words != declared)) {
      // More words may reach more ranks.
      SymbolicProof other = search.prove(declared, ranks);
      const bool further = other.proved && (!out.proof.proved || other.ranks.any || other.ranks.up_to > out.proof.ranks.up_to);
      if (further) {
        out.proof = std::move(other);
        words = declared;
      }
    }
  }
  words.insert(narrows.begin(), narrows.end());
  out.words.assign(words.begin(), words.end());
  return out;
}

std::string sufficient_words(const Rule& rule, const Deciders& deciders, double seconds) {
  Search search(rule, deciders, seconds);
  const Words declared(rule.needs.words.begin(), rule.needs.words.end());
  for (const std::vector<const char*>& more : std::vector<std::vector<const char*>>{
           {"nsz"}, {"nnan"}, {"nnan", "ninf"}, {"nnan", "ninf", "nsz"}, {"contract"}, {"arcp"}, {"reassoc"}, {"reassoc", "nsz"}, {"field"}}) {
    Words words = declared;
    words.insert(more.begin(), more.end());
    if (words != declared && search.left() > 0 && search.holds(words)) return joined(words);
  }
  return {};
}

}  // namespace egret::rules
