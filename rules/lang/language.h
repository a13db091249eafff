// TensorEGraph: an e-graph whose language is ir's operators, with the facts that rules ask for.
//
// An e-node's kind is the operator's name and its attribute id a row of `attrs`.  Facts of a class (design decision 8):
// its type; a constant fact for splats (and small literals); what it depends on (data, frozen parameters, constants).
// A composite is inserted together with its decomposition, both in one class.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "egraph/egraph.h"
#include "ir/graph.h"
#include "support/result.h"

namespace egret::rules {

using egraph::Id;

// What the value of a class depends on: the weakest wins (constant < frozen parameter < data).
enum class Dependence : uint8_t { kConstant, kFrozen, kData };

// What the run's licence lets move of a value that is known.
struct Slack {
  bool rounding = true;       // sums in another order, algebra of the reals
  bool signs_of_zero = true;
  bool only_finite = true;    // nothing is promised of infinities and NaN
  double relative = 0;        // approximations and narrower types, relative to a value
};

class TensorEGraph {
 public:
  struct Options {
    bool freeze = false;         // parameters are frozen: work that depends only on them is free at run time
    bool explanations = true;
    uint64_t max_literal = 4'096;  // elements of a constant whose value is a fact
    Slack slack{};
  };
  TensorEGraph();
  explicit TensorEGraph(Options options);
  ~TensorEGraph();
  TensorEGraph(const TensorEGraph&) = delete;
  TensorEGraph& operator=(const TensorEGraph&) = delete;

  egraph::EGraph& graph() { return *graph_; }
  const egraph::EGraph& graph() const { return *graph_; }
  AttrTable& attrs() { return attrs_; }
  const AttrTable& attrs() const { return attrs_; }

  // Adds every node; composites are united with their decompositions (Justification kGiven, detail kDecomposition).
  // Returns the id of each value.  Unknown operators and effects become e-nodes that are never united with another
  // (an instance id in their attributes).
  Result<std::vector<Id>> insert(const Graph& graph);
  // One e-node; the type is inferred (an error where it is ill-typed).
  Result<Id> add(const OpDef& op, const Attrs& attrs, std::span<const Id> operands);

  const OpDef& op(Id node) const;                    // of an e-node
  const Attrs& attrs_of(Id node) const;
  bool typed(Id id) const;                           // false: a class made in this iteration, not yet rebuilt
  const Type& type(Id id) const;                     // of a class; Requires: typed(id)
  std::optional<double> splat(Id id) const;          // the value where all elements are known to be this number
  TensorRef literal(Id id) const;                    // the value where it is a small known constant; else null
  Dependence depends(Id id) const;
  // Inputs by the e-node that stands for them; null where it is none.
  const GraphInput* input(Id node) const;

  static constexpr uint32_t kDecomposition = 1;      // Justification::detail of kGiven edges
  static constexpr uint32_t kFolded = 2;             // a class united with the literal it was evaluated to

  // Two e-nodes of one class whose known values no licence explains (design decision 8 c), of the first class found so.
  std::optional<std::pair<Id, Id>> contradiction() const;

  // An e-node of the class from whose operands its value is known.
  std::optional<Id> value_source(Id cls);

  // Unites classes whose splat or small literal value is known with a leaf that states it, unless it was rounded to one that
  // stands elsewhere.  Call between iterations; returns the number of unions.  The graph is rebuilt afterwards.
  size_t fold_constants();
  // The leaf with these attributes is there only as what a term was rounded to that is more than products of numbers.
  bool is_rounded(egraph::AttrId attr) const;

  // The engine's number of an operator (registered on first use).
  egraph::OpKind op_kind(const OpDef& op);
  egraph::OpKind kind_of(const OpDef& op) const { return *graph_->find_op(op.name); }  // Requires: all_ops() has it

 private:
  struct Facts;
  void make_types(std::span<const Id> nodes, std::span<egraph::Fact> out);
  void make_values(std::span<const Id> nodes, std::span<egraph::Fact> out);
  void make_dependence(std::span<const Id> nodes, std::span<egraph::Fact> out);
  Result<Id> insert_node(const Graph& graph, ValueId v, std::span<const Id> operands);
  // The values of a graph whose first values stand for the ids given.
  Result<std::vector<Id>> insert_values(const Graph& graph, std::vector<Id> ids, int depth);
  bool attrs_seen(const Attrs& attrs);
  // Its value comes of numbers by products, quotients and roots: rounding it moves whatever follows no more, in proportion, than
  // it moves the value itself.
  bool is_product_of_numbers(Id cls, int depth);
  std::unique_ptr<egraph::EGraph> graph_;
  AttrTable attrs_;
  std::unique_ptr<Facts> facts_;
};

}  // namespace egret::rules
