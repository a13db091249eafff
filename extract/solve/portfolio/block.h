// A part of the problem on its way to a proof: bounds from both sides, then what cannot be in a better solution is
// dropped, which may let the reductions divide it further.  A block without parts is one for the engines.
#pragma once

#include <memory>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/exact/engine.h"
#include "extract/solve/reduce/reduction.h"
#include "extract/solve/solve.h"

namespace egret::extract {

class Block {
 public:
  // `upper` of `start` may be infinite.
  Block(Hypergraph graph, Incumbent start);

  // The whole problem's: `chosen` (empty: none) is a first answer.  Where reducing takes long, a cover and a bound.
  void begin(const std::vector<uint32_t>& chosen, const SolveOptions& options, const Stopwatch& clock);
  // After `begin`: reduces, and prepares the parts.
  void solve_parts(const SolveOptions& options, const Stopwatch& clock);
  // Dual ascent, covers, fixings, and the same for the parts, until nothing is gained.
  void prepare(const SolveOptions& options, const Stopwatch& clock);
  // Takes over what an engine found; true where that is more than was known: a better bound or best, or many fixings.
  bool merge(const Step& step);
  // May divide the block, whose engines are then of no more use.
  bool divide(const SolveOptions& options, const Stopwatch& clock);
  // What the parts know, as what this block knows.
  void gather();

  bool proved() const { return shared_.incumbent.lower >= shared_.incumbent.upper; }
  const Incumbent& incumbent() const { return shared_.incumbent; }
  const Shared& shared() const { return shared_; }
  const Hypergraph& graph() const { return graph_; }
  // 1 for the candidates that some solution needs which is cheaper than the incumbent, if there is one, and the
  // incumbent's.
  std::vector<uint8_t> survivors() const;
  // Blocks without parts that are not proved.
  void open_leaves(std::vector<Block*>& out);

  // The engines and their next slice; kept here since they belong to the graph.
  struct Runner {
    std::unique_ptr<Engine> engine;
    bool leads = true;  // gave more than those before it in its last slice, or none did
  };
  std::vector<Runner> engines;
  uint64_t slice = 0;

 private:
  void prepare_negative(const SolveOptions& options, const Stopwatch& clock);
  void anneal_more(const SolveOptions& options, const Stopwatch& clock, uint64_t steps);
  void accept(const std::vector<uint32_t>& chosen);
  void raise(double bound);
  bool once(const SolveOptions& options) const;
  DualAscent first_bound(const SolveOptions& options, const Stopwatch& clock);
  void narrow_covers(const SolveOptions& options, const Stopwatch& clock, const std::vector<double>& remaining);
  bool fix_by_bounds(const std::vector<double>& bound_with);
  bool split(const SolveOptions& options, const Stopwatch& clock);
  size_t open_candidates() const;

  Hypergraph graph_;
  double grain_;
  Shared shared_;
  size_t open_at_split_ = 0;
  std::unique_ptr<Hypergraph> rest_;     // what the reduction started from: `original` numbers graph_
  std::unique_ptr<Reduction> reduction_;
  std::vector<std::unique_ptr<Block>> parts_;
};

}  // namespace egret::extract
