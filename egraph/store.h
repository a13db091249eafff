// EGraph::Store: the e-graph's arrays together, for the loops of this folder.
//
// Invariants: (1) a live e-node stands in `table` under its stored canonical operands; (2) `displaced` holds every id
// that stopped being canonical since the last repair; (3) where clean, the operands of live e-nodes are canonical, no
// two live e-nodes are congruent, `index` is current and facts are at their fixpoint.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "egraph/class_index.h"
#include "egraph/enodes.h"
#include "egraph/facts.h"
#include "egraph/hash_cons.h"
#include "egraph/proof_forest.h"
#include "egraph/union_find.h"

namespace egret::egraph {

struct EGraph::Store {
  Options options;
  std::vector<std::string> op_names;
  std::unordered_map<std::string, OpKind> op_numbers;

  ENodes enodes;
  UnionFind sets;
  HashCons table;
  ClassIndex index;
  Facts facts;
  ProofForest proof;
  std::vector<Application> applications;
  uint64_t application_bytes = 0;

  std::vector<Id> displaced;
  size_t live_count = 0, class_count = 0;
  bool clean = true;
  std::vector<Id> exact_scratch, canonical_scratch;  // of add

  // True for an e-node of `table` with this key (canonical operands).
  auto same_key(OpKind op, AttrId attr, const Id* operands, size_t count) const {
    return [=, this](Id n) {
      if (enodes.op(n) != op || enodes.attr(n) != attr || enodes.arity(n) != count) return false;
      const Id* other = enodes.canonical_of_live(n);
      for (size_t i = 0; i < count; ++i) {
        if (other[i] != operands[i]) return false;
      }
      return true;
    };
  }

  Id add(OpKind op, AttrId attr, std::span<const Id> operands);
  bool unite(Id a, Id b, Justification why);

  // rebuild.cpp
  size_t restore_congruence();  // number of unions made
  void repair_by_scan();
  void repair_by_uses();
  // Gives `n` canonical operands; where that makes it congruent to another e-node, unites them and buries the younger.
  void repair(Id n);
  bool reads_displaced(Id n) const;
};

}  // namespace egret::egraph
