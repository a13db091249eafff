// Proofs of equalities that saturation found, replayed by a checker that knows terms and rules alone.
#include <catch2/catch.hpp>
#include <random>

#include "egraph/proof.h"
#include "egraph/snapshot.h"
#include "tests/egraph/replay.h"
#include "tests/egraph/workloads.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

replay::Tree tree_of(const EGraph& graph, const PatternTerm& term) {
  replay::Tree tree;
  tree.is_variable = term.kind == PatternTerm::Kind::kVariable;
  tree.variable = term.variable;
  if (tree.is_variable) return tree;
  tree.op = graph.op_name(term.op);
  for (const PatternTerm& operand : term.operands) tree.operands.push_back(tree_of(graph, operand));
  return tree;
}

std::vector<replay::Term> terms_of(const EGraph& graph) {
  std::vector<replay::Term> terms;
  for (Id n = 0; n < graph.id_count(); ++n) {
    const auto operands = graph.operands(n);
    terms.push_back({std::string(graph.op_name(graph.op(n))), graph.attr(n), {operands.begin(), operands.end()}});
  }
  return terms;
}

replay::Chain chain_of(const ProofChain& chain) {
  replay::Chain plain{chain.from, chain.to, {}};
  for (const auto& [step, forward] : chain.links) plain.links.push_back({step, forward});
  return plain;
}

replay::Proof plain(const EGraph& graph, const Proof& proof) {
  replay::Proof out;
  for (const ProofStep& step : proof.steps) {
    replay::Step plain_step{replay::Step::Kind::kAsserted, step.left, step.right, 0, {}, {}, {}};
    if (step.why.kind == Justification::Kind::kCongruence) plain_step.kind = replay::Step::Kind::kCongruence;
    if (step.why.kind == Justification::Kind::kRule) {
      const Application a = graph.application(step.why.index);
      plain_step.kind = replay::Step::Kind::kRule;
      plain_step.rule = a.rule;
      plain_step.nodes = a.nodes;
      plain_step.made = a.made;
    }
    for (const ProofChain& chain : step.premises) plain_step.premises.push_back(chain_of(chain));
    out.steps.push_back(std::move(plain_step));
  }
  out.goal = chain_of(proof.goal);
  return out;
}

size_t links(const Proof& proof) {
  size_t count = proof.goal.links.size();
  for (const ProofStep& step : proof.steps) {
    for (const ProofChain& chain : step.premises) count += chain.links.size();
  }
  return count;
}

}  // namespace

TEST_CASE("every equality of a saturated graph has a proof that replays, and shortening keeps it") {
  struct Case {
    void (*insert)(EGraph&);
    std::vector<Rewrite> (*rules)(EGraph&);
    uint64_t steps;
  };
  const Case cases[] = {{insert_math_terms, math_rules, 7},
                        {insert_adder, adder_rules, 6},
                        {[](EGraph& graph) { insert_fuel(graph, 2); }, fuel_rules, 12},
                        {[](EGraph& graph) { insert_sum(graph, 6); }, ac_rules, 10}};
  for (const Case& work : cases) {
    EGraph graph;
    work.insert(graph);
    const std::vector<Rewrite> rules = work.rules(graph);
    run(graph, rules, unlimited(work.steps, 2));
    const std::vector<replay::Term> terms = terms_of(graph);
    std::vector<replay::Rule> plain_rules;
    for (const Rewrite& rule : rules) {
      plain_rules.push_back({tree_of(graph, rule.pattern.roots()[0]), tree_of(graph, rule.right[0])});
    }
    const std::set<std::pair<uint32_t, uint32_t>> asserted;
    replay::Checker checker(terms, plain_rules, asserted);
    size_t whole = 0, shortened = 0, proved = 0, refused = 0, tried = 0;
    for (Id n = 0; n < graph.id_count(); n += 1 + n / 60) {
      if (graph.find(n) == n) continue;
      const Proof proof = prove(graph, rules, n, graph.find(n), 0, false);
      const Proof shorter = prove(graph, rules, n, graph.find(n));
      REQUIRE(checker.holds(plain(graph, proof), n, graph.find(n)));
      REQUIRE(checker.holds(plain(graph, shorter), n, graph.find(n)));
      whole += links(proof);
      shortened += links(shorter);
      ++proved;
      // A proof with something wrong in it is refused.
      replay::Proof wrong = plain(graph, proof);
      if (wrong.steps.empty()) continue;
      replay::Step& step = wrong.steps[proved % wrong.steps.size()];
      ++tried;
      if (step.kind == replay::Step::Kind::kRule) step.rule = (step.rule + 1) % static_cast<uint32_t>(rules.size());
      if (step.kind == replay::Step::Kind::kCongruence) step.premises.clear();
      refused += !checker.holds(wrong, n, graph.find(n));
    }
    CHECK(proved > 50);
    CHECK(refused == tried);
    CHECK(shortened <= whole);
  }
}

TEST_CASE("asserted equalities are steps, shared where two rely on them") {
  EGraph graph;
  const Id a = insert(graph, "a"), b = insert(graph, "b");
  const Id x = insert(graph, "(g (f a) (f a))"), y = insert(graph, "(g (f b) (f b))");
  graph.unite(a, b, {Justification::Kind::kGiven, 0, 7});
  graph.rebuild();
  const Proof proof = prove(graph, {}, x, y);
  REQUIRE(proof.steps.size() == 3);  // a = b, (f a) = (f b), and theirs
  CHECK(proof.steps[0].why.detail == 7);
  const std::vector<replay::Term> terms = terms_of(graph);
  CHECK(replay::Checker(terms, {}, {{a, b}}).holds(plain(graph, proof), x, y));
  CHECK_FALSE(replay::Checker(terms, {}, {}).holds(plain(graph, proof), x, y));
  CHECK_FALSE(replay::Checker(terms, {}, {{a, b}}).holds(plain(graph, proof), y, x));
}

TEST_CASE("a shortcut by congruence takes the place of a longer way") {
  EGraph graph;
  const Id fa = insert(graph, "(f a)"), p = insert(graph, "p"), q = insert(graph, "q"), fb = insert(graph, "(f b)");
  const Id a = graph.operands(fa)[0], b = graph.operands(fb)[0];
  const auto given = [&](Id x, Id y, uint32_t tag) { graph.unite(x, y, {Justification::Kind::kGiven, 0, tag}); };
  given(a, b, 0);
  given(fa, p, 1);
  given(p, q, 2);
  given(q, fb, 3);
  graph.rebuild();
  CHECK(prove(graph, {}, fa, fb, 0, false).steps.size() == 3);
  const Proof proof = prove(graph, {}, fa, fb);
  REQUIRE(proof.steps.size() == 2);
  CHECK(proof.steps[1].why.kind == Justification::Kind::kCongruence);
}

TEST_CASE("terms a hundred thousand deep are made, proved equal, saved and freed") {
  const uint32_t depth = 100'000;
  EGraph graph;
  const OpKind f = graph.intern_op("f");
  const Id a = insert(graph, "a"), b = insert(graph, "b");
  Id left = a, right = b;
  for (uint32_t i = 0; i < depth; ++i) {
    left = graph.add(f, 0, {{left}});
    right = graph.add(f, 0, {{right}});
  }
  graph.unite(a, b, {Justification::Kind::kGiven, 0, 7});
  graph.rebuild();
  REQUIRE(graph.find(left) == graph.find(right));
  CHECK(graph.node_count() == depth + 2);
  const Proof proof = prove(graph, {}, left, right);
  CHECK(proof.steps.size() == depth + 1);
  const std::vector<replay::Term> terms = terms_of(graph);
  const std::vector<replay::Rule> no_rules;
  const std::set<std::pair<uint32_t, uint32_t>> asserted{{a, b}};
  CHECK(replay::Checker(terms, no_rules, asserted).holds(plain(graph, proof), left, right));
  const auto loaded = from_snapshot(to_snapshot(graph), "memory");
  REQUIRE(loaded.ok());
  CHECK(loaded->find(left) == loaded->find(right));
}
