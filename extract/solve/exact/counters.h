// Totalizers that grow on demand: a balanced tree of counters over literals, whose outputs "at least k of them hold"
// get their clauses when they are first asked for (Bailleux and Boufkhad 2003; incremental as in Martins et al. 2014).
// Only the direction "so many hold -> output" is encoded, which is all that core-guided search asks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "extract/solve/exact/core_log.h"
#include "extract/solve/exact/sat.h"

namespace egret::extract {

class Counters {
 public:
  // Takes variables from `next_variable` on; `log` may be null.
  Counters(SatSolver& sat, int& next_variable, CoreLog* log) : sat_(sat), next_(next_variable), log_(log), nodes_(1) {}

  // A counter of `literals`, at least one.  Never 0.
  uint32_t build(std::span<const int> literals);
  // The literal "at least k of the counter's literals hold", 1 <= k <= their number.
  int output(uint32_t node, uint32_t k);
  uint32_t size(uint32_t node) const { return nodes_[node].size; }

 private:
  struct Node {
    uint32_t left = 0, right = 0, size = 1;
    std::vector<int> outputs;  // [k - 1]
  };
  uint32_t add(Node node);

  SatSolver& sat_;
  int& next_;
  CoreLog* log_;
  std::vector<Node> nodes_;  // the first is none
};

}  // namespace egret::extract
