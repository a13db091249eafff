// The runner: stop reasons and their bounds, conditions, several roots, searchers, the report.
#include <catch2/catch.hpp>

#include "tests/egraph/workloads.h"

using namespace egret;
using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

EGraph math_graph() {
  EGraph graph;
  insert_math_terms(graph);
  return graph;
}

}  // namespace

TEST_CASE("the e-node limit is not overshot by more than one right side") {
  for (const uint64_t limit : {36, 100, 500, 5000}) {
    EGraph graph = math_graph();
    const std::vector<Rewrite> rules = math_rules(graph);
    RunOptions options = unlimited(20);
    options.limits.enodes = limit;
    const Report report = run(graph, rules, options);
    CHECK(report.stop_reason == StopReason::kNodeLimit);
    CHECK(graph.clean());
    CHECK(graph.node_count() <= limit + 6);  // the largest right side inserts six
    CHECK(graph.node_count() + 200 > limit / 2);
  }
}

TEST_CASE("the match limit is exact") {
  EGraph graph = math_graph();
  const std::vector<Rewrite> rules = math_rules(graph);
  RunOptions options = unlimited(20);
  options.limits.matches = 777;
  const Report report = run(graph, rules, options);
  CHECK(report.stop_reason == StopReason::kMatchLimit);
  uint64_t applied = 0;
  for (const RewriteCount& count : report.rewrites) applied += count.applied;
  CHECK(applied == 777);
}

TEST_CASE("the byte limit holds but for the growth of an array") {
  EGraph graph = math_graph();
  const std::vector<Rewrite> rules = math_rules(graph);
  RunOptions options = unlimited(20);
  options.limits.bytes = 8 << 20;
  const Report report = run(graph, rules, options);
  CHECK(report.stop_reason == StopReason::kByteLimit);
  CHECK(graph.clean());
  CHECK(graph.bytes() < 2 * options.limits.bytes);
  CHECK(graph.bytes() > options.limits.bytes / 4);
}

TEST_CASE("limits that cut a run cut it at the same place for any number of threads") {
  for (const bool by_bytes : {false, true}) {
    std::vector<size_t> counts;
    for (const int threads : {1, 2, 4}) {
      EGraph graph = math_graph();
      const std::vector<Rewrite> rules = math_rules(graph);
      RunOptions options = unlimited(20, threads);
      if (by_bytes) options.limits.bytes = 6 << 20;
      if (!by_bytes) options.limits.matches = 12'345;
      run(graph, rules, options);
      counts.push_back(graph.id_count());
    }
    CHECK(counts[0] == counts[1]);
    CHECK(counts[0] == counts[2]);
  }
}

TEST_CASE("iteration limit, time limit and stop request end the run with a rebuilt graph") {
  EGraph graph = math_graph();
  const std::vector<Rewrite> rules = math_rules(graph);
  CHECK(run(graph, rules, unlimited(0)).stop_reason == StopReason::kIterationLimit);
  CHECK(graph.clean());
  const Report two = run(graph, rules, unlimited(2));
  CHECK(two.stop_reason == StopReason::kIterationLimit);
  REQUIRE(two.iterations.size() == 2);
  CHECK(two.iterations[1].enodes == graph.node_count());
  RunOptions options = unlimited(50);
  options.limits.seconds = 0.05;
  const Report timed = run(graph, rules, options);
  CHECK(timed.stop_reason == StopReason::kTimeLimit);
  CHECK(timed.seconds < 1.0);
  CHECK(graph.clean());
  StopToken token;
  token.request_stop();
  options.limits.stop = &token;
  CHECK(run(graph, rules, options).stop_reason == StopReason::kStopped);
}

TEST_CASE("a search that finds nothing in a huge space still heeds the clock") {
  EGraph graph;
  for (int i = 0; i < 3000; ++i) insert(graph, "(f " + std::to_string(i) + ")");
  std::vector<Rewrite> rules = {rewrite(graph, "cross", {"(f ?x)", "(f ?y)", "(f ?z)"}, {"?x", "?y", "?z"})};
  rules[0].condition = [](const EGraph&, const Match&) { return false; };
  RunOptions options = unlimited(5);
  options.limits.seconds = 0.1;
  const Report report = run(graph, rules, options);
  CHECK(report.stop_reason == StopReason::kTimeLimit);
  CHECK(report.seconds < 2.0);
}

TEST_CASE("a search around one change heeds the clock, too, and resumes what it left") {
  EGraph graph;
  for (int i = 0; i < 30'000; ++i) {
    const Id leaf = insert(graph, std::to_string(i));
    for (const char* op : {"f", "g", "h"}) graph.add(graph.intern_op(op), 0, {{leaf}});
  }
  std::vector<Rewrite> rules = {rewrite(graph, "cross", {"(k ?x)", "(g ?y)", "(h ?z)"}, {"?x", "?y", "?z"})};
  bool keeps = false;
  rules[0].condition = [&](const EGraph&, const Match& match) { return keeps && match.classes[1] == match.classes[2]; };
  rules[0].local = true;
  CHECK(run(graph, rules, unlimited(5)).stop_reason == StopReason::kSaturated);
  const Id k = insert(graph, "(k new)");
  RunOptions options = unlimited(5);
  options.resume = true;
  options.limits.seconds = 0.1;
  const Report report = run(graph, rules, options);
  CHECK(report.stop_reason == StopReason::kTimeLimit);
  CHECK(report.seconds < 2.0);
  CHECK(graph.clean());
  keeps = true;
  options.resume = false;
  options.limits = unlimited(5).limits;
  options.limits.matches = 100;
  CHECK(run(graph, rules, options).stop_reason == StopReason::kMatchLimit);
  CHECK(graph.find(k) == graph.find(insert(graph, "new")));
}

TEST_CASE("a rewrite finds what it joins after its lists have grown long: its plan is made anew") {
  // Facts of one type gather in one class while links come one by one: the plan of the first iterations would read the class.
  for (const bool naive : {false, true}) {
    EGraph graph;
    const int length = 400;
    for (int i = 0; i < length; ++i) {
      const std::string n = std::to_string(i);
      insert(graph, "(next n" + n + " n" + std::to_string(i + 1) + ")");
      graph.add(graph.intern_op("noise"), 0, {{insert(graph, "a" + n), insert(graph, "b")}});
      insert(graph, "(wide n" + n + " (list b (list c" + n + " nil)))");
    }
    insert(graph, "(type n0)");
    insert(graph, "(type n" + std::to_string(length) + ")");
    std::vector<Rewrite> rules;
    Variables variables;
    rules.push_back(rewrite(graph, "first", {"(type n0)"}, {"number"}));
    Rewrite step;  // next(x, y), type(x) = t: type(y) = t
    step.name = "step";
    const auto term = [&](const char* text) { return pattern_term(graph, sexp(text), variables); };
    std::vector<PatternTerm> left = {term("(next ?x ?y)"), term("(type ?x)"), term("(wide ?x (list ?b (list ?c nil)))")};
    const uint32_t t = static_cast<uint32_t>(variables.size());
    left[1] = left[1].named(t);
    step.right = {term("(type ?y)")};
    step.united = {t};
    step.pattern = Pattern(std::move(left), t + 1);
    rules.push_back(std::move(step));
    RunOptions options = unlimited(1000);
    options.naive = naive;
    const Report report = run(graph, rules, options);
    CHECK(report.stop_reason == StopReason::kSaturated);
    CHECK(report.iterations.size() == length + 1);
    CHECK(graph.find(insert(graph, "(type n" + std::to_string(length) + ")")) == graph.find(insert(graph, "number")));
  }
}

TEST_CASE("matches_per_iteration delays matches and loses none") {
  EGraph whole, cut;
  insert_sum(whole, 6);
  insert_sum(cut, 6);
  std::vector<Rewrite> rules = ac_rules(whole);
  run(whole, rules, unlimited(100));
  rules = ac_rules(cut);
  for (Rewrite& rule : rules) rule.matches_per_iteration = 3;
  const Report report = run(cut, rules, unlimited(10'000));
  CHECK(report.stop_reason == StopReason::kSaturated);
  CHECK(report.rewrites[0].cut > 0);
  CHECK(cut.node_count() == whole.node_count());
  CHECK(cut.class_count() == whole.class_count());
}

TEST_CASE("a match is applied once") {
  EGraph graph;
  insert_sum(graph, 5);
  const std::vector<Rewrite> rules = ac_rules(graph);
  const Report report = run(graph, rules, unlimited(100));
  uint64_t applied = 0;
  for (const RewriteCount& count : report.rewrites) applied += count.applied;
  uint64_t again = 0;
  for (const RewriteCount& count : run(graph, rules, unlimited(100)).rewrites) again += count.applied;
  CHECK(report.iterations.size() > 3);
  CHECK(applied < 2 * again);  // `again`: every match of the saturated graph, once
}

TEST_CASE("conditions keep or drop matches in search; appliers may drop them later") {
  EGraph graph;
  insert(graph, "(f a)");
  insert(graph, "(f b)");
  Rewrite rule = rewrite(graph, "f-to-g", {"(f ?x)"}, {"(g ?x)"});
  const Id b = *graph.lookup(*graph.find_op("b"), 0, {});
  rule.condition = [b](const EGraph& g, const Match& match) { return g.find(match.classes[0]) == g.find(b); };
  std::vector<Rewrite> rules{rule};
  Report report = run(graph, rules, unlimited(10));
  CHECK(report.rewrites[0].applied == 1);
  CHECK(graph.nodes_with(*graph.find_op("g")).size() == 1);
  rules[0].condition = nullptr;
  rules[0].right.clear();
  rules[0].applier = [](const EGraph&, const Match&, RightSide&) { return false; };
  report = run(graph, rules, unlimited(10));
  CHECK(report.stop_reason == StopReason::kSaturated);
  CHECK(report.rewrites[0].dropped == 2);
  CHECK(report.rewrites[0].applied == 0);
}

TEST_CASE("a rewrite with two roots merges products that share an operand") {
  EGraph graph;
  const Id ab = insert(graph, "(dot a b)"), ac = insert(graph, "(dot a c)");
  std::vector<Rewrite> rules{rewrite(graph, "merge", {"(dot ?a ?b)", "(dot ?a ?c)"},
                                     {"(first (dot ?a (concat ?b ?c)))", "(second (dot ?a (concat ?b ?c)))"})};
  rules[0].condition = [](const EGraph& g, const Match& m) {
    return m.nodes[0] < m.nodes[1] && g.op_name(g.op(m.classes[1])) != "concat" &&
           g.op_name(g.op(m.classes[2])) != "concat";
  };
  const Report report = run(graph, rules, unlimited(5), 40);
  CHECK(report.stop_reason == StopReason::kSaturated);
  CHECK(graph.find(insert(graph, "(first (dot a (concat b c)))")) == ab);
  CHECK(graph.find(insert(graph, "(second (dot a (concat b c)))")) == ac);
  CHECK(graph.clean());
  REQUIRE(graph.application_count() == 1);
  const Application& application = graph.application(0);
  CHECK(application.rule == 40);
  CHECK(application.nodes == std::vector<Id>{ab, ac});
  CHECK(application.equations.size() == 2);
  CHECK(application.made.size() == 4);  // each distinct term once
}

TEST_CASE("a searcher binds any number of operands: find all products of one operand") {
  EGraph graph;
  for (const char* term : {"(dot a p)", "(dot a q)", "(dot a r)", "(dot b p)"}) insert(graph, term);
  const OpKind dot = *graph.find_op("dot"), wide = graph.intern_op("wide");
  Rewrite rule;
  rule.name = "all-of-one";
  rule.searcher = [dot](const EGraph& g, const std::function<bool(const Match&)>& emit) {
    for (const Id cls : g.classes()) {
      Match match;
      match.classes.push_back(cls);
      for (const Id n : g.parents_of(cls)) {
        if (g.op(n) == dot && g.canonical_operands(n)[0] == cls) match.nodes.push_back(n);
      }
      if (match.nodes.size() >= 2 && !emit(match)) return;
    }
  };
  rule.applier = [wide](const EGraph& g, const Match& match, RightSide& side) {
    RightSide::Node node;
    node.op = wide;
    node.operands.push_back({false, match.classes[0]});
    for (const Id n : match.nodes) node.operands.push_back({false, g.operands(n)[1]});
    side.nodes.push_back(node);
    return true;
  };
  const std::vector<Rewrite> rules{rule};
  const Report report = run(graph, rules, unlimited(5));
  CHECK(report.stop_reason == StopReason::kSaturated);
  REQUIRE(graph.nodes_with(wide).size() == 1);
  CHECK(graph.operands(graph.nodes_with(wide)[0]).size() == 4);
}

TEST_CASE("after_iteration may stop the run, or write and so keep it going") {
  EGraph graph;
  const Id fa = insert(graph, "(f a)"), b = insert(graph, "b");
  const std::vector<Rewrite> rules{rewrite(graph, "g", {"(f b)"}, {"(g b)"})};
  RunOptions options = unlimited(10);
  int calls = 0;
  options.after_iteration = [&](EGraph& g, const Iteration&) {
    if (++calls == 1) g.unite(g.operands(fa)[0], b, {});
    return true;
  };
  CHECK(run(graph, rules, options).stop_reason == StopReason::kSaturated);
  CHECK(graph.find(insert(graph, "(g a)")) == fa);
  CHECK(graph.clean());
  options.after_iteration = [](EGraph&, const Iteration&) { return false; };
  CHECK(run(graph, rules, options).stop_reason == StopReason::kStopped);
}

TEST_CASE("a right side with attributes copies them from variables") {
  EGraph graph;
  const OpKind f = graph.intern_op("f"), g = graph.intern_op("g");
  const Id a = insert(graph, "a"), f5 = graph.add(f, 5, {{a}});
  Rewrite rule;
  const PatternTerm x = PatternTerm::variable_of(0);
  rule.pattern = Pattern({PatternTerm::operator_of(f, {x}).with_attr_variable(0)}, 1, 1);
  rule.right = {PatternTerm::operator_of(g, {x}).with_attr_variable(0)};
  const std::vector<Rewrite> rules{rule};
  run(graph, rules, unlimited(5));
  const auto g5 = graph.lookup(g, 5, {{a}});
  REQUIRE(g5.has_value());
  CHECK(graph.find(*g5) == f5);
}

TEST_CASE("stop reasons have the contract's names") {
  CHECK(std::string(to_string(StopReason::kSaturated)) == "saturated");
  CHECK(std::string(to_string(StopReason::kNodeLimit)) == "node_limit");
  CHECK(std::string(to_string(StopReason::kTimeLimit)) == "time_limit");
}
