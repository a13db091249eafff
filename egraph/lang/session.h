// Session: one run of a program, from its start terms to the answers about its goals.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egraph/lang/language.h"
#include "egraph/runner.h"

namespace egret::egraph::lang {

struct RuleUse {
  std::string name;
  uint64_t matches = 0, applied = 0;
  double search_s = 0;
};

struct SaturateReport {
  std::vector<Iteration> iterations;  // e-nodes that const-fold prunes are not counted
  std::vector<RuleUse> rules;         // as in the program
  uint64_t enodes = 0, eclasses = 0;
  std::string stop_reason;  // as to_string(StopReason), or "unsound": const-fold found one class with two numbers
  double seconds = 0;
  uint64_t bytes = 0;  // of the e-graph's arenas
};

struct BestTerm {
  std::string term;
  uint64_t size = 0;  // symbols of the text
};

class Session {
 public:
  explicit Session(Program program);
  // Goes on with a graph that a session with these symbols saved (egraph/snapshot.h): the next run makes the same graph
  // as one run would have.  An error where the graph holds an operator with another number of operands.
  static Result<Session> resume(Program program, EGraph graph);

  // Inserts the start terms and runs the rules.  `limits.enodes` counts what const-fold prunes, too.
  SaturateReport run(const RunOptions& options);

  // The smallest term of each start term's class, in the order of the program.  After `run`.
  std::vector<BestTerm> best() const;

  // Whether the two terms of each goal are equal.  Inserts them, so it comes last.
  std::vector<bool> goals();

  const Program& program() const { return *program_; }
  const EGraph& graph() const { return graph_; }
  std::vector<Id> roots() const;  // classes of the start terms
  // Whether the e-node counts and is written: false for one that const-fold prunes.
  bool visible(Id node) const { return !graph_.subsumed(node); }

 private:
  Session(Program program, EGraph graph);
  void settle();  // rebuilds, with constants

  std::unique_ptr<const Program> program_;
  EGraph graph_;
  Language language_;
  std::vector<Id> starts_;
};

}  // namespace egret::egraph::lang
