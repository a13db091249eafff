#include "rules/domains/decide.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/domains/domain_query.h"
#include "rules/domains/evaluate.h"
#include "rules/domains/fractions.h"
#include "rules/verify/prove/prover.h"
#include "support/module.h"

namespace egret::rules {
namespace {

constexpr unsigned kAllValues = 16;  // bits of all variables together that are tried whole
constexpr size_t kSamples = 400;

uint64_t mix(uint64_t x) {  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Decision {
 public:
  Decision(const DomainRule& rule, DecideDomain z3, double seconds) : rule_(rule), z3_(z3), seconds_(seconds) {}

  Verification run() {
    const WorkClock clock;
    out_.name = rule_.name;
    out_.on = false;
    out_.numerics = rule_.domain.kind == Domain::Kind::kRational ? "field" : "";
    const bool decided = rule_.domain.kind == Domain::Kind::kBits ? words() : exact();
    if (!decided) ask();
    if (out_.verdict == Verdict::kProved && rule_.domain.kind == Domain::Kind::kRational && !both_) {
      out_.verdict = Verdict::kUnproved;
      out_.reason = "no values were found at which both sides have one: the rule says nothing";
    }
    if (out_.verdict == Verdict::kProved) {
      out_.ranks = "any";  // of maps
      out_.any_size = true;
      if (rule_.domain.kind == Domain::Kind::kRational) definedness();
    }
    out_.seconds = clock.seconds();
    return out_;
  }

 private:
  template <class Value, class Text>
  bool refuted(const std::vector<Value>& values, const Value& left, const Value& right, Text text) {
    std::string at;
    for (size_t k = 0; k < values.size(); ++k) at += fmt::format("{}{}={}", k ? " " : "", rule_.variables[k], text(values[k], rule_.sorts[k]));
    const DomainSort sort = rule_.nodes[rule_.left].sort;
    out_.verdict = Verdict::kRefuted;
    out_.counterexample = fmt::format("{}{}left {}, right {}", at, at.empty() ? "" : ": ", text(left, sort), text(right, sort));
    return true;
  }

  bool differs(const std::vector<Word>& values) {
    evaluate_words(rule_, values, words_);
    if (words_[rule_.left] == words_[rule_.right]) return false;
    return refuted(values, words_[rule_.left], words_[rule_.right], [&](Word w, DomainSort) { return word_text(rule_, w); });
  }

  bool differs(const std::vector<Rational>& values) {
    if (rule_.condition) {
      const auto c = evaluate_exact(rule_, *rule_.condition, values);
      if (!c || c->overflowed() || c->sign() == 0) return false;
    }
    const auto left = evaluate_exact(rule_, rule_.left, values), right = evaluate_exact(rule_, rule_.right, values);
    if (left && !left->overflowed() && !right && undefined_.empty()) undefined_ = values;
    both_ |= left && right;
    if (!left || !right || left->overflowed() || right->overflowed() || *left == *right) return false;
    return refuted(values, *left, *right, [](const Rational& r, DomainSort sort) {
      return sort == DomainSort::kTruth ? r.sign() != 0 ? "true" : "false" : exact_text(r);
    });
  }

  // True once decided.
  bool words() {
    const unsigned bits = rule_.domain.bits;
    const size_t n = rule_.variables.size();
    std::vector<Word> values(n);
    if (n * bits <= kAllValues) {
      const uint64_t one = (uint64_t{1} << bits) - 1;
      for (uint64_t all = 0; all < uint64_t{1} << (n * bits); ++all) {
        for (size_t k = 0; k < n; ++k) values[k] = (all >> (k * bits)) & one;
        if (differs(values)) return true;
      }
      out_.verdict = Verdict::kProved;
      return true;
    }
    const Word mask = bits >= 128 ? ~Word{0} : (Word{1} << bits) - 1;
    const Word special[] = {0, 1, 2, mask, mask >> 1, (mask >> 1) + 1, bits, bits - 1};
    for (uint64_t s = 0; s < kSamples; ++s) {
      for (size_t k = 0; k < n; ++k) {
        const uint64_t r = mix(s * 64 + k);
        values[k] = s % 2 == 0 ? special[r % std::size(special)] & mask : (Word{r} << 64 | mix(r)) & mask;
      }
      if (differs(values)) return true;
    }
    return false;
  }

  bool exact() {
    const bool integer = rule_.domain.kind == Domain::Kind::kInteger;
    std::vector<Rational> values(rule_.variables.size());
    for (uint64_t s = 0; s < kSamples; ++s) {
      for (size_t k = 0; k < values.size(); ++k) {
        const uint64_t r = mix(s * 64 + k);
        const int64_t wide = s % 2 == 0 ? 3 : 40;
        const int64_t above = static_cast<int64_t>(r % static_cast<uint64_t>(2 * wide + 1)) - wide;
        const int64_t below = integer || s % 4 != 3 ? 1 : static_cast<int64_t>((r >> 32) % 7) + 1;
        values[k] = rule_.sorts[k] == DomainSort::kTruth ? Rational::of(static_cast<int64_t>(r & 1)) : Rational::fraction(above, below);
      }
      if (differs(values)) return true;
    }
    if (integer || !same_fraction(rule_)) return false;
    out_.verdict = Verdict::kProved;
    return true;
  }

  DomainAnswer z3(DomainQuery::Question question) const {
    DomainQuery query;
    query.rule = &rule_;
    query.question = question;
    query.timeout_ms = static_cast<unsigned>(std::clamp(seconds_ * 1e3, 1.0, 1e6));
    DomainAnswer answer;
    z3_(&query, &answer);
    return answer;
  }

  void ask() {
    const DomainAnswer answer = z3(DomainQuery::Question::kValues);
    if (answer.kind == DomainAnswer::Kind::kNever) {
      out_.verdict = Verdict::kProved;
    } else if (answer.kind == DomainAnswer::Kind::kUnknown) {
      out_.reason = "Z3: " + answer.reason;
    } else if (!replayed(answer.model)) {
      out_.reason = "Z3 says that the sides differ, but no values that can be computed again were found";
    }
  }

  bool replayed(const std::vector<std::string>& model) {
    if (model.size() != rule_.variables.size()) return false;
    std::vector<Word> words;
    std::vector<Rational> exact;
    for (const std::string& text : model) {
      const size_t slash = std::min(text.find('/'), text.size());
      Rational::Int part[2] = {0, 1};
      for (size_t p = 0; p < 2; ++p) {
        const std::string_view digits = p == 0 ? std::string_view(text).substr(0, slash) : slash < text.size() ? std::string_view(text).substr(slash + 1) : "1";
        const bool negative = digits.starts_with("-");
        Word value = 0;
        for (char d : digits.substr(negative ? 1 : 0)) value = value * 10 + static_cast<Word>(d - '0');
        if (digits.size() > (rule_.domain.kind == Domain::Kind::kBits ? 39 : 37)) return false;
        if (p == 0) words.push_back(value);
        part[p] = negative ? -static_cast<Rational::Int>(value) : static_cast<Rational::Int>(value);
      }
      exact.push_back(Rational::fraction(part[0], part[1]));
    }
    return rule_.domain.kind == Domain::Kind::kBits ? differs(words) : differs(exact);
  }

  // Values at which the left side of a rule that is proved has a value and the right has none.
  void definedness() {
    const bool divides = std::any_of(rule_.nodes.begin(), rule_.nodes.end(), [](const DomainNode& n) { return n.op == DomainOp::kDiv; });
    if (undefined_.empty() && (!divides || same_divisors(rule_))) return;
    if (undefined_.empty()) {
      const DomainAnswer answer = z3(DomainQuery::Question::kDefined);
      if (answer.kind == DomainAnswer::Kind::kNever) return;
      if (answer.kind == DomainAnswer::Kind::kSometimes) replayed(answer.model);
      if (undefined_.empty()) {
        out_.note = "the right side may have no value where the left has one";
        return;
      }
    }
    std::string at;
    for (size_t k = 0; k < undefined_.size(); ++k) at += fmt::format("{}{}={}", k ? " " : "", rule_.variables[k], exact_text(undefined_[k]));
    out_.note = fmt::format("the right side has no value at {}, where the left has one", at);
  }

  const DomainRule& rule_;
  DecideDomain z3_;
  double seconds_;
  Verification out_;
  bool both_ = false;  // values at which both sides have one were seen
  std::vector<Word> words_;
  std::vector<Rational> undefined_;
};

Verification untried(const DomainRule& rule) {
  Verification v;
  v.name = rule.name;
  v.tried = false;
  v.reason = kStopped;
  return v;
}

}  // namespace

Result<std::vector<Verification>> verify_domain_rules(const std::vector<DomainRule>& rules, const VerifyOptions& options) {
  EGRET_TRY(void* z3, open_module_symbol("egret_z3", "egret_z3_domain"));
  std::vector<const DomainRule*> wanted;
  for (const DomainRule& r : rules) {
    if (options.only.empty() || r.name == options.only) wanted.push_back(&r);
  }
  if (wanted.empty() && !options.only.empty()) return input_error("no rule is named " + options.only, "a rule of such a file is named by the file and the line: bool-12");
  std::vector<Verification> out(wanted.size());
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<size_t>(0, wanted.size(), 8), [&](const auto& range) {
      for (size_t i = range.begin(); i != range.end(); ++i) out[i] = options.stopped() ? untried(*wanted[i]) : Decision(*wanted[i], reinterpret_cast<DecideDomain>(z3), options.timeout).run();
    }, tbb::simple_partitioner());
  });
  return out;
}

}  // namespace egret::rules
