// The k best, fronts and robust choices against enumeration of all choices.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "extract/solve/answers/answers.h"
#include "tests/extract/random.h"

using namespace egret;
using namespace egret::extract;

namespace {

// Small whole costs, so that ties abound and sums are exact.
Problem random_case(Random& random, bool terms) {
  Problem p;
  p.terms = terms;
  p.items = 2 + random.below(5);
  p.roots = {random.below(p.items)};
  if (random.one_in(2)) p.roots.push_back(random.below(p.items));
  const uint32_t n = 4 + random.below(7);
  for (uint32_t k = 0; k < n; ++k) {
    Candidate c;
    c.cost = random.below(7);
    c.results = {random.below(p.items)};
    if (!terms && random.one_in(3)) c.results.push_back(random.below(p.items));
    const uint32_t top = random.one_in(4) ? p.items : c.results[0];
    for (uint32_t o = random.below(3); o > 0 && top > 0; --o) c.operands.push_back(random.below(top));
    p.candidates.push_back(std::move(c));
  }
  return p;
}

std::vector<Solution> all_valid(const Problem& p) {
  std::vector<Solution> out;
  for (uint32_t set = 0; set < (1u << p.candidates.size()); ++set) {
    Solution s;
    for (uint32_t k = 0; k < p.candidates.size(); ++k) {
      if (set >> k & 1) s.chosen.push_back(k), s.cost += p.candidates[k].cost;
    }
    if (check_solution(p, s).ok()) out.push_back(std::move(s));
  }
  return out;
}

// How many candidates of `a` that cost something `b` lacks.
size_t lacking(const Problem& p, const Solution& a, const Solution& b) {
  return static_cast<size_t>(std::count_if(a.chosen.begin(), a.chosen.end(), [&](uint32_t k) {
    return p.candidates[k].cost > 0 && !std::binary_search(b.chosen.begin(), b.chosen.end(), k);
  }));
}

std::vector<double> numbers(Random& random, size_t n) {
  std::vector<double> out;
  for (size_t k = 0; k < n; ++k) out.push_back(random.below(5));
  return out;
}

// EGRET_ANSWER_CASES: more of them by hand.
const uint64_t kCases = std::getenv("EGRET_ANSWER_CASES") ? std::strtoull(std::getenv("EGRET_ANSWER_CASES"), nullptr, 10) : 250;

}  // namespace

TEST_CASE("the k best that differ", "[extract]") {
  size_t later = 0, exhausted = 0;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Problem p = random_case(random, random.one_in(2));
    const auto valid = all_valid(p);
    const size_t distance = 1 + random.below(3);
    const auto found = solve_top(p, 4, distance);
    if (!found.ok() && found.error().code == ErrorCode::kUnsupported) return;
    REQUIRE(found.ok() == !valid.empty());
    if (!found.ok()) continue;
    const auto least = [&](size_t before) {
      double cost = HUGE_VAL;
      for (const Solution& s : valid) {
        bool apart = true;
        for (size_t j = 0; j < before; ++j) apart = apart && lacking(p, found->solutions[j], s) >= distance;
        if (apart) cost = std::min(cost, s.cost);
      }
      return cost;
    };
    for (size_t n = 0; n < found->solutions.size(); ++n) {
      CHECK(check_solution(p, found->solutions[n]).ok());
      CHECK(found->solutions[n].optimal);
      CHECK(found->solutions[n].cost == Approx(least(n)));
      for (size_t j = 0; j < n; ++j) CHECK(lacking(p, found->solutions[j], found->solutions[n]) >= distance);
      later += n > 0;
    }
    if (found->solutions.size() == 4) continue;
    CHECK(found->complete);
    CHECK(std::isinf(least(found->solutions.size())));
    ++exhausted;
  }
  CHECK(later > 50);
  CHECK(exhausted > 50);
}

TEST_CASE("the front of two costs", "[extract]") {
  size_t points = 0;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Random random(seed + 1'000'000);
    const Problem p = random_case(random, random.one_in(2));
    const auto second = numbers(random, p.candidates.size());
    std::vector<std::pair<double, double>> front;
    for (const Solution& s : all_valid(p)) {
      double other = 0;
      for (uint32_t k : s.chosen) other += second[k];
      front.emplace_back(s.cost, other);
    }
    std::sort(front.begin(), front.end());
    std::vector<std::pair<double, double>> best;
    for (const auto& point : front) {
      if (best.empty() || point.second < best.back().second) best.push_back(point);
    }
    const auto found = solve_pareto(p, second);
    REQUIRE(found.ok() == !best.empty());
    if (!found.ok()) continue;
    CHECK(found->complete);
    REQUIRE(found->points.size() == best.size());
    for (size_t n = 0; n < best.size(); ++n) {
      CHECK(check_solution(p, found->points[n].solution).ok());
      CHECK(found->points[n].solution.cost == Approx(best[n].first));
      CHECK(found->points[n].second == Approx(best[n].second));
      ++points;
    }
  }
  CHECK(points > kCases);
  const Problem empty{.items = 1, .roots = {0}, .free_items = {}, .candidates = {}, .term_nodes = {}};
  CHECK_FALSE(solve_pareto(empty, {1}).ok());
  Problem p{.items = 1, .roots = {0}, .free_items = {}, .candidates = {}, .term_nodes = {}};
  for (double cost : {2.0, 1.0}) p.candidates.emplace_back().cost = cost, p.candidates.back().results = {0};
  const auto free = solve_pareto(p, {0, 0});  // nothing lies below a second cost of 0
  REQUIRE(free.ok());
  CHECK(free->points.size() == 1);
  CHECK(free->complete);
}

TEST_CASE("costs within intervals", "[extract]") {
  size_t feasible = 0;
  for (uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Random random(seed + 2'000'000);
    const Problem p = random_case(random, random.one_in(2));
    const auto spread = numbers(random, p.candidates.size());
    const size_t uncertain = random.below(4);
    double best = HUGE_VAL;
    for (const Solution& s : all_valid(p)) best = std::min(best, greatest_cost(p, spread, uncertain, s.chosen));
    const auto found = solve_robust(p, spread, uncertain);
    REQUIRE(found.ok() == std::isfinite(best));
    if (!found.ok()) continue;
    ++feasible;
    CHECK(found->cost == Approx(best));
    CHECK(greatest_cost(p, spread, uncertain, found->chosen) == Approx(best));
    CHECK(found->optimal);
    CHECK(found->bound <= best + 1e-9 * best);
  }
  CHECK(feasible > kCases / 3);
  Random random(1);
  const Problem p = random_case(random, true);
  CHECK_FALSE(solve_robust(p, std::vector<double>(p.candidates.size(), -1), 1).ok());
  CHECK_FALSE(solve_robust(p, {}, 1).ok());
}
