// Maker: makes the right sides of matches and holds back the unions that follow until the iteration's end, so that the
// graph stays as it was searched but for new e-nodes.
//
// Declared right sides are made a block of matches at a time, column by column: e-node k of the right side for all
// matches of the block, then k + 1.  Each column is one call of `EGraph::Store::intern`.
#pragma once

#include <vector>

#include "egraph/plan/rule_state.h"
#include "egraph/store/store.h"

namespace egret::egraph {

class Maker {
 public:
  Maker(EGraph::Store& store, const Workers& workers) : store_(store), workers_(workers) {}

  // Makes the right side of `count` matches, each the e-nodes of the pattern's occurrences.
  void make(const RuleState& rule, const Id* matches, size_t count, RewriteCount& counts);
  // The same of closed matches, as split_closed appends them.
  void make_closed(const RuleState& rule, const Id* closed, size_t count, RewriteCount& counts);
  // Makes one right side that an applier planned.
  void make(const RuleState& rule, uint32_t rule_number, const Match& match, const RightSide& side, RewriteCount& counts);

  // Unites what the right sides made since the last call are equal to.
  void unite(std::span<RewriteCount> counts);
  void begin_rule(uint32_t rule) { runs_.push_back({rule, pending_.size()}); }

  // Bytes that so many matches may add to the graph and to this, at most.
  uint64_t growth(const RuleState& rule, size_t matches) const;
  uint64_t bytes() const;

 private:
  struct Pending {
    Id left, right;
  };
  struct Run {  // the rewrite that pending unions from `begin` on come from
    uint32_t rule;
    size_t begin;
  };
  using Operand = RightPlan::Operand;

  void reshape(const RuleState& rule, size_t count);
  void gather(const RuleState& rule, const Id* matches, size_t begin, size_t end);
  template <class Prepare>
  void make_column(const RuleState& rule, uint32_t node, const Id* matches, size_t count, const Prepare& prepare);
  void make_wide_column(const RuleState& rule, uint32_t node, const Id* matches, size_t count);
  // Makes the e-nodes of the right side from `node` on and what follows from them.
  bool joins_at_once(const RuleState& rule, uint32_t node) const;
  Id container(const RuleState& rule, const Id* match) const;  // the class that the match's last e-node joins
  template <class Prepare>
  void complete(const RuleState& rule, uint32_t node, const Id* matches, size_t count, RewriteCount& counts,
                const Prepare& prepare);
  void finish(const RuleState& rule, const Id* matches, size_t count, Id first_of_last, RewriteCount& counts);
  void finish_explained(const RuleState& rule, const Id* matches, size_t count, Id first_of_last, RewriteCount& counts);

  Id value(const Operand& operand, size_t i) const {  // as made or matched
    return operand.made ? made_[operand.index][i] : variables_[operand.index][i];
  }

  EGraph::Store& store_;
  const Workers& workers_;
  std::vector<Array<Id>> variables_;  // canonical class of each class variable that the right side uses
  std::vector<Array<Id>> exact_;      // with explanations: the same as written
  std::vector<Array<Id>> made_;       // e-node of each node of the right side
  Array<Row> keys_;
  Array<Id> closed_;  // the e-nodes of closed matches
  std::vector<bool> new_;  // with explanations: matches that made an e-node
  Array<Pending> pending_;
  std::vector<Justification> reasons_;  // with explanations, parallel to pending_
  std::vector<Run> runs_;
  std::vector<Id> subsumed_;  // first roots that are matched no more once the iteration ends
};

}  // namespace egret::egraph
