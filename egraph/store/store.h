// EGraph::Store: the e-graph's arrays together, for the loops of this folder.
//
// Invariants: (1) a live e-node stands in `table` under its stored operands; (2) `displaced` holds every id that
// stopped being canonical since the last repair, once; (3) where clean, parents are canonical, the operands of live
// e-nodes are canonical, no two live e-nodes are congruent and facts are at their fixpoint; (4) every e-node that is
// new, re-keyed, of another class, or near another fact since the last search is in `changes`.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "egraph/store/applications.h"
#include "egraph/store/changes.h"
#include "egraph/store/class_index.h"
#include "egraph/store/enodes.h"
#include "egraph/store/facts.h"
#include "egraph/store/hash_cons.h"
#include "egraph/store/links.h"
#include "egraph/store/proof_forest.h"
#include "egraph/store/readers.h"
#include "egraph/store/union_find.h"
#include "support/workers.h"

namespace egret::egraph {

struct EGraph::Store {
  static constexpr Id kMostIds = Id{1} << 31;  // more mean something else (HashCons, intern_parallel.cpp)

  Options options;
  std::vector<std::string> op_names;
  std::unordered_map<std::string, OpKind> op_numbers;

  ENodes enodes;
  UnionFind sets;
  HashCons table;
  Changes changes;
  Links links;
  ClassIndex index{enodes, sets};
  Facts facts;
  ProofForest proof;
  Applications applications;
  Bits subsumed;  // e-nodes that no rewrite matches any more
  bool any_subsumed = false;

  Array<Id> displaced;
  Bits displaced_bits;
  size_t live_count = 0, class_count = 0;
  bool clean = true;
  std::vector<Id> exact_scratch, canonical_scratch;  // of add
  Array<uint32_t> tag_scratch, place_scratch;        // of intern
  Readers readers_of;     // ready since something asked for many readers, until an e-node with operands comes
  int rounds_before = 0;  // of its last call in this iteration

  explicit Store(Options o) : options(o) { enodes.keep_exact(o.explanations); }

  // Whether rewrites see the e-node.
  bool matchable(Id n) const { return enodes.live(n) && !(any_subsumed && subsumed.test(n)); }
  // True for an e-node of `table` with this key (canonical operands).
  auto same_key(uint32_t head, AttrId attr, const Id* operands, size_t count) const {
    return [=, this](Id n) {
      const Row& row = enodes.row(n);
      if (row.head != head || row.attr != attr || row.arity() != count) return false;
      const Id* other = enodes.operands_of(row);
      for (size_t i = 0; i < count; ++i) {
        if (other[i] != operands[i]) return false;
      }
      return true;
    };
  }
  // Fetches the row that the home slot of the tag names, if it may be the one.
  void fetch_row(uint32_t tag) const {
    const HashCons::Slot slot = table.peek(tag);
    if (HashCons::tag_of_slot(slot) == tag && HashCons::id_of(slot) < kMostIds) __builtin_prefetch(&enodes.row(HashCons::id_of(slot)));
  }
  uint32_t tag_of_node(Id n) const {
    const Row& row = enodes.row(n);
    return row.wide() ? tag_of(row.head, row.attr, enodes.operands_of(row), row.arity()) : tag_of(row);
  }
  // Whether two rows of the e-nodes have one key.
  bool same_node(Id a, Id b) const {
    const Row &x = enodes.row(a), &y = enodes.row(b);
    if (!x.wide()) return std::memcmp(&x, &y, sizeof(Row)) == 0;
    return same_key(x.head, x.attr, enodes.operands_of(x), x.arity())(b);
  }
  Id find_and_shorten(Id id) {
    return sets.shorten(id, [this](Id moved) { changes.mark(moved); });
  }

  Id add(OpKind op, AttrId attr, std::span<const Id> operands);
  bool unite(Id a, Id b, Justification why);
  void subsume(Id node);

  // intern.cpp.  The e-node with each key (canonical, at most two operands): an old one, or a new one; new ones get
  // ids in the order in which they are first asked for, for any number of threads.  Several threads call:
  struct Requests {
    std::function<void(size_t begin, size_t end)> fill;  // writes these keys, each once
    std::function<Id(size_t request)> container;         // the class that the request's e-node joins, if new; empty: its own
  };
  void intern(std::span<Row> keys, const Requests& requests, Id* ids, const Workers& workers);
  // Bookkeeping for the e-nodes appended since `first` that stand in the table already.
  void count_new(Id first);

  // rebuild.cpp
  size_t rebuild(const EGraph& graph, const Workers& workers);
  void restore_congruence(const Workers& workers);
  void repair_by_scan(const Workers& workers, Array<Id>& readers);
  void collect_by_scan(size_t begin, size_t end, const Workers& workers, Array<Id>& readers);
  void collect_by_links(Array<Id>& readers);
  void rekey(const Workers& workers, Array<Id>& readers);
  void flatten(const Workers& workers);
  void extend_links();
  void activate_links();
  // Whether for_each_reader may be called: no union is outstanding, and there are lists or a table.
  bool knows_readers() const { return links.active() || readers_of.ready(); }
  // Calls visit for each live e-node that reads the class, perhaps more than once.
  template <class Visit>
  void for_each_reader(Id cls, const Visit& visit) const {
    const auto visit_live = [&](Id n) {
      if (enodes.live(n)) visit(n);
    };
    if (links.active()) {
      links.for_each_use(cls, visit_live);
    } else {
      readers_of.for_each(cls, visit_live);
    }
  }

  uint64_t bytes() const;
  // Bytes that a column of so many requests may add, and the scratch memory that it takes.
  uint64_t growth(size_t requests) const;
  // Lists and tables that only save time are made where they fit below this.
  uint64_t byte_limit = std::numeric_limits<uint64_t>::max();
  bool fits(uint64_t more) const { return bytes() + more <= byte_limit; }

  // check_loaded.cpp.  Checks arrays that were read from outside and makes the tables; what is wrong, or nothing.
  std::string check_loaded();
};

}  // namespace egret::egraph
