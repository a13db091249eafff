// ConstFold: the analysis `const-fold`, which knows the number that a class is equal to.
//
// + - * / (also add sub mul div and Add Sub Mul Div, and `neg`) of numbers fold, exactly: what overflows 64 bits does
// not.  A class with a number is that number: it gets the number as a leaf, and of its e-nodes only the leaves remain
// visible (egg's constant folding prunes them); the others are subsumed: they stay for congruence, unmatched and
// uncounted.
// Thread safety: the const functions may be called from several threads on a clean graph.
#pragma once

#include <memory>
#include <optional>

#include "egraph/egraph.h"
#include "egraph/lang/number.h"

namespace egret::egraph::lang {

class ConstFold {
 public:
  explicit ConstFold(EGraph& graph);
  ~ConstFold();
  ConstFold(ConstFold&&) noexcept;
  ConstFold& operator=(ConstFold&&) noexcept;

  // Tells what an operator with so many operands means, which is nothing for most; before its first e-node.
  void declare(OpKind op, std::string_view name, uint32_t operands);

  // Takes up the facts and the operators of a graph that was loaded; false where a fact stands for another number here,
  // and then nothing is kept of what was declared either.  Facts are numbered as they come up, so declaring what the
  // saving program declared, and then taking up, goes on with its numbers.
  bool take_up(const EGraph& graph);

  // Gives each class that has become a number its leaf and rebuilds, until nothing changes; then prunes.
  void settle(EGraph& graph);

  bool is_constant(const EGraph& graph, Id id) const { return graph.fact(analysis_, id) != kNoFact; }
  std::optional<Number> value(const EGraph& graph, Id id) const;
  size_t pruned() const { return pruned_; }  // live e-nodes, as of the last `settle`

 private:
  void prune(EGraph& graph);

  struct State;  // shared with the analysis' callbacks
  std::shared_ptr<State> state_;
  uint32_t analysis_ = 0;
  size_t pruned_ = 0;
};

}  // namespace egret::egraph::lang
