// The licence that the verifier computes: what each rule needs, and no licence that floats of few bits contradict.
#include <bit>
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
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

float half(uint16_t bits) {
  const int exponent = (bits >> 10) & 31, mantissa = bits & 1023;
  const float size = exponent == 31 ? (mantissa ? NAN : INFINITY)
                     : exponent     ? std::ldexp(static_cast<float>(1024 + mantissa), exponent - 25)
                                    : std::ldexp(static_cast<float>(mantissa), -24);
  return bits >> 15 ? -size : size;
}

bool only_maps(const Graph& g) {
  return std::all_of(g.nodes.begin(), g.nodes.end(), [](const GraphNode& n) {
    return n.op->name == "input" || n.op->name == "splat" || (n.op->op_class == OpClass::kMap && n.type.dtype == DType::f16);
  });
}

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
       "  accept x: f32[2,3], y: f32[2,3]\n", "cancel,reassoc"},
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

// Rules of maps that need no more than nnan, ninf and nsz, as f16: all values of one variable, all pairs of floats of 8 bits.
TEST_CASE("floats of few bits contradict no licence of the library") {
  RuleSet library;
  REQUIRE(library.add_library().ok());
  const std::set<std::string> specials{"nnan", "ninf", "nsz"};
  size_t tried = 0;
  for (const Rule& rule : library.rules()) {
    if (rule.kind != RuleKind::kAlgebra) continue;
    if (!std::all_of(rule.needs.words.begin(), rule.needs.words.end(), [&](const std::string& w) { return specials.contains(w); })) continue;
    const auto given = small_assignments(rule, 1);
    if (given.empty()) continue;
    Assignment a = given[0];
    bool floats = !a.types.empty() && a.splats.empty() && a.groups.empty();
    constexpr int64_t kCount = 1 << 16;
    for (auto& [name, type] : a.types) {
      floats &= type.dtype == DType::f32;
      type = Type::tensor(DType::f16, {kCount});
      a.dtypes[name] = DType::f16;
    }
    auto made = floats ? instance(rule, a) : Result<std::optional<RuleInstance>>(std::optional<RuleInstance>());
    if (!made.ok() || !*made || !(*made)->hypotheses.empty()) continue;
    const RuleInstance& i = **made;
    if (i.left.inputs.size() > 2 || !only_maps(i.left) || !only_maps(i.right)) continue;
    std::vector<Tensor> inputs;
    for (size_t k = 0; k < i.left.inputs.size(); ++k) {
      Tensor t(i.left.type(i.left.inputs[k].value));
      for (int64_t e = 0; e < kCount; ++e) {
        const auto bits = static_cast<uint16_t>(i.left.inputs.size() == 1 ? e : k == 0 ? e & 0xff00 : (e << 8) & 0xff00);
        t.set(e, half(bits));
      }
      inputs.push_back(std::move(t));
    }
    auto left = evaluate(i.left, inputs), right = evaluate(i.right, inputs);
    if (!left.ok() || !right.ok()) continue;
    ++tried;
    auto allows = [&](const char* w) { return std::find(rule.needs.words.begin(), rule.needs.words.end(), w) != rule.needs.words.end(); };
    for (int64_t e = 0; e < kCount; ++e) {
      const double x = (*left)[0].get(e), y = (*right)[0].get(e);
      if ((std::isnan(x) && std::isnan(y)) || (x == y && (allows("nsz") || std::signbit(x) == std::signbit(y)))) continue;
      bool claimed = true, infinite = false;
      for (const Tensor& t : inputs) {
        claimed &= !(allows("nnan") && std::isnan(t.get(e))) && !(allows("ninf") && std::isinf(t.get(e)));
        infinite |= std::isinf(t.get(e));
      }
      claimed &= !(allows("nnan") && !infinite && (std::isnan(x) || std::isnan(y)));
      claimed &= !(allows("ninf") && (std::isinf(x) || std::isinf(y)));
      if (!claimed) continue;
      INFO(rule.name << " at element " << e << ": " << inputs[0].get(e) << ": " << x << " against " << y);
      CHECK_FALSE(claimed);
      break;
    }
  }
  CHECK(tried >= 60);
}
