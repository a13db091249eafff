// A set of chosen candidates that can be changed and taken back: what the greedy covers and the local search
// edit.  Counts makers and users of every item, so that a change costs what it touches.
#pragma once

#include <optional>
#include <vector>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

class Cover {
 public:
  explicit Cover(const Hypergraph& graph);

  const Hypergraph& graph() const { return *graph_; }
  double cost() const { return cost_; }
  double fold() const { return fold_; }
  bool chosen(uint32_t k) const { return chosen_[k]; }
  uint32_t makers(uint32_t item) const { return makers_[item]; }  // chosen candidates that make it
  uint32_t users(uint32_t item) const { return users_[item]; }    // chosen candidates that read it, and roots
  uint64_t steps() const { return steps_; }                       // elementary steps so far: the work measure

  void add(uint32_t k);
  void remove(uint32_t k);

  // Everything since `mark` is undone by `rollback(mark)`.
  struct Mark {
    size_t trail;
    double cost, fold;
  };
  Mark mark() const { return {trail_.size(), cost_, fold_}; }
  void rollback(const Mark& mark);

  // Makes what is used and not made, with `producer[item]`, recursively.  False where a producer is missing
  // (UINT32_MAX) or `limit` is passed by the cost: the caller rolls back.
  bool complete(std::vector<uint32_t> wanted, const std::vector<uint32_t>& producer, double limit);

  // Removes chosen candidates of which every result is unused or made by another; follows what becomes unused.
  // Starts from the makers of `items`; `except` is kept while others can go.
  void prune(std::vector<uint32_t> items, uint32_t except = UINT32_MAX);
  void prune_all();
  // The same, unless that ends in candidates that wait for each other: then nothing is removed.  Is it valid?
  bool prune_if_valid();

  // Each chosen candidate can start, and every root is made.
  bool valid() const { return launched().has_value(); }
  // The same, at the price of what has changed since `mark`.  Requires: it was valid there, and since assign() the changes that
  // were kept are those that this has said yes to.
  bool still_valid(const Mark& mark);
  std::vector<uint32_t> list() const;  // ascending
  void assign(const std::vector<uint32_t>& list);

 private:
  void apply(uint32_t k, bool in);
  std::optional<std::vector<uint32_t>> launched() const;  // the chosen in an order in which each can start
  bool fits_in(const Mark& mark);
  double made_at(uint32_t item) const;
  bool served(uint32_t item) const;
  bool redundant(uint32_t k) const;
  uint32_t dearest_redundant_maker(uint32_t item, uint32_t except);

  const Hypergraph* graph_;
  std::vector<uint8_t> chosen_;
  std::vector<uint32_t> makers_, users_;
  std::vector<uint32_t> maker_xor_;        // of the chosen makers: names the maker where there is one
  std::vector<uint32_t> members_, where_;  // the chosen in any order, and the place of each
  std::vector<uint32_t> trail_;  // candidates flipped, in order
  std::vector<double> start_;    // of each chosen one, after a maker of each of its operands; empty: not known
  double cost_ = 0, fold_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace egret::extract
