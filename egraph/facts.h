// Facts: what analyses know of classes.
//
// A fact stands at the canonical id.  Unions join facts at once; the facts of new e-nodes, and of readers of a class
// whose fact changed, are made in `propagate`, batch by batch (new e-nodes by depth, then the changed ones' readers
// until nothing changes).  The order is fixed by ids.
#pragma once

#include <span>
#include <vector>

#include "egraph/class_index.h"
#include "egraph/egraph.h"

namespace egret::egraph {

class Facts {
 public:
  uint32_t add_analysis(Analysis analysis, size_t ids);
  void add_id();  // a new e-node: nothing is known yet
  Fact fact(uint32_t analysis, Id cls) const { return tables_[analysis].fact[cls]; }
  void set(uint32_t analysis, Id cls, Id witness, Fact fact);
  void unite(Id older, Id younger);  // canonical ids, before they become one
  bool stale() const;                // something to propagate

  // Requires: `index` and the arrays are those of a congruent graph.
  void propagate(const EGraph& graph, const ENodes& enodes, const UnionFind& sets, const ClassIndex& index);

  bool empty() const { return tables_.empty(); }
  size_t count() const { return tables_.size(); }
  std::span<const Conflict> conflicts() const { return conflicts_; }
  void reserve(size_t ids);
  uint64_t bytes() const;

 private:
  struct Table {
    Analysis analysis;
    std::vector<Fact> fact;   // of each id; meaningful at canonical ids
    std::vector<Id> witness;  // an e-node that gave the fact, for conflicts
    std::vector<Id> changed;  // classes whose readers must be made again (maybe no longer canonical)
    Id made = 0;              // e-nodes below this have been made
  };
  struct Propagation;

  // Joins `fact` into the class; true if the class' fact changed.
  bool absorb(uint32_t analysis, Id cls, Id witness, Fact fact);
  void record_conflict(Id cls, uint32_t analysis, Id left, Id right);

  std::vector<Table> tables_;
  std::vector<Conflict> conflicts_;
};

}  // namespace egret::egraph
