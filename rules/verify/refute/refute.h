// Refutation: a counterexample at small sizes, replayed on the reference interpreter.
#pragma once

#include <optional>
#include <string>

#include "rules/rules.h"
#include "rules/verify/terms/witnesses.h"
#include "rules/verify/z3/z3_module.h"

namespace egret::rules {

bool needs_word(const Rule& rule, std::string_view word);
// Rounding may move: then the rule is about real numbers.
bool over_reals(const Rule& rule);

// What differs when both sides run on seeded inputs at this instance; nothing where they agree.
std::optional<std::string> differs_when_run(const Rule& rule, const RuleInstance& instance, uint64_t seed);

// The same bit for bit, in the arithmetic of the dtypes and under what `words` give away of NaN, infinities and signs of zeros.
// `special`: NaN, infinities, zeros and the ends of the range are among the values.
std::optional<std::string> differs_bit_for_bit(const RuleInstance& instance, const Licence& words, uint64_t seed, bool special);

// The same at special values of a rule that says it is true bit for bit, or of integers alone (of which no licence gives anything away);
// nothing of others, or where elements of two inputs are compared.
std::optional<std::string> differs_at_special_values(const Rule& rule, const RuleInstance& instance, uint64_t seed);

// The same where elements of one input are -inf, as those of a mask are, and the left side is a number everywhere.
std::optional<std::string> differs_when_masked(const RuleInstance& instance, uint32_t input, uint64_t seed);

// Finite inputs at which the left side keeps its digits in the arithmetic of the dtypes and the right side loses them (all but two): it
// subtracts what the left did not, or leaves the range.  What `cancel` and `range` permit.
std::optional<std::string> loses_digits(const RuleInstance& instance, uint64_t seed);

// Small sizes and integers for the names of a shape, `draws` times; the first instance whose sides differ when they are run.
std::optional<std::string> search_counterexample(const Rule& rule, const Assignment& shape, size_t draws);
// The same at numbers for the names that are known to fit.
std::optional<std::string> counterexample_at(const Rule& rule, const Assignment& shape, const std::vector<NamedNumbers>& models);

// Z3's answer at the sizes of one instance, every element a formula.
struct SmallAnswer {
  enum class Kind { kEqual, kRefuted, kUnknown } kind = Kind::kUnknown;
  std::string text;  // the counterexample, or what was in the way
};
SmallAnswer decide_small(const Rule& rule, const RuleInstance& instance, DecideEquality decide, double seconds);

}  // namespace egret::rules
