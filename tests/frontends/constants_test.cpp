// Constants that contradict each other (design decision 8 c): a wrong rule is found by its explanation, and the run starts again.
#include <catch2/catch.hpp>

#include "frontends/pass_stages.h"
#include "ir/text/text.h"

using namespace egret;

namespace {

constexpr const char* kSums = "graph sums\n  x: f32[4]\n  two = splat(value=2, dtype=f32, sizes=[4])\n"
                              "  three = splat(value=3, dtype=f32, sizes=[4])\n  s = add(two, three)\n  y = mul(x, s)\n  return y\n";

struct Run {
  Saturation saturation;
  bool contradiction = false;

  Run(const std::string& injected, const char* numerics, bool proof, const std::string& proved = {}) {
    auto source = parse_graph(kSums, "sums.egret");
    REQUIRE(source.ok());
    rules::RuleSet set;
    const auto added = set.add_text("ruleset injected\n" + injected, "injected.rules");
    INFO((added.ok() ? "" : added.error().to_string()));
    REQUIRE(added.ok());
    if (!proved.empty()) set.set_verdict(proved, rules::Verdict::kProved);
    OptimizeOptions options;
    options.numerics = numerics;
    options.proof = proof;
    options.limits.enodes = 2'000;
    options.limits.iterations = 6;
    const Stopwatch total;
    auto program = import_program(*source, options);
    REQUIRE(program.ok());
    auto done = saturate(*program, *source, set, *rules::Licence::parse(numerics), options, total);
    REQUIRE(done.ok());
    saturation = std::move(*done);
    contradiction = program->tensors->contradiction().has_value();
  }
};

}  // namespace

TEST_CASE("a rule that makes different constants one is quarantined, with reasons recorded or not") {
  for (bool proof : {true, false}) {
    const Run run("rule wrong: x + y => x * y\n", "default", proof);
    CHECK(run.saturation.quarantined == std::vector<std::string>{"wrong"});
    CHECK(run.saturation.stop_reason == "saturated");
    CHECK_FALSE(run.contradiction);
  }
}

TEST_CASE("only the rules of weakest verdict in the explanation go") {
  // 2 + 3 = 3 + 2 = 3 * 2: both rules are on the way, one of them is proved.
  const Run run("rule turn: x + y => y + x\nrule wrong: x + y => y * x\n", "default", true, "turn");
  CHECK(run.saturation.quarantined == std::vector<std::string>{"wrong"});
  CHECK(run.saturation.rules.find("turn") != nullptr);
}

TEST_CASE("what the licence lets rounding move is no contradiction") {
  // 2 + 3 = (2 * 1.0000001) + 3 within rounding of f32, and not bit for bit.
  const std::string rule = "rule near: x + y => x * 1.00000024 + y\n";
  CHECK(Run(rule, "default", true).saturation.quarantined.empty());
  CHECK(Run(rule, "strict", true).saturation.quarantined == std::vector<std::string>{"near"});
}
