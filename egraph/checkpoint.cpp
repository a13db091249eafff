#include "egraph/checkpoint.h"

#include "egraph/store/store.h"

namespace egret::egraph {

struct Checkpoint::State {
  ENodes enodes;
  UnionFind sets;
  HashCons table;
  Changes changes;
  Facts facts;
  ProofForest proof;
  Applications applications;
  Bits subsumed;
  bool any_subsumed;
  size_t live_count, class_count;
};

Checkpoint::Checkpoint(const EGraph& graph) {
  EGRET_CHECK(graph.clean(), "a checkpoint of a graph that needs rebuild");
  const EGraph::Store& s = graph.store();
  state_ = std::make_unique<State>(State{s.enodes, s.sets, s.table, s.changes, s.facts, s.proof, s.applications, s.subsumed,
                                         s.any_subsumed, s.live_count, s.class_count});
}
Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

void Checkpoint::restore(EGraph& graph) const {
  EGraph::Store& s = graph.store();
  EGRET_CHECK(s.enodes.keeps_exact() == state_->enodes.keeps_exact(), "a checkpoint of another graph");
  s.enodes = state_->enodes;
  s.sets = state_->sets;
  s.table = state_->table;
  s.changes = state_->changes;
  s.facts = state_->facts;
  s.proof = state_->proof;
  s.applications = state_->applications;
  s.subsumed = state_->subsumed;
  s.any_subsumed = state_->any_subsumed;
  s.live_count = state_->live_count;
  s.class_count = state_->class_count;
  for (const Id id : s.displaced) s.displaced_bits.clear(id);
  s.displaced.clear();
  s.displaced_bits.cover(s.enodes.size());
  s.links.drop();
  s.readers_of.release();
  s.index.invalidate(s.enodes.size(), s.op_names.size());
  s.clean = true;
}

uint64_t Checkpoint::bytes() const {
  const State& s = *state_;
  return s.enodes.bytes() + s.sets.bytes() + s.table.bytes() + s.changes.bytes() + s.facts.bytes() + s.proof.bytes() +
         s.applications.bytes() + s.subsumed.bytes();
}

}  // namespace egret::egraph
