// More than one answer: the k best that differ, the trade-offs of two costs, and an answer for costs that are known within
// intervals.  Reading order: answers.h, top.cpp, pareto.cpp, robust.cpp.
#pragma once

#include <vector>

#include "extract/solve/solve.h"

namespace egret::extract {

// `complete`: there are no more.  Else a limit stopped the search; what is listed is valid.
struct Answers {
  std::vector<Solution> solutions;
  bool complete = false;
};

// Up to `k` solutions, cheapest first: each is the cheapest of those of which every one before lacks at least `distance`
// candidates that cost something; so `solutions[0]` is an optimum.  `optimal` and `bound` speak of that choice.
// Errors: those of solve_portfolio; kUnsupported without HiGHS, or where costs are below zero; kInput where `distance`
// is 0.
Result<Answers> solve_top(const Problem& problem, size_t k, size_t distance, const SolveOptions& options = {});

// A point of the front: no valid choice is cheaper in one cost and no dearer in the other.
struct FrontPoint {
  Solution solution;    // `cost` is the first cost
  double second = 0;
};
struct Front {
  std::vector<FrontPoint> points;  // first cost ascending, second descending
  bool complete = false;
};

// `second`: a cost >= 0 a candidate.  Points whose second costs lie within 1e-5 of each other count as one, unless all
// second costs are multiples of a decimal that tells them apart (epsilon-constraint, Haimes et al. 1971; the cheapest
// of each is found by a second problem).  The problem must not have a fold budget of its own.
Result<Front> solve_pareto(const Problem& problem, const std::vector<double>& second, const SolveOptions& options = {});

// Candidate k costs between cost and cost + spread[k] (>= 0), and of the chosen at most `uncertain` cost more than their
// least: the choice whose greatest cost is least (Bertsimas and Sim, 2003: that is the least of one ordinary problem for
// each spread).  `cost`, `bound` and `optimal` of the answer speak of the greatest cost.
Result<Solution> solve_robust(const Problem& problem, const std::vector<double>& spread, size_t uncertain,
                              const SolveOptions& options = {});

// The greatest cost of a choice in that sense.
double greatest_cost(const Problem& problem, const std::vector<double>& spread, size_t uncertain,
                     const std::vector<uint32_t>& chosen);

// Options for what is left of the time.
SolveOptions left_of(const SolveOptions& options, const Stopwatch& clock);

}  // namespace egret::extract
