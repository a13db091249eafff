// Limits hold within an iteration, whatever finds the matches and makes their right sides: e-nodes and matches to one
// right side, bytes to one batch of 4,096 e-nodes; where they cut a run does not depend on the number of threads.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/limits.h"

#include "tests/egraph/workloads.h"

using namespace egret;
using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

constexpr uint64_t kBatch = 4096;
constexpr uint64_t kBytesAnENode = 130;  // with explanations: docs/engine.md

struct Workload {
  const char* name;
  void (*insert)(EGraph&);
  std::vector<Rewrite> (*rules)(EGraph&);
};

// Roots that join on a class, and on nothing.
std::vector<Rewrite> crossed_rules(EGraph& graph) {
  std::vector<Rewrite> rules = joined_rules(graph);
  rules.push_back(rewrite(graph, "cross", {"(Pow ?a 2)", "(Mul ?b ?c)"}, {"(Pow 2 ?a)", "(Mul (Pow ?a ?b) ?c)"}));
  return rules;
}
// The same rules match by match, as a host's callbacks plan them.
std::vector<Rewrite> planned_rules(EGraph& graph) {
  std::vector<Rewrite> rules = math_rules(graph);
  for (Rewrite& rule : rules) {
    rule.applier = instantiate(rule.pattern, std::move(rule.right));
    rule.right.clear();
    rule.local = &rule - rules.data() < 2;
  }
  return rules;
}

const Workload kWorkloads[] = {
    {"math: products and closed matches", insert_math_terms, math_rules},
    {"fuel: small deltas", [](EGraph& graph) { insert_fuel(graph, 3); }, fuel_rules},
    {"sum: rules with very many matches", [](EGraph& graph) { insert_sum(graph, 11); }, ac_rules},
    {"adder: tasks with more matches than their part of the bytes", insert_adder, adder_rules},
    {"joined: several roots", insert_joined, crossed_rules},
    {"planned: match by match, remembered", insert_math_terms, planned_rules},
};

// Runs a workload in one thread and in two; both end at the same place.
template <class Check>
void run_limited(const Workload& work, bool explanations, const Limits& limits, const Check& check) {
  CAPTURE(work.name, explanations);
  size_t ids = 0;
  for (const int threads : {1, 2}) {
    EGraph graph({.explanations = explanations});
    work.insert(graph);
    const std::vector<Rewrite> rules = work.rules(graph);
    RunOptions options = unlimited(30, threads);
    options.limits = limits;
    uint64_t most = 0;
    options.after_iteration = [&](EGraph& g, const Iteration&) {
      most = std::max(most, g.bytes());
      return true;
    };
    const Report report = run(graph, rules, options);
    CHECK(graph.clean());
    check(graph, report, std::max(most, graph.bytes()));
    if (threads == 1) ids = graph.id_count();
    CHECK(graph.id_count() == ids);
  }
}

}  // namespace

TEST_CASE("e-nodes: one right side over the limit at most") {
  for (const Workload& work : kWorkloads) {
    for (const uint64_t limit : {100, 1'000, 7'777}) {
      Limits limits = unlimited(30).limits;
      limits.enodes = limit;
      run_limited(work, limit == 1'000, limits, [&](const EGraph& graph, const Report& report, uint64_t) {
        CHECK(report.stop_reason == StopReason::kNodeLimit);
        CHECK(graph.node_count() <= limit + 8);
      });
    }
  }
}

TEST_CASE("matches: none over the limit is applied") {
  for (const Workload& work : kWorkloads) {
    for (const uint64_t limit : {1, 1'000, 12'345}) {
      Limits limits = unlimited(30).limits;
      limits.matches = limit;
      run_limited(work, limit == 1'000, limits, [&](const EGraph&, const Report& report, uint64_t) {
        CHECK(report.stop_reason == StopReason::kMatchLimit);
        uint64_t applied = 0;
        for (const RewriteCount& count : report.rewrites) applied += count.applied;
        CHECK(applied == limit);
      });
    }
  }
}

TEST_CASE("bytes: one batch of e-nodes over the limit at most, tables that matching needs included") {
  for (const Workload& work : kWorkloads) {
    for (const uint64_t limit : {1'000'000, 2'500'000, 6'000'000}) {
      for (const bool explanations : {false, true}) {
        Limits limits = unlimited(30).limits;
        limits.bytes = limit;
        run_limited(work, explanations, limits, [&](const EGraph&, const Report& report, uint64_t most) {
          CAPTURE(limit);
          CHECK(report.stop_reason != StopReason::kIterationLimit);
          CHECK(most <= limit + kBatch * kBytesAnENode);
          if (report.stop_reason == StopReason::kByteLimit) CHECK(2 * most >= uint64_t(limit));
        });
      }
    }
  }
}

TEST_CASE("bytes: the system counts no more than the limit and a few MB of the process's own") {
  constexpr uint64_t kOwn = 6 << 20;  // the allocator's, rules, a thread's tables of a task
  for (const Workload& work : kWorkloads) {
    for (const uint64_t limit : {24 << 20, 72 << 20}) {
      CAPTURE(work.name, limit);
      const pid_t child = fork();  // a peak of its own
      REQUIRE(child >= 0);
      if (child == 0) {
        const uint64_t before = peak_resident_bytes();
        EGraph graph({.explanations = false});
        work.insert(graph);
        const std::vector<Rewrite> rules = work.rules(graph);
        RunOptions options = unlimited(30, 1);
        options.limits.bytes = limit;
        run(graph, rules, options);
        const uint64_t used = peak_resident_bytes() - before;
        _exit(used <= limit + kOwn ? 0 : 1);
      }
      int status = 0;
      REQUIRE(waitpid(child, &status, 0) == child);
      CHECK(WIFEXITED(status));
      CHECK(WEXITSTATUS(status) == 0);
    }
  }
}

TEST_CASE("one change with ten million matches: bytes and matches are limited while searching around it") {
  const auto crossed = [](const Limits& limits, int threads, auto check) {
    EGraph graph({.explanations = false});
    for (int i = 0; i < 3'200; ++i) {
      const Id leaf = insert(graph, std::to_string(i));
      for (const char* op : {"g", "h"}) graph.add(graph.intern_op(op), 0, {{leaf}});
    }
    const std::vector<Rewrite> rules = {rewrite(graph, "cross", {"(k ?x)", "(g ?y)", "(h ?z)"}, {"(k ?x)", "(g ?y)", "(r ?y ?z)"})};
    CHECK(run(graph, rules, unlimited(5)).stop_reason == StopReason::kSaturated);
    insert(graph, "(k new)");
    RunOptions options = unlimited(5, threads);
    options.resume = true;
    options.limits = limits;
    check(graph, run(graph, rules, options));
    return graph.id_count();
  };
  Limits bytes = unlimited(5).limits, matches = bytes;
  bytes.bytes = 4 << 20;
  matches.matches = 1'000;
  for (const int threads : {1, 2}) {
    crossed(bytes, threads, [&](const EGraph& graph, const Report& report) {
      CHECK(report.stop_reason == StopReason::kByteLimit);
      CHECK(graph.clean());
      CHECK(graph.bytes() <= bytes.bytes + kBatch * kBytesAnENode);
    });
    crossed(matches, threads, [&](const EGraph&, const Report& report) {
      CHECK(report.stop_reason == StopReason::kMatchLimit);
      CHECK(report.rewrites[0].applied == 1'000);
    });
  }
}
