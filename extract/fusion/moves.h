// Moves: bodies near those that a fractional choice takes.
#pragma once

#include "extract/fusion/pool.h"

namespace egret::extract {

// Bodies that are new (by `seen`, which takes them up), legal, and made of items' classes: unions of two neighbours, a body
// grown by one producer or reader, an inner value read instead of computed, a result more or less.  At most `most`, in an
// order that does not depend on threads.
std::vector<Body> moves(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules, const FusionProblem& problem,
                        std::span<const uint32_t> support, size_t most, BodyKeys& seen);

}  // namespace egret::extract
