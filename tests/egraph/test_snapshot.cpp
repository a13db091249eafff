// Snapshots: what comes back, and what damaged or hostile bytes do.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>

#include "egraph/snapshot.h"
#include "support/hash.h"
#include "tests/egraph/workloads.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

EGraph small_graph() {
  EGraph graph;
  insert_fuel(graph, 1);
  std::vector<Rewrite> rules = fuel_rules(graph);
  run(graph, rules, unlimited(3));
  graph.subsume(5);
  return graph;
}

// Uses everything that a loaded graph offers.
void use(EGraph& graph) {
  for (Id n = 0; n < graph.id_count(); ++n) {
    (void)graph.operands(n);
    (void)graph.canonical_operands(n);
    if (graph.explains()) (void)graph.explain(n, graph.find(n));
  }
  for (uint32_t a = 0; a < graph.application_count(); ++a) (void)graph.application(a);
  for (const Id cls : graph.classes()) (void)graph.parents_of(cls);
  std::vector<Rewrite> rules = fuel_rules(graph);
  RunOptions options = unlimited(2);
  options.limits.enodes = 5000;
  run(graph, rules, options);
}

}  // namespace

TEST_CASE("a loaded graph is the saved one: terms, classes, explanations, applications, subsumed e-nodes") {
  const EGraph saved = small_graph();
  auto loaded = from_snapshot(to_snapshot(saved), "memory");
  REQUIRE(loaded.ok());
  REQUIRE(loaded->id_count() == saved.id_count());
  CHECK(loaded->node_count() == saved.node_count());
  CHECK(loaded->class_count() == saved.class_count());
  CHECK(loaded->subsumed(5));
  bool same = loaded->application_count() == saved.application_count();
  for (Id n = 0; n < saved.id_count(); ++n) {
    const auto x = saved.operands(n), y = loaded->operands(n);
    same = same && saved.find(n) == loaded->find(n) && saved.op_name(saved.op(n)) == loaded->op_name(loaded->op(n)) &&
           std::equal(x.begin(), x.end(), y.begin(), y.end());
    const auto a = saved.explain(n, saved.find(n)), b = loaded->explain(n, saved.find(n));
    same = same && a.size() == b.size();
  }
  for (uint32_t a = 0; a < saved.application_count(); ++a) {
    same = same && saved.application(a).equations == loaded->application(a).equations &&
           saved.application(a).classes == loaded->application(a).classes;
  }
  CHECK(same);
  CHECK((to_snapshot(*loaded) == to_snapshot(saved)));
  use(*loaded);
}

TEST_CASE("facts come back to the analysis of their name") {
  Analysis size;
  size.name = "size";
  size.make = [](const EGraph& graph, std::span<const Id> nodes, std::span<Fact> out) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      out[i] = 1;
      for (const Id operand : graph.canonical_operands(nodes[i])) out[i] += graph.fact(0, operand);
    }
  };
  size.join = [](Fact a, Fact b) { return std::min(a, b); };
  EGraph graph;
  graph.add_analysis(size);
  const Id term = insert(graph, "(f (g a) (g b))");
  graph.rebuild();
  graph.set_fact(0, 0, 1);
  graph.rebuild();
  REQUIRE(graph.fact(0, term) == 5);
  auto loaded = from_snapshot(to_snapshot(graph), "memory");
  REQUIRE(loaded.ok());
  size.make = [](const EGraph&, std::span<const Id>, std::span<Fact>) { FAIL("facts are made again"); };
  REQUIRE(loaded->add_analysis(size) == 0);
  loaded->rebuild();
  CHECK(loaded->fact(0, term) == 5);
}

TEST_CASE("a snapshot cut short anywhere, or with one byte changed anywhere, is a clear error or the same graph") {
  const std::string whole = to_snapshot(small_graph());
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto loaded = from_snapshot(std::string_view(whole).substr(0, length), "short.snapshot");
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().to_string().find("short.snapshot") != std::string::npos);
  }
  size_t same = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      auto loaded = from_snapshot(damaged, "memory");
      if (!loaded.ok()) continue;
      same += to_snapshot(*loaded) == whole;  // padding
      if (to_snapshot(*loaded) != whole) FAIL("another graph after a change of byte " << at);
      use(*loaded);
    }
  }
  CHECK(same < whole.size());
  CHECK_FALSE(from_snapshot(whole + "x", "memory").ok());
  CHECK_FALSE(load_snapshot("/no/such/file").ok());
}

// The checksums made right after the change: what is left are the checks of content.
TEST_CASE("hostile snapshots with right checksums are refused or harmless") {
  const std::string whole = to_snapshot(small_graph());
  const auto word = [](const std::string& bytes, size_t at) {
    uint64_t value;
    std::memcpy(&value, bytes.data() + at, 8);
    return value;
  };
  const auto set_word = [](std::string& bytes, size_t at, uint64_t value) { std::memcpy(bytes.data() + at, &value, 8); };
  const uint64_t sections = word(whole, 16);
  size_t payload = 32 + sections * 24, refused = 0, accepted = 0;
  for (uint64_t s = 0; s < sections; ++s) {
    const uint64_t bytes = word(whole, 32 + s * 24 + 8);
    for (uint64_t at = 0; at < bytes; at += 1 + bytes / 97) {
      for (const int change : {0x01, 0x80, 0xff}) {
        std::string hostile = whole;
        hostile[payload + at] = static_cast<char>(hostile[payload + at] ^ change);
        set_word(hostile, 32 + s * 24 + 16, egret::hash_bytes(hostile.data() + payload, bytes));
        set_word(hostile, 24, egret::hash_bytes(hostile.data() + 32, sections * 24));
        auto loaded = from_snapshot(hostile, "memory");
        if (loaded.ok()) use(*loaded);
        ++(loaded.ok() ? accepted : refused);
      }
    }
    payload += (bytes + 7) & ~uint64_t{7};
  }
  CHECK(refused > 1000);
  CHECK(accepted > 0);  // attributes, names, reasons
}

TEST_CASE("another version and another byte order are told apart from damage") {
  std::string other = to_snapshot(small_graph());
  other[12] = 9;
  CHECK(from_snapshot(other, "memory").error().message.find("version 9") != std::string::npos);
  other = to_snapshot(small_graph());
  std::swap(other[8], other[11]);
  CHECK(from_snapshot(other, "memory").error().message.find("byte order") != std::string::npos);
}
