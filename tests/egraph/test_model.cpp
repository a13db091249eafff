// Random traces against a naive congruence closure, and a checker of explanations that trusts only the trace.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>

#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

// Congruence closure by fixpoint over all pairs.  Terms are numbered by insertion; equal terms may stand twice.
struct NaiveClosure {
  struct Term {
    OpKind op;
    AttrId attr;
    std::vector<size_t> operands;
  };
  std::vector<Term> terms;
  std::vector<size_t> label;  // equal labels: equal terms

  size_t add(Term term) {
    terms.push_back(std::move(term));
    label.push_back(terms.size() - 1);
    return terms.size() - 1;
  }
  void unite(size_t a, size_t b) {
    const size_t from = label[a], to = label[b];
    for (size_t& entry : label) {
      if (entry == from) entry = to;
    }
  }
  bool congruent(const Term& a, const Term& b) const {
    if (a.op != b.op || a.attr != b.attr || a.operands.size() != b.operands.size()) return false;
    for (size_t i = 0; i < a.operands.size(); ++i) {
      if (label[a.operands[i]] != label[b.operands[i]]) return false;
    }
    return true;
  }
  void close() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t a = 0; a < terms.size(); ++a) {
        for (size_t b = 0; b < a; ++b) {
          if (label[a] == label[b] || !congruent(terms[a], terms[b])) continue;
          unite(a, b);
          changed = true;
        }
      }
    }
  }
  size_t distinct_terms() const {
    size_t count = 0;
    for (size_t a = 0; a < terms.size(); ++a) {
      bool first = true;
      for (size_t b = 0; b < a && first; ++b) first = !congruent(terms[a], terms[b]);
      count += first;
    }
    return count;
  }
};

// Checks that the explanation of each pair holds, down to assertions: `asserted[detail]` are the pairs united by hand.
class ExplanationChecker {
 public:
  ExplanationChecker(const EGraph& graph, const std::vector<std::pair<Id, Id>>& asserted)
      : graph_(graph), asserted_(asserted) {}

  bool holds(Id a, Id b) {
    Id at = a;
    for (const EGraph::Edge& edge : graph_.explain(a, b)) {
      if (edge.from != at || !edge_holds(edge)) return false;
      at = edge.to;
    }
    return at == b;
  }

 private:
  bool edge_holds(const EGraph::Edge& edge) {
    const std::pair<Id, Id> read = edge.forward ? std::pair(edge.from, edge.to) : std::pair(edge.to, edge.from);
    if (edge.why.kind == Justification::Kind::kGiven) return asserted_.at(edge.why.detail) == read;
    if (edge.why.kind == Justification::Kind::kRule) {
      return graph_.application(edge.why.index).equations.at(edge.why.detail) == read;
    }
    if (edge.why.kind != Justification::Kind::kCongruence) return false;
    if (proved_.count(read)) return true;
    if (!open_.insert(read).second) return false;  // an explanation that uses itself
    const auto x = graph_.operands(read.first), y = graph_.operands(read.second);
    bool good = graph_.op(read.first) == graph_.op(read.second) &&
                graph_.attr(read.first) == graph_.attr(read.second) && x.size() == y.size() && !x.empty();
    for (size_t i = 0; good && i < x.size(); ++i) good = holds(x[i], y[i]);
    open_.erase(read);
    if (good) proved_.insert(read);
    return good;
  }

  const EGraph& graph_;
  const std::vector<std::pair<Id, Id>>& asserted_;
  std::set<std::pair<Id, Id>> proved_, open_;
};

struct Trace {
  EGraph graph;
  NaiveClosure naive;
  std::vector<Id> id_of;  // of each term of `naive`
  std::vector<std::pair<Id, Id>> asserted;
};

void grow(Trace& trace, std::mt19937& random) {
  const size_t kind = random() % 10;
  if (trace.id_of.empty() || kind < 7) {
    NaiveClosure::Term term{static_cast<OpKind>(random() % 3), static_cast<AttrId>(random() % 2), {}};
    if (!trace.id_of.empty()) term.operands.resize(random() % 4);
    std::vector<Id> operands;
    for (size_t& operand : term.operands) {
      operand = random() % trace.id_of.size();
      operands.push_back(trace.id_of[operand]);
    }
    trace.id_of.push_back(trace.graph.add(term.op, term.attr, operands));
    trace.naive.add(std::move(term));
  } else if (kind < 9) {
    const size_t a = random() % trace.id_of.size(), b = random() % trace.id_of.size();
    const uint32_t tag = static_cast<uint32_t>(trace.asserted.size());
    trace.asserted.emplace_back(trace.id_of[a], trace.id_of[b]);
    trace.graph.unite(trace.id_of[a], trace.id_of[b], {Justification::Kind::kGiven, 0, tag});
    trace.naive.unite(a, b);
  } else {
    trace.graph.rebuild();
  }
}

bool same_equalities(Trace& trace) {
  trace.graph.rebuild();
  trace.naive.close();
  const size_t count = trace.id_of.size();
  for (size_t a = 0; a < count; ++a) {
    for (size_t b = 0; b < a; ++b) {
      const bool equal = trace.graph.find(trace.id_of[a]) == trace.graph.find(trace.id_of[b]);
      if (equal != (trace.naive.label[a] == trace.naive.label[b])) return false;
    }
  }
  return trace.graph.node_count() == trace.naive.distinct_terms() &&
         trace.graph.class_count() == std::set<size_t>(trace.naive.label.begin(), trace.naive.label.end()).size();
}

// The lists against their definitions, from find and canonical_operands alone.
void require_lists(const EGraph& graph) {
  std::map<Id, std::vector<Id>> of_class, reading;
  std::map<OpKind, std::vector<Id>> with_op;
  std::set<std::tuple<OpKind, AttrId, std::vector<Id>>> seen;
  for (Id n = 0; n < graph.id_count(); ++n) {
    std::vector<Id> operands;
    for (const Id operand : graph.operands(n)) operands.push_back(graph.find(operand));
    const auto canonical = graph.canonical_operands(n);
    REQUIRE(std::equal(operands.begin(), operands.end(), canonical.begin(), canonical.end()));
    if (!seen.emplace(graph.op(n), graph.attr(n), operands).second) continue;  // congruent to a lower id
    REQUIRE(graph.lookup(graph.op(n), graph.attr(n), operands) == n);
    of_class[graph.find(n)].push_back(n);
    with_op[graph.op(n)].push_back(n);
    for (const Id operand : std::set<Id>(operands.begin(), operands.end())) reading[operand].push_back(n);
  }
  const auto same = [](std::span<const Id> a, const std::vector<Id>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  for (const Id cls : graph.classes()) {
    REQUIRE(same(graph.nodes_of(cls), of_class[cls]));
    REQUIRE(same(graph.parents_of(cls), reading[cls]));
  }
  for (const auto& [op, nodes] : with_op) REQUIRE(same(graph.nodes_with(op), nodes));
}

}  // namespace

TEST_CASE("random traces: equalities, lists and explanations are those of the naive closure") {
  size_t congruences = 0;
  for (uint32_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Trace trace;
    for (const char* op : {"f", "g", "h"}) trace.graph.intern_op(op);
    for (int step = 0; step < 120; ++step) {
      grow(trace, random);
      if (step % 40 == 39) {
        REQUIRE(same_equalities(trace));
        require_lists(trace.graph);
      }
    }
    ExplanationChecker checker(trace.graph, trace.asserted);
    for (Id id = 0; id < trace.graph.id_count(); ++id) REQUIRE(checker.holds(id, trace.graph.find(id)));
    const std::vector<Id> classes = trace.graph.classes();
    congruences += trace.graph.id_count() - trace.graph.node_count();
  }
  CHECK(congruences > 500);  // the traces reach what they are for
}

TEST_CASE("100,000 short random traces: equalities, counts and explanations are those of the naive closure") {
  constexpr uint32_t traces = 100'000;
  size_t congruences = 0;
  for (uint32_t seed = 1; seed <= traces; ++seed) {
    std::mt19937 random(seed * 2654435761u);
    Trace trace;
    for (const char* op : {"f", "g", "h"}) trace.graph.intern_op(op);
    const int steps = 10 + static_cast<int>(random() % 40);
    for (int step = 0; step < steps; ++step) grow(trace, random);
    if (!same_equalities(trace)) FAIL("trace " << seed);
    ExplanationChecker checker(trace.graph, trace.asserted);
    for (Id id = 0; id < trace.graph.id_count(); ++id) {
      if (!checker.holds(id, trace.graph.find(id))) FAIL("the explanation of e-node " << id << " of trace " << seed);
    }
    congruences += trace.graph.id_count() - trace.graph.node_count();
  }
  CHECK(congruences > traces / 4);
}

TEST_CASE("explanations of a saturation hold: each step is an equation of a recorded application or a congruence") {
  EGraph graph;
  insert_math_terms(graph);
  const std::vector<Rewrite> rules = math_rules(graph);
  run(graph, rules, unlimited(7));
  REQUIRE(graph.application_count() > 1000);
  ExplanationChecker checker(graph, {});
  bool good = true;
  for (Id id = 0; id < graph.id_count(); ++id) good = good && checker.holds(id, graph.find(id));
  CHECK(good);
  for (uint32_t a = 0; a < graph.application_count(); ++a) {
    const Application& application = graph.application(a);
    const auto roots = rules.at(application.rule).pattern.roots();
    good = good && graph.op(application.nodes.at(0)) == roots[0].op && application.equations.size() == 1 &&
           application.equations[0].first == application.nodes[0];
  }
  CHECK(good);
}

TEST_CASE("the path between two ids does not change when more is united") {
  EGraph graph;
  const OpKind leaf = graph.intern_op("leaf");
  for (AttrId i = 0; i < 64; ++i) graph.add(leaf, i, {});
  const auto assert_equal = [&](Id a, Id b) { graph.unite(a, b, {Justification::Kind::kGiven, 0, a}); };
  for (Id i = 0; i < 7; ++i) assert_equal(i, i + 1);
  const auto before = graph.explain(6, 2);
  for (Id i = 8; i < 63; ++i) assert_equal(i, i + 1);
  assert_equal(3, 40);
  const auto after = graph.explain(6, 2);
  REQUIRE(before.size() == 4);
  REQUIRE(after.size() == 4);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(after[i].from == before[i].from);
    CHECK(after[i].to == before[i].to);
    CHECK(after[i].why.detail == before[i].why.detail);
    CHECK_FALSE(after[i].forward);
  }
}

TEST_CASE("random traces: facts are the fixpoint of make and join") {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Trace trace;
    for (const char* op : {"f", "g", "h"}) trace.graph.intern_op(op);
    // The set of operators below a class, as bits: joins grow, and depend on the whole class.
    const auto own = [](const EGraph& graph, Id n) {
      Fact bits = Fact{1} << (graph.op(n) * 2 + graph.attr(n));
      for (const Id operand : graph.operands(n)) {
        if (graph.fact(0, operand) != kNoFact) bits |= graph.fact(0, operand);
      }
      return bits;
    };
    Analysis below;
    below.make = [&](const EGraph& graph, std::span<const Id> nodes, std::span<Fact> out) {
      for (size_t i = 0; i < nodes.size(); ++i) out[i] = own(graph, nodes[i]);
    };
    below.join = [](Fact a, Fact b) { return a | b; };
    trace.graph.add_analysis(below);
    for (int step = 0; step < 100; ++step) grow(trace, random);
    trace.graph.rebuild();
    const size_t ids = trace.graph.id_count();
    std::map<Id, Fact> expected;
    for (bool changed = true; changed;) {
      changed = false;
      for (Id n = 0; n < ids; ++n) {
        Fact bits = Fact{1} << (trace.graph.op(n) * 2 + trace.graph.attr(n));
        for (const Id operand : trace.graph.operands(n)) bits |= expected[trace.graph.find(operand)];
        Fact& known = expected[trace.graph.find(n)];
        changed |= (known | bits) != known;
        known |= bits;
      }
    }
    for (const Id cls : trace.graph.classes()) REQUIRE(trace.graph.fact(0, cls) == expected[cls]);
  }
}
