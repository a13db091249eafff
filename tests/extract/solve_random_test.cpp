// Both solvers against enumeration of all subsets, on random problems with several results, cycles, alternatives,
// covers right and wrong, zero costs and fold budgets.
#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>
#include <optional>
#include <random>

#include "extract/solve/exact/model.h"
#include "extract/solve/heuristics/cover.h"
#include "extract/solve/portfolio/whole.h"
#include "extract/solve/solve.h"
#include "support/module.h"
#include "tests/extract/random.h"

using namespace egret;
using namespace egret::extract;

namespace {

void add_unique(std::vector<uint32_t>& list, uint32_t x) {
  if (std::find(list.begin(), list.end(), x) == list.end()) list.push_back(x);
}

Problem header(Random& random, uint32_t items) {
  Problem p;
  p.items = items;
  const uint32_t roots = 1 + random.below(3);
  for (uint32_t r = 0; r < roots; ++r) p.roots.push_back(items - 1 - random.below(std::min(items, 3u)));
  if (random.one_in(2)) {
    p.free_items.assign(items, 0);
    p.free_items[0] = 1;
  }
  return p;
}

// Results and operands anywhere: cycles abound.
Problem random_hyper(Random& random) {
  Problem p = header(random, 3 + random.below(6));
  const uint32_t n = 4 + random.below(9);
  for (uint32_t k = 0; k < n; ++k) {
    Candidate c;
    c.cost = random.cost();
    const uint32_t results = 1 + random.below(3), operands = random.below(4);
    for (uint32_t r = 0; r < results; ++r) c.results.push_back(random.below(p.items));
    const bool layered = !random.one_in(4);
    for (uint32_t o = 0; o < operands; ++o) {
      const uint32_t top = layered ? *std::max_element(c.results.begin(), c.results.end()) : p.items;
      if (top > 0) c.operands.push_back(random.below(top));
    }
    p.candidates.push_back(std::move(c));
  }
  return p;
}

// A term graph with alternatives, and candidates that compute parts of it; some covers are nonsense.
Problem random_terms(Random& random) {
  Problem p = header(random, 4 + random.below(5));
  for (uint32_t c = 0; c < p.items; ++c) {
    const uint32_t alternatives = 1 + random.one_in(3);
    for (uint32_t a = 0; a < alternatives; ++a) {
      TermNode node;
      node.cls = c;
      const uint32_t operands = random.below(3);
      const uint32_t top = random.one_in(10) ? p.items : c;
      for (uint32_t o = 0; o < operands && top > 0; ++o) node.operands.push_back(random.below(top));
      p.term_nodes.push_back(std::move(node));
    }
  }
  const uint32_t n = 5 + random.below(9);
  for (uint32_t k = 0; k < n; ++k) {
    Candidate c;
    c.cost = random.cost();
    // Grows downwards from one or two nodes.
    const uint32_t seeds = 1 + random.one_in(3);
    for (uint32_t s = 0; s < seeds; ++s) add_unique(c.covers, random.below(static_cast<uint32_t>(p.term_nodes.size())));
    for (uint32_t grow = random.below(4); grow > 0; --grow) {
      const TermNode& node = p.term_nodes[c.covers[random.below(static_cast<uint32_t>(c.covers.size()))]];
      if (node.operands.empty()) continue;
      const uint32_t below = node.operands[random.below(static_cast<uint32_t>(node.operands.size()))];
      for (uint32_t m = 0; m < p.term_nodes.size(); ++m) {
        if (p.term_nodes[m].cls == below && (random.one_in(2) || m + 1 == p.term_nodes.size())) add_unique(c.covers, m);
      }
    }
    std::vector<uint8_t> inside(p.items, 0);
    for (uint32_t m : c.covers) inside[p.term_nodes[m].cls] = 1;
    for (uint32_t m : c.covers) {
      for (uint32_t o : p.term_nodes[m].operands) {
        if (!inside[o] || random.one_in(8)) add_unique(c.operands, o);
      }
    }
    for (uint32_t s = 0; s < seeds && s < c.covers.size(); ++s) add_unique(c.results, p.term_nodes[c.covers[s]].cls);
    if (random.one_in(5)) add_unique(c.results, p.term_nodes[c.covers.back()].cls);
    if (random.one_in(12)) add_unique(c.covers, random.below(static_cast<uint32_t>(p.term_nodes.size())));
    if (random.one_in(12)) c.covers.clear();
    p.candidates.push_back(std::move(c));
  }
  return p;
}

// The least cost over all subsets; the order is tried round by round.
std::optional<double> brute_force(const Problem& p) {
  std::optional<double> best;
  const uint32_t n = static_cast<uint32_t>(p.candidates.size());
  for (uint32_t set = 0; set < (1u << n); ++set) {
    double cost = 0, fold = 0;
    for (uint32_t k = 0; k < n; ++k) {
      if (set >> k & 1) cost += p.candidates[k].cost, fold += p.candidates[k].fold_bytes;
    }
    if (fold > p.fold_budget || (best && cost >= *best)) continue;
    std::vector<uint8_t> made(p.items, 0);
    for (uint32_t i = 0; i < p.items; ++i) made[i] = p.is_free(i);
    uint32_t left = set;
    for (bool again = true; again;) {
      again = false;
      for (uint32_t k = 0; k < n; ++k) {
        const auto& reads = p.candidates[k].operands;
        if (!(left >> k & 1) || !std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return made[o]; })) continue;
        for (uint32_t r : p.candidates[k].results) made[r] = 1;
        left &= ~(1u << k);
        again = true;
      }
    }
    if (left == 0 && std::all_of(p.roots.begin(), p.roots.end(), [&](uint32_t r) { return made[r]; })) best = cost;
  }
  return best;
}

void close_under_dropping(Problem& p) {
  const size_t n = p.candidates.size();
  for (size_t k = 0; k < n && p.candidates.size() < 13; ++k) {
    if (p.candidates[k].results.size() < 2) continue;
    Candidate c = p.candidates[k];
    c.results.pop_back();
    p.candidates.push_back(std::move(c));
  }
}

Problem random_problem(uint64_t seed) {
  Random random(seed);
  Problem p = random.one_in(2) ? random_hyper(random) : random_terms(random);
  if (random.one_in(3)) close_under_dropping(p);
  if (random.one_in(4)) {
    double sum = 0;
    for (Candidate& c : p.candidates) sum += c.fold_bytes = random.one_in(2) ? 0 : random.below(50);
    p.fold_budget = sum * 0.1 * random.below(6);
  }
  return p;
}

// The integer program alone, without an incumbent that could hide a row that is too strong.
std::optional<double> model_optimum(const Problem& p, EgretHighsSolve highs, size_t& loop_rounds) {
  auto full = make_hypergraph(p);
  REQUIRE(full.ok());
  const Hypergraph& graph = *full;
  const Terms terms = trusted_terms(p, graph, graph.original);
  std::vector<Loop> loops;
  for (int round = 0; round < 100; ++round) {
    const IlpModel model = build_model(graph, terms, loops, 1);
    std::vector<double> x(model.cost.size());
    EgretHighsModel view = model.view(false);
    view.iteration_limit = 1'000'000;
    view.seconds = 60;
    EgretHighsAnswer answer{};
    answer.solution = x.data();
    highs(&view, &answer);
    if (answer.status == kHighsInfeasible) return std::nullopt;
    REQUIRE(answer.status == kHighsOptimal);
    std::vector<uint32_t> chosen;
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (x[k] > 0.5) chosen.push_back(k);
    }
    std::vector<uint8_t> allowed(graph.size(), 0);
    for (uint32_t k : chosen) allowed[k] = 1;
    const auto made = makeable(graph, allowed);
    if (std::all_of(graph.roots.begin(), graph.roots.end(), [&](uint32_t r) { return made[r]; })) return answer.objective;
    const auto found = find_loops(graph, chosen);
    REQUIRE_FALSE(found.empty());
    loops.insert(loops.end(), found.begin(), found.end());
    ++loop_rounds;
  }
  FAIL("loop rows do not end");
  return std::nullopt;
}

SolveOptions by_highs() {
  SolveOptions options;
  options.engines = Engines::kHighs;
  return options;
}

}  // namespace

TEST_CASE("the integer program cuts off no optimum", "[extract]") {
  auto symbol = open_module_symbol("egret_highs", "egret_highs_solve");
  if (!symbol) {
    WARN("skipped: built without HiGHS");
    return;
  }
  const auto highs = reinterpret_cast<EgretHighsSolve>(*symbol);
  size_t solved = 0, loop_rounds = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    CAPTURE(seed);
    const Problem p = random_problem(seed);
    if (!make_hypergraph(p)) continue;
    const auto best = brute_force(p);
    const auto found = model_optimum(p, highs, loop_rounds);
    REQUIRE(found.has_value() == best.has_value());
    if (!best) continue;
    CHECK(std::abs(*found - *best) <= 1e-6 * std::max(1.0, *best));
    ++solved;
  }
  CHECK(solved >= 700);
  CHECK(loop_rounds > 0);
  WARN(solved << " solved, " << loop_rounds << " rounds of loop rows");
}

TEST_CASE("without time, a large cyclic e-graph still gets an answer, a bound and an early word of both", "[extract]") {
  Random random(7);
  Problem p;
  p.terms = true;
  p.items = 15'000;
  p.roots = {p.items - 1, p.items / 2};
  for (uint32_t k = 0; k < 75'000; ++k) {
    Candidate c;
    c.cost = 1 + random.below(99);
    c.results = {k % p.items};
    for (int o = 0; o < 5 && k >= 100; ++o) c.operands.push_back(random.below(std::min(k, p.items)));
    p.candidates.push_back(std::move(c));
  }
  SolveOptions options;
  options.limits.seconds = 0;
  std::vector<Progress> stream;
  options.progress = [&](const Progress& now) { stream.push_back(now); };
  const auto answer = solve_portfolio(p, options);
  REQUIRE(answer.ok());
  CHECK(check_solution(p, *answer).ok());
  CHECK(answer->bound > 0);
  CHECK(answer->bound <= answer->cost);
  REQUIRE(!stream.empty());
  CHECK(std::isfinite(stream.front().best));
  CHECK(stream.front().bound > 0);
}

TEST_CASE("solvers agree with enumeration on random problems", "[extract]") {
  constexpr uint64_t kCases = 1500;
  size_t feasible = 0, mismatches = 0, greedy_optimal = 0, several = 0;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    const Problem p = random_problem(seed);
    const auto best = brute_force(p);
    const auto greedy = solve_greedy(p);
    const auto exact = solve_portfolio(p, by_highs());
    const auto together = solve_portfolio(p);
    CAPTURE(seed);
    if (!best) {
      REQUIRE_FALSE(greedy.ok());
      REQUIRE_FALSE(together.ok());
      REQUIRE_FALSE(exact.ok());
      CHECK(exact.error().code == ErrorCode::kInput);
      continue;
    }
    ++feasible;
    const double tolerance = 1e-9 * std::max(1.0, *best);
    if (p.fold_budget > 1e300) REQUIRE(greedy.ok());
    if (greedy.ok()) {
      CHECK(check_solution(p, *greedy).ok());
      CHECK(greedy->cost >= *best - tolerance);
      CHECK(order(p, *greedy).size() == greedy->chosen.size());
      greedy_optimal += greedy->cost <= *best + tolerance;
    }
    REQUIRE(together.ok());
    CHECK(check_solution(p, *together).ok());
    CHECK(together->bound <= *best + tolerance);
    if (!exact.ok() && exact.error().code == ErrorCode::kUnsupported) continue;
    CHECK(std::abs(together->cost - *best) <= tolerance);
    CHECK(together->optimal);
    REQUIRE(exact.ok());
    CHECK(check_solution(p, *exact).ok());
    CHECK(exact->optimal);
    CHECK(exact->bound <= *best + tolerance);
    for (uint32_t k : exact->chosen) several += p.candidates[k].results.size() > 1;
    if (std::abs(exact->cost - *best) > tolerance) ++mismatches;
    CHECK(std::abs(exact->cost - *best) <= tolerance);
  }
  CHECK(mismatches == 0);
  CHECK(feasible >= 700);
  CHECK(greedy_optimal >= feasible * 9 / 10);
  WARN(feasible << " feasible of " << kCases << ", greedy optimal on " << greedy_optimal << ", " << several
                << " chosen candidates with several results");
}

TEST_CASE("far from a proof, the narrow window and the whole program find the optimum side by side", "[extract]") {
  size_t improved = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    const Problem p = random_terms(random);
    const auto best = brute_force(p);
    auto graph = make_hypergraph(p);
    if (!best || !graph.ok() || graph->size() == 0 || !have_highs()) continue;
    CAPTURE(seed);
    Incumbent all;  // a dear first answer
    for (uint32_t k = 0; k < graph->size(); ++k) all.solution.push_back(k);
    all.upper = std::accumulate(graph->cost.begin(), graph->cost.end(), 0.0);
    SolveOptions options;
    options.far = 0;
    options.far_work = 100'000'000;
    for (int threads : {1, 2}) {
      options.threads = threads;
      uint64_t work = 0;
      const Incumbent found = solve_whole(*graph, p, all, {}, options, work, Stopwatch());
      const double tolerance = 1e-9 * std::max(1.0, *best);
      CHECK(std::abs(found.upper - *best) <= tolerance);
      CHECK(std::abs(found.lower - *best) <= tolerance);
      improved += found.upper < all.upper;
    }
  }
  CHECK((improved > 200 || !have_highs()));
}

TEST_CASE("costs below zero where candidates make several items", "[extract]") {
  size_t feasible = 0, earning = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    Problem p = random_problem(seed);
    Random random(seed);
    for (Candidate& c : p.candidates) {
      if (random.one_in(3)) c.cost = -c.cost;
    }
    const auto best = brute_force(p);
    CAPTURE(seed);
    const auto found = solve_portfolio(p);
    REQUIRE(found.ok() == best.has_value());
    if (!best) continue;
    ++feasible;
    earning += *best < 0;
    CHECK(check_solution(p, *found).ok());
    CHECK(found->optimal);
    CHECK(std::abs(found->cost - *best) <= 1e-9 * std::max(1.0, std::abs(*best)));
    CHECK(found->bound <= *best + 1e-9 * std::max(1.0, std::abs(*best)));
    const auto again = solve_portfolio(p, {}, &*found);
    REQUIRE(again.ok());
    CHECK(again->cost <= found->cost);
  }
  CHECK(feasible >= 200);
  CHECK(earning >= 50);
}

// Changes are kept or taken back at random; asked at the price of the change, the cover is valid exactly where it is from the start.
TEST_CASE("a changed cover is valid where a new one is", "[extract]") {
  size_t kept = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 600; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    auto graph = make_hypergraph(random_problem(seed));
    if (!graph.ok() || graph->size() == 0) continue;
    std::vector<uint32_t> all;
    for (uint32_t k = 0; k < graph->size(); ++k) all.push_back(k);
    Cover cover(*graph);
    cover.assign(all);
    if (!cover.prune_if_valid()) continue;
    cover.assign(cover.list());
    for (int step = 0; step < 40; ++step) {
      const Cover::Mark mark = cover.mark();
      for (uint32_t flips = 1 + random.below(4); flips > 0; --flips) {
        const uint32_t k = random.below(static_cast<uint32_t>(graph->size()));
        if (cover.chosen(k)) cover.remove(k);
        else cover.add(k);
      }
      const bool valid = cover.valid();
      if (random.one_in(4)) {
        cover.rollback(mark);
        continue;
      }
      REQUIRE(cover.still_valid(mark) == valid);
      if (!valid) cover.rollback(mark);
      ++(valid ? kept : refused);
    }
  }
  CHECK(kept > 1000);
  CHECK(refused > 1000);
}
