// The clauses of a hypergraph: what core-guided search gives its SAT solver.
//
// Variables: k + 1, candidate k is chosen; n + i + 1, item i is made (n candidates).  An item with one producer
// shares that one's variable.  Clauses: roots are made; what is made has a chosen producer; a chosen candidate
// makes its results and its operands are made.  With negative costs (problems of `terms`) also: at most one producer
// an item, and what is made is a root or read.  That the chosen can be ordered is added lazily, a loop clause for
// each item of an unfounded set L: it is not made, or a candidate that reads nothing of L makes something of L.
#pragma once

#include <cstdint>
#include <vector>

#include "extract/solve/exact/core_log.h"
#include "extract/solve/exact/sat.h"
#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

class CoreFormula {
 public:
  // Adds all clauses but the loops; those of two items that read each other are there from the start.
  CoreFormula(const Hypergraph& graph, SatSolver& sat, CoreLog* log);

  int chosen(uint32_t candidate) const { return static_cast<int>(candidate) + 1; }
  int made(uint32_t item) const;
  int first_free_variable() const { return static_cast<int>(graph_.size() + graph_.items) + 1; }

  // The valid choice inside the solver's model; or, where the model waits for itself, loop clauses are added and
  // the answer is empty.  Ascending.
  std::vector<uint32_t> solution_or_loops();
  uint64_t loops() const { return loops_; }

 private:
  void add_terms_clauses();
  void add_pair_loops();
  void add_loop(const std::vector<uint32_t>& items);
  std::vector<uint32_t> needed(const std::vector<uint8_t>& allowed) const;

  const Hypergraph& graph_;
  SatSolver& sat_;
  CoreLog* log_;
  bool negative_;
  uint64_t loops_ = 0;
};

}  // namespace egret::extract
