// The problem without its limit on folded bytes.  Weights folded before the run cost nothing then and are as good as given,
// which leaves a graph of half the size that falls apart and that every engine takes.  A bound on it is a bound on the problem; a
// choice of it that keeps the limit is a choice of the problem.
#pragma once

#include <optional>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

// Can any choice exceed the limit?
bool limited(const Hypergraph& graph);

class Unlimited {
 public:
  // `graph` must outlive it and has no costs below zero.
  explicit Unlimited(const Hypergraph& graph);

  // Its `original` is that of the graph with the limit.
  const Hypergraph& graph() const { return free_; }
  // The same choice there, without what nobody reads; none where it exceeds the limit.
  std::optional<std::vector<uint32_t>> lift(const std::vector<uint32_t>& chosen) const;
  std::vector<uint32_t> lower(const std::vector<uint32_t>& chosen) const;

 private:
  const Hypergraph& limited_;
  Hypergraph free_;
  std::vector<uint32_t> number_;  // candidate of the graph with the limit
  std::vector<uint32_t> maker_;   // by item: the candidate that makes it from nothing at no cost, or none
};

}  // namespace egret::extract
