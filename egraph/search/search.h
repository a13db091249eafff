// Search: finds the matches of an iteration on a frozen graph, in parallel, in one order for any number of threads.
//
// The work is a list of tasks in order of rewrites.  Where much changed (or a rewrite is behind) a task is a range of
// first roots and goes down from them (matcher.h).  Where little changed, what the changes bring is found for all rewrites
// together (delta_search.h), and those that found nothing have no task.  Either way a rewrite's matches come out ordered
// by their e-nodes.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <vector>

#include "egraph/plan/rule_state.h"
#include "egraph/search/delta_search.h"
#include "egraph/search/search_task.h"

namespace egret::egraph {

// Matches are made in blocks of one range of the first root's id, so that blocks depend on the graph alone.
inline constexpr uint32_t kRangeBits = 14;

class Search {
 public:
  Search(std::span<const RuleState> rules, const Limits& limits, const Stopwatch& clock)
      : rules_(rules), limits_(limits), clock_(clock), around_(rules) {
    for (uint32_t r = 0; r < rules.size(); ++r) {
      if (!rules[r].incremental) whole_.push_back(r);
    }
  }
  Search(const Search&) = delete;

  // The tasks of an iteration, for rewrites that are active; `behind`: those that are, ascending.  Those around changes
  // are searched already, of which a part keeps at most `matches` matches in about `bytes` bytes, all of them `all_bytes`.
  std::vector<SearchTask> plan(const EGraph& graph, std::span<const uint32_t> behind, const Workers& workers, bool naive,
                               uint64_t matches, uint64_t bytes, uint64_t all_bytes);
  // Whether `plan` needs the tables of classes and operators.
  bool goes_down(const EGraph::Store& store, bool naive) const;
  // Runs a task, which keeps at most `matches` matches in about `bytes` bytes.  Thread safety: any number at once.
  void run(const EGraph& graph, uint64_t matches, uint64_t bytes, SearchTask& task);
  void add_seconds(std::span<RewriteCount> counts) { around_.add_seconds(counts); }  // of the searches around changes
  uint64_t bytes() const { return around_.bytes(); }
  bool expired() const { return expired_.load(std::memory_order_relaxed); }

 private:
  bool poll();  // false when the clock or a stop request has come
  void add_tasks(const EGraph::Store& store, uint32_t rule, bool naive, std::vector<SearchTask>& tasks) const;
  void match(const EGraph& graph, uint64_t matches, uint64_t bytes, SearchTask& task);
  void search_by_host(const EGraph& graph, uint64_t matches, SearchTask& task);

  std::span<const RuleState> rules_;
  const Limits& limits_;
  const Stopwatch& clock_;
  const std::function<bool()> poll_ = [this] { return poll(); };
  DeltaSearch around_;
  std::vector<uint32_t> whole_;  // rewrites that are never searched around changes
  size_t ids_ = 0;               // of the graph that is searched
  std::atomic<bool> expired_{false};
};

// A match as words, for MatchSet: e-nodes, canonical classes, attributes.
void match_key(const EGraph& graph, const Match& match, std::vector<uint32_t>& key);

}  // namespace egret::egraph
