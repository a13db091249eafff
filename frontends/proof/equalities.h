// Equalities: from the e-graph's explanations to steps between terms, each equality proved once.
//
// The term of an e-node is its operator over the terms of its operands as given at insertion ("exact").  An equality of
// two e-nodes is the path between them in the engine's proof forest; each edge is proved from older ones, on an explicit
// stack, so depth is no matter.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "egraph/egraph.h"
#include "frontends/proof/proof.h"
#include "rules/rules.h"

namespace egret::proof {

using egraph::Id;

class Equalities {
 public:
  // `proof` has its inputs declared and receives terms and steps.
  Equalities(const rules::TensorEGraph& tensors, const rules::CompiledRules& compiled, Proof& proof);

  // The term of an e-node.
  Result<TermId> exact(Id node);
  // A premise that says term of a = term of b.  Requires: find(a) == find(b).
  Result<int64_t> prove(Id a, Id b);

  // Premises for left = right; steps are made at most once for a pair of terms.
  int64_t congruence(TermId left, TermId right, std::vector<int64_t> premises);
  int64_t chain(TermId left, TermId right, std::vector<int64_t> premises);

  // Application that step i + 1 instantiates, or kNoApplication.
  static constexpr uint32_t kNoApplication = ~0u;
  const std::vector<uint32_t>& step_applications() const { return step_applications_; }
  const std::vector<const rules::Rule*>& rules_by_number() const { return rules_; }

 private:
  using Pair = std::pair<Id, Id>;
  // Of an attempt: a premise, or nothing where equalities are missing (noted in `missing_`).
  using Attempt = Result<std::optional<int64_t>>;
  struct Stand {  // the e-node that a term of a rule instance stands for
    Id node;
    int64_t step;  // term = term of the e-node
  };
  struct Shown {  // a term of a class; what it stands for, where that is proved
    TermId term;
    std::optional<Stand> stand;
  };
  struct Instance {  // one application of a rule
    egraph::Application application;
    const rules::Rule* rule = nullptr;
    uint32_t form = 0;                    // of the left side that matched
    uint32_t before = 0;                  // unions that explain the match have smaller numbers
    std::vector<TermId> left;             // of each matched e-node
    std::vector<TermId> roots;
    std::map<TermId, Stand> stands;
    std::vector<TermFact> facts;
    std::vector<std::pair<TermId, TermId>> equations;  // right, left
    std::vector<TermId> planned;
  };

  std::optional<int64_t> need(Id a, Id b);
  Attempt attempt(Pair pair);
  Attempt attempt_edge(const egraph::EGraph::Edge& edge);
  Attempt attempt_congruence(Id a, Id b);
  Attempt attempt_rule(Id a, Id b, const egraph::EGraph::Edge& edge);       // equalities_rule.cpp
  Attempt attempt_decomposition(Id a, Id b, uint32_t before);  // equalities_given.cpp
  Attempt attempt_fold(Id a, Id leaf, uint32_t number);

  // Rules (equalities_rule.cpp).
  Result<bool> build_left(Instance& instance);
  Result<bool> build_group(Instance& instance);
  Result<std::optional<Stand>> left_of(Instance& instance, const egraph::PatternTerm& pattern, uint32_t& occurrence, TermId& term);
  Result<std::optional<Stand>> left_operand(Instance& instance, Id cls, TermId& term);
  Result<bool> build_right(Instance& instance);
  Status replay_instance(Instance& instance);
  Result<bool> replays(Instance& instance, const std::vector<TermFact>& facts);
  bool made_as_replayed(const Instance& instance) const;
  Result<Id> representative(Id cls, uint32_t before);
  Result<Shown> shown_over(Id node, const std::vector<Shown>& parts);
  Result<Shown> shown(Id cls, uint32_t before);

  // Composites and constants (equalities_given.cpp).
  std::optional<Id> find_enode(const OpDef& op, const Attrs& attrs, const std::vector<Id>& operands, uint32_t before);
  // A value of a class: the leaf that states it, and the e-node that is this leaf or has it on these values of its operands.
  struct FoldValue {
    TermId leaf;
    Id node;
    std::vector<FoldValue> operands;
  };
  using TakeFold = std::function<Result<bool>(TermId folded, const std::vector<FoldValue>& operands)>;
  static constexpr size_t kMaxFoldValues = 8, kMaxFoldTries = 64;
  static constexpr int kMaxFoldDepth = 3;
  bool known_by(Id o, Id m, uint32_t number, bool newer_folds) const;
  Result<std::vector<FoldValue>> fold_values(Id cls, uint32_t number, bool newer_folds, int depth);
  Status each_fold(Id member, uint32_t number, bool newer_folds, int depth, const TakeFold& take);
  bool need_fold(Id o, const FoldValue& value);
  Result<int64_t> fold_premise(Id o, const FoldValue& value);

  // The newest union on the path between two ids of a class.
  uint32_t newest_union(Id a, Id b) const;
  const std::vector<Id>& members(Id cls);
  bool states_value(Id node);

  int64_t add_step(Step step, uint32_t application = kNoApplication);

  const rules::TensorEGraph& tensors_;
  const egraph::EGraph& graph_;
  const rules::CompiledRules& compiled_;
  Proof& proof_;
  std::vector<std::optional<TermId>> exact_;             // by e-node
  std::map<TermId, Id> node_of_exact_;
  std::map<Pair, int64_t> proved_;                       // smaller id first
  std::map<std::pair<TermId, TermId>, int64_t> step_of_;  // smaller term first
  std::vector<uint32_t> step_applications_;
  std::vector<const rules::Rule*> rules_;                // by number in the proof
  std::map<const rules::Rule*, uint32_t> rule_number_;
  std::vector<Pair> missing_;
  std::set<uint32_t> folding_;                           // unions with a literal that are being proved
  std::vector<std::vector<Id>> members_;                 // all ids of each class, by canonical id; made on first use
  std::map<std::pair<egraph::OpKind, egraph::AttrId>, std::vector<Id>> by_operator_;  // made on first use
};

}  // namespace egret::proof
