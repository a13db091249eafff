// The parts of the greedy solver that the exact one uses too (on reduced graphs, with other costs).
#pragma once

#include "extract/solve/heuristics/cover.h"
#include "extract/solve/solve.h"

namespace egret::extract {

// Items in an order in which every item has a producer that reads only earlier ones.  This one is the order of Knuth's
// generalization of Dijkstra's algorithm: cheapest tree first.
std::vector<uint32_t> tree_rank(const Hypergraph& graph);

// And this one has strongly connected components first, within each the order `tree`.  `dependency` may be empty; else row i
// lists the items that i is computed from, and gives a better order.
std::vector<uint32_t> item_rank(const Hypergraph& graph, const Rows& dependency, const std::vector<uint32_t>& tree);

// Covers over two ranks and several expectations, then local search from the best three.  Nothing is found only
// where none keeps the fold budget.
struct GreedyAnswer {
  bool found = false;
  double cost = 0;
  std::vector<uint32_t> chosen;          // of the graph
};
GreedyAnswer greedy_covers(const Hypergraph& graph, const Rows& dependency, const SolveOptions& options,
                           const Stopwatch& clock);

// One cover over the order of cheapest trees: a few times the cost of reading the graph.
GreedyAnswer first_cover(const Hypergraph& graph, const SolveOptions& options, const Stopwatch& clock);

// Local search from a valid cover within the budget; covers learned from it complete the moves.
GreedyAnswer improve_cover(const Hypergraph& graph, const Rows& dependency, const std::vector<uint32_t>& chosen,
                           const SolveOptions& options, const Stopwatch& clock);

// Moves on `cover` until none helps or `steps` elementary steps are spent.  `producer[item]` completes a move
// (UINT32_MAX: none).  The cover stays valid and within the budget.
void local_search(Cover& cover, const std::vector<uint32_t>& producer, uint64_t steps, const Limits& limits,
                  const Stopwatch& clock);

// Edges class -> operand classes of the term nodes; empty without term nodes.
Rows term_dependency(const Problem& problem);

// Recomputes the cost, maps to the problem's candidates.
Solution make_solution(const Problem& problem, const Hypergraph& graph, const std::vector<uint32_t>& chosen,
                       std::string method);

}  // namespace egret::extract
