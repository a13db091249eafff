#include "rules/verify/prove/models.h"

#include <algorithm>
#include <set>

#include "rules/verify/prove/prover.h"
#include "rules/verify/terms/integer_facts.h"
#include "support/hash.h"

namespace egret::rules {
namespace {

constexpr int64_t kLowest = -2, kHighest = 6;  // of a name
constexpr double kSeconds = 0.5;               // in all
constexpr int64_t kWanted[] = {1, 2, 3, 0, 4, -1, 2, 3};

class Models {
 public:
  Models(Sizes& sizes, Indices& indices, DecideIntegers decide) : i_(indices), decide_(decide), names_(sizes.names()), facts_(sizes.hypotheses()) {
    std::vector<VariableId> variables;
    std::vector<ScalarId> scalars;
    for (const auto& [name, term] : names_) {
      i_.variables_of(term, variables, scalars);
      facts_.push_back(i_.less_equal(i_.constant(kLowest), term));
      facts_.push_back(i_.less_equal(term, i_.constant(kHighest)));
    }
    variables_.insert(variables.begin(), variables.end());
  }

  // With some of the variables at numbers that `known` has, else at drawn ones.
  std::optional<NamedNumbers> draw(uint64_t seed, const NamedNumbers* known) {
    for (uint64_t share : {3, 8, 1'000'000}) {  // one of so many is held
      std::vector<CondId> all = facts_;
      for (VariableId v : variables_) {
        const uint64_t r = mix(seed * 7919 + v * 31 + share);
        int64_t value = kWanted[r % std::size(kWanted)];
        if (known) {
          auto it = known->find(i_.name(v));
          if (it == known->end()) continue;
          value = it->second;
        }
        if (r / 64 % share == 0 || (known && share == 3)) all.push_back(i_.equal(i_.variable(v), i_.constant(value)));
      }
      if (auto found = ask(all, seed)) return found;
      if (clock_.seconds() > kSeconds) break;
    }
    return std::nullopt;
  }

  bool late() const { return clock_.seconds() > kSeconds; }

 private:
  std::optional<NamedNumbers> ask(std::vector<CondId> all, uint64_t seed) {
    const auto facts = atom_facts(i_, all, Indices::kFalseCond);
    all.insert(all.end(), facts.begin(), facts.end());
    IntegerQuery query;
    query.indices = &i_;
    query.hypotheses = &all;
    query.goal = Indices::kFalseCond;
    IntegerAnswer answer;
    decide_(&query, &answer);
    if (!answer.entailed && answer.has_products) {
      query.nonlinear = true;
      answer = {};
      decide_(&query, &answer);
    }
    if (!answer.refuted) return std::nullopt;
    Indices::Substitution at;
    for (VariableId v : variables_) at[v] = i_.constant(static_cast<int64_t>(1 + mix(seed + v) % 3));  // where nothing is said of it
    for (const auto& [v, value] : answer.model) at[v] = i_.constant(value);
    NamedNumbers out;
    for (const auto& [name, term] : names_) {
      int64_t value = 0;
      if (i_.is_constant(i_.substitute(term, at), &value)) out[name] = value;
    }
    return out;
  }

  Indices& i_;
  DecideIntegers decide_;
  std::vector<std::pair<std::string, IntId>> names_;
  std::vector<CondId> facts_;
  std::set<VariableId> variables_;
  WorkClock clock_;
};

}  // namespace

std::vector<NamedNumbers> small_models(Sizes& sizes, Indices& indices, DecideIntegers decide, const std::deque<NamedNumbers>& known, size_t count) {
  Models models(sizes, indices, decide);
  std::vector<NamedNumbers> out;
  for (uint64_t k = 0; k < count && !models.late(); ++k) {
    auto found = models.draw(k + 1, k < known.size() ? &known[k] : nullptr);
    if (found && std::ranges::find(out, *found) == out.end()) out.push_back(std::move(*found));
  }
  return out;
}

}  // namespace egret::rules
