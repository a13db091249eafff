// Rewrite and run: the saturation loop.
//
// An iteration searches the rewrites on a frozen graph, makes their right sides, unites, and rebuilds.  Searching goes
// around what the last iteration changed (semi-naive), in parallel (TBB); right sides that are declared as terms are
// made many at a time, in parallel too: first those that make no class, then, once what they unite is united, the
// others.  In each pass e-nodes get their ids in the order of (rewrite, range of the first root's id, e-node of the right
// side, match), so the graph, ids included, is the same for any number of threads, and the same as if everything were
// searched each time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "egraph/pattern.h"

namespace egret::egraph {

// The right side of one match: e-nodes to insert and classes to unite, planned whole before the first insertion.
// An operand is an existing id or a reference to an earlier planned node.
struct RightSide {
  struct Operand {
    bool planned = false;
    uint32_t index = 0;  // planned: number of the node in `nodes`; else: an Id
  };
  struct Node {
    OpKind op = 0;
    AttrId attr = 0;
    std::vector<Operand> operands;
  };
  std::vector<Node> nodes;
  std::vector<std::pair<Id, Operand>> equations;  // (left e-node, right operand) to be united
};

struct Rewrite {
  std::string name;
  Pattern pattern;
  // Custom search instead of `pattern` (n-ary `find all`): must emit in an order that depends on the graph alone.
  std::function<void(const EGraph&, const std::function<bool(const Match&)>& emit)> searcher;
  // Keeps or drops a match during search: reads only, called from several threads.  Empty: keeps all.
  std::function<bool(const EGraph&, const Match&)> condition;
  // The right side, one way or the other.  `right`: root i of the pattern is united with right[i], a term over the
  // pattern's variables (attributes fixed or variables; kAny stands for none); the fast way.  With `united`, the class
  // variable united[i] is united with right[i] instead.
  std::vector<PatternTerm> right;
  std::vector<uint32_t> united;
  // `applier` plans the right side of one match; false drops it (ill-typed: counted in the report).  Serial; reads only.
  // Earlier matches of the iteration may have been made but not united: the graph need not be clean.  `RightSide` comes in
  // empty.
  std::function<bool(const EGraph&, const Match&, RightSide&)> applier;
  // `condition` and `applier` read the matched e-nodes and the facts of the matched classes, nothing else of the graph:
  // such a rewrite is searched around changes only.  Else it is searched anew each iteration, matches that were applied
  // are skipped, and dropped ones are tried again.  A rewrite with `right` and no condition needs no promise.
  bool local = false;
  bool subsume = false;                // an applied match's first root is not matched any more (EGraph::subsume)
  uint64_t matches_per_iteration = 0;  // 0: no limit; a longer list is cut by order, which is counted
};

enum class StopReason { kSaturated, kNodeLimit, kMatchLimit, kByteLimit, kTimeLimit, kIterationLimit, kStopped };
const char* to_string(StopReason);  // "saturated", "node_limit", ...

struct RewriteCount {
  uint64_t matches = 0;  // found, condition kept
  uint64_t applied = 0;
  uint64_t dropped = 0;  // by the applier; tried again in later iterations, counted once
  uint64_t united = 0;   // equations that made two classes one
  uint64_t cut = 0;      // left for later iterations by matches_per_iteration or a task's room
  double search_seconds = 0;
};

struct Iteration {
  uint64_t enodes = 0, eclasses = 0;
  double search_s = 0, apply_s = 0, rebuild_s = 0;
};

struct Report {
  std::vector<Iteration> iterations;
  std::vector<RewriteCount> rewrites;  // parallel to the rewrites given
  StopReason stop_reason = StopReason::kSaturated;
  double seconds = 0;
};

enum class Scheduler : uint8_t {
  kSimple,
  // A rewrite with more than match_limit matches in an iteration makes none of them and is banned for ban_length
  // iterations; both double with each ban.
  kBackoff,
};

struct RunOptions {
  Limits limits;
  int threads = 1;  // 0: as many as the machine has
  Scheduler scheduler = Scheduler::kSimple;
  uint64_t match_limit = 1000, ban_length = 5;  // kBackoff
  // The graph comes from a run with the same rewrites that ended between iterations (kIterationLimit): only what changed
  // since is searched.
  bool resume = false;
  bool naive = false;  // search everything every iteration: the same graph, for tests and measurements
  // Called after each rebuild; false stops the run (quarantine, progress).
  std::function<bool(EGraph&, const Iteration&)> after_iteration;
};

// `Rewrite::right` as an applier, for hosts that wrap it.
std::function<bool(const EGraph&, const Match&, RightSide&)> instantiate(const Pattern& pattern,
                                                                         std::vector<PatternTerm> right);

// Runs until saturation or a limit.  Limits are checked between blocks of matches that are the smaller the nearer a
// limit is: e-nodes and matches are overshot by one right side at most, bytes by the growth of one block.  `rule_base` is
// added to a rewrite's position to give `Application::rule`, for runs in several phases.  A run stopped by a limit
// leaves a rebuilt graph.  Bytes are those of the graph, the matches and the record of them.
Report run(EGraph& graph, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base = 0);

}  // namespace egret::egraph
