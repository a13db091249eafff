// Refutation: a counterexample at small sizes, replayed on the reference interpreter.
#pragma once

#include <optional>
#include <string>

#include "rules/rules.h"
#include "rules/verify/z3_module.h"

namespace egret::rules {

bool needs_word(const Rule& rule, std::string_view word);
// Rounding may move: then the rule is about real numbers.
bool over_reals(const Rule& rule);

// What differs when both sides run on seeded inputs at this instance; nothing where they agree.
std::optional<std::string> differs_when_run(const Rule& rule, const RuleInstance& instance, uint64_t seed);

// The same at special values, in the arithmetic of the dtypes and bit for bit; of rules that let nothing be rounded otherwise
// and fold nothing (an order of folding is no part of a meaning).
std::optional<std::string> differs_at_special_values(const Rule& rule, const RuleInstance& instance, uint64_t seed);

// Small sizes and integers for the names of a shape, `draws` times; the first instance whose sides differ when they are run.
std::optional<std::string> search_counterexample(const Rule& rule, const Assignment& shape, size_t draws);

// Z3's answer at the sizes of one instance, every element a formula.
struct SmallAnswer {
  enum class Kind { kEqual, kRefuted, kUnknown } kind = Kind::kUnknown;
  std::string text;  // the counterexample, or what was in the way
};
SmallAnswer decide_small(const Rule& rule, const RuleInstance& instance, DecideEquality decide, double seconds);

}  // namespace egret::rules
