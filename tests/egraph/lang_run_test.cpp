// Programs run: exact numbers of e-nodes, conditions, several roots, constants, goals, smallest terms, limits.
#include <catch2/catch.hpp>

#include "egraph/lang/session.h"
#include "egraph/lang/smallest_terms.h"
#include "egraph/snapshot.h"
#include "support/files.h"

using namespace egret;
using namespace egret::egraph;
using namespace egret::egraph::lang;

namespace {

std::string program_text(const char* name) {
  auto text = read_file(std::string(EGRET_SOURCE_DIR "/tests/egraph/programs/") + name + ".sexp");
  REQUIRE(text.ok());
  return *text;
}

Session session_of(const std::string& text) {
  auto program = parse_program(text, "test.sexp");
  if (!program.ok()) FAIL(program.error().to_string());
  return Session(*std::move(program));
}

RunOptions steps(uint64_t iterations, int threads = 1) {
  RunOptions options;
  options.limits.enodes = options.limits.matches = UINT64_MAX;
  options.limits.iterations = iterations;
  options.threads = threads;
  return options;
}

std::vector<uint64_t> sizes(const SaturateReport& report) {
  std::vector<uint64_t> sizes;
  for (const Iteration& i : report.iterations) sizes.push_back(i.enodes);
  return sizes;
}

// The answers of a program that runs until nothing changes.
std::vector<bool> answers(const std::string& text) {
  Session session = session_of(text);
  const SaturateReport report = session.run(steps(50));
  CHECK(report.stop_reason == "saturated");
  return session.goals();
}
bool reached(const std::string& text) {
  INFO(text);
  const std::vector<bool> all = answers(text);
  return std::find(all.begin(), all.end(), false) == all.end();
}

}  // namespace

TEST_CASE("math, the adder and fuel have the e-nodes of egg, egglog and oatlog") {
  Session math = session_of(program_text("math"));
  CHECK(sizes(math.run(steps(10))) == std::vector<uint64_t>{69, 118, 208, 389, 784, 1576, 3160, 8113, 28303, 136446});
  Session adder = session_of(program_text("boolean_adder"));
  CHECK(sizes(adder.run(steps(10))) == std::vector<uint64_t>{106, 241, 511, 727, 906, 1332, 2374, 5246, 15897, 75756});
  const std::string fuel = program_text("fuel");
  const std::pair<const char*, uint64_t> fixpoints[] = {
      {"(Fuel Empty)", 973}, {"(Fuel (Fuel Empty))", 1516}, {"(Fuel (Fuel (Fuel Empty)))", 50021}};
  for (const auto& [units, enodes] : fixpoints) {
    std::string text = fuel;
    const std::string two = "(Fuel (Fuel Empty))";
    for (size_t at = 0; (at = text.find(two, at)) != std::string::npos; at += std::string(units).size()) text.replace(at, two.size(), units);
    Session session = session_of(text);
    const SaturateReport report = session.run(steps(100));
    CHECK(report.stop_reason == "saturated");
    CHECK(report.enodes == enodes);
  }
}

TEST_CASE("constant folding has the e-nodes and the classes of egg's") {
  Session session = session_of("(analysis const-fold)\n" + program_text("math"));
  const SaturateReport report = session.run(steps(10));
  CHECK(sizes(report) == std::vector<uint64_t>{69, 118, 207, 384, 772, 1570, 3152, 8586, 40299, 423062});
  CHECK(report.eclasses == 183568);
  CHECK(report.enodes == 423062);
}

TEST_CASE("egg's goals of calculus are reached within egg's limits, and its false one is not") {
  struct Goal {
    const char *term, *goal;
    uint64_t enodes = 10'000, iterations = 30;
    bool seen = false;  // the goal is a start term too
  };
  const Goal goals[] = {
      {"(+ x (+ x (+ x x)))", "(* 4 x)"},
      {"(* (pow 2 x) (pow 2 y))", "(pow 2 (+ x y))"},
      {"(+ 1 (- a (* (- 2 1) a)))", "1"},
      {"(/ 1 (- (/ (+ 1 (sqrt five)) 2) (/ (- 1 (sqrt five)) 2)))", "(/ 1 (sqrt five))", 75'000},
      {"(* (+ x 3) (+ x 1))", "(+ (+ (* x x) (* 4 x)) 3)"},
      {"(d x x)", "1"},
      {"(d x y)", "0"},
      {"(d x (+ 1 (* 2 x)))", "2"},
      {"(d x (+ 1 (* y x)))", "y"},
      {"(d x (ln x))", "(/ 1 x)"},
      {"(d x (pow x 3))", "(* 3 (pow x 2))"},
      {"(d x (- (pow x 3) (* 7 (pow x 2))))", "(* x (- (* 3 x) 14))", 100'000, 60, true},
      {"(i 1 x)", "x"},
      {"(i (cos x) x)", "(sin x)"},
      {"(i (pow x 1) x)", "(/ (pow x 2) 2)"},
      {"(i (* x (cos x)) x)", "(+ (* x (sin x)) (cos x))"},
      {"(i (* (cos x) x) x)", "(+ (* x (sin x)) (cos x))"},
      {"(i (ln x) x)", "(- (* x (ln x)) x)"},
  };
  const std::string rules = program_text("math_goals");
  const auto reached = [&](const Goal& goal) -> bool {
    std::string text = rules + "(start " + goal.term + ")(goal " + goal.term + " " + goal.goal + ")";
    if (goal.seen) text += std::string("(start ") + goal.goal + ")";
    Session session = session_of(text);
    RunOptions options = steps(goal.iterations);
    options.limits.enodes = goal.enodes;
    options.scheduler = Scheduler::kBackoff;
    session.run(options);
    return session.goals().front();
  };
  for (const Goal& goal : goals) {
    INFO(goal.term);
    CHECK(reached(goal));
  }
  CHECK_FALSE(reached({"(+ x y)", "(/ x y)"}));
}

TEST_CASE("egg's sum of seven terms has 127 classes") {
  Session session = session_of("(rule c (+ ?a ?b) (+ ?b ?a))(rule a (+ ?a (+ ?b ?c)) (+ (+ ?a ?b) ?c))"
                               "(start (+ 1 (+ 2 (+ 3 (+ 4 (+ 5 (+ 6 7)))))))"
                               "(goal (+ 1 (+ 2 (+ 3 (+ 4 (+ 5 (+ 6 7)))))) (+ 7 (+ 6 (+ 5 (+ 4 (+ 3 (+ 2 1)))))))");
  CHECK(session.run(steps(7)).eclasses == 127);
  CHECK(session.goals().front());
}

TEST_CASE("sums of n terms have 2^n - 1 classes and 3^n - 2^(n+1) + 1 + n e-nodes") {
  uint64_t twos = 1, threes = 1;
  std::string term = "x0";
  for (uint64_t n = 1; n <= 9; ++n) {
    twos *= 2;
    threes *= 3;
    if (n > 1) term = "(+ x" + std::to_string(n - 1) + " " + term + ")";
    Session session = session_of("(rule c (+ ?a ?b) (+ ?b ?a))(rule a (+ ?a (+ ?b ?c)) (+ (+ ?a ?b) ?c))(start " + term + ")");
    const SaturateReport report = session.run(steps(100));
    CHECK(report.eclasses == twos - 1);
    CHECK(report.enodes == threes - 2 * twos + 1 + n);
  }
}

TEST_CASE("conditions") {
  const std::string fold = "(analysis const-fold)";
  const std::string cancel = "(rule cancel (/ ?a ?a) 1 (when (not-zero ?a)))";
  for (const std::string& analysis : {std::string(), fold}) {
    CHECK(reached(analysis + cancel + "(start (/ x x))(goal (/ x x) 1)"));
    CHECK_FALSE(reached(analysis + cancel + "(start (/ 0 0))(goal (/ 0 0) 1)"));
    CHECK_FALSE(reached(analysis + cancel + "(start (/ 0.0 0.0))(goal (/ 0.0 0.0) 1)"));
    CHECK(reached(analysis + "(rule r (f ?a) c (when (is-const ?a)))(start (f 2))(goal (f 2) c)"));
    CHECK_FALSE(reached(analysis + "(rule r (f ?a) c (when (is-const ?a)))(start (f x))(goal (f x) c)"));
    CHECK(reached(analysis + "(rule r (f ?a) c (when (is-symbol ?a)))(start (f x))(goal (f x) c)"));
    CHECK_FALSE(reached(analysis + "(rule r (f ?a) c (when (is-symbol ?a)))(start (f 2))(goal (f 2) c)"));
    CHECK_FALSE(reached(analysis + "(rule r (f ?a) c (when (is-symbol ?a)))(start (f (g x)))(goal (f (g x)) c)"));
    CHECK(reached(analysis + "(rule r (f ?a) c (when (is-zero ?a)))(start (f 0))(goal (f 0) c)"));
    CHECK(reached(analysis + "(rule r (f ?a) c (when (not-const ?a) (not-symbol ?a)))(start (f (g x)))(goal (f (g x)) c)"));
    CHECK(reached(analysis + "(rule r (f ?a ?b) c (when (differ ?a ?b)))(start (f x y))(goal (f x y) c)"));
    CHECK_FALSE(reached(analysis + "(rule r (f ?a ?b) c (when (differ ?a ?b)))(start (f x x))(goal (f x x) c)"));
  }
  CHECK_FALSE(reached(fold + cancel + "(start (/ (- 2 2) (- 3 3)))(goal (/ (- 2 2) (- 3 3)) 1)"));
}

TEST_CASE("a condition that begins to hold later is seen then") {
  const std::string later = "(rule one (g x) 7)(rule two (h ?x) (g ?x))(start (h x))";
  CHECK(reached("(rule r (f ?a) c (when (is-const ?a)))" + later + "(start (f (h x)))(goal (f (h x)) c)"));
  CHECK(reached("(analysis const-fold)(rule r (f ?a) c (when (is-const ?a)))" + later + "(start (f (h x)))(goal (f (h x)) c)"));
  CHECK(reached("(rule r (f ?a ?b) c (when (equal ?a ?b)))" + later + "(start (f (h x) 7))(goal (f (h x) 7) c)"));
  CHECK(reached("(rule r (f ?a) c (when (equal ?a (k 7))))" + later + "(start (f y))(rule q (g ?x) (k 7))(rule p (h ?x) (k2 (k 7) y))" +
                "(rule s (k2 ?a ?b) ?a)(multi t ((= ?u (k2 ?a ?b))) ((= ?a ?b)))(goal (f y) c)"));
  CHECK(reached("(rule r (f ?a) c (when (is-symbol ?a)))(rule s (g ?x) ?x)(start (f (g (g y))))(goal (f (g (g y))) c)"));
}

TEST_CASE("several roots") {
  CHECK(reached("(multi m ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b)))(start (p (f c) (g c)))(goal (f c) (g c))"));
  CHECK_FALSE(reached("(multi m ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b)))(start (p (f c) (g d)))(goal (f c) (g d))"));
  // a root's name as an operand elsewhere, before and after it
  CHECK(reached("(multi m ((= ?a (h ?x)) (= ?b (k ?a))) ((= ?b ?x)))(start (k (h d)))(goal (k (h d)) d)"));
  CHECK(reached("(multi m ((= ?b (k ?a ?a)) (= ?a (h ?x))) ((= ?b ?x)))(start (k (h d) (h d)))(goal (k (h d) (h d)) d)"));
  CHECK_FALSE(reached("(multi m ((= ?b (k ?a ?a)) (= ?a (h ?x))) ((= ?b ?x)))(start (k (h d) (h e)))(goal (k (h d) (h e)) d)"));
  // one name for two roots: one class with both
  const std::string both = "(multi m ((= ?a (f ?x)) (= ?a (g ?y))) ((= ?x ?y)))";
  CHECK(reached(both + "(rule r (s ?x) (f ?x))(rule q (s ?x) (g (t ?x)))(start (s c))(goal c (t c))"));
  CHECK_FALSE(reached(both + "(start (p (f c) (g d)))(goal c d)"));
  // names that are operands of each other: only a class that contains itself
  CHECK_FALSE(reached("(multi m ((= ?a (f ?b)) (= ?b (g ?a))) ((= ?a c)))(start (f (g (f c))))(goal (f (g (f c))) c)"));
  CHECK(reached("(rule loop (g (f c)) c)(multi m ((= ?a (f ?b)) (= ?b (g ?a))) ((= ?a d)))(start (f (g (f c))))(goal (f c) d)"));
  // transitive closure, and new terms on the right
  CHECK(reached("(multi trans ((= ?p (edge ?x ?y)) (= ?q (edge ?y ?z))) ((= ?p (edge ?x ?z))))"
                "(rule all (edge ?x ?y) true)"
                "(start (edge a b))(start (edge b c))(start (edge c d))(goal (edge a d) true)"));
}

TEST_CASE("a left side that is a variable matches every class") {
  CHECK(reached("(birule id (+ ?a 0) ?a)(start x)(goal (+ x 0) x)(goal (+ 0 0) 0)"));
}

TEST_CASE("constants fold exactly, in every spelling") {
  CHECK(reached("(analysis const-fold)(start (+ 1/3 (* 2 0.5)))(goal (+ 1/3 (* 2 0.5)) 4/3)(goal (Sub 1.0 2/2) 0)(goal 1 1.0)"));
  CHECK(reached("(analysis const-fold)(start (- 3))(goal (- 3) -3)(goal (neg 1/2) -0.5)"));
  CHECK_FALSE(reached("(start (+ 1 2))(goal (+ 1 2) 3)"));  // off where nothing is said
  CHECK_FALSE(reached("(analysis const-fold)(start (/ 1 0))(goal (/ 1 0) 0)"));
  CHECK_FALSE(reached("(analysis const-fold)(start (* 9223372036854775807 2))(goal (* 9223372036854775807 2) 0)"));
}

TEST_CASE("one class with two numbers is told") {
  Session session = session_of("(analysis const-fold)(rule wrong (f ?x) (+ ?x 1))(rule r (f ?x) ?x)(start (f 1))");
  CHECK(session.run(steps(10)).stop_reason == "unsound");
}

TEST_CASE("goals need not have been in the graph") {
  CHECK(answers("(rule r a b)(start a)(goal (q a) (q b))(goal (q a) (q c))(goal z z)") == std::vector<bool>{true, false, true});
}

TEST_CASE("smallest terms that come together against the order of the e-nodes, too many for the first sweeps") {
  // Class i holds a wide e-node and, later, f(class i + 1), which is smaller once all behind it are known.
  constexpr uint32_t kDeep = 60;
  EGraph graph({.explanations = false});
  const OpKind f = graph.intern_op("f");
  const Id leaf = graph.add(graph.intern_op("x"), 0, {});
  std::vector<Id> classes;
  for (uint32_t i = 0; i <= kDeep; ++i) {
    classes.push_back(graph.add(graph.intern_op("wide" + std::to_string(i)), 0, std::vector<Id>(100, leaf)));
  }
  for (uint32_t i = 0; i < kDeep; ++i) graph.unite(classes[i], graph.add(f, 0, {{classes[i + 1]}}), {});
  graph.unite(classes[kDeep], leaf, {});
  graph.rebuild();
  const SmallestTerms smallest(graph, 200), few(graph, 20);
  for (uint32_t i = 0; i <= kDeep; ++i) {
    CHECK(smallest.size(classes[i]) == kDeep + 1 - i);
    CHECK(few.size(classes[i]) == std::min<uint32_t>(21, kDeep + 1 - i));
  }
  CHECK(smallest.text(classes[kDeep - 2]) == "(f (f x))");
}

TEST_CASE("the smallest term of each start term") {
  Session session = session_of("(rule r (* ?a 2) (+ ?a ?a))(birule s (+ ?a ?a) (double ?a))(rule z (- ?a ?a) 0)(rule y (+ ?a 0) ?a)"
                               "(start (* (+ a (- b b)) 2))(start (f c d))");
  session.run(steps(10));
  const std::vector<BestTerm> best = session.best();
  REQUIRE(best.size() == 2);
  CHECK(best[0].term == "(double a)");
  CHECK(best[0].size == 2);
  CHECK(best[1].term == "(f c d)");
  CHECK(best[1].size == 3);
}

TEST_CASE("a term a hundred thousand deep is folded, rewritten and printed") {
  std::string term = "a";
  std::string head;
  for (int i = 0; i < 100'000; ++i) head += "(+ 0 ";
  term = head + term + std::string(100'000, ')');
  Session session = session_of("(analysis const-fold)(rule r (+ 0 ?x) ?x)(start (f " + term + "))(start " + head + "1" + std::string(100'000, ')') + ")");
  session.run(steps(3));
  const std::vector<BestTerm> best = session.best();
  CHECK(best[0].term == "(f a)");
  CHECK(best[1].term == "1");
}

TEST_CASE("limits stop within a batch, and the graph is whole") {
  const std::string math = program_text("math");
  {
    Session session = session_of(math);
    RunOptions options = steps(20);
    options.limits.enodes = 20'000;
    const SaturateReport report = session.run(options);
    CHECK(report.stop_reason == "node_limit");
    CHECK(report.enodes <= 20'000 + 4'096);
    CHECK(session.graph().clean());
    CHECK(session.best().size() == 7);
  }
  for (const char* analysis : {"", "(analysis const-fold)"}) {
    for (const uint64_t bytes : {2'000'000, 20'000'000}) {
      Session session = session_of(analysis + math);
      RunOptions options = steps(20);
      options.limits.bytes = bytes;
      const SaturateReport report = session.run(options);
      CHECK(report.stop_reason == "byte_limit");
      CHECK(report.bytes <= bytes + 4'096 * 80);
      CHECK(session.graph().clean());
      CHECK(session.best().size() == 7);
    }
  }
  {
    Session session = session_of("(analysis const-fold)" + math);
    RunOptions options = steps(20);
    options.limits.matches = 5'000;
    const SaturateReport report = session.run(options);
    CHECK(report.stop_reason == "match_limit");
    uint64_t applied = 0;
    for (const RuleUse& rule : report.rules) applied += rule.applied;
    CHECK(applied == 5'000);
  }
  {
    Session session = session_of(math);
    StopToken stop;
    stop.request_stop();
    RunOptions options = steps(20);
    options.limits.stop = &stop;
    const SaturateReport report = session.run(options);
    CHECK(report.stop_reason == "stopped");
    CHECK(report.enodes == 35);
    CHECK(session.best()[0].term == "(Integral (Ln x) x)");
  }
}

TEST_CASE("any number of threads and searching everything give the same graph, to the byte of its snapshot") {
  const std::string text = "(analysis const-fold)\n" + program_text("math");
  const auto snapshot = [&](RunOptions options, bool naive) {  // in the last step two rules have more matches than it has e-nodes
    options.naive = naive;
    Session session = session_of(text);
    session.run(options);
    return to_snapshot(session.graph());
  };
  const std::string expected = snapshot(steps(10), false);
  CHECK((snapshot(steps(10, 2), false) == expected));
  CHECK((snapshot(steps(10, 4), false) == expected));
  CHECK((snapshot(steps(10, 2), true) == expected));
}
