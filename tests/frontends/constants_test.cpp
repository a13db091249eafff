// Constants that contradict each other (design decision 8 c): a wrong rule is found by its explanation, and the run starts again.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "frontends/pass_stages.h"
#include "ir/tensor.h"
#include "ir/text/text.h"

using namespace egret;

namespace {

constexpr const char* kSums = "graph sums\n  x: f32[4]\n  two = splat(value=2, dtype=f32, sizes=[4])\n"
                              "  three = splat(value=3, dtype=f32, sizes=[4])\n  s = add(two, three)\n  y = mul(x, s)\n  return y\n";

struct Run {
  Saturation saturation;
  bool contradiction = false;
  std::string error;

  Run(const std::string& injected, const char* numerics, bool proof, const std::vector<std::string>& proved = {}, const std::string& text = kSums,
      bool strict = false, uint64_t iterations = 12) {
    auto source = parse_graph(text, "program.egret");
    INFO((source.ok() ? "" : source.error().to_string()));
    REQUIRE(source.ok());
    rules::RuleSet set;
    const auto added = set.add_text("ruleset injected\n" + injected, "injected.rules");
    INFO((added.ok() ? "" : added.error().to_string()));
    REQUIRE(added.ok());
    for (const std::string& name : proved) set.set_verdict(name, rules::Verdict::kProved);
    OptimizeOptions options;
    options.numerics = numerics;
    options.proof = proof;
    options.strict_rules = strict;
    options.limits.enodes = 2'000;
    options.limits.iterations = iterations;
    const Stopwatch total;
    auto program = import_program(*source, options);
    REQUIRE(program.ok());
    const size_t imported = program->tensors->graph().node_count();
    auto done = saturate(*program, *source, set, *rules::Licence::parse(numerics), options, total);
    if (!done.ok()) {
      error = done.error().to_string();
      return;
    }
    saturation = std::move(*done);
    contradiction = program->tensors->contradiction().has_value();
    if (saturation.stop_reason == "unsound") CHECK(program->tensors->graph().node_count() == imported);
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a rule that makes different constants one is quarantined, with reasons recorded or not") {
  for (bool proof : {true, false}) {
    const Run run("rule wrong: x + y => x * y\n", "default", proof);
    CHECK(run.saturation.quarantined == Names{"wrong"});
    CHECK(run.saturation.stop_reason == "saturated");
    CHECK_FALSE(run.contradiction);
  }
}

TEST_CASE("only the rules of weakest verdict in the explanation go") {
  // 2 + 3 = 3 + 2 = 3 * 2: both rules are on the way, one of them is proved.
  const Run run("rule turn: x + y => y + x\nrule wrong: x + y => y * x\n", "default", true, {"turn"});
  CHECK(run.saturation.quarantined == Names{"wrong"});
  CHECK(run.saturation.rules.find("turn") != nullptr);
}

TEST_CASE("what the licence lets rounding move is no contradiction") {
  // 2 + 3 = (2 * 1.0000001) + 3 within rounding of f32, and not bit for bit.
  const std::string rule = "rule near: x + y => x * 1.00000024 + y\n";
  CHECK(Run(rule, "default", true).saturation.quarantined.empty());
  CHECK(Run(rule, "strict", true).saturation.quarantined == Names{"near"});
}

TEST_CASE("rules that gave operands their values are part of the explanation") {
  // By the two proved rules x is log(exp(x)) and neg(log(exp(neg(x)))): log(2) and neg(log(2)), once the wrong one made both exponentials 2.
  const std::string text = "graph g\n  x: f32[4]\n  a = exp(x)\n  b = neg(x)\n  c = exp(b)\n  d = log(a)\n  e = log(c)\n  f = neg(e)\n  return d, f\n";
  for (bool proof : {true, false}) {
    const Run run("rule log-of-exp: log(exp(x)) => x\nrule neg-of-neg: neg(neg(x)) => x\nrule wrong: exp(x) => 2\n", "default", proof,
                  {"log-of-exp", "neg-of-neg"}, text);
    CHECK(run.saturation.quarantined == Names{"wrong"});
    CHECK(run.saturation.stop_reason == "saturated");
  }
}

TEST_CASE("after three restarts the input is the result") {
  const std::string text =
      "graph g\n  x: f32[4]\n  two = splat(value=2, dtype=f32, sizes=[4])\n  a = exp(two)\n  b = log(a)\n  c = sqrt(b)\n  d = tanh(c)\n  e = square(d)\n"
      "  f = mul(x, e)\n  return f\n";
  const std::string all = "rule a: exp(x) => 1\nrule b: log(x) => 2\nrule c: sqrt(x) => 3\nrule d: tanh(x) => 4\nrule e: square(x) => 5\n";
  const Run run(all, "default", false, {}, text);
  CHECK(run.saturation.stop_reason == "unsound");
  CHECK(run.saturation.quarantined.size() >= 4);
  // Three at most, and what is left of the library still works.
  const Run three(all.substr(0, all.find("rule d")), "default", false, {}, text);
  CHECK(three.saturation.stop_reason == "saturated");
  CHECK(three.saturation.quarantined.size() == 3);
}

TEST_CASE("restarts share one budget of iterations, and a run that is only told again with its reasons is not counted twice") {
  // A step an iteration: the k-th rule that is wrong shows itself in the k-th iteration, once those before it are gone.
  const char* chain[] = {"abs", "floor", "ceil", "round", "relu"};
  std::string wrong;
  for (size_t k = 0; k < std::size(chain); ++k) {
    wrong += fmt::format("rule wrong-{0}: {0}(x) => {1}\n", chain[k], k + 1);
    if (k > 0) wrong += fmt::format("rule step-{0}: {0}(x) => {1}(x)\n", chain[k - 1], chain[k]);
  }
  const std::string text = "graph g\n  two = splat(value=2, dtype=f32, sizes=[4])\n  y = abs(two)\n  return y\n";
  const std::vector<std::string> proved{"step-abs", "step-floor", "step-ceil", "step-round"};
  for (bool proof : {true, false}) {
    const Run whole(wrong, "default", proof, proved, text, false, 30);
    CHECK(whole.saturation.stop_reason == "unsound");
    CHECK(whole.saturation.quarantined.size() == 4);
    REQUIRE(whole.saturation.iterations >= 4);
    size_t before = 0;
    for (uint64_t budget = 1; budget <= whole.saturation.iterations; ++budget) {
      const Run run(wrong, "default", proof, proved, text, false, budget);
      INFO(budget << " iterations of " << whole.saturation.iterations << ", " << run.saturation.stop_reason);
      CHECK(run.saturation.iterations == budget);
      CHECK(run.saturation.stop_reason == (budget < whole.saturation.iterations ? "iteration_limit" : "unsound"));
      CHECK(run.saturation.quarantined.size() >= before);
      before = run.saturation.quarantined.size();
    }
    CHECK(before == 4);
  }
}

TEST_CASE("an alarm is an error where the caller wants it so") {
  const Run constants("rule wrong: x + y => x * y\n", "default", false, {}, kSums, true);
  CHECK(constants.error.find("injected.rules:2") != std::string::npos);
  CHECK(constants.error.find("rule wrong makes two constants one") != std::string::npos);
  const Run types("rule other: x * y => reduce_sum(x, axes=[0])\n", "default", false, {}, kSums, true);
  CHECK(types.error.find("rule other gives a term of another type") != std::string::npos);
}

TEST_CASE("right sides of another type are quarantined, right sides without a type are dropped and counted") {
  const Run other("rule other: x * y => reduce_sum(x, axes=[0])\n", "default", false);
  CHECK(other.saturation.quarantined == Names{"other"});
  const Run none("rule none: x * y => dot(x, y, lc=[1], rc=[0])\n", "default", false);
  CHECK(none.saturation.quarantined.empty());
  CHECK(none.saturation.dropped > 0);
}

TEST_CASE("constants of up to 4,096 elements are compared, larger ones are only constant") {
  for (const auto& [size, known] : {std::pair(4'096, true), std::pair(4'097, false)}) {
    auto values = std::make_shared<Tensor>(Type::tensor(DType::f32, {size}));
    for (int64_t e = 0; e < size; ++e) values->set(e, static_cast<double>(e));
    GraphBuilder builder("g");
    const ValueId c = builder.constant(values);
    builder.output(*builder.add("neg", {c}), "y");
    const Run run("rule wrong: neg(x) => x\n", "default", false, {}, print(builder.graph()));
    CHECK(run.saturation.quarantined == (known ? Names{"wrong"} : Names{}));
  }
}

TEST_CASE("what was rounded to a number is not that number") {
  // 1e20 + 3 is 1e20 in f32; algebra must not make 3 of 0.
  const std::string text =
      "graph g\n  x: f32[4]\n  big = splat(value=1e20, dtype=f32, sizes=[4])\n  three = splat(value=3, dtype=f32, sizes=[4])\n  s = add(three, big)\n"
      "  d = sub(s, big)\n  z = sub(big, big)\n  y = mul(x, d)\n  return y, z\n";
  const Run run("rule move: (x + y) - z => x + (y - z)\nrule nothing: x + 0 => x\n", "default", true, {"move", "nothing"}, text);
  CHECK(run.saturation.quarantined.empty());
  CHECK(run.saturation.stop_reason == "saturated");
}

TEST_CASE("a term that is not finite may equal anything") {
  const std::string text = "graph g\n  zero = splat(value=0, dtype=f32, sizes=[4])\n  two = splat(value=2, dtype=f32, sizes=[4])\n  a = mul(two, zero)\n"
                           "  b = div(a, zero)\n  c = neg(b)\n  return b, c\n";
  CHECK(Run("rule cancel: (x * y) / y => x\nrule other: (x * y) / y => x + x\n", "fast", false, {"cancel", "other"}, text).saturation.quarantined.empty());
}
