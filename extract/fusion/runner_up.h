// Runners-up: what stands in a chosen kernel's place where it may not be chosen, and what that costs.
#pragma once

#include <optional>
#include <vector>

#include "extract/solve/solve.h"

namespace egret::extract {

struct RunnerUp {
  std::vector<uint32_t> in, out;  // candidates: chosen anew, and no longer chosen (the kernel among them)
  double dearer = 0;              // of the whole solution
};

// Of the chosen candidate `kernel`: the cheapest other way found when its producers and its readers may change with it and
// all else stays.  So a better one may exist further away; below 0 only where `solution` is not the optimum.  nullopt where
// none was found.  `solution`: one that check_solution accepts.
std::optional<RunnerUp> runner_up(const Problem& problem, const Solution& solution, uint32_t kernel);

}  // namespace egret::extract
