// The engine over HiGHS: the linear program with loop rows, its reduced costs as fixings, then the whole integer
// program (model.h), solved anew with what has been learned each time a slice's iterations are used up.
//
// Where candidates say what they compute inside (`problem`), cover, edge and dominator rows make the linear program
// nearly tight.  Then covers of its support come first, and an integer program over a narrow window: the candidates
// with "linear bound + reduced cost <= limit".  What lies outside costs more than the limit, so a window whose optimum
// lies below its limit is a proof, and where it is not it has mostly found a better incumbent.
#pragma once

#include <memory>

#include "extract/solve/exact/engine.h"

namespace egret::extract {

// The graph must outlive the engine; costs below zero only where it is of `terms`.  `problem`, if not null, is what
// the graph's `original` numbers.  Null where this build has no HiGHS.
std::unique_ptr<Engine> make_highs_engine(const Hypergraph& graph, const Problem* problem = nullptr);
bool have_highs();

}  // namespace egret::extract
