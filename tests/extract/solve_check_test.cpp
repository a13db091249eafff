// The checker must refuse what is wrong; the order, errors, limits and repeatability of the solvers.
#include <catch2/catch.hpp>

#include "extract/solve/files/problem_json.h"
#include "extract/solve/solve.h"

using namespace egret;
using namespace egret::extract;

namespace {

Candidate candidate(double cost, std::vector<uint32_t> results, std::vector<uint32_t> operands) {
  Candidate c;
  c.cost = cost;
  c.results = std::move(results);
  c.operands = std::move(operands);
  return c;
}

// 0 -> {1, 2} -> 3; candidates 3 and 4 wait for each other.
Problem diamond() {
  Problem p;
  p.items = 6;
  p.roots = {3};
  p.free_items = {1, 0, 0, 0, 0, 0};
  p.candidates = {candidate(1, {3}, {1, 2}), candidate(2, {1, 2}, {0}),    candidate(9, {3}, {0}),
                  candidate(1, {1, 4}, {5}), candidate(1, {2, 5}, {4})};
  return p;
}

Solution solution(std::vector<uint32_t> chosen, double cost) {
  Solution s;
  s.chosen = std::move(chosen);
  s.cost = cost;
  return s;
}

}  // namespace

TEST_CASE("check_solution refuses each kind of fault", "[extract]") {
  const Problem p = diamond();
  CHECK(check_solution(p, solution({0, 1}, 3)).ok());
  CHECK(check_solution(p, solution({2}, 9)).ok());
  CHECK_FALSE(check_solution(p, solution({0, 1}, 2)).ok());      // cost
  CHECK_FALSE(check_solution(p, solution({0}, 1)).ok());         // operand not made
  CHECK_FALSE(check_solution(p, solution({1}, 2)).ok());         // root not made
  CHECK_FALSE(check_solution(p, solution({0, 3, 4}, 3)).ok());   // a loop
  CHECK_FALSE(check_solution(p, solution({1, 0}, 3)).ok());      // not ascending
  CHECK_FALSE(check_solution(p, solution({0, 0, 1}, 4)).ok());   // twice
  CHECK_FALSE(check_solution(p, solution({0, 77}, 3)).ok());     // no candidate
  Problem q = p;
  q.candidates[1].fold_bytes = 10;
  q.fold_budget = 5;
  CHECK_FALSE(check_solution(q, solution({0, 1}, 3)).ok());      // fold budget
  CHECK(check_solution(q, solution({2}, 9)).ok());
}

TEST_CASE("order starts what is ready, lowest first", "[extract]") {
  const Problem p = diamond();
  CHECK(order(p, solution({0, 1}, 3)) == std::vector<uint32_t>{1, 0});
}

TEST_CASE("solvers find the shared producer and keep the fold budget", "[extract]") {
  Problem p = diamond();
  for (bool tight : {false, true}) {
    if (tight) {
      p.candidates[1].fold_bytes = 10;
      p.fold_budget = 5;
    }
    const auto greedy = solve_greedy(p);
    REQUIRE(greedy.ok());
    CHECK(greedy->cost == (tight ? 9 : 3));
    const auto exact = solve_portfolio(p);
    REQUIRE(exact.ok());
    CHECK(exact->chosen == greedy->chosen);
    CHECK(exact->optimal);
    CHECK(exact->bound == Approx(exact->cost));
  }
}

TEST_CASE("infeasible problems name the item; hostile ones are refused", "[extract]") {
  Problem p = diamond();
  p.roots = {3, 5};
  const auto greedy = solve_greedy(p);
  REQUIRE_FALSE(greedy.ok());
  CHECK(greedy.error().code == ErrorCode::kInput);
  CHECK(greedy.error().message.find("infeasible") != std::string::npos);
  CHECK(greedy.error().message.find('5') != std::string::npos);
  p = diamond();
  p.candidates[0].operands[0] = 100;
  CHECK_FALSE(solve_greedy(p).ok());
  p = diamond();
  p.candidates[0].cost = -1;
  CHECK(solve_greedy(p).ok());
  p.candidates[0].cost = std::numeric_limits<double>::quiet_NaN();
  CHECK_FALSE(solve_greedy(p).ok());
  p = diamond();
  p.roots = {0};
  const auto nothing = solve_greedy(p);
  REQUIRE(nothing.ok());
  CHECK(nothing->chosen.empty());
}

TEST_CASE("egret-problem 1: faults are input errors", "[extract]") {
  const std::string head = R"({"format": "egret-problem 1", "goals": [7], "ops": [{"makes": 7, "reads": []}], )";
  const auto good = parse_problem(head + R"("candidates": [{"cost": 2.5, "makes": [7], "reads": [], "covers": [0]}]})");
  REQUIRE(good.ok());
  CHECK(good->problem.items == 1);
  const auto solved = solve_greedy(good->problem);
  REQUIRE(solved.ok());
  CHECK(solved->cost == 2.5);
  for (const char* tail : {
           R"("candidates": [{"cost": "x", "makes": [7], "reads": []}]})",
           R"("candidates": [{"cost": 1, "makes": [], "reads": []}]})",
           R"("candidates": [{"cost": 1, "makes": [7.5], "reads": []}]})",
           R"("candidates": [{"cost": 1, "makes": [7], "reads": 3}]})",
           R"("candidates": [{"cost": 1, "makes": [7], "reads": [], "covers": [1]}]})",
           R"("candidates": 3})",
           R"("candidates": [)",
       }) {
    const auto bad = parse_problem(head + tail);
    REQUIRE_FALSE(bad.ok());
    CHECK(bad.error().code == ErrorCode::kInput);
  }
  CHECK_FALSE(parse_problem("[]").ok());
  CHECK_FALSE(parse_problem(R"({"format": "egret-problem 2"})").ok());
}
