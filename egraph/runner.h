// Rewrite and Runner: the saturation loop.
//
// An iteration searches all rewrites on a frozen graph in parallel (TBB), applies the matches serially in the order
// (rewrite, first root, ...), rebuilds, checks limits and records a report.  The result (ids included) is the same for
// any number of threads.
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
  // Plans the right side; false drops the match (ill-typed: counted in the report).  Serial; reads only.  Earlier
  // matches of the iteration have been applied: the graph need not be clean.  `RightSide` comes in empty.
  std::function<bool(const EGraph&, const Match&, RightSide&)> applier;
  uint64_t matches_per_iteration = 0;  // 0: no limit; a longer list is cut by order, which is counted
};

enum class StopReason { kSaturated, kNodeLimit, kMatchLimit, kByteLimit, kTimeLimit, kIterationLimit, kStopped };
const char* to_string(StopReason);  // "saturated", "node_limit", ...

struct RewriteCount {
  uint64_t matches = 0;  // found, not applied before, condition kept
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

struct RunOptions {
  Limits limits;
  int threads = 1;  // 0: as many as the machine has
  // Called after each rebuild; false stops the run (quarantine, progress).
  std::function<bool(EGraph&, const Iteration&)> after_iteration;
};

// The applier of a rewrite whose right side is written with the pattern's variables: `right[i]` is made and united with
// the e-node that root i matched.  Attributes must be fixed or variables; kAny stands for no attributes.
std::function<bool(const EGraph&, const Match&, RightSide&)> instantiate(const Pattern& pattern,
                                                                         std::vector<PatternTerm> right);

// Runs until saturation or a limit.  Limits are checked within a batch of matches, so none is overshot by more than
// one. A match already applied (same rewrite, same canonical nodes and variables) is not applied again. `rule_base` is
// added to a rewrite's position to give `Application::rule`, for runs in several phases. A run stopped by a limit
// leaves a rebuilt graph.  Bytes are those of the graph, the matches and the record of them; an array that grows may
// pass the limit by its growth.
Report run(EGraph& graph, std::span<const Rewrite> rewrites, const RunOptions& options, uint32_t rule_base = 0);

}  // namespace egret::egraph
