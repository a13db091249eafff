// The engine over HiGHS: the linear program with loop rows, its reduced costs as fixings, then the whole integer
// program (model.h), solved anew with what has been learned each time a slice's iterations are used up.
#pragma once

#include <memory>

#include "extract/solve/exact/engine.h"

namespace egret::extract {

// The graph must outlive the engine; costs >= 0.  Null where this build has no HiGHS.
std::unique_ptr<Engine> make_highs_engine(const Hypergraph& graph);

}  // namespace egret::extract
