// A language with binders: egg's tests of the lambda calculus, each a term and what it must be found equal to.
#include <catch2/catch.hpp>

#include "tests/egraph/lambda.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

// Whether the class of `start` comes to hold a match of `goal`; the run ends when it does.
bool reaches(const std::string& start, const std::string& goal, uint64_t enodes = 150'000, uint64_t iterations = 60, Report* report = nullptr) {
  INFO(start << " => " << goal);
  EGraph graph({.explanations = false});
  const LambdaLanguage language(graph);
  const Id root = insert(graph, start);
  language.settle(graph);
  const std::vector<Rewrite> rules = language.rules(graph);
  const Sexp wanted = sexp(goal);
  const bool is_leaf = wanted.operands.empty();
  Pattern pattern_of_goal = pattern(graph, {goal});
  bool found = false;
  const auto look = [&](const EGraph& g) {
    std::vector<Id> roots;
    for (const Id node : g.nodes_of(root)) {
      if (g.op(node) == pattern_of_goal.roots()[0].op) roots.push_back(node);
    }
    if (is_leaf) return !roots.empty();
    bool any = false;
    pattern_of_goal.search(g, roots, [&](const Match&) { return any = true, false; });
    return any;
  };
  RunOptions options = unlimited(iterations);
  options.limits.enodes = enodes;
  options.scheduler = Scheduler::kBackoff;  // as egg runs them: sums of sums would crowd out the rest
  options.after_iteration = [&](EGraph& g, const Iteration&) {
    language.settle(g);
    found = look(g);
    return !found;
  };
  const Report done = run(graph, rules, options);
  if (report) *report = done;
  CHECK(graph.conflicts().empty());
  return found;
}

const std::string kCompose = "(let compose (lam f (lam g (lam x (app (var f) (app (var g) (var x)))))) ";

// egg's lambda_function_repeat.
const std::string kRepeat = kCompose +
                            "(let repeat (fix repeat (lam fun (lam n (if (= (var n) 0) (lam i (var i)) "
                            "(app (app (var compose) (var fun)) (app (app (var repeat) (var fun)) (+ (var n) -1))))))) "
                            "(let add1 (lam y (+ (var y) 1)) (app (app (var repeat) (var add1)) 2))))";

}  // namespace

TEST_CASE("substitution, capture and branches") {
  CHECK(reaches("(lam x (+ 4 (app (lam y (var y)) 4)))", "(lam x 8)"));
  CHECK(reaches("(if (= (var a) (var b)) (+ (var a) (var a)) (+ (var a) (var b)))", "(+ (var a) (var b))"));
  CHECK(reaches("(let x 0 (let y 1 (+ (var x) (var y))))", "1"));
  CHECK(reaches("(if (= 1 1) 7 9)", "7"));
  CHECK(reaches("(let x 1 (lam x (var x)))", "(lam ?a (var ?a))"));
  CHECK_FALSE(reaches("(let x 1 (lam x (var x)))", "(lam x 1)"));
  CHECK_FALSE(reaches("(let five 5 (let add-five (lam x (+ (var x) (var five))) (let five 6 (app (var add-five) 1))))", "7"));
  CHECK(reaches("(let y (+ (var x) (var x)) (lam x (var y)))", "(lam ?fresh (+ (var x) (var x)))"));
  CHECK_FALSE(reaches("(let y (+ (var x) (var x)) (lam x (var y)))", "(lam x (+ (var x) (var x)))"));
  CHECK(reaches("(let zeroone (lam x (if (= (var x) 0) 0 1)) (+ (app (var zeroone) 0) (app (var zeroone) 10)))", "1"));
  CHECK(reaches(kCompose + "(let add1 (lam y (+ (var y) 1)) (app (app (var compose) (var add1)) (var add1))))", "(lam ?x (+ 1 (+ 1 (var ?x))))"));
  CHECK(reaches(kCompose + "(let add1 (lam y (+ (var y) 1)) (app (app (var compose) (var add1)) (var add1))))", "(lam ?x (+ (var ?x) 2))"));
  std::string many = "(var add1)";
  for (int i = 0; i < 6; ++i) many = "(app (app (var compose) (var add1)) " + many + ")";
  CHECK(reaches(kCompose + "(let add1 (lam y (+ (var y) 1)) " + many + "))", "(lam ?x (+ (var ?x) 7))"));
}

TEST_CASE("recursion through a fix-point") {
  CHECK(reaches(kRepeat, "(lam ?x (+ (var ?x) 2))"));
  CHECK(reaches("(let fib (fix fib (lam n (if (= (var n) 0) 0 (if (= (var n) 1) 1 "
                "(+ (app (var fib) (+ (var n) -1)) (app (var fib) (+ (var n) -2))))))) (app (var fib) 4))",
                "3", 500'000));
}

// Not run by default: the engine benchmark (experiments/engine/run.py) reads the line.
TEST_CASE("timing of lambda_function_repeat", "[.speed]") {
  Report report;
  CHECK(reaches(kRepeat, "(lam ?x (+ (var ?x) 2))", 150'000, 60, &report));
  std::printf("seconds=%.6f enodes=%llu iterations=%zu\n", report.seconds,
              static_cast<unsigned long long>(report.iterations.back().enodes), report.iterations.size());
}
