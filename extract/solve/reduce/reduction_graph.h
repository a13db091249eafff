// The graph that the reductions edit: candidates as sorted lists, an index that repairs itself, and the log.
#pragma once

#include <algorithm>
#include <vector>

#include "extract/solve/reduce/lists.h"
#include "extract/solve/reduce/reduction.h"

namespace egret::extract {

using List = std::vector<uint32_t>;

class ReductionGraph {
 public:
  explicit ReductionGraph(const Hypergraph& graph);

  // Candidates; those that are not alive count for nothing.
  std::vector<double> cost, fold;
  Lists bundle;
  std::vector<uint8_t> alive;
  // Items.
  std::vector<uint8_t> root, gone;   // gone: given, or read through its producer
  std::vector<uint8_t> touched;      // something about its producers is new since dominance looked
  Lists maker;
  double constant = 0, fold_budget = 0;
  uint64_t requirement_steps = 4'000'000'000;   // words of bit sets that use_requirements may still look at, in all rounds
  std::vector<ReductionStep> log;

  uint32_t items() const { return static_cast<uint32_t>(root.size()); }
  uint32_t size() const { return static_cast<uint32_t>(cost.size()); }
  // Ascending.  The lists of a candidate are good until they are set, kill or not; those of an item, in which only what is
  // alive stands, until the item is asked for again after a change.
  Span results(uint32_t k) const { return results_[k]; }
  Span operands(uint32_t k) const { return operands_[k]; }
  Span producers(uint32_t item);
  Span consumers(uint32_t item);
  size_t reader_count(uint32_t item) const { return consumers_[item].size(); }  // at most a few too many

  void note(Rule rule, uint32_t subject, uint32_t reason, double amount = 0) { log.push_back({rule, subject, reason, amount}); }
  void kill(uint32_t k);
  void force(uint32_t item, uint32_t reason);
  // The operands without `item`, with all of `more`.  Results that are among the operands serve nobody: dropped, and the
  // candidate with the last of them.
  void replace_operand(uint32_t k, uint32_t item, Span more);
  void set_results(uint32_t k, Span makes);
  void drop_result(uint32_t k, uint32_t item);
  uint32_t append(double cost, double fold, Span makes, Span reads, Span bundle);
  // Nobody reads the item any more; `made_by` makes it where a lifted solution needs it.
  void retire(uint32_t item, Span made_by);

  bool reads(uint32_t k, uint32_t item) const { return std::binary_search(operands_[k].begin(), operands_[k].end(), item); }
  bool makes(uint32_t k, uint32_t item) const { return std::binary_search(results_[k].begin(), results_[k].end(), item); }
  // Item -> what its producers read, without repeats.
  Rows dependency();

 private:
  enum Stale : uint8_t { kFresh = 0, kShrunk = 1, kGrown = 2 };
  void set_operands(uint32_t k, Span reads);

  Lists results_, operands_, producers_, consumers_;
  std::vector<uint8_t> stale_producers_, stale_consumers_;  // sets of Stale
  List merged_, left_;
};

// `a` without `item`, with all of `b`, all ascending.
void merge_without(Span a, uint32_t item, Span b, List& out);

// One pass each; true where something changed.
bool drop_useless(ReductionGraph& g);
bool free_closure(ReductionGraph& g);
bool contract(ReductionGraph& g);
bool pay_forced(ReductionGraph& g);
bool fold_single_readers(ReductionGraph& g);
bool drop_dominated(ReductionGraph& g);
bool unlink_forced(ReductionGraph& g);
bool use_requirements(ReductionGraph& g, const StopCheck& stop);   // dominators over the whole graph
bool drop_symmetric(ReductionGraph& g, const StopCheck& stop);     // automorphisms of it

}  // namespace egret::extract
