// The licence that the verifier computes: what each rule needs.
#include <catch2/catch.hpp>

#include "rules/verify/verify.h"

using namespace egret;
using namespace egret::rules;

namespace {

Verification verify_one(const std::string& rule) {
  RuleSet set;
  const auto added = set.add_text("ruleset test\n\n" + rule, "test.rules");
  INFO((added.ok() ? "" : added.error().to_string()));
  REQUIRE(added.ok());
  VerifyOptions options;
  options.timeout = 30;
  auto rows = verify(set, options);
  if (!rows.ok() && rows.error().code == ErrorCode::kUnsupported) return {};
  REQUIRE(rows.ok());
  return rows->at(0);
}

const std::string kOne = "\n  accept x: f32[3]\n", kTwo = "\n  accept x: f32[3], y: f32[3]\n",
                  kThree = "\n  accept x: f32[3], y: f32[3], z: f32[3]\n";

}  // namespace

TEST_CASE("a rule that lacks cancel or range is refuted by a run that loses what the left side has") {
  for (const std::string& rule : {"rule a: x * (y + z) => x * y + x * z needs field" + kThree, "rule a: exp(x + y) => exp(x) * exp(y) needs field" + kTwo,
                                  "rule a: logistic(neg(x)) => 1 - logistic(x) needs field" + kOne,
                                  "rule a: x / (y / z) => x * (z / y) where is_float(x) needs field" + kThree}) {
    const Verification v = verify_one(rule);
    if (v.name.empty()) return;  // Z3 is off
    INFO(rule << v.reason);
    CHECK(v.verdict == Verdict::kRefuted);
    CHECK_FALSE(v.counterexample.empty());
  }
}

TEST_CASE("the licence is the weakest under which a rule is proved") {
  struct Row {
    std::string rule, needs;
  };
  const std::vector<Row> rows{
      {"rule a: max(x, y) => max(y, x)" + kTwo, ""},
      {"rule a: x + y => y + x needs field" + kTwo, ""},
      {"rule a: x + x => x * 2 needs field" + kOne, ""},
      {"rule a: x + 0 => x needs field" + kOne, "nsz"},
      {"rule a: neg(x - y) => y - x needs field" + kTwo, "nsz"},
      {"rule a: x - x => 0 needs nnan, ninf, nsz" + kOne, "ninf,nnan"},
      {"rule a: x * 0 => 0 needs nnan, ninf, nsz" + kOne, "ninf,nnan,nsz"},
      {"rule a: le(x, x) => 1 needs nnan, ninf" + kOne, "nnan"},
      {"rule a: x * reciprocal(y) => x / y needs field" + kTwo, "arcp"},
      {"rule a: (x + y) + z => x + (y + z) needs field" + kThree, "reassoc"},
      {"rule a: x * z + y * z => (x + y) * z needs field, cancel, range" + kThree, "field"},
      {"rule a: x * (y + z) => x * y + x * z needs field, cancel" + kThree, "cancel,field"},
      {"rule a: exp(x + y) => exp(x) * exp(y) needs field, range, cancel" + kTwo, "field,range"},
      {"rule a: log(exp(x)) => x needs field, range" + kOne, "field,range"},
      {"rule a: sqrt(x * x) => abs(x) needs field, range" + kOne, "field,range"},
      {"rule a: (x * z) / (y * z) => x / y where is_float(x) needs field, nnan, ninf" + kThree, "field,ninf,nnan"},
      {"rule a: reduce_sum(reverse(x, axes=[0]), axes=[0]) => reduce_sum(x, axes=[0]) needs reassoc\n  accept x: f32[3]\n", "reassoc"},
      {"rule a: reduce_sum(x[k.., r..] + y[k.., r..], axes=r) => reduce_sum(x, axes=r) + reduce_sum(y, axes=r) needs field, cancel\n"
       "  accept x: f32[2,3], y: f32[2,3]\n", "cancel,contract,reassoc"},
      {"rule a: dot(x[B.., m.., k..] / s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) / s where is_float(x) needs field, range\n"
       "  accept x: f32[4,3], s: f32[4], w: f32[3,2]\n", "field"},
      // Constants and frozen factors may multiply out.
      {"rule a: (x + y) * z => x * z + y * z where frozen(z) needs field, cancel\n  accept x: f32[3], y: f32[3], z: frozen f32[3]\n", "field"},
      // Integers need nothing.
      {"rule a: x * (y + z) => x * y + x * z where is_exact(x)\n  accept x: i32[3], y: i32[3], z: i32[3]\n", ""},
  };
  for (const Row& row : rows) {
    const Verification v = verify_one(row.rule);
    if (v.name.empty()) return;  // Z3 is off in this build
    INFO(row.rule << v.reason << v.counterexample << v.note);
    CHECK(v.verdict == Verdict::kProved);
    CHECK(v.numerics == row.needs);
  }
}

TEST_CASE("a rule that declares less than it needs is not proved, and the reason says what is missing") {
  for (const auto& [rule, word] : std::vector<std::pair<std::string, std::string>>{
           {"rule a: x * (y + z) => x * y + x * z needs field" + kThree, "cancel"},
           {"rule a: exp(x + y) => exp(x) * exp(y) needs field" + kTwo, "range"},
           {"rule a: (x * z) / (y * z) => x / y where is_float(x) needs field" + kThree, "nnan"},
           // Online soft-max with a block that is masked as a whole.
           {"rule a: reduce_sum(exp(x[k.., r..] - max(m[k..], n[k..])), axes=r) => reduce_sum(exp(x - m), axes=r) * exp(m - max(m, n)) needs field, range\n"
            "  accept x: f32[2,3], m: f32[2], n: f32[2]\n", "ninf"},
           {"rule a: variance(x[k.., r..], axes=r) => mean(square(x), axes=r) - square(mean(x, axes=r)) where is_float(x), size(r) >= 1 needs field\n"
            "  accept x: f32[2,3]\n", "cancel"}}) {
    const Verification v = verify_one(rule);
    if (v.name.empty()) return;
    INFO(rule << v.reason << v.counterexample);
    CHECK(v.verdict != Verdict::kProved);
    CHECK((v.reason + v.note).find("needs " + word) != std::string::npos);
  }
}
