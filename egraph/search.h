// Search: finds the matches of an iteration on a frozen graph, in parallel, in one order for any number of threads.
//
// The work is a list of tasks in order of rewrites.  Where much changed (or a rewrite is behind) a task is a range of
// first roots and goes down from them; where little changed a task is a whole rewrite and starts at the changed e-nodes
// of each of its operators, so rewrites that read none of these are not visited at all.  Either way a rewrite's matches
// come out ordered by their e-nodes.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "egraph/parallel.h"
#include "egraph/rule_state.h"
#include "egraph/store.h"

namespace egret::egraph {

// Matches are made in blocks of one range of the first root's id, so that blocks depend on the graph alone.
inline constexpr uint32_t kRangeBits = 14;

struct SearchTask {
  uint32_t rule = 0;
  std::span<const Id> roots;  // of a task over first roots
  bool around_changes = false, everything = false;
  Array<Id> nodes;             // of each match, the e-nodes of the pattern's occurrences
  std::vector<Match> matches;  // of a rewrite with a searcher, instead
  uint64_t count = 0;
  uint64_t cut = 0;   // matches seen and not kept; the task stopped at the first one
  bool full = false;  // it was cut for want of bytes
  double seconds = 0;
  uint64_t bytes() const;
};

enum class Wanted : uint8_t;  // matcher.h

class Search {
 public:
  Search(std::span<const RuleState> rules, const Limits& limits, const Stopwatch& clock)
      : rules_(rules), limits_(limits), clock_(clock) {}

  // The tasks of an iteration, for rewrites with `active`; `naive`: everything is searched.
  std::vector<SearchTask> plan(const EGraph& graph, const std::vector<bool>& active, bool naive);
  // Runs a task, which keeps at most `matches` matches in about `bytes` bytes.  Thread safety: any number at once.
  void run(const EGraph& graph, uint64_t matches, uint64_t bytes, SearchTask& task);
  bool expired() const { return expired_.load(std::memory_order_relaxed); }

 private:
  void group_changes(const EGraph::Store& store);
  bool poll();  // false when the clock or a stop request has come
  template <class Index>
  void match(const EGraph& graph, const Index& index, uint32_t start, Wanted wanted, std::span<const Id> given,
             uint64_t matches, uint64_t bytes, SearchTask& task);
  void search_by_host(const EGraph& graph, uint64_t matches, SearchTask& task);
  static void sort_matches(uint32_t stride, Array<Id>& nodes);

  struct Start {
    uint32_t rule, atom;
  };
  std::span<const RuleState> rules_;
  const Limits& limits_;
  const Stopwatch& clock_;
  std::vector<std::vector<Start>> starts_;  // by operator: the atoms that a changed e-node may match
  std::vector<std::vector<Id>> changed_;    // by operator: live e-nodes that changed, ascending
  std::vector<OpKind> changed_ops_;         // those with any
  std::atomic<bool> expired_{false};
};

// A match as words, for MatchSet: e-nodes, canonical classes, attributes.
void match_key(const EGraph& graph, const Match& match, std::vector<uint32_t>& key);

}  // namespace egret::egraph
