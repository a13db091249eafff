// Reductions of an extraction problem without costs below zero, to a fixpoint (the rules and their proofs:
// docs/extraction.md).  Each keeps the optimum: what is left costs, with `constant`, as much as before, and
// every valid choice of what is left lifts to one of the graph before that is no dearer.
#pragma once

#include <functional>
#include <vector>

#include "extract/solve/graph/hypergraph.h"
#include "extract/solve/reduce/lists.h"
#include "support/limits.h"

namespace egret::extract {

// Why something changed; subject and reason are working numbers: items and candidates of the graph before, and
// candidates made on the way, numbered on from there in the order of their kSplit and kCombined steps.
enum class Rule : uint8_t {
  kUseless,      // R1: candidate `subject`, or some result of it, cannot be had or serves no root
  kCircular,     // R1: `subject` reads what needs item `reason` first, which it would make
  kDominated,    // R2, R10: candidate `reason` can stand wherever `subject` does
  kFree,         // R3: item `subject` is given, made by the costless candidate `reason`
  kContracted,   // R4: item `subject` is read through its only producer `reason`
  kForced,       // R5: item `subject` is in every solution, since item `reason` is (its own root: `subject`)
  kUnlinked,     // R5: candidate `subject` need not wait for the forced item `reason`
  kPaid,         // R6: `amount` is paid by one producer of the forced item `subject`, whatever is chosen
  kSplit,        // R6: a candidate that is always chosen becomes one for each result: item `reason` of `subject`
  kFolded,       // R7: item `reason`, which one class alone reads, is made inside candidate `subject`
  kCombined,     // R7: the only reader of item `reason`, `subject`, becomes one candidate for each producer of it
  kMoved,        // R7: `amount` moves from the producers of item `subject` to its readers
  kSymmetric,    // R9: an exchange of candidates and items, that of the steps before, makes candidate `reason` of `subject`
  kExchanged,    // R9: candidates `subject` and `reason` are exchanged
  kExchangedItem,  // R9: items
  kBound,        // R8: with candidate `subject` every solution costs at least the upper bound
};

struct ReductionStep {
  Rule rule;
  uint32_t subject = 0, reason = 0;
  double amount = 0;
};

// Shares no item with the others: solved apart.
struct Component {
  Hypergraph graph;                  // items renumbered; `original` is a number of Reduction::bundles
  std::vector<uint32_t> item;        // item -> item of the graph before
};

struct Reduction {
  double constant = 0;                        // paid whatever is chosen
  bool over_budget = false;                   // what every solution folds is too much: there is none
  std::vector<Component> components;          // by their least item
  Lists bundles;                              // candidate of a component -> candidates of the graph before
  Lists maker;                                // item -> candidates that make it where nothing chosen does
  std::vector<ReductionStep> log;

  size_t size() const;                        // candidates left
  // Candidates of the graph before, ascending.  `chosen[c]` is a valid choice of component c.
  std::vector<uint32_t> lift(const Hypergraph& before, const std::vector<std::vector<uint32_t>>& chosen) const;
};

constexpr int kMaxGlobalRounds = 8;

// True when the reductions should end as they are.
using StopCheck = std::function<bool()>;

// A graph with costs below zero is only divided into components.  Stopped early, the answer is less reduced.
// Requirements are looked at `global` times at most.
Reduction reduce_to_components(const Hypergraph& graph, const StopCheck& stop = [] { return false; }, int global = kMaxGlobalRounds);

}  // namespace egret::extract
