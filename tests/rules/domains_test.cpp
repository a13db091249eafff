// Scalar rules of domains: reading, verdicts, and each way of deciding against plain evaluation.
#include <catch2/catch.hpp>

#include <random>

#include "rules/domains/decide.h"
#include "rules/domains/domain_query.h"
#include "rules/domains/evaluate.h"
#include "rules/domains/fractions.h"
#include "support/module.h"

using namespace egret;
using namespace egret::rules;

namespace {

std::vector<DomainRule> read(const std::string& domain, const std::string& text) {
  auto out = parse_domain_rules(text, "t.rules", *Domain::parse(domain));
  INFO((out.ok() ? "" : out.error().to_string()));
  REQUIRE(out.ok());
  return *out;
}

Verification decide(const std::string& domain, const std::string& text) {
  const auto rules = read(domain, text);
  REQUIRE(rules.size() == 1);
  auto out = verify_domain_rules(rules, {});
  REQUIRE(out.ok());
  return (*out)[0];
}

std::string wrong(const std::string& domain, const std::string& text) {
  auto out = parse_domain_rules(text, "t.rules", *Domain::parse(domain));
  REQUIRE(!out.ok());
  return out.error().to_string();
}

// A term of a domain over a, b: text.
std::string random_term(std::mt19937& rng, int depth, const std::vector<std::string>& binary, const std::vector<std::string>& unary) {
  const auto pick = [&](const std::vector<std::string>& from) { return from[rng() % from.size()]; };
  if (depth == 0 || rng() % 4 == 0) return pick({"?a", "?b", "1", "2", "0"});
  if (rng() % 3 == 0) return "(" + pick(unary) + " " + random_term(rng, depth - 1, binary, unary) + ")";
  const std::string left = random_term(rng, depth - 1, binary, unary);
  return "(" + pick(binary) + " " + left + " " + random_term(rng, depth - 1, binary, unary) + ")";
}

}  // namespace

TEST_CASE("published rules of each domain are proved, their mutants refuted by values") {
  struct Case {
    const char *domain, *rule;
    Verdict verdict;
    const char* says;
  };
  const Case cases[] = {
      {"bool", "(^ (| ?a ?b) (| ?a ?c)) ==> (& (~ ?a) (^ ?b ?c))", Verdict::kProved, ""},
      {"bool", "(^ (| ?a ?b) (| ?a ?c)) ==> (& ?a (^ ?b ?c))", Verdict::kRefuted, "left"},
      {"bv4", "(>> 1 (& ?a 1)) ==> (-- (| ?a 1) ?a)", Verdict::kProved, ""},
      {"bv4", "(>> ?a ?a) ==> 0", Verdict::kProved, ""},  // by 4 or more nothing is left
      {"bv4", "(<< ?a ?a) ==> 0", Verdict::kRefuted, "a=1: left 2, right 0"},
      {"bv32", "(-- ?a (-- ?b ?c)) ==> (+ ?c (-- ?a ?b))", Verdict::kProved, ""},
      {"bv32", "(<< (>> ?a 1) 1) ==> ?a", Verdict::kRefuted, "left"},
      {"bv64", "(* ?a (>> (~ ?a) ?a)) ==> (* ?a (>> (- ?a) ?a))", Verdict::kProved, ""},
      {"bv128", "(>> (<< ?b ?a) ?a) ==> (& ?b (>> (~ 0) ?a))", Verdict::kProved, ""},
      // One value in 2^64 shows it: found by Z3, and computed again.
      {"bv64", "(>> (& (-- (^ ?a 1234567890123) 1) (~ (^ ?a 1234567890123))) 63) ==> 0", Verdict::kRefuted, "a=1234567890123: left 1, right 0"},
      {"rational", "(/ (- ?a ?b) ?c) ==> (- (/ ?a ?c) (/ ?b ?c))", Verdict::kProved, ""},
      {"rational", "(* (fabs ?a) (fabs ?b)) ==> (fabs (* ?a ?b))", Verdict::kProved, ""},
      {"rational", "(fabs (+ ?a ?b)) ==> (+ (fabs ?a) (fabs ?b))", Verdict::kRefuted, "left"},
      {"rational", "(fabs (+ (fabs ?a) 1)) ==> (+ (fabs ?a) 1)", Verdict::kProved, ""},  // Z3
      {"rational", "(* ?a ?b) ==> (* ?a (* ?b (/ ?a ?a)))", Verdict::kProved, "no value at"},
      {"rational", "(/ ?a 0) ==> ?b", Verdict::kUnproved, "says nothing"},
      {"rational", "(- ?a ?b) ==> (if ?a (/ (- (* ?a ?a) (* ?a ?b)) ?a) (- ?a ?b))", Verdict::kProved, ""},
      {"int", "(/ (- ?x ?y) ?x) ==> (+ (/ (- ?y) ?x) 1)", Verdict::kRefuted, "x=0"},
      {"int", "(/ (- ?x ?y) ?x) ==> (+ (/ (- ?y) ?x) 1) if (!= ?x 0)", Verdict::kProved, ""},
      {"int", "(! (&& ?p (< ?x ?y))) ==> (|| (! ?p) (<= ?y ?x))", Verdict::kProved, ""},
      {"int", "(min ?x (max ?x ?y)) ==> ?x", Verdict::kProved, ""},
      {"int", "(< (/ ?x 3) ?y) ==> (< ?x (* ?y 3))", Verdict::kProved, ""},  // floor: Euclidean by 3
      {"int", "(% ?x -3) ==> (% ?x 3)", Verdict::kProved, ""},
  };
  for (const Case& c : cases) {
    const Verification v = decide(c.domain, c.rule);
    INFO(c.domain << ": " << c.rule << ": " << v.counterexample << v.reason << v.note);
    CHECK(v.verdict == c.verdict);
    CHECK((v.counterexample + v.reason + v.note).find(c.says) != std::string::npos);
  }
}

TEST_CASE("Z3 and every value agree on words of three bits") {
  auto symbol = open_module_symbol("egret_z3", "egret_z3_domain");
  REQUIRE(symbol.ok());
  const auto z3 = reinterpret_cast<DecideDomain>(*symbol);
  std::mt19937 rng(7);
  size_t equal = 0, different = 0;
  for (int k = 0; k < 250; ++k) {
    const std::vector<std::string> binary{"+", "--", "*", "&", "|", "^", "<<", ">>"}, unary{"-", "~"};
    const std::string text = random_term(rng, 2, binary, unary) + " ==> " + random_term(rng, 2, binary, unary);
    const DomainRule rule = read("bv3", text)[0];
    DomainQuery query;
    query.rule = &rule;
    DomainAnswer answer;
    z3(&query, &answer);
    bool differs = false;
    std::vector<Word> out;
    for (Word a = 0; a < 8; ++a) {
      for (Word b = 0; b < 8; ++b) {
        std::vector<Word> values{a, b};
        values.resize(rule.variables.size());
        evaluate_words(rule, values, out);
        differs |= out[rule.left] != out[rule.right];
      }
    }
    INFO(text);
    CHECK(answer.kind == (differs ? DomainAnswer::Kind::kSometimes : DomainAnswer::Kind::kNever));
    (differs ? different : equal) += 1;
  }
  CHECK(equal >= 5);
  CHECK(different >= 100);
}

TEST_CASE("what fractions of polynomials say is one is equal wherever both sides have a value") {
  std::mt19937 rng(11);
  const std::vector<std::string> binary{"+", "-", "*", "/"}, unary{"~", "fabs"};
  size_t same = 0, values = 0;
  for (int k = 0; k < 4'000; ++k) {
    const std::string text = random_term(rng, 2, binary, unary) + " ==> " + random_term(rng, 2, binary, unary);
    const DomainRule rule = read("rational", text)[0];
    if (!same_fraction(rule)) continue;
    ++same;
    for (int a = -3; a <= 3; ++a) {
      for (int b = -3; b <= 3; ++b) {
        std::vector<Rational> at{Rational::of(a), Rational::fraction(b, 2)};
        at.resize(rule.variables.size());
        const auto left = evaluate_exact(rule, rule.left, at), right = evaluate_exact(rule, rule.right, at);
        INFO(text << " at " << a << " " << b << "/2");
        if (left && right) CHECK(*left == *right);
        if (same_divisors(rule) && left) CHECK(right.has_value());
        values += left && right;
      }
    }
  }
  CHECK(same >= 50);
  CHECK(values >= 1'000);
}

TEST_CASE("wrong files are refused with line and column") {
  CHECK(wrong("bool", "(& ?a ?b) ==> ?a\n(+ ?a ?b) ==> ?a").find("t.rules:2:2: error: `+` is no operator of the domain bool") == 0);
  CHECK(wrong("bv4", "(- ?a ?b) ==> ?a").find("t.rules:1:2: error: `-` takes 1 operand, not 2") == 0);
  CHECK(wrong("bv4", "(+ ?a ?b) = ?a").find("t.rules:1:11: error: expected `==>`") == 0);
  CHECK(wrong("bv4", "(+ ?a ?b) ==>").find("error: expected the right side") != std::string::npos);
  CHECK(wrong("bv4", "(+ ?a b) ==> ?a").find("t.rules:1:7: error: `b` is no number") == 0);
  CHECK(wrong("bv4", "(+ ?a ?b ==> ?a").find("error") != std::string::npos);
  CHECK(wrong("bv4", "() ==> ?a").find("expected an operator") != std::string::npos);
  CHECK(wrong("rational", "?a ==> ?a if ?a").find("conditions belong to the domain int") != std::string::npos);
  CHECK(!Domain::parse("bv129").ok());
  CHECK(!Domain::parse("bv0").ok());
  CHECK(!Domain::parse("trig").ok());
  CHECK(Domain::of_file("x/enumo-bv16-direct.rules")->bits == 16);
  CHECK(!Domain::of_file("x/herbie-trig.rules"));
  // As deep as a file may be: no stack is used.
  std::string deep;
  for (int k = 0; k < 30'000; ++k) deep += "(~ ";
  deep += "?a" + std::string(30'000, ')');
  CHECK(decide("bv32", deep + " ==> ?a").verdict == Verdict::kProved);
}
