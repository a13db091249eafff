// The reader of egraph-serialize: both dialects of children, repeated roots, and every fault with its place.
#include <catch2/catch.hpp>

#include "extract/solve/files/egraph_json.h"
#include "extract/solve/solve.h"

using namespace egret;
using namespace egret::extract;

namespace {

std::string fault(const std::string& text) {
  const auto file = parse_egraph(text);
  if (file.ok()) return "";
  CHECK(file.error().exit_status() == 1);
  return file.error().to_string();
}

void check_fault(const std::string& text, const std::string& expected) {
  CAPTURE(text);
  CHECK_THAT(fault(text), Catch::Matchers::Contains(expected));
}

// One node n of class A with these further fields.
std::string one(const std::string& fields) {
  return R"({"nodes": {"n": {"op": "f", "eclass": "A", )" + fields + R"(}}, "root_eclasses": ["A"]})";
}

}  // namespace

TEST_CASE("an e-graph is read with repeats, defaults and unknown fields", "[extract]") {
  const auto file = parse_egraph(R"({"comment": {"by": ["x", {"nodes": 1}]},
    "root_eclasses": ["A", "B", "A"],
    "nodes": {"a": {"op": "+", "children": ["b1", "b2", "b1"], "eclass": "A", "cost": 2, "extra": [[1], {"cost": 9}]},
              "b1": {"op": "x", "eclass": "B", "children": [], "cost": 0.5},
              "b2": {"op": "y", "eclass": "B"},
              "gone": {"op": "z", "eclass": "B", "cost": 0, "subsumed": true}},
    "class_data": {}})");
  REQUIRE(file.ok());
  const Problem& p = file->problem;
  CHECK(p.terms);
  REQUIRE(p.candidates.size() == 3);
  CHECK(p.roots == std::vector<uint32_t>{0, 1, 0});
  CHECK(p.candidates[0].operands == std::vector<uint32_t>{1, 1, 1});
  CHECK(p.candidates[0].cost == 2);
  CHECK(p.candidates[2].cost == 1);
  CHECK(file->node_names == std::vector<std::string>{"a", "b1", "b2"});
  CHECK(file->class_names == std::vector<std::string>{"A", "B"});
  const auto tree = solve_tree(p);
  REQUIRE(tree.ok());
  CHECK(tree->chosen == std::vector<uint32_t>{0, 1});
  CHECK(tree->cost == 2.5);
  CHECK(tree->bound == 2 * (2 + 3 * 0.5) + 0.5);
  CHECK(tree_cost(p, tree->chosen) == tree->bound);
}

TEST_CASE("integer children name classes", "[extract]") {
  const auto file = parse_egraph(R"({"root_eclasses": [7],
    "nodes": {"0": {"op": "f", "eclass": 7, "children": [9, 9]}, "1": {"op": "x", "eclass": 9, "children": []}}})");
  REQUIRE(file.ok());
  CHECK(file->problem.candidates[0].operands == std::vector<uint32_t>{1, 1});
  CHECK(file->class_names[1] == "9");
}

TEST_CASE("faults of an e-graph are named with their place", "[extract]") {
  check_fault("{", "1:");
  check_fault("[]", "expected an object");
  check_fault("3", "expected an object");
  check_fault("{}", "`nodes` is missing");
  check_fault(R"({"nodes": {}})", "no roots");
  check_fault(R"({"nodes": {"n": {"op": "f", "eclass": "A"}}, "root_eclasses": []})", "no roots");
  check_fault(R"({"nodes": {"n": {"op": "f", "eclass": "A"}}, "root_eclasses": ["Q"]})", "root Q names no class");
  check_fault(R"({"nodes": {"n": {"op": "f", "eclass": "A"}}, "root_eclasses": [1.5]})", "expected a list of class ids");
  check_fault(R"({"nodes": {"n": {"op": "f", "eclass": "A"}}, "root_eclasses": "A"})", "expected a list of class ids");
  check_fault(R"({"nodes": [], "root_eclasses": ["A"]})", "`nodes` is a list, expected an object");
  check_fault(R"({"nodes": {"n": 3}, "root_eclasses": ["A"]})", "node n: error: a node is a number");
  check_fault(R"({"nodes": {"n": {"op": "f"}}, "root_eclasses": ["A"]})", "node n: error: `eclass` is missing");
  check_fault(one(R"("children": ["q"])"), "node n: error: its child q names no node");
  check_fault(one(R"("children": ["A"])"), "it names a class");
  check_fault(one(R"("children": [5])"), "node n: error: its child 5 names no class");
  check_fault(one(R"("children": "n")"), "node n: error: `children` is a string, expected a list");
  check_fault(one(R"("children": [["n"]])"), "`children` holds a list");
  check_fault(one(R"("cost": "4")"), "`cost` is a string");
  check_fault(one(R"("cost": null)"), "`cost` is null");
  check_fault(one(R"("cost": NaN)"), "1:");
  check_fault(one(R"("cost": 1e999)"), "1:");
  check_fault(R"({"nodes": {"n": {"op": "f", "eclass": "A"}, "n": {"op": "g", "eclass": "A"}}, "root_eclasses": ["A"]})",
              "node n: error: this node occurs twice");
}

TEST_CASE("costs below zero: trees where classes stand in an order, else an error", "[extract]") {
  const auto acyclic = parse_egraph(R"({"root_eclasses": ["A"], "nodes": {
    "a": {"op": "f", "eclass": "A", "children": ["b", "b"]}, "a2": {"op": "g", "eclass": "A", "cost": 0},
    "b": {"op": "x", "eclass": "B", "cost": -1}}})");
  REQUIRE(acyclic.ok());
  const auto tree = solve_tree(acyclic->problem);
  REQUIRE(tree.ok());
  CHECK(tree->bound == -1);
  const auto cyclic = parse_egraph(R"({"root_eclasses": ["A"], "nodes": {
    "a": {"op": "f", "eclass": "A", "children": ["b"], "cost": -1}, "b": {"op": "x", "eclass": "B", "children": ["a"]},
    "b2": {"op": "y", "eclass": "B"}}})");
  REQUIRE(cyclic.ok());
  CHECK_FALSE(solve_tree(cyclic->problem).ok());
}
