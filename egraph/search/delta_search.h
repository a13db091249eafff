// DeltaSearch: finds the matches that changed e-nodes bring, through linked lists, at a cost that follows the changes
// and what stands around them, not the graph nor the number of rewrites.
//
// A match is found once: from the first of its occurrences, in pattern order, whose e-node changed.  The changed e-nodes
// of an operator go through one trie of all plans that begin with it (plan_trie.h), which is made when it is first
// needed, and anew when it has read lists that are much longer than they were when it was made.
#pragma once

#include <functional>
#include <atomic>
#include <optional>
#include <span>
#include <vector>

#include "egraph/plan/cardinalities.h"
#include "egraph/plan/plan_trie.h"
#include "egraph/plan/rule_state.h"
#include "egraph/search/search_task.h"
#include "support/workers.h"

namespace egret::egraph {

class DeltaSearch {
 public:
  explicit DeltaSearch(std::span<const RuleState> rules) : rules_(rules) {}

  // Appends a task that is searched, matches in order, for each rewrite that found any, ascending; of those that are
  // searched around changes.  A part of the search ends where it has found `matches` matches or `bytes` bytes of them, and where
  // `poll`, called now and then, gives false.  All parts together keep at most `all_bytes`; where there are more matches, they
  // are dropped, and one task tells that it is full.  Requires: the graph is clean and its lists are active.
  void run(const EGraph& graph, uint64_t matches, uint64_t bytes, uint64_t all_bytes, const Workers& workers,
           const std::function<bool()>& poll, std::vector<SearchTask>& tasks);

  // Adds to each rewrite its part of the time that searching took.
  void add_seconds(std::span<RewriteCount> counts);
  uint64_t bytes() const;

 private:
  struct Start {
    uint32_t rule, atom;
  };
  struct Part {  // of the changed e-nodes of an operator
    OpKind op = 0;
    size_t begin = 0, end = 0;
    Array<uint32_t> words;  // rewrite and e-nodes of each match, one after another
    uint64_t count = 0;
    bool cut = false, full = false, outgrown = false;
    // Of the search:
    std::vector<Id> classes, nodes;  // by register; by step
    std::vector<AttrId> attrs;
    std::vector<Id> scratch, in_order;
    std::vector<uint64_t> kept;  // by rewrite, where back-off bounds it
    Match match;
  };
  struct Of {  // an operator
    std::vector<Start> starts;     // the atoms that a changed e-node may match
    std::vector<Id> changed;       // live e-nodes that changed, ascending
    std::optional<PlanTrie> trie;  // the plans of `starts`
    bool outgrown = false;         // some list was much longer than the trie expects
    uint64_t planned = 0, wait = 1;  // the search that made the trie; so many later it may be made anew
    bool scanned = false;          // some plan looks at all its e-nodes:
    std::vector<Id> nodes;         // these, live or not
  };
  class Walker;

  void prepare(const EGraph::Store& store);
  void group_changes(const EGraph::Store& store);
  void plan(OpKind op, const EGraph::Store& store);
  void list_scanned(const EGraph::Store& store);
  void collect(size_t parts, std::vector<SearchTask>& tasks);

  std::span<const RuleState> rules_;
  std::vector<Of> ops_;
  std::vector<OpKind> changed_ops_;  // those with changed e-nodes
  std::optional<Cardinalities> cardinalities_;
  uint64_t searches_ = 0;
  uint64_t counted_ = 0;         // the search that counted them
  size_t counted_ids_ = 0;       // of the graph then
  bool scans_ = false;           // some plan does
  size_t listed_ = 0;            // e-nodes looked at by list_scanned
  double seconds_ = 0;           // spent searching
  std::vector<std::pair<uint32_t, double>> earlier_;  // rewrite and visits, of tries that were made anew
  uint64_t all_words_ = 0;         // that the parts of this search may keep together
  std::atomic<uint64_t> words_{0};  // that they have, as far as they told
  std::vector<Part> parts_;        // of this search and, behind them, of larger ones before
  std::vector<uint64_t> found_;    // by rewrite: zero but while collecting
  std::vector<uint32_t> touched_;  // rewrites with matches
};

}  // namespace egret::egraph
