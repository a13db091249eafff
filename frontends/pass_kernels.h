// What the report says of each chosen kernel beside its price: what it recomputes, and what would stand in its place.
#pragma once

#include "frontends/pass_stages.h"

namespace egret {

// Fills recomputes, again and, where options.runners_up, runner_up of result.kernels, which are those of `run_candidates`.
void compare_kernels(OptimizeResult& result, const Imported& program, const Choice& choice, const std::vector<uint32_t>& run_candidates,
                     const OptimizeOptions& options, const Stopwatch& total);

}  // namespace egret
