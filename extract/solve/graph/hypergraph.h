// The extraction problem as the solvers see it: flat arrays, given items removed, what cannot be made or serves
// no root dropped.  Candidates keep the order of the problem, so the lowest index still wins ties.
#pragma once

#include <span>
#include <vector>

#include "extract/solve/problem.h"

namespace egret::extract {

// Lists of numbers in one array; row r is [start[r], start[r + 1]).
struct Rows {
  std::vector<uint32_t> start{0}, entries;

  std::span<const uint32_t> operator[](size_t r) const {
    return {entries.data() + start[r], start[r + 1] - start[r]};
  }
  size_t size() const { return start.size() - 1; }
  void close_row() { start.push_back(static_cast<uint32_t>(entries.size())); }
  // Row e of the answer lists the rows that hold e, ascending.
  Rows transposed(size_t columns) const;
};

struct Hypergraph {
  uint32_t items = 0;
  std::vector<uint32_t> roots;              // ascending, without given items
  std::vector<uint32_t> original;           // candidate -> candidate of the problem
  std::vector<double> cost, fold;
  double fold_budget = 0;
  bool terms = false;                       // as Problem::terms
  Rows results, operands;                   // candidate -> items, ascending, without given items
  Rows producers, consumers;                // item -> candidates, ascending

  size_t size() const { return cost.size(); }
  bool has_negative_cost() const;
};

// Validates, normalizes and drops; kInput where a root cannot be made.
Result<Hypergraph> make_hypergraph(const Problem& problem);

// The candidates with keep[k] != 0 only; drops further what then serves no root.  Expects every root makeable.
Hypergraph restrict_to(const Hypergraph& graph, const std::vector<uint8_t>& keep);

// Items that can be made when only the candidates of `allowed` (empty: all) are there.
std::vector<uint8_t> makeable(const Hypergraph& graph, const std::vector<uint8_t>& allowed);

// Strongly connected components of the graph in which row r points to its entries.  Component numbers ascend
// from what is pointed to: if a points to b in another component, component[a] > component[b].
std::vector<uint32_t> components(const Rows& points_to);

}  // namespace egret::extract
