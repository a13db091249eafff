// The matching program against a naive matcher that tries every e-node for every occurrence.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <thread>

#include "tests/egraph/terms.h"

using namespace egret::egraph;
using namespace egret::egraph::testing;

namespace {

// Every way to give each occurrence an e-node, checked whole; in the promised order.
class NaiveMatcher {
 public:
  NaiveMatcher(const EGraph& graph, const Pattern& pattern) : graph_(graph), pattern_(pattern) {
    for (const PatternTerm& root : pattern.roots()) {
      roots_.push_back(terms_.size());
      list(root, SIZE_MAX, 0);
    }
    for (const Id cls : graph.classes()) {
      for (const Id n : graph.nodes_of(cls)) live_.push_back(n);
    }
  }

  std::vector<std::vector<Id>> matches() {
    nodes_.resize(terms_.size());
    choose(0);
    std::sort(found_.begin(), found_.end(), [&](const auto& a, const auto& b) {
      for (const size_t root : roots_) {
        if (a[root] != b[root]) return a[root] < b[root];
      }
      return a < b;
    });
    return found_;
  }

 private:
  struct Occurrence {
    const PatternTerm* term;
    size_t parent, position;
  };
  void list(const PatternTerm& term, size_t parent, size_t position) {
    const size_t number = terms_.size();
    terms_.push_back({&term, parent, position});
    for (size_t i = 0; i < term.operands.size(); ++i) {
      if (term.operands[i].kind == PatternTerm::Kind::kOperator) list(term.operands[i], number, i);
    }
  }
  void choose(size_t number) {
    if (number == terms_.size()) {
      if (variables_agree()) found_.push_back(nodes_);
      return;
    }
    const auto& [term, parent, position] = terms_[number];
    for (const Id n : live_) {
      if (graph_.op(n) != term->op || graph_.operands(n).size() != term->operands.size()) continue;
      if (parent != SIZE_MAX && graph_.find(graph_.operands(nodes_[parent])[position]) != graph_.find(n)) continue;
      nodes_[number] = n;
      choose(number + 1);
    }
  }
  bool variables_agree() const {
    std::vector<Id> classes(pattern_.class_variables(), kNoId);
    std::vector<AttrId> attrs(pattern_.attr_variables(), kNoId);
    for (size_t i = 0; i < terms_.size(); ++i) {
      const PatternTerm& term = *terms_[i].term;
      const AttrId attr = graph_.attr(nodes_[i]);
      if (term.attr_kind == PatternTerm::Attr::kFixed && attr != term.attr) return false;
      if (term.attr_kind == PatternTerm::Attr::kVariable) {
        if (attrs[term.attr] != kNoId && attrs[term.attr] != attr) return false;
        attrs[term.attr] = attr;
      }
      const auto agrees = [&](uint32_t variable, Id id) {
        const Id bound = std::exchange(classes[variable], graph_.find(id));
        return bound == kNoId || bound == classes[variable];
      };
      if (term.name != PatternTerm::kUnnamed && !agrees(term.name, nodes_[i])) return false;
      for (size_t k = 0; k < term.operands.size(); ++k) {
        const bool variable = term.operands[k].kind == PatternTerm::Kind::kVariable;
        if (variable && !agrees(term.operands[k].variable, graph_.operands(nodes_[i])[k])) return false;
      }
    }
    return true;
  }

  const EGraph& graph_;
  const Pattern& pattern_;
  std::vector<Occurrence> terms_;
  std::vector<size_t> roots_;
  std::vector<Id> live_, nodes_;
  std::vector<std::vector<Id>> found_;
};

std::vector<Match> all_matches(const EGraph& graph, const Pattern& pattern) {
  std::vector<Match> found;
  pattern.search(graph, graph.nodes_with(pattern.roots().front().op), [&](const Match& match) {
    found.push_back(match);
    return true;
  });
  return found;
}

std::vector<std::vector<Id>> all_nodes(const EGraph& graph, const Pattern& pattern) {
  std::vector<std::vector<Id>> nodes;
  for (const Match& match : all_matches(graph, pattern)) nodes.push_back(match.nodes);
  return nodes;
}

EGraph random_graph(std::mt19937& random, int nodes) {
  EGraph graph;
  for (const char* name : {"f", "g", "h"}) graph.intern_op(name);
  insert(graph, "a");
  insert(graph, "b");
  for (int i = 0; i < nodes; ++i) {
    std::vector<Id> operands(1 + random() % 2);
    for (Id& operand : operands) operand = random() % graph.id_count();
    graph.add(random() % 3, random() % 2, operands);
  }
  for (int i = 0; i < nodes / 3; ++i) graph.unite(random() % graph.id_count(), random() % graph.id_count(), {});
  graph.rebuild();
  return graph;
}

PatternTerm random_term(std::mt19937& random, int& budget, uint32_t variables, bool root) {
  if (!root && (budget == 0 || random() % 2 == 0)) return PatternTerm::variable_of(random() % variables);
  --budget;
  std::vector<PatternTerm> operands(1 + random() % 2);
  for (PatternTerm& operand : operands) operand = random_term(random, budget, variables, false);
  PatternTerm term = PatternTerm::operator_of(random() % 3, std::move(operands));
  if (random() % 4 == 0) term = term.named(random() % variables);
  const uint32_t attr = random() % 8;
  return attr == 0 ? term.with_attr(random() % 2) : attr == 1 ? term.with_attr_variable(0) : term;
}

// Numbers the class variables used from 0 on.
void renumber(PatternTerm& term, std::map<uint32_t, uint32_t>& numbers, bool& attr_used) {
  if (term.kind == PatternTerm::Kind::kVariable) {
    term.variable = numbers.try_emplace(term.variable, static_cast<uint32_t>(numbers.size())).first->second;
  }
  if (term.name != PatternTerm::kUnnamed) term.name = numbers.try_emplace(term.name, static_cast<uint32_t>(numbers.size())).first->second;
  attr_used |= term.kind == PatternTerm::Kind::kOperator && term.attr_kind == PatternTerm::Attr::kVariable;
  for (PatternTerm& operand : term.operands) renumber(operand, numbers, attr_used);
}

}  // namespace

TEST_CASE("random patterns with one to three roots match as the naive matcher, in its order") {
  std::mt19937 random(20261124);
  size_t matches = 0;
  for (int round = 0; round < 400; ++round) {
    const EGraph graph = random_graph(random, 140);
    int budget = 4;
    std::vector<PatternTerm> roots(1 + random() % 3);
    std::map<uint32_t, uint32_t> numbers;
    bool attr_used = false;
    for (PatternTerm& root : roots) {
      budget = std::max(budget, 1);
      root = random_term(random, budget, 3, true);
      renumber(root, numbers, attr_used);
    }
    const Pattern pattern(roots, static_cast<uint32_t>(numbers.size()), attr_used);
    const auto expected = NaiveMatcher(graph, pattern).matches();
    REQUIRE(all_nodes(graph, pattern) == expected);
    matches += expected.size();
  }
  CHECK(matches > 8'000);
}

TEST_CASE("a class variable holds the operand of the matched e-node as it was written") {
  EGraph graph;
  const Id b = insert(graph, "b"), a = insert(graph, "a"), fa = insert(graph, "(f a)");
  graph.unite(a, b, {});
  graph.rebuild();
  const std::vector<Match> found = all_matches(graph, pattern(graph, {"(f ?x)"}));
  REQUIRE(found.size() == 1);
  CHECK(found[0].nodes == std::vector<Id>{fa});
  CHECK(found[0].classes == std::vector<Id>{a});
  CHECK(graph.canonical_operands(fa)[0] == b);
}

TEST_CASE("a repeated variable compares classes, not ids") {
  EGraph graph;
  const Id fab = insert(graph, "(f a b)");
  graph.rebuild();
  CHECK(all_matches(graph, pattern(graph, {"(f ?x ?x)"})).empty());
  graph.unite(0, 1, {});
  graph.rebuild();
  CHECK(all_nodes(graph, pattern(graph, {"(f ?x ?x)"})) == std::vector<std::vector<Id>>{{fab}});
}

TEST_CASE("an operator matches only e-nodes with its number of operands") {
  EGraph graph;
  insert(graph, "(f a)");
  const Id two = insert(graph, "(f a b)");
  graph.rebuild();
  CHECK(all_nodes(graph, pattern(graph, {"(f ?x ?y)"})) == std::vector<std::vector<Id>>{{two}});
}

TEST_CASE("attribute variables agree, fixed attributes are required, values are reported") {
  EGraph graph;
  const OpKind f = graph.intern_op("f");
  const Id a = insert(graph, "a"), f1 = graph.add(f, 1, {{a}}), f2 = graph.add(f, 2, {{f1}});
  const Id g1 = graph.add(f, 1, {{f1}});
  graph.rebuild();
  const PatternTerm x = PatternTerm::variable_of(0);
  const auto call = [&](PatternTerm operand) { return PatternTerm::operator_of(f, {std::move(operand)}); };
  const Pattern same({call(call(x).with_attr_variable(0)).with_attr_variable(0)}, 1, 1);
  CHECK(all_nodes(graph, same) == std::vector<std::vector<Id>>{{g1, f1}});
  const Pattern fixed({call(call(x)).with_attr(2)}, 1, 0);
  CHECK(all_nodes(graph, fixed) == std::vector<std::vector<Id>>{{f2, f1}});
  const Pattern bound({call(call(x).with_attr_variable(1)).with_attr_variable(0)}, 1, 2);
  const std::vector<Match> found = all_matches(graph, bound);
  REQUIRE(found.size() == 2);
  CHECK(found[0].attrs == std::vector<AttrId>{2, 1});
  CHECK(found[1].attrs == std::vector<AttrId>{1, 1});
}

TEST_CASE("several roots join on a variable they share, also a deep one") {
  EGraph graph;
  const Id ab = insert(graph, "(dot a b)"), ac = insert(graph, "(dot a c)");
  insert(graph, "(dot d b)");
  const Id deep = insert(graph, "(h (g (g a)))");
  graph.rebuild();
  const auto pairs = all_nodes(graph, pattern(graph, {"(dot ?x ?y)", "(dot ?x ?z)"}));
  CHECK(pairs.size() == 5);  // each with itself, and the two that read a both ways
  CHECK(std::count(pairs.begin(), pairs.end(), std::vector<Id>{ab, ac}) == 1);
  const auto climbed = all_nodes(graph, pattern(graph, {"(dot ?x ?y)", "(h (g (g ?x)))"}));
  REQUIRE(climbed.size() == 2);
  CHECK(climbed[0][1] == deep);
}

TEST_CASE("emit stops the search") {
  EGraph graph;
  for (int i = 0; i < 10; ++i) insert(graph, "(f " + std::to_string(i) + ")");
  graph.rebuild();
  const Pattern f = pattern(graph, {"(f ?x)"});
  int seen = 0;
  f.search(graph, graph.nodes_with(f.roots()[0].op), [&](const Match&) { return ++seen < 3; });
  CHECK(seen == 3);
}

// With plain threads, so that a race detector sees all there is to see (it does not see TBB's own ordering).
TEST_CASE("several threads may search one graph, the first use of the table of parents included") {
  std::mt19937 random(3);
  EGraph graph = random_graph(random, 300);
  const Pattern single = pattern(graph, {"(f ?x (g ?y))"});
  const auto of_x = [&](const char* op) { return PatternTerm::operator_of(graph.intern_op(op), {PatternTerm::variable_of(0)}); };
  const Pattern joined({of_x("f"), of_x("g")}, 1);  // any attributes: through readers
  std::vector<std::vector<std::vector<Id>>> found(4);
  std::vector<std::thread> threads;
  for (auto& mine : found) {
    threads.emplace_back([&] {
      mine = all_nodes(graph, joined);
      const auto more = all_nodes(graph, single);
      mine.insert(mine.end(), more.begin(), more.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(found[0].size() > 20);
  for (const auto& other : found) CHECK(other == found[0]);
}

TEST_CASE("searching a graph that needs rebuild is a bug that ends the process") {
  EGraph graph;
  insert(graph, "(f a)");
  const Pattern f = pattern(graph, {"(f ?x)"});
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(STDERR_FILENO);
    f.search(graph, std::vector<Id>{1}, [](const Match&) { return true; });
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 70);
}
