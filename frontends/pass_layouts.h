// Layouts of frozen weights: a matrix may be stored in panels, as the host's products read it.
//
// A value in another layout is the class of its reshape and transpose, so the extraction problem needs no new kind of item:
// a kernel that reads panels absorbs the way back, what makes them runs before the run (design decisions 2, 9), and the price
// of a product says what copying into panels costs where they are not there.  Equalities come from rules of the library alone.
#pragma once

#include "frontends/pass_stages.h"

namespace egret {

// For each product of a frozen matrix, the matrix in panels: [columns / P, K, P].  Adds nothing for devices that are no host,
// or where the rules that it needs are not loaded.  Requires: `compiled` is what saturated the program.
Status lay_out_weights(Imported& program, const rules::CompiledRules& compiled, const Device& device, const OptimizeOptions& options,
                       const Stopwatch& total);

}  // namespace egret
