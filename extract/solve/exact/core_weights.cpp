#include "extract/solve/exact/core_weights.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace egret::extract {
namespace {

constexpr int kDigits = 9;            // decimal places that are tried
constexpr double kTolerance = 1e-14;  // relative to the largest cost: what sums and differences of decimals err by
constexpr double kSlack = 1e-6;       // of a unit: rounding of a cost that stands for an integer
constexpr double kLargest = 0x1p52;   // of the sum of all weights

}  // namespace

IntegerCosts::IntegerCosts(const std::vector<double>& costs) {
  double sum = 0, largest = 0;
  for (double c : costs) sum += std::abs(c), largest = std::max(largest, std::abs(c));
  weights_.resize(costs.size(), 0);
  if (largest == 0) return;
  for (int digits = 0; digits <= kDigits; ++digits) {
    const double scale = std::pow(10.0, digits);
    if (sum * scale > kLargest) break;
    const bool fits = std::all_of(costs.begin(), costs.end(), [&](double c) {
      return std::abs(std::round(c * scale) / scale - c) <= kTolerance * largest;
    });
    if (!fits) continue;
    int64_t divisor = 0;
    for (size_t k = 0; k < costs.size(); ++k) {
      weights_[k] = std::llround(costs[k] * scale);
      divisor = std::gcd(divisor, weights_[k]);
    }
    unit_ = std::max<int64_t>(divisor, 1);
    for (int64_t& w : weights_) w /= unit_;
    denominator_ = scale;
    return;
  }
  int exponent = 0;
  std::frexp(sum, &exponent);
  denominator_ = std::ldexp(1.0, 50 - exponent);
  for (size_t k = 0; k < costs.size(); ++k) weights_[k] = static_cast<int64_t>(std::floor(costs[k] * denominator_));
}

double IntegerCosts::cost(int64_t weight) const { return static_cast<double>(weight * unit_) / denominator_; }

int64_t IntegerCosts::ceiling(double cost) const {
  return static_cast<int64_t>(std::ceil(cost * denominator_ / static_cast<double>(unit_) - kSlack));
}

}  // namespace egret::extract
