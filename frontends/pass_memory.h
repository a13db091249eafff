// The stage of the pass that decides in which order the chosen kernels run, and which run again so that less device memory
// is needed at once.
#pragma once

#include "frontends/pass_stages.h"

namespace egret {

// The program of `choice`, in an order that needs little memory; with options.memory_limit_device the cheapest sequence found
// that fits, or where none does the one that needs least.  Fills the result's fields of device memory.
Result<ChosenProgram> place_program(OptimizeResult& result, const Graph& source, const Imported& program, const Choice& choice,
                                    const Device& device, const OptimizeOptions& options, const Stopwatch& total);

}  // namespace egret
