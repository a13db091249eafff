// Push and pop: what was tried leaves no trace.
#include <catch2/catch.hpp>

#include "egraph/checkpoint.h"
#include "egraph/snapshot.h"
#include "tests/egraph/workloads.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

TEST_CASE("a restored graph is the kept one, to the byte, and goes on as it would have") {
  for (const bool explanations : {false, true}) {
    EGraph graph({.explanations = explanations}), straight({.explanations = explanations});
    for (EGraph* g : {&graph, &straight}) insert_fuel(*g, 2);
    const std::vector<Rewrite> rules = fuel_rules(graph), others = fuel_rules(straight);
    run(graph, rules, unlimited(6));
    const std::string before = to_snapshot(graph);
    const Checkpoint outer(graph);
    for (int attempt = 0; attempt < 3; ++attempt) {
      graph.unite(attempt, 9 + attempt, {});
      insert(graph, "(Add tried " + std::to_string(attempt) + ")");
      run(graph, rules, unlimited(2));
      const Checkpoint inner(graph);
      graph.unite(0, 1, {});  // not rebuilt
      inner.restore(graph);
      outer.restore(graph);
      REQUIRE(graph.clean());
      CHECK((to_snapshot(graph).size() >= before.size()));  // operators stay
    }
    CHECK_FALSE(graph.lookup(*graph.find_op("tried"), 0, {}).has_value());
    RunOptions rest = unlimited(30);
    rest.resume = true;
    run(graph, rules, rest);
    run(straight, others, unlimited(36));
    CHECK(graph.node_count() == 1516);
    CHECK(graph.id_count() == straight.id_count());
    bool same = true;
    for (Id n = 0; n < graph.id_count(); ++n) same = same && graph.find(n) == straight.find(n);
    CHECK(same);
  }
}

TEST_CASE("unions that displace an id which the checkpoint lacks are forgotten with it") {
  EGraph graph;
  insert(graph, "(f a)");
  graph.rebuild();
  const Checkpoint kept(graph);
  const Id b = insert(graph, "b");
  graph.unite(b, 0, {});
  kept.restore(graph);
  CHECK(graph.id_count() == 2);
  const Id c = insert(graph, "c");
  CHECK(graph.find(c) == c);
  graph.rebuild();
  CHECK(graph.class_count() == 3);
}
