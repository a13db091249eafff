// PlanTrie: the plans of all rewrites from one operator's e-nodes, merged where they begin alike.
//
// What several rewrites look up in the same way is looked up once: a list of members or readers is read once for all of
// them, and each e-node in it goes to the steps that its operator is for.  So a changed e-node costs what stands around
// it in the graph, however many rewrites there are.
#pragma once

#include <algorithm>
#include <vector>

#include "egraph/plan/plan.h"

namespace egret::egraph {

class PlanTrie {
 public:
  struct Output {  // a rewrite's match is whole
    uint32_t rule;
    std::vector<uint32_t> atoms;  // atom of each step on the way here
  };
  // Steps of one source that find their e-nodes through the same registers.
  struct Branch {
    Step::Source source;
    bool class_known;
    uint32_t class_place;  // where it is
    std::vector<uint32_t> bound;
    double expected;  // e-nodes looked at here
    std::vector<std::pair<uint32_t, uint32_t>> steps;  // operator with arity (Row::head) and node, ascending
    auto first(uint32_t head) const { return std::lower_bound(steps.begin(), steps.end(), std::pair(head, uint32_t{0})); }
  };
  struct Node {
    Step step;
    std::vector<Output> outputs;
    std::vector<Branch> branches;
    uint64_t visits = 0;  // e-nodes tried here: what the time of a search is divided by
  };

  // Requires: the first step of every plan added has one operator.
  void add(Plan plan, uint32_t rule);

  size_t nodes() const { return nodes_.size(); }
  Node& node(size_t i) { return nodes_[i]; }
  const Node& node(size_t i) const { return nodes_[i]; }
  const std::vector<uint32_t>& starts() const { return starts_; }  // nodes of first steps
  uint32_t classes() const { return classes_; }                    // registers that its plans use at most
  uint32_t attrs() const { return attrs_; }
  uint32_t depth() const { return depth_; }

  // Calls add(rewrite, share) for shares of the visits: those of a step divided evenly among the rewrites that it is for.
  template <class Add>
  void share(Add&& add) const {
    for (const uint32_t start : starts_) share_below(start, add);
  }

 private:
  uint32_t child(uint32_t parent, Step step, double expected);
  template <class Add>
  std::vector<uint32_t> share_below(uint32_t number, Add& add) const {  // gives the rewrites that the step is for
    std::vector<uint32_t> rules;
    for (const Output& output : nodes_[number].outputs) rules.push_back(output.rule);
    for (const Branch& branch : nodes_[number].branches) {
      for (const auto& [head, next] : branch.steps) {
        const std::vector<uint32_t> below = share_below(next, add);
        rules.insert(rules.end(), below.begin(), below.end());
      }
    }
    if (nodes_[number].visits == 0) return rules;
    for (const uint32_t rule : rules) add(rule, static_cast<double>(nodes_[number].visits) / static_cast<double>(rules.size()));
    return rules;
  }

  std::vector<Node> nodes_;
  std::vector<uint32_t> starts_;
  uint32_t classes_ = 0, attrs_ = 0, depth_ = 0;
};

}  // namespace egret::egraph
