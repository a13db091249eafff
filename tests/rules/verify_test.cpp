// The verifier proves what is true, refutes what is false with a counterexample that replays, and knows the difference.
#include <catch2/catch.hpp>

#include "rules/lang/proofs.h"
#include "rules/verify/verify.h"

using namespace egret;
using namespace egret::rules;

namespace {

Verification verify_one(const std::string& rule) {
  RuleSet set;
  auto added = set.add_text("ruleset test\n\n" + rule, "test.rules");
  INFO((added.ok() ? "" : added.error().to_string()));
  REQUIRE(added.ok());
  VerifyOptions options;
  options.timeout = 30;
  auto rows = verify(set, options);
  if (!rows.ok() && rows.error().code == ErrorCode::kUnsupported) {
    WARN("SKIPPED: Z3 is off in this build");
    return {};
  }
  REQUIRE(rows.ok());
  REQUIRE(rows->size() == 1);
  return (*rows)[0];
}

}  // namespace

TEST_CASE("true rules are proved, under the licence that they need") {
  CHECK(verify_one("rule neg-neg: neg(neg(x)) => x\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule max-self: max(x, x) => x\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule add-zero: x + 0 => x needs nsz\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule factor: x * z + y * z => (x + y) * z needs field\n  accept x: f32[3], y: f32[3], z: f32[3]\n").verdict ==
        Verdict::kProved);
}

TEST_CASE("a rule of maps holds for any size, a product's for the sizes tried") {
  CHECK(verify_one("rule neg-neg: neg(neg(x)) => x\n  accept x: f32[3]\n").any_size);
  const Verification product = verify_one(
      "rule scale: dot(x[B.., m.., k..] * s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) * s needs field\n"
      "  accept x: f32[4,3], s: f32[4], w: f32[3,2]\n");
  CHECK(product.verdict == Verdict::kProved);
  CHECK_FALSE(product.any_size);
}

TEST_CASE("false rules are refuted by values that differ when they are run") {
  const Verification zero = verify_one("rule add-zero: x + 0 => x\n  accept x: f32[3]\n");  // -0 + 0 is +0
  CHECK(zero.verdict == Verdict::kRefuted);
  CHECK(zero.counterexample.find("-0") != std::string::npos);
  const Verification sign = verify_one("rule wrong: x - y => y - x needs field\n  accept x: f32[3], y: f32[3]\n");
  CHECK(sign.verdict == Verdict::kRefuted);
  CHECK_FALSE(sign.counterexample.empty());
  const Verification scale = verify_one(
      "rule wrong-scale: dot(x[m.., k..] * s[k..], w[k.., n..], over=k) => dot(x, w, over=k) needs field\n"
      "  accept x: f32[4,3], s: f32[3], w: f32[3,2]\n");
  CHECK(scale.verdict == Verdict::kRefuted);
}

TEST_CASE("every rule of the library has a recorded proof of its present text") {
  RuleSet set;
  REQUIRE(set.add_library().ok());
  CHECK(set.rules().size() > 80);
  for (const Rule& rule : set.rules()) {
    INFO(rule.name << ": run `egret verify --timeout 60 --record rules/library/PROOFS`");
    CHECK(recorded_verdict(rule) == "proved");
  }
}
