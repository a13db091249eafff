// Solvers of the extraction problem.  All are deterministic: ties go to the lowest candidate, budgets are work
// units, and `limits.seconds` is only a safety net.  Thread safety: the functions share no state.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "extract/solve/problem.h"
#include "support/limits.h"

namespace egret::extract {

struct Solution {
  std::vector<uint32_t> chosen;  // candidate indices, ascending
  double cost = 0;               // sum of their costs
  double bound = 0;              // no valid set is cheaper than this
  bool optimal = false;          // bound equals cost within 1e-9 relative
  bool certified = false;        // a checked certificate of the bound exists
  std::string method;            // what found it: "greedy", "tree", "portfolio"
  double seconds = 0;
};

// Which exact engines the portfolio asks.  kNone: bounds and covers, engines for small parts alone.
enum class Engines { kNone, kHighs, kAll };

// Where a run stands when its best or its bound has improved.
struct Progress {
  uint64_t work = 0;           // units that the exact engines have done; none while covers and dual ascent run
  double seconds = 0;
  double best = 0, bound = 0;  // infinite where there is none yet
};

struct SolveOptions {
  Limits limits;
  uint64_t work = UINT64_MAX;          // units of the exact engines together, about a million a second; deterministic
  uint64_t more_work = 0;              // where the program over the whole problem leaves a gap, the engines on its parts get so many more, fewer for a narrow one
  uint64_t far_work = 0;               // then, with a gap above half a percent, the program over the whole problem again, for its cuts
  double far = 0.05;                   // relative: with a gap above it even then, a quarter as many go to it once more, and to a part of it beside
  Engines engines = Engines::kAll;
  int threads = 1;                     // 0: all cores; the answer does not depend on it
  double gap = 0;                      // relative: a bound that close is enough
  bool once = false;                   // large parts get bounds and covers once: a millisecond or two a thousand candidates
  uint64_t greedy_steps = 60'000'000;  // elementary steps of the local search; deterministic
  std::function<void(const Progress&)> progress = {};  // called by the portfolio's own thread, between its rounds
};

// Several greedy covers (tree costs, area flow) and a local search; the best is kept, a few milliseconds a
// thousand candidates.  `bound` is 0 unless the cost is 0.  Infeasible problems give kInput, "infeasible", and
// name the item; where only the fold budget stands in the way and no cover within it is found, kLimit.
Result<Solution> solve_greedy(const Problem& problem, const SolveOptions& options = {});

// The tree optimum of an e-graph: each root's cheapest term, shared parts paid each time.  `cost` is the sum over
// the chosen candidates all the same; `bound` is the tree cost.  kInput where a cost below zero stands on a cycle.
Result<Solution> solve_tree(const Problem& problem);

// All that is known here: reductions, bounds, covers, then the exact engines together, sharing what they find.  Where
// candidates say what they compute inside, an integer program over the whole problem comes last.  `start`, if given and
// valid, is only improved on.  Stopped by a limit, it returns the best so far with `optimal` false.  Errors: kInput
// where the problem is infeasible, kLimit where only the fold budget stands in the way and nothing within it was found,
// kUnsupported where Engines::kHighs is asked for and EGRET_ILP is off.
Result<Solution> solve_portfolio(const Problem& problem, const SolveOptions& options = {}, const Solution* start = nullptr);

// A root that no choice of candidates can make, if any: then the problem is infeasible.  Expects a valid problem.
std::optional<uint32_t> unmakeable_root(const Problem& problem);

// Checks the conditions of problem.h and the stated cost with simple code that shares nothing with the solvers.
Status check_solution(const Problem& problem, const Solution& solution);

// The chosen candidates in launch order: each after what it reads; among the ready ones the lowest first.
// Expects a solution that check_solution accepts.
std::vector<uint32_t> order(const Problem& problem, const Solution& solution);

// The solution without what nobody reads, which costs nothing where the solution is optimal (what is made before the run is free).
// Requires: the solution is valid.
Solution without_idle(const Problem& problem, Solution solution);

}  // namespace egret::extract
