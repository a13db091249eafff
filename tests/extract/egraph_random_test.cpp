// E-graphs of at most 12 classes (cycles, shared children, several and repeated roots, costs of zero and below)
// against enumeration of every choice: the portfolio, its reductions alone, dual ascent, and threads.
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/reduce/reduction.h"
#include "extract/solve/solve.h"

using namespace egret;
using namespace egret::extract;

namespace {

struct Shape {
  uint32_t classes = 8;
  bool negative = false, fractions = false;
};

Problem random_egraph(uint64_t seed, const Shape& shape) {
  std::mt19937_64 engine(seed);
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(engine() % n); };
  Problem p;
  p.terms = true;
  p.items = 2 + below(shape.classes - 1);
  const uint32_t cyclic = below(4);  // 0: only reads of later classes
  for (uint32_t c = 0; c < p.items; ++c) {
    const uint32_t nodes = 1 + below(3);
    for (uint32_t n = 0; n < nodes; ++n) {
      Candidate node;
      node.results = {c};
      const uint32_t children = c + 1 == p.items ? 0 : below(4);
      for (uint32_t k = 0; k < children; ++k) {
        const bool anywhere = cyclic > 0 && below(4) < cyclic;
        node.operands.push_back(anywhere ? below(p.items) : c + 1 + below(p.items - c - 1));
      }
      node.cost = below(4) == 0 ? 0 : shape.fractions ? (1 + below(9999)) * 1.7e-4 : 1 + below(6);
      if (shape.negative && below(3) == 0) node.cost = -node.cost;
      p.candidates.push_back(std::move(node));
    }
  }
  const uint32_t roots = 1 + below(3);
  for (uint32_t r = 0; r < roots; ++r) p.roots.push_back(r == 0 ? 0 : below(p.items));
  return p;
}

// Chooses for one open class after the other; a choice whose reachable part has a cycle is none.
class Enumeration {
 public:
  explicit Enumeration(const Problem& p) : p_(p), choice_(p.items, -1) {}

  std::optional<double> run() {
    choose(p_.roots);
    return best_;
  }

 private:
  void choose(std::vector<uint32_t> open) {
    while (!open.empty() && choice_[open.back()] >= 0) open.pop_back();
    if (open.empty()) return judge();
    const uint32_t c = open.back();
    open.pop_back();
    for (uint32_t k = 0; k < p_.candidates.size(); ++k) {
      if (p_.candidates[k].results[0] != c) continue;
      choice_[c] = static_cast<int>(k);
      auto more = open;
      more.insert(more.end(), p_.candidates[k].operands.begin(), p_.candidates[k].operands.end());
      choose(std::move(more));
    }
    choice_[c] = -1;
  }

  void judge() {
    double cost = 0;
    std::vector<int> state(p_.items, 0);  // 1: on the way, 2: done
    const std::function<bool(uint32_t)> visit = [&](uint32_t c) {
      if (state[c] == 2) return true;
      if (state[c] == 1) return false;
      state[c] = 1;
      const Candidate& node = p_.candidates[static_cast<size_t>(choice_[c])];
      for (uint32_t o : node.operands) {
        if (!visit(o)) return false;
      }
      state[c] = 2;
      cost += node.cost;
      return true;
    };
    for (uint32_t r : p_.roots) {
      if (!visit(r)) return;
    }
    if (!best_ || cost < *best_) best_ = cost;
  }

  const Problem& p_;
  std::vector<int> choice_;
  std::optional<double> best_;
};

void compare(const Shape& shape, uint64_t first, uint64_t last) {
  size_t feasible = 0;
  for (uint64_t seed = first; seed < last; ++seed) {
    CAPTURE(seed);
    const Problem p = random_egraph(seed, shape);
    const auto best = Enumeration(p).run();
    const auto found = solve_portfolio(p);
    REQUIRE(found.ok() == best.has_value());
    if (!best) continue;
    ++feasible;
    CHECK(check_solution(p, *found).ok());
    CHECK(found->optimal);
    CHECK(std::abs(found->cost - *best) <= 1e-9 * std::max(1.0, std::abs(*best)));
    CHECK(found->bound <= *best + 1e-9);
  }
  CHECK(feasible > (last - first) / 2);
}

}  // namespace

TEST_CASE("the portfolio agrees with enumeration on e-graphs", "[extract]") {
  compare({.classes = 8}, 1, 3000);
  compare({.classes = 12, .fractions = true}, 10'000, 11'000);
}

TEST_CASE("the portfolio agrees with enumeration where costs are below zero", "[extract]") {
  compare({.classes = 8, .negative = true}, 20'000, 20'200);
}

TEST_CASE("reductions keep the optimum, and dual ascent stays below it", "[extract]") {
  for (uint64_t seed = 30'000; seed < 33'000; ++seed) {
    CAPTURE(seed);
    const Problem p = random_egraph(seed, {.classes = 9, .fractions = seed % 2 == 0});
    const auto best = Enumeration(p).run();
    const auto graph = make_hypergraph(p);
    REQUIRE(graph.ok() == best.has_value());
    if (!best) continue;
    const double tolerance = 1e-9 * std::max(1.0, *best);
    for (RootOrder order : {RootOrder::kCheapFirst, RootOrder::kDearFirst}) {
      const auto dual = dual_ascent(*graph, order, 1'000'000);
      CHECK(dual.bound <= *best + tolerance);
      for (double left : dual.remaining) CHECK(left >= -tolerance);
    }
    // Solves the parts by enumeration too.
    const Reduction reduction = reduce_to_components(*graph);
    double total = reduction.constant;
    for (const Component& c : reduction.components) {
      Problem part;
      part.items = c.graph.items;
      part.roots = c.graph.roots;
      for (uint32_t k = 0; k < c.graph.size(); ++k) {
        Candidate node;
        node.cost = c.graph.cost[k];
        node.results.assign(c.graph.results[k].begin(), c.graph.results[k].end());
        node.operands.assign(c.graph.operands[k].begin(), c.graph.operands[k].end());
        part.candidates.push_back(std::move(node));
      }
      const auto least = Enumeration(part).run();
      REQUIRE(least.has_value());
      total += *least;
    }
    CHECK(std::abs(total - *best) <= tolerance);
  }
}

TEST_CASE("the portfolio's answer does not depend on threads", "[extract]") {
  for (uint64_t seed = 40'000; seed < 40'200; ++seed) {
    const Problem p = random_egraph(seed, {.classes = 12});
    SolveOptions one, four;
    one.threads = 1;
    four.threads = 4;
    const auto a = solve_portfolio(p, one), b = solve_portfolio(p, four);
    REQUIRE(a.ok() == b.ok());
    if (a.ok()) CHECK(a->chosen == b->chosen);
  }
}
