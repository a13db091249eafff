// Facts: what analyses know of classes.
//
// A fact stands at the canonical id.  Unions join facts at once; the facts of new e-nodes, and of readers of a class
// whose fact changed, are made in `propagate`, batch by batch (new e-nodes ascending, then the changed ones' readers
// until nothing changes).  The order is fixed by ids.
#pragma once

#include <string>
#include <vector>

#include "egraph/egraph.h"
#include "egraph/store/array.h"

namespace egret::egraph {

class Facts {
 public:
  uint32_t add_analysis(Analysis analysis, size_t ids);
  void add_ids(size_t count);  // new e-nodes: nothing is known yet
  Fact fact(uint32_t analysis, Id cls) const { return tables_[analysis].fact[cls]; }
  void set(uint32_t analysis, Id cls, Id witness, Fact fact);
  void unite(Id older, Id younger);  // canonical ids, before they become one
  bool stale() const;                // something to propagate

  // Requires: the store is congruent and its parents are canonical.
  void propagate(const EGraph& graph, EGraph::Store& store);

  // Snapshots.  Restored facts wait for an analysis of their name to be added.
  const std::string& name(uint32_t analysis) const { return tables_[analysis].analysis.name; }
  template <class Visit>
  void visit_arrays(uint32_t analysis, Visit&& visit) {
    visit(tables_[analysis].fact), visit(tables_[analysis].witness);
  }
  template <class Visit>
  void restore(const std::string& name, Visit&& visit) {
    Table& table = restored_.emplace_back();
    table.analysis.name = name;
    visit(table.fact), visit(table.witness);
  }
  bool restored_for(size_t ids) const;  // whether restored facts are those of so many ids

  bool empty() const { return tables_.empty(); }
  size_t count() const { return tables_.size(); }
  std::span<const Conflict> conflicts() const { return conflicts_; }
  void reserve(size_t ids);
  uint64_t bytes() const;
  uint64_t growth(size_t ids) const;  // of so many more

 private:
  struct Table {
    Analysis analysis;
    Array<Fact> fact;         // of each id; meaningful at canonical ids
    Array<Id> witness;        // an e-node that gave the fact, for conflicts
    std::vector<Id> changed;  // classes whose readers must be made again (maybe no longer canonical)
    Id made = 0;              // e-nodes below this have been made
  };
  struct Propagation;

  // Joins `fact` into the class; true if the class' fact changed.
  bool absorb(uint32_t analysis, Id cls, Id witness, Fact fact);
  void record_conflict(Id cls, uint32_t analysis, Id left, Id right);

  std::vector<Table> tables_;
  std::vector<Table> restored_;
  std::vector<Conflict> conflicts_;
};

}  // namespace egret::egraph
