// Price certificates: added up here as shared/tools/check_extraction.py does, they prove what they say and never more than
// the optimum; a chain's takes a price a class.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "extract/solve/bound/price_certificate.h"
#include "extract/solve/solve.h"
#include "tests/extract/random.h"

using namespace egret;
using namespace egret::extract;

namespace {

bool holds(const std::vector<uint32_t>& sorted, uint32_t x) { return std::binary_search(sorted.begin(), sorted.end(), x); }

// alpha less what columns are overpriced by; the sum is in doubles.
double added_up(const Problem& problem, const PriceCertificate& prices) {
  double total = 0;
  std::vector<double> income(problem.items, 0), extra(problem.candidates.size(), 0);
  std::map<std::pair<uint32_t, uint32_t>, double> paid;
  for (const auto& [cls, price] : prices.roots) total += price, income[cls] += price;
  for (const auto& [cls, child, price] : prices.edges) {
    REQUIRE(price >= 0);
    income[child] += price;
    paid[{cls, child}] += price;
  }
  for (const Cut& loop : prices.loops) {
    REQUIRE(std::is_sorted(loop.items.begin(), loop.items.end()));
    REQUIRE(holds(loop.items, loop.root));
    income[loop.root] -= loop.price;
    for (size_t k = 0; k < problem.candidates.size(); ++k) {
      const Candidate& node = problem.candidates[k];
      const bool inside = std::any_of(node.operands.begin(), node.operands.end(), [&](uint32_t o) { return holds(loop.items, o); });
      if (holds(loop.items, node.results[0]) && !inside) extra[k] += loop.price;
    }
  }
  for (size_t k = 0; k < problem.candidates.size(); ++k) {
    const Candidate& node = problem.candidates[k];
    const uint32_t cls = node.results[0];
    if (std::find(node.operands.begin(), node.operands.end(), cls) != node.operands.end()) continue;
    double price = income[cls] + extra[k];
    std::vector<uint32_t> reads = node.operands;
    std::sort(reads.begin(), reads.end());
    reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
    for (uint32_t d : reads) price -= paid[{cls, d}];
    total -= std::max(0.0, price - node.cost);
  }
  return total;
}

Problem random_egraph(uint64_t seed) {
  Random random(seed);
  Problem p;
  p.terms = true;
  p.items = 3 + random.below(12);
  const bool cyclic = random.one_in(2), shared = random.one_in(2);
  for (uint32_t c = 0; c < p.items; ++c) {
    for (uint32_t n = 1 + random.below(3); n > 0; --n) {
      Candidate node;
      node.cost = random.cost();
      node.results = {c};
      for (uint32_t o = random.below(3); o > 0 && c + 1 < p.items; --o) {
        const uint32_t below = shared ? c + 1 + random.below(p.items - c - 1) : c + 1;
        node.operands.push_back(cyclic && random.one_in(5) ? random.below(p.items) : below);
      }
      p.candidates.push_back(std::move(node));
    }
  }
  for (uint32_t r = random.below(3); r > 0; --r) p.roots.push_back(random.below(p.items));
  p.roots.push_back(0);
  return p;
}

}  // namespace

TEST_CASE("price certificates prove what they say", "[extract]") {
  size_t handed_down = 0, loops = 0;
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    const Problem p = random_egraph(seed);
    const auto best = solve_portfolio(p);
    if (!best.ok()) continue;
    const auto prices = price_certificate(p);
    REQUIRE(prices.ok());
    const double proved = added_up(p, *prices), tolerance = 1e-9 * std::max(1.0, best->cost);
    CHECK(proved >= prices->bound - tolerance);
    CHECK(proved <= best->cost + tolerance);
    handed_down += !prices->edges.empty();
    loops += !prices->loops.empty();
  }
  CHECK(handed_down > 300);
  CHECK(loops > 300);
}

TEST_CASE("the price certificate of a chain is as long as the chain", "[extract]") {
  constexpr uint32_t kLength = 4'000;
  Problem chain;
  chain.terms = true;
  chain.items = kLength;
  chain.roots = {0};
  for (uint32_t c = 0; c < kLength; ++c) {
    chain.candidates.emplace_back().cost = 100.0 * (kLength - c);
    chain.candidates.back().results = {c};
    if (c + 1 == kLength) continue;
    chain.candidates.emplace_back().cost = 10;
    chain.candidates.back().results = {c};
    chain.candidates.back().operands = {c + 1};
  }
  const auto prices = price_certificate(chain);
  REQUIRE(prices.ok());
  CHECK(prices->bound == Approx(10.0 * (kLength - 1) + 100));
  CHECK(prices->edges.size() == kLength - 1);
  CHECK(prices->loops.empty());
  CHECK(added_up(chain, *prices) == Approx(prices->bound));
}
