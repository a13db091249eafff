// Costs below zero where nothing forbids a candidate that serves no root (problem.h without `terms`): the same problem
// with costs >= 0.  A candidate k that earns -c also makes an item of its own, a root, which a candidate of cost -c that
// reads nothing makes as well: whoever does not choose k pays for what is missed.
#pragma once

#include "extract/solve/solve.h"

namespace egret::extract {

class Earnings {
 public:
  // The problem must outlive this.
  explicit Earnings(const Problem& problem);

  bool none() const { return earners_.empty(); }
  double earned() const { return earned_; }  // a cost there, and this, is the cost before
  const Problem& problem() const { return problem_; }   // candidates keep their numbers, new ones follow
  Solution there(const Solution& solution) const;
  Solution back(const Solution& solution) const;

 private:
  Problem problem_;
  std::vector<uint32_t> earners_;
  uint32_t candidates_ = 0;   // of the problem before
  double earned_ = 0;         // at most, below zero
};

}  // namespace egret::extract
