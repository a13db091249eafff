// The engine over the linear program of cuts: its bound, what its reduced costs rule out, covers of its support, then
// cases (cut_cases.h).  Strong where a linear program is tight and needs rows that no complete model has.
#pragma once

#include <memory>

#include "extract/solve/exact/engine.h"

namespace egret::extract {

// The graph must outlive the engine.  Null where this build has no HiGHS, with a fold budget, or with costs below zero.
std::unique_ptr<Engine> make_cut_engine(const Hypergraph& graph);

}  // namespace egret::extract
