// One graph, to the byte of its snapshot: searching everything or what changed, one thread or several, in one run or
// saved and resumed.
#include <catch2/catch.hpp>
#include <oneapi/tbb/global_control.h>
#include <random>

#include "egraph/snapshot.h"
#include "tests/egraph/workloads.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

// Machines with fewer cores run this many threads too.
const tbb::global_control kThreads(tbb::global_control::max_allowed_parallelism, 8);

struct Workload {
  const char* name;
  void (*insert)(EGraph&);
  std::vector<Rewrite> (*rules)(EGraph&);
  uint64_t steps;
};

// Right sides that end in an e-node of more than two operands.
std::vector<Rewrite> wide_rules(EGraph& graph) {
  return rules_of(graph, {{"(If ?c ?a ?b)", "(If (Not ?c) ?b ?a)"},
                          {"(Not (Not ?c))", "?c"},
                          {"(Add ?d (If ?c ?a ?b))", "(If ?c (Add ?d ?a) (Add ?d ?b))"},
                          {"(Add ?a ?b)", "(Add ?b ?a)"},
                          {"(Add (Add ?a ?b) ?c)", "(Add ?a (Add ?b ?c))"}});
}
void insert_wide(EGraph& graph) {
  insert(graph, "(Add (If p x y) (Add (If q y z) (Add z (If p y (Add x z)))))");
}

const Workload kWorkloads[] = {
    {"math", insert_math_terms, math_rules, 10},
    {"adder", insert_adder, adder_rules, 9},
    {"fuel", [](EGraph& graph) { insert_fuel(graph, 3); }, fuel_rules, 25},
    {"sum", [](EGraph& graph) { insert_sum(graph, 9); }, ac_rules, 30},
    {"joined", insert_joined, joined_rules, 12},
    {"wide", insert_wide, wide_rules, 7},
};

std::string snapshot_of(const Workload& work, const RunOptions& options, bool explanations) {
  EGraph graph({.explanations = explanations});
  work.insert(graph);
  const std::vector<Rewrite> rules = work.rules(graph);
  run(graph, rules, options);
  return to_snapshot(graph);
}

}  // namespace

TEST_CASE("any number of threads and searching everything give the same snapshot") {
  for (const Workload& work : kWorkloads) {
    for (const bool explanations : {false, true}) {
      CAPTURE(work.name, explanations);
      const std::string expected = snapshot_of(work, unlimited(work.steps, 1), explanations);
      for (const int threads : {2, 4, 8}) {
        CHECK((snapshot_of(work, unlimited(work.steps, threads), explanations) == expected));
      }
      RunOptions naive = unlimited(std::min<uint64_t>(work.steps, 12));
      const std::string shorter = snapshot_of(work, naive, explanations);
      naive.naive = true;
      CHECK((snapshot_of(work, naive, explanations) == shorter));
    }
  }
}

// For ThreadSanitizer (preset tsan), which the whole test would take an hour: every parallel loop, once, in eight threads.
TEST_CASE("eight threads give the snapshot of one", "[.threads]") {
  for (const Workload& work : kWorkloads) {
    for (const bool explanations : {false, true}) {
      CAPTURE(work.name, explanations);
      CHECK((snapshot_of(work, unlimited(work.steps, 8), explanations) == snapshot_of(work, unlimited(work.steps, 1), explanations)));
    }
  }
}

TEST_CASE("a run that is saved, loaded and resumed gives the snapshot of one run") {
  for (const Workload& work : kWorkloads) {
    for (const bool explanations : {false, true}) {
      CAPTURE(work.name, explanations);
      EGraph first({.explanations = explanations});
      work.insert(first);
      std::vector<Rewrite> rules = work.rules(first);
      run(first, rules, unlimited(work.steps / 2));
      auto second = from_snapshot(to_snapshot(first), "memory");
      REQUIRE(second.ok());
      rules = work.rules(*second);
      RunOptions rest = unlimited(work.steps - work.steps / 2, 2);
      rest.resume = true;
      run(*second, rules, rest);
      CHECK((to_snapshot(*second) == snapshot_of(work, unlimited(work.steps), explanations)));
    }
  }
}

TEST_CASE("limits of matches and bytes cut a run at the same place for any number of threads") {
  for (const bool by_bytes : {false, true}) {
    std::vector<std::string> snapshots;
    for (const int threads : {1, 2, 4, 8}) {
      RunOptions options = unlimited(20, threads);
      if (by_bytes) options.limits.bytes = 6 << 20;
      if (!by_bytes) options.limits.matches = 54'321;
      snapshots.push_back(snapshot_of(kWorkloads[0], options, false));
    }
    for (const std::string& other : snapshots) CHECK((other == snapshots[0]));
  }
}

TEST_CASE("random rewrites on random graphs: searching around changes finds what searching everything does") {
  std::mt19937 random(4);
  size_t grown = 0;
  for (int round = 0; round < 600; ++round) {
    const uint32_t seed = static_cast<uint32_t>(random());
    CAPTURE(seed);
    const auto saturate = [&](bool naive, int threads) {
      std::mt19937 mine(seed);
      EGraph graph({.explanations = seed % 2 == 0});
      for (const char* name : {"f", "g", "h"}) graph.intern_op(name);
      std::vector<uint32_t> number(3, kNoId);  // of the variables of the rewrite being made
      uint32_t variables = 0;
      const auto variable = [&](bool left) {
        uint32_t& known = number[mine() % 3];
        if (left && known == kNoId) known = variables++;
        return PatternTerm::variable_of(known == kNoId ? 0 : known);
      };
      const auto term = [&](auto&& self, int depth, bool left, bool root) -> PatternTerm {
        if (!root && (depth == 0 || mine() % 3 != 0)) return variable(left);
        std::vector<PatternTerm> operands(1 + mine() % 2);
        for (PatternTerm& operand : operands) operand = self(self, depth - 1, left, false);
        PatternTerm made = PatternTerm::operator_of(mine() % 3, std::move(operands));
        if (left && mine() % 4 == 0) made = made.named(variable(true).variable);
        return mine() % 3 == 0 ? made.with_attr(0) : made;
      };
      std::vector<Rewrite> rules;
      while (rules.size() < 3) {
        number.assign(3, kNoId);
        variables = 0;
        Rewrite rule;
        std::vector<PatternTerm> left(1 + mine() % 2);
        for (PatternTerm& root : left) root = term(term, 2, true, true);
        if (variables > 0 && mine() % 3 == 0) rule.united.assign(left.size(), mine() % variables);
        for (size_t r = 0; r < left.size(); ++r) rule.right.push_back(term(term, 1 + static_cast<int>(mine() % 2), false, false));
        rule.pattern = Pattern(left, variables);
        rule.subsume = mine() % 8 == 0;
        rules.push_back(std::move(rule));
      }
      insert(graph, "a");
      insert(graph, "b");
      for (int i = 0; i < 60; ++i) {
        std::vector<Id> operands(1 + (mine() % 8 == 0 ? 2 : mine() % 2));
        for (Id& operand : operands) operand = mine() % graph.id_count();
        graph.add(mine() % 3, mine() % 2, operands);
      }
      for (int i = 0; i < 10; ++i) graph.unite(mine() % graph.id_count(), mine() % graph.id_count(), {});
      RunOptions options = unlimited(4, threads);
      options.limits.enodes = 20'000;
      options.naive = naive;
      const Report report = run(graph, rules, options);
      grown += graph.id_count();
      return report.stop_reason == StopReason::kNodeLimit ? std::string() : to_snapshot(graph);
    };
    const std::string around = saturate(false, 1);
    REQUIRE((around == saturate(true, 1)));
    REQUIRE((around == saturate(false, 4)));
  }
  CHECK(grown > 110'000);
}
