// Checkpoint: a graph's state kept aside, to come back to it: push and pop for hosts that try things.
//
// Keeping and restoring copy the arrays, so each costs a pass over the graph's bytes (a million e-nodes: about 50 MB).
// Operators interned since stay interned.
#pragma once

#include <memory>

#include "egraph/egraph.h"

namespace egret::egraph {

class Checkpoint {
 public:
  explicit Checkpoint(const EGraph& graph);  // Requires: graph.clean()
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;

  // Makes `graph`, the graph that was kept, what it was: ids, classes, facts, explanations.  Any number of times.
  // Analyses added since are gone.
  void restore(EGraph& graph) const;
  uint64_t bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace egret::egraph
