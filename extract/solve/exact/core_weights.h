// Costs as integers: exact where the costs are decimals of a few digits, as after a file's text; else rounded down,
// so that a bound on the integers is a bound on the costs.
#pragma once

#include <cstdint>
#include <vector>

namespace egret::extract {

class IntegerCosts {
 public:
  explicit IntegerCosts(const std::vector<double>& costs);

  const std::vector<int64_t>& weights() const { return weights_; }
  // The cost that `weight` stands for.
  double cost(int64_t weight) const;
  // The least integer that no choice cheaper than `cost` reaches.
  int64_t ceiling(double cost) const;

 private:
  std::vector<int64_t> weights_;
  int64_t unit_ = 1;  // weights are multiples of 1, which stands for unit_ / denominator_
  double denominator_ = 1;
};

}  // namespace egret::extract
