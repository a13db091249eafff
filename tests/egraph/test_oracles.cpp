// Counts that are known from elsewhere: published by other engines, or in closed form.
#include <catch2/catch.hpp>

#include "tests/egraph/workloads.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

void require_counts(const Report& report, const std::vector<uint64_t>& expected) {
  REQUIRE(report.iterations.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(report.iterations[i].enodes == expected[i]);
}

uint64_t power(uint64_t base, int exponent) { return exponent == 0 ? 1 : base * power(base, exponent - 1); }

}  // namespace

TEST_CASE("math-microbenchmark has the published number of e-nodes after each of 11 steps, and of classes") {
  EGraph graph({.explanations = false});
  insert_math_terms(graph);
  const std::vector<Rewrite> rules = math_rules(graph);
  const Report report = run(graph, rules, unlimited(11));
  require_counts(report, {69, 118, 208, 389, 784, 1576, 3160, 8113, 28303, 136446, 1047896});
  CHECK(graph.class_count() == 443832);
  const std::pair<const char*, size_t> tables[] = {{"Add", 641743}, {"Mul", 345075}, {"Integral", 32434},
                                                   {"Sub", 15123},  {"Diff", 13504}, {"Div", 3}, {"Pow", 2}};
  for (const auto& [name, count] : tables) CHECK(graph.nodes_with(*graph.find_op(name)).size() == count);
}

// The first eight stand in oatlog's report; egglog 3.0 gives all ten.
TEST_CASE("the boolean adder has the published number of e-nodes after each of 10 steps") {
  EGraph graph({.explanations = false});
  insert_adder(graph);
  graph.rebuild();
  REQUIRE(graph.node_count() == 44);
  const std::vector<Rewrite> rules = adder_rules(graph);
  require_counts(run(graph, rules, unlimited(10)), {106, 241, 511, 727, 906, 1332, 2374, 5246, 15897, 75756});
}

TEST_CASE("calculus on fuel saturates with the published number of e-nodes, whatever the schedule") {
  const uint64_t expected[] = {973, 1516, 50021};
  for (int units = 1; units <= 3; ++units) {
    for (const Scheduler scheduler : {Scheduler::kSimple, Scheduler::kBackoff}) {
      EGraph graph({.explanations = false});
      insert_fuel(graph, units);
      const std::vector<Rewrite> rules = fuel_rules(graph);
      RunOptions options = unlimited(100'000, 2);
      options.scheduler = scheduler;
      const Report report = run(graph, rules, options);
      CHECK(report.stop_reason == StopReason::kSaturated);
      CHECK(graph.node_count() == expected[units - 1]);
    }
  }
}

TEST_CASE("a sum of n terms has 2^n - 1 classes and 3^n - 2^(n+1) + 1 + n e-nodes") {
  for (int n = 2; n <= 12; ++n) {
    EGraph graph({.explanations = false});
    insert_sum(graph, n);
    const std::vector<Rewrite> rules = ac_rules(graph);
    const Report report = run(graph, rules, unlimited(40, 2));
    CHECK(report.stop_reason == StopReason::kSaturated);
    CHECK(graph.class_count() == power(2, n) - 1);
    CHECK(graph.node_count() == power(3, n) - power(2, n + 1) + 1 + n);
  }
}
