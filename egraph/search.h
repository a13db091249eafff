// Search: one iteration's search of all rewrites on a frozen graph, in parallel, with one result for any number of
// threads.
//
// The work is cut into tasks (rewrite, range of root e-nodes) whose size does not depend on the threads; each fills a
// list of its own, and the lists are read in task order.  Tasks run in waves; between waves the budgets of matches and
// bytes are checked, so that lists which would never be applied are not made.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "egraph/applied_set.h"
#include "egraph/runner.h"

namespace egret::egraph {

// Matches as words: per match {nodes, classes, attributes (counts), nodes..., classes..., attributes...}.
class MatchList {
 public:
  void push(const Match& match);
  // Reads the match at `at` and moves `at` to the next one.
  void read(size_t& at, Match& match) const;
  size_t end() const { return words_.size(); }
  uint64_t bytes() const { return words_.capacity() * sizeof(uint32_t); }

 private:
  std::vector<uint32_t> words_;
};

struct SearchTask {
  uint32_t rewrite = 0;
  std::span<const Id> roots;  // empty for a rewrite with a searcher
  MatchList found;
  uint64_t count = 0;
  uint64_t cut = 0;  // matches seen and not kept; the task stopped at the first one
  double seconds = 0;
};

struct SearchResult {
  std::vector<SearchTask> tasks;  // in order; those not run have nothing
  bool partial = false;           // a budget ended it before the last task
  bool expired = false;           // the clock or a stop request ended it: `tasks` is not complete
};

// Names a match across iterations.
uint64_t match_key(const EGraph& graph, uint32_t rewrite, const Match& match);

class Search {
 public:
  // `threads` as RunOptions::threads.
  Search(std::span<const Rewrite> rewrites, const Limits& limits, const Stopwatch& clock, int threads);
  ~Search();

  // Finds the matches not in `applied` whose condition holds, at most `matches` in all, in about `bytes` bytes.
  SearchResult run(const EGraph& graph, const AppliedSet& applied, uint64_t matches, uint64_t bytes);

 private:
  std::vector<SearchTask> plan(const EGraph& graph) const;
  void run_task(const EGraph& graph, const AppliedSet& applied, uint64_t matches, uint64_t bytes, SearchTask& task);
  bool poll();  // false when the clock or a stop request has come

  struct Arena;
  std::span<const Rewrite> rewrites_;
  const Limits& limits_;
  const Stopwatch& clock_;
  std::unique_ptr<Arena> arena_;  // null: one thread
  std::atomic<bool> expired_{false};
};

}  // namespace egret::egraph
