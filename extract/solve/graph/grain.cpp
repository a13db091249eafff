#include "extract/solve/graph/grain.h"

#include <cmath>
#include <cstdint>
#include <numeric>

#include "extract/solve/exact/engine.h"

namespace egret::extract {
namespace {

constexpr double kSlack = 1e-6;        // of a grain: sums of doubles stay that close to a multiple
constexpr double kMaxMultiple = 1e9;   // and total costs that small

}  // namespace

double cost_grain(const std::vector<double>& costs) {
  double total = 0;
  for (double c : costs) total += std::abs(c);
  for (double scale = 1; scale <= 1e6; scale *= 10) {
    if (total * scale > kMaxMultiple) return 0;
    int64_t common = 0;
    bool whole = true;
    for (double c : costs) {
      const double multiple = std::round(c * scale);
      if (std::abs(c * scale - multiple) > 1e-12 * (1 + std::abs(multiple))) {
        whole = false;
        break;
      }
      common = std::gcd(common, static_cast<int64_t>(multiple));
    }
    if (whole) return static_cast<double>(common) / scale;
  }
  return 0;
}

double round_up(double bound, double grain) {
  return grain > 0 && std::isfinite(bound) ? std::max(bound, grain * std::ceil(bound / grain - kSlack)) : bound;
}

double cutoff(double upper, double grain) {
  if (grain > 0) return upper - grain * (1 - kSlack);
  return upper - 0.1 * kProofGap * std::abs(upper);
}

}  // namespace egret::extract
