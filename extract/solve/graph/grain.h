// The grain of a problem's costs: where all are multiples of one number, so is every solution's cost, and a bound
// may be rounded up to the next multiple.
#pragma once

#include <vector>

namespace egret::extract {

// The largest such number that is a decimal of up to six places; 0 where there is none.
double cost_grain(const std::vector<double>& costs);

// The least cost that a solution can have which costs at least `bound`.
double round_up(double bound, double grain);

// What no solution cheaper than `upper` can reach: a bound above it is as good as `upper`.
double cutoff(double upper, double grain);

}  // namespace egret::extract
