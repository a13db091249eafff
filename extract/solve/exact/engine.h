// The interface behind which the exact engines stand (branch-and-cut, core-guided search), and what they share.
//
// An engine works on one component of the reduced problem, a Hypergraph, in slices of work units: about a million
// units a second, counted from what the engine does (propagations, LP iterations), never from the clock.  Between
// slices the portfolio merges what each found, in a fixed order, and hands the merged state to all: so any number
// of threads gives the same answer.  An engine reads the shared state only at the start of a slice.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "extract/solve/graph/hypergraph.h"
#include "support/limits.h"

namespace egret::extract {

// Costs are those of the hypergraph.  Every valid solution costs at least `lower`; `solution` is valid and costs
// `upper`.  What is not known is infinite.
struct Incumbent {
  double upper = std::numeric_limits<double>::infinity();
  std::vector<uint32_t> solution;  // candidates, ascending
  double lower = -std::numeric_limits<double>::infinity();
};

// A candidate is fixed when every solution cheaper than `upper` agrees on it.
enum class Fixed : int8_t { kOut = -1, kOpen = 0, kIn = 1 };

struct Shared {
  Incumbent incumbent;
  std::vector<Fixed> fixed;  // one a candidate
};

// Bounds closer than this count as equal: relative to the cost, as Solution::optimal has it.
constexpr double kProofGap = 1e-9;

// The clock of the whole run, its limits, and the portfolio's own request to end a slice early.
struct Interrupt {
  const Limits* limits = nullptr;
  const Stopwatch* clock = nullptr;
  const StopToken* slice = nullptr;
  bool operator()() const {
    return (slice && slice->stop_requested()) || (limits && clock && clock->expired(*limits));
  }
};

enum class Outcome {
  kProved,       // the incumbent of the step is optimal (its lower is its upper), or nothing beats the shared one
  kSpent,        // the slice's work is used up; call again
  kInterrupted,  // Interrupt said so
  kGivenUp,      // this engine can do no more here
};

struct Step {
  Outcome outcome = Outcome::kSpent;
  Incumbent found;           // `solution` only where it beats the shared one; `lower` as proved so far
  std::vector<Fixed> fixed;  // empty, or one a candidate: found or taken over
  uint64_t work = 0;         // units used
};

// Writes what a slice ended with into its step: the bound, and whether it proves the best (grain: graph/grain.h).
void conclude(Step& step, const Incumbent& best, double grain, bool interrupted);

class Engine {
 public:
  virtual ~Engine() = default;
  virtual const char* name() const = 0;
  // Goes on from where the last slice ended, for about `work` units.
  virtual Step advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) = 0;
};

}  // namespace egret::extract
