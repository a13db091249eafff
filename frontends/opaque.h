// Around what egret does not know: a program with opaque nodes is cut at them, the rest is optimized, and the two are put
// together again.  Opaque nodes stay as they are, each exactly once and in their order.
#pragma once

#include "frontends/pass.h"

namespace egret {

// The first opaque node of a graph; null where there is none.
const GraphNode* first_opaque(const Graph& graph);

// optimize() for such a graph.  No kernels are lowered and nothing is proved: an artifact could not run them.
Result<OptimizeResult> optimize_around_opaque(const Graph& source, const OptimizeOptions& options);

}  // namespace egret
