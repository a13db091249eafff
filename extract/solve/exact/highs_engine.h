// The engine over HiGHS: the linear program with loop rows, its reduced costs as fixings, then the whole integer
// program (model.h), solved anew with what has been learned each time a slice's iterations are used up.
//
// Where candidates say what they compute inside (`problem`), cover, edge and dominator rows make the linear program
// nearly tight, and cuts around what every solution computes (with_computed) close most of the rest.  Then covers of its
// support come first, and an integer program over a narrow window: the candidates with "linear bound + reduced cost <= limit".
// What lies outside costs more than the limit, so a window whose optimum lies below its limit is a proof, and where it is
// not it has mostly found a better incumbent.
#pragma once

#include <memory>

#include "extract/solve/exact/engine.h"
#include "extract/solve/exact/model.h"

namespace egret::extract {

// Which integer programs follow the linear one: the narrow window alone ends with Outcome::kGivenUp.
enum class Window { kNarrowThenAll, kNarrow };

// The graph must outlive the engine; costs below zero only where it is of `terms`.  `problem`, if not null, is what
// the graph's `original` numbers.  Side rows (their members by the graph's candidates) hold for every solution it finds;
// its bounds are of those.  Null where this build has no HiGHS.
std::unique_ptr<Engine> make_highs_engine(const Hypergraph& graph, const Problem* problem = nullptr,
                                          std::vector<SideRow> side_rows = {}, Window window = Window::kNarrowThenAll);
bool have_highs();

}  // namespace egret::extract
