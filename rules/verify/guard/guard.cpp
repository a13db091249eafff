#include "rules/verify/guard/guard.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <set>

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/lang/assign.h"
#include "rules/lang/other_type.h"
#include "rules/verify/prove/prover.h"
#include "rules/verify/prove/shapes.h"
#include "rules/verify/refute/refute.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr size_t kDraws = 384, kMostAtoms = 3, kExpansions = 3, kShapes = 240, kTried = 10, kCovers = 4'000;
using Draws = std::bitset<kDraws>;

// Small numbers for the names of a shape; few different ones in a draw, so that equalities are met.
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : seed_(seed) {
    for (int64_t& v : pool_) v = static_cast<int64_t>(next() % 5) - 1;
  }
  int64_t size() { return next() % 3 == 0 ? 1 + static_cast<int64_t>(next() % 3) : std::max<int64_t>(0, pool_[next() % 3]); }

  // The elements of one list: often all the same.
  void fill(std::vector<Dim>& list) {
    const bool same = next() % 5 < 3;
    const int64_t value = next() % 2 ? static_cast<int64_t>(next() % 2) : pool_[next() % 3];
    for (Dim& d : list) {
      if (!d.is_const()) d = of(d, same ? value : pool_[next() % 3]);
    }
  }
  Dim one(Dim d) { return d.is_const() ? d : of(d, pool_[next() % 3]); }

 private:
  // A number is `~above` or `~below` the value that its definition gives it, else free.
  Dim of(Dim d, int64_t value) {
    const std::string name = d.to_string();
    if (name.find("~above") != std::string::npos) return d.low() + std::abs(value);
    if (name.find("~below") != std::string::npos) return d.high() - std::abs(value);
    return name.find('#') != std::string::npos ? std::max<int64_t>(0, value) : value;
  }
  uint64_t next() { return mix(seed_ += 0x9e3779b97f4a7c15ULL) >> 7; }
  uint64_t seed_;
  int64_t pool_[3];
};

Assignment drawn(const Assignment& shape, uint64_t seed) {
  Numbers numbers(seed);
  Assignment a = shape;
  a.symbolic = false;
  for (auto& [name, sizes] : a.groups) {
    for (int64_t& s : sizes) s = numbers.size();
  }
  const std::vector<Dim>* model = nullptr;
  for (auto& [name, type] : a.types) {
    for (Dim& d : type.dims) d = numbers.size();
    // Tensors of one rank mostly have equal sizes, or there is no instance.
    if (model && model->size() == type.dims.size() && seed % 4 != 0) type.dims = *model;
    model = &type.dims;
  }
  for (auto& [name, value] : a.values) {
    if (auto* d = std::get_if<Dim>(&value)) *d = numbers.one(*d);
    if (auto* list = std::get_if<std::vector<Dim>>(&value)) numbers.fill(*list);
  }
  return a;
}

// A rule with further conditions, as a set of its expansions.
RuleSet with_guard(const Rule& rule, const RuleSyntax& written, const std::vector<const Atom*>& atoms) {
  RuleSyntax syntax = written;
  for (const Atom* a : atoms) syntax.where.push_back(a->term);
  RuleSet set;
  const Status added = set.add_text("ruleset guard\n\n" + print_rule(syntax), rule.file);
  if (!added.ok()) return RuleSet();
  return set;
}

class Inference {
 public:
  Inference(const std::vector<const Rule*>& expansions, RuleSyntax written, const VerifyOptions& options)
      : expansions_(expansions), written_(std::move(written)), options_(options) {
    options_.only.clear();
    options_.threads = 1;
  }

  Result<std::optional<InferredGuard>> run() {
    draw();
    if (wrong_.any()) {
      judge_atoms();
      for (const auto& cover : covers()) {
        EGRET_TRY(auto found, proved(cover));
        if (found) return found;
      }
    } else {  // false only where no draw went: integers that wrap
      for (const Atom& a : shape_atoms(*expansions_[0])) {
        if (!a.of_dtypes) continue;
        EGRET_TRY(auto found, proved({&a}));
        if (found) return found;
      }
    }
    for (const Atom& a : element_atoms(*expansions_[0])) {
      EGRET_TRY(auto found, proved({&a}));
      if (found) return found;
    }
    return std::optional<InferredGuard>();
  }

 private:
  struct Drawn {
    const Rule* rule = nullptr;
    Assignment assignment;
  };

  void draw() {
    const size_t rules = std::min(kExpansions, expansions_.size());
    for (size_t r = 0; r < rules; ++r) {
      const Rule& rule = *expansions_[r * expansions_.size() / rules];
      for (const Assignment& a : small_assignments(rule, 24)) {
        take(rule, a, a.to_string().size());
        for (const Assignment& other : varied_assignments(a)) take(rule, other, a.to_string().size());
      }
      const size_t share = kDraws * (r + 1) / rules;
      std::vector<Assignment> shapes;
      for_each_shape(rule, {.dtypes = ShapeDTypes::kKinds, .rank = 2, .group_axes = {}, .tries = 20'000}, [&](Shape& shape) {
        shapes.push_back(shape.instance.assignment);
        return shapes.size() < kShapes;
      });
      for (uint64_t k = 0; k < 8 * kDraws && !shapes.empty() && drawn_.size() < share; ++k) {
        take(rule, drawn(shapes[k % shapes.size()], mix(k + 17 * r + 1)), k);
      }
    }
  }

  void take(const Rule& rule, const Assignment& a, uint64_t seed) {
    if (drawn_.size() >= kDraws) return;
    auto made = instance(rule, a);
    bool wrong = has_other_type(rule, a);
    if (!made.ok() || (!*made && !wrong)) return;
    for (uint64_t k = 0; k < 2 && !wrong; ++k) wrong = differs_when_run(rule, **made, seed + k).has_value();
    for (uint64_t k = 0; k < 6 && !wrong; ++k) wrong = differs_at_special_values(rule, **made, seed * 8 + k).has_value();
    wrong_.set(drawn_.size(), wrong);
    drawn_.push_back({&rule, a});
  }

  // An atom is its truth at the draws; of those with the same one the first is kept.
  void judge_atoms() {
    std::map<std::string, size_t> seen;
    for (Atom& atom : grammar_ = shape_atoms(*expansions_[0])) {
      const RuleSet guarded = with_guard(*expansions_[0], written_, {&atom});
      if (guarded.rules().empty()) continue;
      Draws holds;
      for (size_t k = 0; k < drawn_.size(); ++k) {
        const Rule* rule = guarded.find(drawn_[k].rule->name);
        if (!rule) continue;
        auto made = instance(*rule, drawn_[k].assignment);
        holds.set(k, (made.ok() && *made) || has_other_type(*rule, drawn_[k].assignment));
      }
      const bool useful = (wrong_ & ~holds).any() && (holds & ~wrong_).any();
      if (!useful || !seen.emplace(holds.to_string(), atoms_.size()).second) continue;
      atoms_.push_back({&atom, holds});
    }
  }

  // Conjunctions under which no draw is wrong, none with an atom too many; those that keep most draws first.
  std::vector<std::vector<const Atom*>> covers() {
    std::stable_sort(atoms_.begin(), atoms_.end(), [&](const auto& a, const auto& b) { return (a.second & ~wrong_).count() > (b.second & ~wrong_).count(); });
    Draws all;
    for (size_t k = 0; k < drawn_.size(); ++k) all.set(k);
    extend({}, all);
    std::stable_sort(found_.begin(), found_.end(), [](const auto& a, const auto& b) { return a.kept != b.kept ? a.kept > b.kept : a.atoms.size() < b.atoms.size(); });
    std::vector<std::vector<const Atom*>> out;
    for (const Cover& c : found_) {
      if (out.size() >= kTried) break;
      std::vector<const Atom*> terms;
      for (size_t i : c.atoms) terms.push_back(atoms_[i].first);
      out.push_back(std::move(terms));
    }
    return out;
  }

  void extend(std::vector<size_t> chosen, const Draws& left) {
    if (found_.size() >= kCovers) return;
    const Draws bad = left & wrong_;
    if (bad.none()) {
      if (!needless(chosen)) found_.push_back({chosen, left.count()});
      return;
    }
    if (chosen.size() == kMostAtoms) return;
    size_t first = 0;
    while (!bad.test(first)) ++first;
    for (size_t i = 0; i < atoms_.size(); ++i) {
      if (atoms_[i].second.test(first) || (left & atoms_[i].second).none()) continue;
      std::vector<size_t> next = chosen;
      next.insert(std::lower_bound(next.begin(), next.end(), i), i);
      if (!visited_.insert(next).second) continue;
      extend(std::move(next), left & atoms_[i].second);
    }
  }

  bool needless(const std::vector<size_t>& chosen) const {
    for (size_t out : chosen) {
      Draws left = wrong_;
      for (size_t i : chosen) {
        if (i != out) left &= atoms_[i].second;
      }
      if (left.none()) return true;
    }
    return false;
  }

  Result<std::optional<InferredGuard>> proved(const std::vector<const Atom*>& atoms) {
    std::optional<InferredGuard> out;
    if (clock_.seconds() > options_.timeout) return out;
    const RuleSet guarded = with_guard(*expansions_[0], written_, atoms);
    if (guarded.rules().empty()) return out;
    VerifyOptions options = options_;
    options.timeout = std::min(options_.timeout - clock_.seconds(), std::max(1.0, options_.timeout / 4));
    EGRET_TRY(auto rows, verify(guarded, options));
    if (rows.at(0).verdict != Verdict::kProved) return out;
    out.emplace();
    for (const Atom* a : atoms) out->atoms.push_back(a->text);
    out->proof = std::move(rows[0]);
    return out;
  }

  struct Cover {
    std::vector<size_t> atoms;
    size_t kept = 0;
  };

  const std::vector<const Rule*>& expansions_;
  RuleSyntax written_;
  VerifyOptions options_;
  WorkClock clock_;
  std::vector<Drawn> drawn_;
  Draws wrong_;
  std::vector<Atom> grammar_;
  std::vector<std::pair<const Atom*, Draws>> atoms_;
  std::vector<Cover> found_;
  std::set<std::vector<size_t>> visited_;
};

}  // namespace

std::string InferredGuard::to_string() const {
  std::string out;
  for (const std::string& a : atoms) out += (out.empty() ? "" : ", ") + a;
  return out;
}

Result<std::optional<InferredGuard>> infer_guard(const std::vector<const Rule*>& expansions, const VerifyOptions& options) {
  EGRET_TRY(const RuleFile file, read_rules("ruleset guard\n\n" + expansions.at(0)->text, expansions[0]->file));
  return Inference(expansions, file.rules.at(0), options).run();
}

Status infer_guards(const RuleSet& rules, std::vector<Verification>& rows, const VerifyOptions& options) {
  std::vector<Status> status(rows.size());
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    tbb::parallel_for(size_t{0}, rows.size(), [&](size_t i) {
      Verification& row = rows[i];
      if (row.verdict != Verdict::kRefuted) return;
      std::vector<const Rule*> expansions;
      for (const Rule& rule : rules.rules()) {
        if (rule.written == row.name && !rule.name.ends_with("/rev")) expansions.push_back(&rule);
      }
      auto found = infer_guard(expansions, options);
      if (!found.ok()) {
        status[i] = found.take_error();
      } else if (*found) {
        row.guard = (*found)->to_string();
      }
    });
  });
  for (Status& s : status) {
    if (!s.ok()) return s.take_error();
  }
  return {};
}

}  // namespace egret::rules
