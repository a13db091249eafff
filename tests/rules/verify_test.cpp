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

// A file of data/ as it is decided in a few seconds a rule; nothing where Z3 is off.
std::vector<Verification> verify_data(const std::string& file, double seconds = 0.5) {
  RuleSet set;
  const auto added = set.add_file(std::string(EGRET_SOURCE_DIR) + "/tests/rules/data/" + file + ".rules");
  INFO((added.ok() ? "" : added.error().to_string()));
  REQUIRE(added.ok());
  VerifyOptions options;
  options.timeout = seconds;
  auto rows = verify(set, options);
  if (!rows.ok() && rows.error().code == ErrorCode::kUnsupported) return {};
  REQUIRE(rows.ok());
  return *rows;
}

}  // namespace

TEST_CASE("true rules are proved, under the licence that they need") {
  CHECK(verify_one("rule neg-neg: neg(neg(x)) => x\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule max-self: max(x, x) => x\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule add-zero: x + 0 => x needs nsz\n  accept x: f32[3]\n").verdict == Verdict::kProved);
  CHECK(verify_one("rule factor: x * z + y * z => (x + y) * z needs field\n  accept x: f32[3], y: f32[3], z: f32[3]\n").verdict ==
        Verdict::kProved);
}

TEST_CASE("proofs hold for any size and any rank") {
  for (const char* rule : {
           "rule scale: dot(x[B.., m.., k..] * s[B.., m..], w[B.., k.., n..], over=k) => dot(x, w, over=k) * s needs field\n"
           "  accept x: f32[4,3], s: f32[4], w: f32[3,2]\n",
           "rule turn: transpose(transpose(x, perm=p), perm=q) => transpose(x, perm=compose(p, q))\n"
           "  accept x: f32[2,3], p: [1,0], q: [1,0]\n",
           "rule split: dot(concat(x[m.., k], y[m.., k], axis=k), concat(w[n.., k], v[n.., k], axis=k), over=k) =>\n"
           "  dot(x, w, over=k) + dot(y, v, over=k)  needs contract, reassoc\n"
           "  accept x: f32[4,3], y: f32[4,3], w: f32[2,3], v: f32[2,3]\n",
           "rule shift: softmax(x[k.., a] + s[k..], axis=a) => softmax(x, axis=a)  where is_float(x), size(a) >= 1  needs field, nnan, ninf\n"
           "  accept x: f32[2,3], s: f32[2]\n",
           // What is cut off and what is put on, of the same numbers: max(-l, 0) is max(l, 0) - l.
           "rule steps: pad(x, v, low=l, high=h, interior=i) =>\n"
           "  slice(pad(x, v, low=most(l, 0), high=most(h, 0), interior=i), start=most(-l, 0),\n"
           "    limit=sizes(x) + i * most(sizes(x) - 1, 0) + most(l, 0) + least(h, 0) + most(h, 0))\n"
           "  accept x: f32[5], v: f32[], l: [-1], h: [-2], i: [1]\n",
           "rule spread: variance(x[k.., r..] + s[k..], axes=r) => variance(x, axes=r)  where is_float(x)  needs field, cancel, nnan, ninf\n"
           "  accept x: f32[2,3], s: f32[2]\n"}) {
    const Verification v = verify_one(rule);
    INFO(rule << v.reason << v.counterexample);
    CHECK(v.verdict == Verdict::kProved);
    CHECK(v.any_size);
    CHECK(v.ranks == "any");
  }
}

TEST_CASE("what is true at one size, rank or licence alone is not proved") {
  for (const char* rule : {
           // True of square tensors alone.
           "rule square: transpose(x[a, b]) => transpose(transpose(x))\n  accept x: f32[2,2]\n",
           // Commutes at rank 1 and not in the corner at rank 2.
           "rule corner: pad(pad(x, v, low=a), w, high=b) => pad(pad(x, w, high=b), v, low=a)  where a >= 0, b >= 0\n"
           "  accept x: f32[3], v: f32[], w: f32[], a: [1], b: [2]\n",
           // The maximum over nothing is not moved by an addend, nor raised by one.
           "rule empty: relu(reduce_max(x[k.., r..], axes=r)) => reduce_max(relu(x), axes=r)\n  accept x: f32[2,3]\n",
           // Negative padding cuts.
           "rule cut: pad(pad(x, v, low=a), v, low=b) => pad(x, v, low=a + b)\n  accept x: f32[3], v: f32[], a: [1], b: [2]\n",
           // The first of the signs is wrong, the second of the steps.
           "rule signs: pad(x, v, low=l, high=h) => slice(pad(x, v, low=most(-l, 0), high=h), start=most(l, 0),\n"
           "    limit=sizes(x) + most(l, 0) + l + h)  where h >= 0\n"
           "  accept x: f32[5], v: f32[], l: [0], h: [2]\n",
           "rule steps: pad(x, v, low=l, high=h) => slice(pad(x, v, low=most(l, 0), high=h), start=most(l, 0),\n"
           "    limit=sizes(x) + most(l, 0) + h + most(l, 0) + least(-l, 0))  where h >= 0\n"
           "  accept x: f32[5], v: f32[], l: [0], h: [2]\n",
           // The parts cross.
           "rule cross: concat(x, y, axis=a) => concat(y, x, axis=a)\n  accept x: f32[2], y: f32[2], a: 0\n",
           // A window with padding may hold nothing but padding.
           "rule window: relu(window_max(x, all=p)) => window_max(relu(x), all=p)\n"
           "  accept x: f32[4], p.window: [2], p.stride: [2]\n",
           // Reassociation does not distribute, and a sum of one order is none of another without it.
           "rule spread: x * z + y * z => (x + y) * z  needs reassoc\n  accept x: f32[3], y: f32[3], z: f32[3]\n",
           "rule order: (x + y) + z => x + (y + z)\n  accept x: f32[3], y: f32[3], z: f32[3]\n",
           "rule scale: reduce_sum(x[k.., r..] * s[k..], axes=r) => reduce_sum(x, axes=r) * s  needs reassoc\n"
           "  accept x: f32[2,3], s: f32[2]\n",
           // The logarithm of a product of two negative numbers.
           "rule parts: log(x * y) => log(x) + log(y)  needs field\n  accept x: f32[3], y: f32[3]\n",
           "rule nothing: neg(x) => neg(x)\n  accept x: f32[3]\n"}) {
    const Verification v = verify_one(rule);
    INFO(rule << v.reason << v.counterexample);
    CHECK(v.verdict != Verdict::kProved);
    CHECK((v.verdict == Verdict::kRefuted) == !v.counterexample.empty());
  }
}

// Natives that must know the numbers of a list answer nothing over names: what is left are lists of length 0, and a proof about scalars.
TEST_CASE("a proof of nothing but scalars, of empty lists or of other sizes than its examples have is none") {
  for (const char* rule : {
           "rule sorted: pad(x, v, low=l, high=h) => pad(x, v, low=h, high=l)  where sorted(l) == sorted(l)\n"
           "  accept x: f32[3], v: f32[], l: [1], h: [1]\n",
           "rule member: pad(x, v, low=l, high=h) => pad(x, v, low=h, high=l)  where has(l, 1), has(h, 1)\n"
           "  accept x: f32[2,2], v: f32[], l: [1, 1], h: [1, 1]\n",
           "rule order: slice(x, start=s, limit=l, stride=t) => x  where is_identity(s)\n"
           "  accept x: f32[2], s: [0], l: [2], t: [1]\n",
           "rule without: reduce_sum(pad(x, 0, low=l, high=h), axes=a) => reduce_sum(x, axes=a)  where without(l, h) == 0  needs field\n"
           "  accept x: f32[2,3], a: [1], l: [0, 1], h: [0, 1]\n",
           // True where the axis has no element, which no example asks for.
           "rule nothing: reduce_sum(x[k.., r..], axes=r) => 0  where size(r) * size(r) <= size(r)\n"
           "  accept x: f32[2,0]\n"}) {
    const Verification v = verify_one(rule);
    INFO(rule << v.reason << v.counterexample);
    CHECK(v.verdict != Verdict::kProved);
  }
}

TEST_CASE("what compilers shipped and was wrong, and what is nearly true, is refuted") {
  for (const auto& [file, least] : {std::pair{"known_wrong", 24}, {"nearly_true", 83}, {"overlooked", 90}}) {
    const auto rows = verify_data(file);
    if (rows.empty()) return;
    CHECK(rows.size() >= static_cast<size_t>(least));
    for (const Verification& v : rows) {
      INFO(v.name << ": " << v.reason);
      CHECK(v.verdict == Verdict::kRefuted);
      CHECK_FALSE(v.counterexample.empty());
    }
  }
}

TEST_CASE("a rule that declares less than it needs is not proved") {
  for (const Verification& v : verify_data("weak_licences")) {
    INFO(v.name);
    CHECK(v.verdict != Verdict::kProved);
  }
}

TEST_CASE("what an engineer would write is proved") {
  for (const Verification& v : verify_data("simplifier", 10)) {
    INFO(v.name << ": " << v.reason << v.counterexample);
    CHECK(v.verdict == Verdict::kProved);
  }
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
    CHECK(rule.verdict == Verdict::kProved);
  }
}
