// Random bodies of two contractions, the second of which folds the rows of the first: attention and its kin.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/graph.h"

namespace egret::test {

// Mostly a kernel (plan_kernel decides), small enough for the reference interpreter; nothing where an operator did not fit.
std::optional<Graph> pair_body(uint64_t seed);

}  // namespace egret::test
