// The e-graph engine: a set of terms closed under equality, grown by rewriting.  It knows nothing of tensors.
//
// Types to know: `EGraph` (e-nodes, e-classes, union-find, rebuild, facts, explanations), `Pattern` and `Match`
// (pattern.h), `Rewrite`, `RightSide` and `run` (runner.h).
// Reading order: egraph.h, pattern.h, runner.h; behind them, a folder a stage: store/enodes.h, store/hash_cons.h, store/union_find.h,
// store/store.h, store/class_index.h, store/links.h, store/facts.h, store/proof_forest.h; plan/query.h, plan/plan.h, plan/right_plan.h;
// search/matcher.h, search/search.h; apply/apply.h, apply/rebuild.cpp; and snapshot.h.
// May include: support.
// Thread rule: searching reads a rebuilt graph and may run in any number of threads; everything that writes is serial.
//
// An e-node is an operator (interned kind + interned attribute tuple, both opaque numbers here) over operand ids.  Its
// id never changes and names the term with exactly these operand ids as given at insertion; an e-class is a set of ids
// under `find`, named by its canonical id (the oldest).  So one id space serves terms and classes, and a proof can
// speak of exact terms (Willsey et al., "egg", POPL 2021; Nieuwenhuis and Oliveras, "Proof-producing congruence
// closure").
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/limits.h"
#include "support/result.h"

namespace egret::egraph {

using Id = uint32_t;      // an e-node; canonical: an e-class
using OpKind = uint32_t;  // interned operator name
using AttrId = uint32_t;  // attribute tuple, interned by the language; 0 = no attributes
using Fact = uint32_t;    // an analysis' fact about a class, interned by that analysis
inline constexpr Id kNoId = std::numeric_limits<Id>::max();
inline constexpr Fact kNoFact = std::numeric_limits<Fact>::max();
inline constexpr Fact kConflict = kNoFact - 1;  // join found the facts to contradict each other

// Why two ids were united.  `kRule`: `index` is an application (see EGraph::application) and `detail` the equation of
// that application; `kCongruence`: same operator, equal operands; `kFact`: `index` is the analysis, `detail` its own
// note; `kGiven`: asserted by the host, `detail` is the host's tag.
struct Justification {
  enum class Kind : uint8_t { kRule, kCongruence, kFact, kGiven } kind = Kind::kGiven;
  uint32_t index = 0;
  uint32_t detail = 0;
};

// One application of a rewrite: what it matched and what it made.  Ids are exact (not canonical).
struct Application {
  uint32_t rule = 0;
  std::vector<Id> nodes;      // e-node matched by each operator occurrence of the pattern, in pattern order
  std::vector<Id> classes;    // value of each class variable
  std::vector<AttrId> attrs;  // value of each attribute variable
  std::vector<Id> made;       // e-node of each node of the right side, in the order the applier planned them
  std::vector<std::pair<Id, Id>> equations;  // united: (left e-node, right e-node)
};

// An analysis: one fact a class.  Callbacks take columns (batches).  Facts form a semilattice under `join`.
struct Analysis {
  std::string name;
  // Fact of each e-node from the facts of its operands' classes; kNoFact where unknown.  May read the graph.
  std::function<void(const class EGraph&, std::span<const Id> nodes, std::span<Fact> out)> make;
  // Least upper bound of two facts other than kNoFact; kConflict where they contradict.
  std::function<Fact(Fact, Fact)> join;
};

struct Conflict {  // a class in which an analysis contradicts itself (design decision 8)
  Id cls;
  uint32_t analysis;
  Id left, right;  // two e-nodes of the class with contradicting facts
};

class EGraph {
 public:
  struct Options {
    bool explanations = true;  // record justifications; off costs no memory
  };
  struct Store;  // the arrays (store.h), for this folder's own loops
  EGraph();
  explicit EGraph(Options options);
  ~EGraph();
  EGraph(EGraph&&) noexcept;
  EGraph& operator=(EGraph&&) noexcept;

  // --- language -----------------------------------------------------------------------------------------------
  OpKind intern_op(std::string_view name);  // the same number for the same name
  std::string_view op_name(OpKind) const;
  std::optional<OpKind> find_op(std::string_view name) const;

  // --- growing ------------------------------------------------------------------------------------------------
  // Returns the id of the e-node: a new one, or an old one that is congruent to it.  Operands may be any ids.
  Id add(OpKind op, AttrId attr, std::span<const Id> operands);
  std::optional<Id> lookup(OpKind op, AttrId attr, std::span<const Id> operands) const;
  // Makes two classes one; false if they already were.  The graph needs `rebuild` before it is searched again.
  bool unite(Id a, Id b, Justification why);
  // Restores congruence, the hash-cons and the facts.  Deterministic.  Returns the number of unions it made.
  size_t rebuild();
  bool clean() const;
  void reserve(size_t nodes, size_t operands);  // room for so many in all, taken at once
  // No rewrite matches the e-node from now on; it stays in its class, for congruence and for whoever reads the graph.
  void subsume(Id node);
  bool subsumed(Id node) const;

  // --- reading ------------------------------------------------------------------------------------------------
  // In a graph that is not clean: find, op, attr, operands, fact and the counts are current; canonical_operands and the
  // lists are as of the last rebuild (younger ids have empty lists); parents_of requires that no union is outstanding.
  Id find(Id id) const;
  size_t node_count() const;  // distinct e-nodes up to congruence (up to known congruence, where not clean)
  size_t id_count() const;    // every id ever given; ids are 0 .. id_count()-1
  size_t class_count() const;
  uint64_t bytes() const;  // of all arenas
  OpKind op(Id node) const;
  AttrId attr(Id node) const;
  std::span<const Id> operands(Id node) const;            // as given at insertion; canonical ones, if not explains()
  std::span<const Id> canonical_operands(Id node) const;  // as of the last rebuild
  std::span<const Id> nodes_of(Id cls) const;             // live e-nodes of a class, ascending
  std::span<const Id> nodes_with(OpKind op) const;        // live e-nodes with this operator, ascending
  std::span<const Id> parents_of(Id cls) const;           // live e-nodes that read this class, ascending
  std::vector<Id> classes() const;                        // canonical ids, ascending

  // --- facts ----------------------------------------------------------------------------------------------------
  // Registers an analysis; facts of e-nodes already there are computed at the next rebuild.
  uint32_t add_analysis(Analysis analysis);
  // kNoFact where nothing is known.  A class whose facts contradict keeps the fact it had; see `conflicts`.
  Fact fact(uint32_t analysis, Id id) const;
  // Replaces a class' fact by its join with `fact` (seeding facts of leaves).
  void set_fact(uint32_t analysis, Id id, Fact fact);
  std::span<const Conflict> conflicts() const;  // at most 1,024 are kept, each class and analysis once

  // --- explanations (Requires: explains()) --------------------------------------------------------------------
  bool explains() const;  // Options::explanations
  struct Edge {           // one step between two exact e-nodes
    Id from, to;
    Justification why;
    bool forward;  // the justification's equation reads from -> to
    uint32_t number;  // of the union, in order of time: what explains this step has smaller numbers
  };
  // The steps that lead from e-node a to e-node b; each step's equality was known before the union it explains, so
  // expanding congruence edges operand by operand ends.  Requires: find(a) == find(b).
  std::vector<Edge> explain(Id a, Id b) const;
  Application application(uint32_t index) const;
  uint32_t record_application(const Application& application);
  size_t application_count() const;

  const Store& store() const { return *store_; }
  Store& store() { return *store_; }

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace egret::egraph
