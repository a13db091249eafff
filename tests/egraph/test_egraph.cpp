// The e-graph's own promises: hash-consing, canonical ids, rebuild, lists, facts, moving.
#include <catch2/catch.hpp>

#include "egraph/store/hash_cons.h"
#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

constexpr Justification kAsserted{Justification::Kind::kGiven, 0, 7};

std::vector<Id> ids(std::span<const Id> span) { return {span.begin(), span.end()}; }

// The value of a term of numbers, Add and Mul, as a fact; the fact is the number itself.
Analysis value_analysis() {
  Analysis analysis;
  analysis.name = "value";
  analysis.make = [](const EGraph& graph, std::span<const Id> nodes, std::span<Fact> out) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      const std::string name(graph.op_name(graph.op(nodes[i])));
      const auto operands = graph.canonical_operands(nodes[i]);
      if (operands.empty()) {
        if (std::isdigit(name[0])) out[i] = static_cast<Fact>(std::stoul(name));
        continue;
      }
      const Fact a = graph.fact(0, operands[0]), b = graph.fact(0, operands.back());
      if (a == kNoFact || b == kNoFact) continue;
      if (name == "Add") out[i] = a + b;
      if (name == "Mul") out[i] = a * b;
    }
  };
  analysis.join = [](Fact a, Fact b) { return a == b ? a : kConflict; };
  return analysis;
}

}  // namespace

TEST_CASE("operators are interned by name") {
  EGraph graph;
  const OpKind add = graph.intern_op("Add"), mul = graph.intern_op("Mul");
  CHECK(add != mul);
  CHECK(graph.intern_op("Add") == add);
  CHECK(graph.op_name(mul) == "Mul");
  CHECK(graph.find_op("Mul") == mul);
  CHECK_FALSE(graph.find_op("Sub").has_value());
}

TEST_CASE("equal e-nodes are one; attributes and arity tell them apart") {
  EGraph graph;
  const Id a = insert(graph, "a"), b = insert(graph, "b");
  const OpKind f = graph.intern_op("f");
  const Id fab = graph.add(f, 0, {{a, b}});
  CHECK(graph.add(f, 0, {{a, b}}) == fab);
  CHECK(graph.add(f, 1, {{a, b}}) != fab);
  CHECK(graph.add(f, 0, {{b, a}}) != fab);
  CHECK(graph.add(f, 0, {{a}}) != fab);
  CHECK(graph.lookup(f, 1, {{a, b}}) == fab + 1);
  CHECK_FALSE(graph.lookup(f, 2, {{a, b}}).has_value());
  CHECK(graph.node_count() == 6);
  CHECK(graph.class_count() == 6);
}

TEST_CASE("operands that point into the graph survive its growth") {
  EGraph graph;
  const OpKind f = graph.intern_op("f");
  Id last = graph.add(f, 0, {{insert(graph, "a"), insert(graph, "b"), insert(graph, "c")}});
  for (AttrId attr = 1; attr < 2000; ++attr) last = graph.add(f, attr, graph.operands(last));
  CHECK(ids(graph.operands(last)) == std::vector<Id>{0, 1, 2});
}

TEST_CASE("the canonical id of a class is its oldest") {
  EGraph graph;
  const Id a = insert(graph, "a"), b = insert(graph, "b"), c = insert(graph, "c");
  CHECK(graph.unite(c, b, kAsserted));
  CHECK(graph.find(c) == b);
  CHECK(graph.unite(c, a, kAsserted));
  CHECK_FALSE(graph.unite(b, a, kAsserted));
  CHECK(graph.find(b) == a);
  CHECK(graph.find(c) == a);
  CHECK_FALSE(graph.clean());
  graph.rebuild();
  CHECK(graph.clean());
  CHECK(graph.classes() == std::vector<Id>{a});
}

TEST_CASE("rebuild restores congruence upward, keeps the lowest id live and the exact operands") {
  EGraph graph;
  const Id a = insert(graph, "a"), b = insert(graph, "b");
  const Id fa = insert(graph, "(f a)"), fb = insert(graph, "(f b)");
  const Id ga = insert(graph, "(g (f a) a)"), gb = insert(graph, "(g (f b) b)");
  graph.unite(a, b, kAsserted);
  CHECK(graph.rebuild() == 2);
  CHECK(graph.find(fb) == fa);
  CHECK(graph.find(gb) == ga);
  CHECK(graph.node_count() == 4);
  CHECK(graph.id_count() == 6);
  CHECK(graph.class_count() == 3);
  CHECK(ids(graph.nodes_of(b)) == std::vector<Id>{a, b});
  CHECK(ids(graph.nodes_of(gb)) == std::vector<Id>{ga});
  CHECK(ids(graph.nodes_with(graph.op(fa))) == std::vector<Id>{fa});
  CHECK(ids(graph.parents_of(b)) == std::vector<Id>{fa, ga});
  CHECK(ids(graph.operands(gb)) == std::vector<Id>{fb, b});
  CHECK(ids(graph.canonical_operands(gb)) == std::vector<Id>{fa, a});
  CHECK(graph.add(graph.op(fb), 0, {{b}}) == fa);
  CHECK(graph.clean());
}

TEST_CASE("an e-node that reads a class twice is one parent") {
  EGraph graph;
  const Id square = insert(graph, "(Mul a a)");
  graph.rebuild();
  CHECK(ids(graph.parents_of(0)) == std::vector<Id>{square});
}

TEST_CASE("a class may come to contain its own reader") {
  EGraph graph;
  const Id a = insert(graph, "a"), ffa = insert(graph, "(f (f a))");
  graph.unite(a, ffa, kAsserted);
  graph.unite(a, ffa - 1, kAsserted);
  graph.rebuild();
  CHECK(graph.class_count() == 1);
  CHECK(graph.node_count() == 2);
}

TEST_CASE("a long chain of consequences takes time linear in its length") {
  EGraph graph;
  const OpKind f = graph.intern_op("f");
  Id left = insert(graph, "a"), right = insert(graph, "b");
  const Id a = left, b = right;
  for (int i = 0; i < 200'000; ++i) {
    left = graph.add(f, 0, {{left}});
    right = graph.add(f, 0, {{right}});
  }
  graph.rebuild();
  graph.unite(b, a, kAsserted);
  CHECK(graph.rebuild() == 200'000);
  CHECK(graph.find(right) == left);
  CHECK(graph.node_count() == 200'002);
}

TEST_CASE("a graph may be moved and then grown") {
  EGraph first;
  insert(first, "(f a)");
  EGraph second = std::move(first);
  insert(second, "(f b)");
  second.unite(0, 2, kAsserted);
  CHECK(second.rebuild() == 1);
  first = std::move(second);
  CHECK(first.node_count() == 3);
}

TEST_CASE("hash-cons: erasing keeps every other entry within reach, and room is made by forgetting what was erased") {
  HashCons table;
  const auto tag_of_id = [](Id id) { return (id % 13) * 4; };  // long runs of collisions
  const auto found = [&](Id id) { return table.find(tag_of_id(id), [&](Id other) { return other == id; }); };
  for (Id id = 0; id < 40; ++id) table.insert(tag_of_id(id), id);
  for (Id gone = 0; gone < 40; gone += 3) table.erase(tag_of_id(gone), gone);
  for (Id id = 0; id < 40; ++id) CHECK((found(id) == id) == (id % 3 != 0));
  const uint64_t bytes = table.bytes();
  for (int round = 0; round < 1000; ++round) {
    table.insert(tag_of_id(0), 0);
    table.erase(tag_of_id(0), 0);
  }
  CHECK(table.bytes() <= 2 * bytes);
  for (Id id = 1; id < 40; ++id) CHECK((found(id) == id) == (id % 3 != 0));
}

TEST_CASE("facts are made for new e-nodes, whatever their order, and for analyses added later") {
  EGraph graph;
  const Id sum = insert(graph, "(Add (Mul 2 3) (Add 4 x))"), product = insert(graph, "(Mul 2 3)");
  graph.rebuild();
  const uint32_t value = graph.add_analysis(value_analysis());
  CHECK_FALSE(graph.clean());
  graph.rebuild();
  CHECK(graph.fact(value, product) == 6);
  CHECK(graph.fact(value, sum) == kNoFact);
  const Id twelve = insert(graph, "(Mul (Mul 2 3) 2)");
  CHECK(graph.fact(value, twelve) == kNoFact);
  graph.rebuild();
  CHECK(graph.fact(value, twelve) == 12);
}

TEST_CASE("facts that change reach their readers: by union and by seeding") {
  for (const bool by_union : {true, false}) {
    EGraph graph;
    const uint32_t value = graph.add_analysis(value_analysis());
    const Id sum = insert(graph, "(Add (Add (Add x 1) 1) 1)"), five = insert(graph, "5");
    const Id x = *graph.lookup(*graph.find_op("x"), 0, {});
    graph.rebuild();
    CHECK(graph.fact(value, sum) == kNoFact);
    if (by_union) {
      graph.unite(x, five, kAsserted);
      CHECK(graph.fact(value, x) == 5);
    } else {
      graph.set_fact(value, x, 5);
    }
    CHECK_FALSE(graph.clean());
    graph.rebuild();
    CHECK(graph.fact(value, sum) == 8);
    CHECK(graph.conflicts().empty());
  }
}

TEST_CASE("facts that contradict are recorded once, with two witnesses, and the first is kept") {
  EGraph graph;
  const uint32_t value = graph.add_analysis(value_analysis());
  const Id three = insert(graph, "(Add 1 2)"), four = insert(graph, "(Mul 2 2)");
  graph.rebuild();
  graph.unite(four, three, kAsserted);
  graph.rebuild();
  graph.rebuild();
  REQUIRE(graph.conflicts().size() == 1);
  const Conflict& conflict = graph.conflicts()[0];
  CHECK(conflict.analysis == value);
  CHECK(conflict.left == three);
  CHECK(conflict.right == four);
  CHECK(graph.find(conflict.cls) == graph.find(three));
  CHECK(graph.fact(value, four) == 3);
}

TEST_CASE("a fact that contradicts what rebuild computes is a conflict too") {
  EGraph graph;
  graph.add_analysis(value_analysis());
  const Id sum = insert(graph, "(Add x 1)"), x = insert(graph, "x");
  graph.rebuild();
  graph.set_fact(0, sum, 9);
  graph.set_fact(0, x, 1);
  graph.rebuild();
  REQUIRE(graph.conflicts().size() == 1);
  CHECK(graph.conflicts()[0].cls == sum);
}

TEST_CASE("no explanations: no memory for them") {
  EGraph with, without({.explanations = false});
  for (EGraph* graph : {&with, &without}) {
    for (int i = 0; i < 1000; ++i) insert(*graph, "(f (g " + std::to_string(i) + "))");
    for (Id id = 3; id < 900; id += 3) graph->unite(0, id, kAsserted);
    graph->rebuild();
  }
  CHECK(without.bytes() + 8 * 3000 < with.bytes());
  CHECK_FALSE(without.explains());
}
