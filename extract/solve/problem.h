// The generic extraction problem: choose hyper-nodes ("candidates": kernels, library calls, e-nodes) so that
// every root is made at the least sum of costs.  It knows nothing of tensors.
//
// Meaning: a set of candidates is valid when (1) every root is made by a chosen one or given, (2) whatever a
// chosen one reads is made by a chosen one or given, (3) the chosen can be put in an order in which each reads
// only what earlier ones made, (4) their `fold_bytes` sum to at most `fold_budget`.  Costs are seconds (any unit
// does) of any sign.  A problem of `terms` is an e-graph's: also (5) each item is made by at most one chosen
// candidate and (6) each chosen candidate is reached from a root through what is read.  Where no cost is negative,
// (5) and (6) change no optimum.  Term nodes and covers add nothing to the meaning: they say what a candidate
// computes inside, and allow far stronger bounds.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "support/result.h"

namespace egret::extract {

struct Candidate {
  double cost = 0;                  // finite
  std::vector<uint32_t> results;    // items it makes; at least one
  std::vector<uint32_t> operands;   // items it reads
  double fold_bytes = 0;            // what choosing it adds to the row of folded weights (design decision 9)
  std::vector<uint32_t> covers;     // term nodes computed inside; may be empty
};

// One way to compute class `cls` (= item `cls`): an e-node.  Several of one class are alternatives.
struct TermNode {
  uint32_t cls = 0;
  std::vector<uint32_t> operands;   // classes
};

struct Problem {
  uint32_t items = 0;
  std::vector<uint32_t> roots;
  std::vector<uint8_t> free_items;  // 1: given (inputs, constants); empty or one an item
  std::vector<Candidate> candidates;
  bool terms = false;               // conditions (5) and (6) hold as well
  double fold_budget = std::numeric_limits<double>::infinity();
  std::vector<TermNode> term_nodes; // optional; Candidate::covers indexes them

  bool is_free(uint32_t item) const { return !free_items.empty() && free_items[item]; }
};

// Indices in range, costs finite, every candidate makes something.  Errors are kInput.
Status validate(const Problem& problem);

}  // namespace egret::extract
