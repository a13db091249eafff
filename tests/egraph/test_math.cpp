// math-microbenchmark: e-nodes after each step are the same in egg, egglog and oatlog; so they must be here, for any
// number of threads.
#include <catch2/catch.hpp>

#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

struct Outcome {
  EGraph graph;
  Report report;
};

Outcome run_math(uint64_t steps, int threads, bool explanations) {
  Outcome outcome{EGraph({.explanations = explanations}), {}};
  insert_math_terms(outcome.graph);
  const std::vector<Rewrite> rules = math_rules(outcome.graph);
  outcome.graph.rebuild();
  REQUIRE(outcome.graph.node_count() == 35);
  outcome.report = run(outcome.graph, rules, unlimited(steps, threads));
  return outcome;
}

void require_same_graph(const EGraph& a, const EGraph& b) {
  REQUIRE(a.id_count() == b.id_count());
  REQUIRE(a.node_count() == b.node_count());
  bool same = true;
  for (Id n = 0; n < a.id_count(); ++n) {
    const auto x = a.canonical_operands(n), y = b.canonical_operands(n);
    same = same && a.op(n) == b.op(n) && a.find(n) == b.find(n) && std::equal(x.begin(), x.end(), y.begin(), y.end());
  }
  REQUIRE(same);
}

}  // namespace

TEST_CASE("math-microbenchmark has the published number of e-nodes after each step") {
  const uint64_t expected[] = {69, 118, 208, 389, 784, 1576, 3160, 8113, 28303, 136446};
  const Outcome outcome = run_math(std::size(expected), 1, false);
  REQUIRE(outcome.report.iterations.size() == std::size(expected));
  for (size_t i = 0; i < std::size(expected); ++i) CHECK(outcome.report.iterations[i].enodes == expected[i]);
  CHECK(outcome.report.stop_reason == StopReason::kIterationLimit);
}

TEST_CASE("ids and operands are the same for 1, 2 and 4 threads, with and without explanations") {
  const Outcome one = run_math(9, 1, true);
  require_same_graph(one.graph, run_math(9, 2, true).graph);
  require_same_graph(one.graph, run_math(9, 4, true).graph);
  require_same_graph(one.graph, run_math(9, 2, false).graph);
}

// Timing, not run by default: test_egraph_math "[.speed]".
TEST_CASE("math-microbenchmark timing", "[.speed]") {
  for (const uint64_t steps : {10, 11}) {
    for (const bool explanations : {false, true}) {
      for (const int threads : {1, 2}) {
        double best = 1e9;
        uint64_t bytes = 0, nodes = 0;
        Iteration last;
        for (int repeat = 0; repeat < 5; ++repeat) {
          const Outcome outcome = run_math(steps, threads, explanations);
          if (outcome.report.seconds > best) continue;
          best = outcome.report.seconds;
          bytes = outcome.graph.bytes();
          nodes = outcome.graph.node_count();
          last = outcome.report.iterations.back();
        }
        std::printf("%d steps, explanations %d, %d threads: %.4f s, %.1f B/e-node (last: %.4f %.4f %.4f)\n", int(steps),
                    explanations, threads, best, double(bytes) / double(nodes), last.search_s, last.apply_s,
                    last.rebuild_s);
      }
    }
  }
}
