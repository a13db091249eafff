// Orders and rematerialization against an oracle: Dijkstra's algorithm over the sets of items in memory, on random problems of
// a few items.  No sequence may claim less memory or time than the oracle finds, and the search must come near it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <queue>

#include "extract/schedule/order.h"
#include "extract/schedule/rematerialize.h"
#include "extract/solve/solve.h"
#include "tests/extract/random.h"

namespace egret::extract {
namespace {

struct Case {
  Problem problem;
  MemoryFacts facts;
  std::vector<uint32_t> start;  // launches of the cheapest solution, in order
};

// Items 0 and 1 are inputs; every other is made from earlier ones, some by two candidates or together with the one before.
Case random_case(Random& random, uint32_t items) {
  Case out;
  Problem& p = out.problem;
  p.items = items;
  p.free_items.assign(items, 0);
  p.free_items[0] = p.free_items[1] = 1;
  out.facts.at_start = p.free_items;
  for (uint32_t i = 0; i < items; ++i) out.facts.bytes.push_back(64 * (1 + random.below(4)));
  auto operands = [&](uint32_t below) {
    std::vector<uint32_t> list{below - 1 - random.below(std::min(below, 3u))};
    if (random.one_in(2)) list.push_back(random.below(below));
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
  };
  auto add = [&](std::vector<uint32_t> results, std::vector<uint32_t> reads) {
    Candidate c;
    c.cost = 1 + random.below(8);
    c.results = std::move(results);
    c.operands = std::move(reads);
    p.candidates.push_back(std::move(c));
  };
  for (uint32_t i = 2; i < items; ++i) {
    add({i}, operands(i));
    if (random.one_in(3)) add({i}, operands(i));
    if (i > 2 && random.one_in(4)) add({i - 1, i}, operands(i - 1));
  }
  p.roots = {items - 1};
  if (random.one_in(2)) p.roots.push_back(items - 2);
  out.facts.view.assign(p.candidates.size(), 0);
  for (const Candidate& c : p.candidates) {
    auto& pairs = out.facts.in_place.emplace_back();
    for (uint32_t o = 0; o < c.operands.size(); ++o) {
      for (uint32_t r = 0; r < c.results.size(); ++r) {
        if (random.one_in(3)) pairs.push_back({o, r});
      }
    }
  }
  // The search asks for them, whatever numbers it gives to candidates.
  out.facts.ask_in_place = [pairs = out.facts.in_place](uint32_t c) { return pairs[c]; };
  auto solution = solve_portfolio(p, {});
  REQUIRE(solution.ok());
  out.start = order(p, *solution);
  return out;
}

// Least cost of making the roots with no more than `budget` bytes at once; infinite where it cannot be done.
double oracle(const Problem& p, const MemoryFacts& facts, uint64_t budget) {
  const auto bytes = [&](uint32_t set) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p.items; ++i) sum += (set >> i & 1) ? facts.bytes[i] : 0;
    return sum;
  };
  const auto set_of = [](const std::vector<uint32_t>& items) {
    uint32_t set = 0;
    for (uint32_t i : items) set |= 1u << i;
    return set;
  };
  uint32_t start = 0;
  for (uint32_t i = 0; i < p.items; ++i) start |= facts.at_start[i] ? 1u << i : 0;
  const uint32_t goal = set_of(p.roots);
  constexpr double kFar = std::numeric_limits<double>::infinity();
  if (bytes(start) > budget) return kFar;
  std::vector<double> distance(size_t{1} << p.items, kFar);
  using Entry = std::pair<double, uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  const auto reach = [&](uint32_t set, double cost) {
    if (cost < distance[set]) distance[set] = cost, queue.push({cost, set});
  };
  reach(start, 0);
  while (!queue.empty()) {
    const auto [cost, set] = queue.top();
    queue.pop();
    if (cost > distance[set]) continue;
    if ((set & goal) == goal) return cost;
    for (uint32_t i = 0; i < p.items; ++i) {
      if (set >> i & 1) reach(set & ~(1u << i), cost);
    }
    for (size_t k = 0; k < p.candidates.size(); ++k) {
      const Candidate& c = p.candidates[k];
      const uint32_t reads = set_of(c.operands), makes = set_of(c.results);
      if ((set & reads) != reads) continue;
      for (uint32_t dying = 0; dying < 1u << c.operands.size(); ++dying) {  // operands given up as the launch ends
        uint64_t saved = 0;
        uint32_t gone = 0;
        for (uint32_t o = 0; o < c.operands.size(); ++o) gone |= dying >> o & 1 ? 1u << c.operands[o] : 0;
        take_over(facts.in_place[k], c.operands,
                  [&](const Takeover& pair) {
                    const uint32_t o = c.operands[pair.operand], r = c.results[pair.result];
                    return (gone >> o & 1) && !(set >> r & 1) && facts.bytes[o] == facts.bytes[r];
                  },
                  [&](const Takeover& pair) { saved += facts.bytes[c.results[pair.result]]; });
        if (bytes(set | makes) - saved <= budget) reach((set | makes) & ~gone, cost + c.cost);
      }
    }
  }
  return kFar;
}

uint64_t cases(uint64_t otherwise) {
  const char* given = std::getenv("EGRET_SCHEDULE_CASES");
  return given ? std::strtoull(given, nullptr, 10) : otherwise;
}

TEST_CASE("the frontier against an oracle over sets of items in memory") {
  uint64_t budgets = 0, feasible = 0, met = 0, best = 0;
  double sum = 0;
  for (uint64_t seed = 0; seed < cases(300); ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    const Case c = random_case(random, 6 + random.below(6));
    const auto ordered = ordered_for_memory(c.problem, c.facts, c.start);
    const Profile before = profile(c.problem, c.facts, c.start), after = profile(c.problem, c.facts, ordered);
    REQUIRE(before.valid);
    REQUIRE(after.valid);
    REQUIRE(after.peak <= before.peak);
    RematerializeOptions options;
    options.usable.assign(c.problem.candidates.size(), 1);
    const auto frontier = memory_frontier(c.problem, c.facts, {ordered}, options);
    REQUIRE(!frontier.empty());
    for (size_t i = 0; i < frontier.size(); ++i) {
      const Profile p = profile(c.problem, c.facts, frontier[i].launches);
      REQUIRE(p.valid);
      REQUIRE(p.peak == frontier[i].peak);
      REQUIRE(cost_of(c.problem, frontier[i].launches) == Approx(frontier[i].cost));
      if (i > 0) REQUIRE((frontier[i].peak < frontier[i - 1].peak && frontier[i].cost >= frontier[i - 1].cost));
      REQUIRE(oracle(c.problem, c.facts, frontier[i].peak) <= frontier[i].cost * (1 + 1e-12));
    }
    for (int percent : {90, 80, 70, 60}) {
      const uint64_t budget = after.peak * static_cast<uint64_t>(percent) / 100;
      const double least = oracle(c.problem, c.facts, budget);
      ++budgets;
      if (least == std::numeric_limits<double>::infinity()) continue;
      ++feasible;
      const auto found = std::find_if(frontier.begin(), frontier.end(), [&](const Sequence& s) { return s.peak <= budget; });
      if (found == frontier.end()) continue;
      ++met;
      best += found->cost <= least * (1 + 1e-12);
      sum += found->cost / least;
    }
  }
  WARN(feasible << " of " << budgets << " budgets can be met, " << met << " are, " << best << " for the least cost; cost over the least "
                << sum / static_cast<double>(met));
  CHECK(met * 100 >= feasible * 90);
  CHECK(sum <= 1.01 * static_cast<double>(met));
}

TEST_CASE("a buffer that another takes over, and views") {
  // x -> a (element by element) -> b is a view of a -> root r from b; r may take x's buffer.
  Problem p;
  p.items = 4;
  p.free_items = {1, 0, 0, 0};
  p.candidates = {{1, {1}, {0}, 0, {}}, {0, {2}, {1}, 0, {}}, {1, {3}, {2}, 0, {}}};
  p.roots = {3};
  MemoryFacts facts;
  facts.bytes = {64, 128, 128, 64};
  facts.at_start = {1, 0, 0, 0};
  facts.view = {0, 1, 0};
  const std::vector<uint32_t> launches{0, 1, 2};
  CHECK(profile(p, facts, launches).peak == 192);  // the view has no buffer of its own
  CHECK(profile(p, facts, launches).live == std::vector<uint64_t>{64, 192, 128, 192, 64});
  facts.reuse = {{3, 0}};
  CHECK(profile(p, facts, launches).live == std::vector<uint64_t>{64, 192, 192, 192, 64});  // x's buffer waits for r
  CHECK_FALSE(profile(p, facts, {0, 2}).valid);
  // In place: r needs no memory beside a (of r's size) that it reads last; not where a is read again, nor from another size.
  facts.reuse.clear();
  facts.bytes = {64, 64, 64, 64};
  facts.in_place = {{}, {}, {{0, 0}}};
  CHECK(profile(p, facts, launches).live == std::vector<uint64_t>{64, 128, 64, 64, 64});
  p.roots = {3, 2};
  CHECK(profile(p, facts, launches).live == std::vector<uint64_t>{64, 128, 64, 128, 128});
  p.roots = {3};
  facts.bytes = {64, 128, 128, 64};
  CHECK(profile(p, facts, launches).live == std::vector<uint64_t>{64, 192, 128, 192, 64});
}

}  // namespace
}  // namespace egret::extract
