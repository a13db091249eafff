// The semidefinite bound against enumeration, and where it is known: cuts of cycles.
#include <catch2/catch.hpp>

#include <cmath>

#include "extract/solve/bound/semidefinite.h"
#include "extract/solve/solve.h"
#include "tests/extract/random.h"

using namespace egret;
using namespace egret::extract;

namespace {

uint32_t add(Problem& p, uint32_t item, double cost, std::vector<uint32_t> reads) {
  Candidate& c = p.candidates.emplace_back();
  c.results = {item};
  c.cost = cost;
  c.operands = std::move(reads);
  p.items = std::max(p.items, item + 1);
  return item;
}

// Item 0 reads the signs; a sign's two makers read some of what lies below: nodes of one maker or two, of any cost.
Problem random_signs(Random& random) {
  Problem p;
  p.terms = true;
  p.roots = {0};
  const uint32_t signs = 2 + random.below(5), below = 2 + random.below(8);
  std::vector<uint32_t> all;
  for (uint32_t s = 0; s < signs; ++s) all.push_back(1 + s);
  add(p, 0, random.one_in(4) ? 2 : 0, all);
  const auto some = [&](uint32_t first, uint32_t share) {
    std::vector<uint32_t> out;
    for (uint32_t i = first; i < 1 + signs + below; ++i) {
      if (random.one_in(share)) out.push_back(i);
    }
    return out;
  };
  const auto cost = [&] { return random.one_in(3) ? 0 : static_cast<double>(random.below(9)) - (random.one_in(3) ? 2 : 8); };
  for (uint32_t s = 0; s < signs; ++s) {
    for (int side = 0; side < 2; ++side) add(p, 1 + s, random.one_in(3) ? cost() : 0, some(1 + signs, 3));
  }
  for (uint32_t i = 1 + signs; i < 1 + signs + below; ++i) {
    for (uint32_t maker = random.one_in(8) ? 2 : 1; maker > 0; --maker) add(p, i, cost(), random.one_in(3) ? some(i + 1, 3) : std::vector<uint32_t>{});
  }
  return p;
}

// Over all choices of makers; items are read by lower ones alone.
double least(const Problem& p) {
  std::vector<std::vector<uint32_t>> makers(p.items);
  for (uint32_t k = 0; k < p.candidates.size(); ++k) makers[p.candidates[k].results[0]].push_back(k);
  std::vector<uint32_t> bit(p.items, 0);
  uint32_t bits = 0;
  for (uint32_t i = 0; i < p.items; ++i) {
    if (makers[i].size() == 2) bit[i] = bits++;
  }
  double best = HUGE_VAL;
  for (uint32_t choice = 0; choice < (1u << bits); ++choice) {
    std::vector<uint8_t> made(p.items, 0);
    made[0] = 1;
    double cost = 0;
    for (uint32_t i = 0; i < p.items; ++i) {
      if (!made[i]) continue;
      const Candidate& c = p.candidates[makers[i][makers[i].size() == 2 ? choice >> bit[i] & 1 : 0]];
      cost += c.cost;
      for (uint32_t o : c.operands) made[o] = 1;
    }
    best = std::min(best, cost);
  }
  return best;
}

// Two leaves of cost -1 an edge: the side of each end that reaches them.
Problem cut_of_cycle(uint32_t length) {
  Problem p;
  p.terms = true;
  p.roots = {0};
  std::vector<uint32_t> all;
  for (uint32_t s = 0; s < length; ++s) all.push_back(1 + s);
  add(p, 0, 0, all);
  const auto leaf = [&](uint32_t edge, uint32_t side) { return 1 + length + 2 * (edge % length) + side; };
  for (uint32_t s = 0; s < length; ++s) {
    for (uint32_t side : {0, 1}) add(p, 1 + s, 0, {leaf(s, side), leaf(s + length - 1, side)});
  }
  for (uint32_t l = 0; l < 2 * length; ++l) add(p, 1 + length + l, -1, {});
  return p;
}

}  // namespace

TEST_CASE("the semidefinite bound stays below the least cost, and often comes near", "[extract]") {
  size_t bounded = 0, near = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Problem p = random_signs(random);
    const auto graph = make_hypergraph(p);
    REQUIRE(graph.ok());
    const double best = least(p), bound = semidefinite_bound(*graph);
    CHECK(bound <= best + 1e-9 * std::max(1.0, std::abs(best)));
    bounded += std::isfinite(bound);
    near += bound >= best - 0.05 * std::abs(best);
    if (seed % 10 != 0) continue;
    const auto found = solve_portfolio(p);
    REQUIRE(found.ok());
    CHECK(found->optimal);
    CHECK(found->cost == Approx(best).margin(1e-9));
  }
  CHECK(bounded > 1500);
  CHECK(near > 700);
}

TEST_CASE("the semidefinite bound of a cycle's cut", "[extract]") {
  for (uint32_t length : {4, 7, 50}) {
    const Problem p = cut_of_cycle(length);
    const auto graph = make_hypergraph(p);
    REQUIRE(graph.ok());
    const double angle = length % 2 == 0 ? M_PI : M_PI * (length - 1) / length;
    CHECK(-semidefinite_bound(*graph) == Approx(length + length * (1 - std::cos(angle)) / 2).epsilon(1e-6));
  }
}
