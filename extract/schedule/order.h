// An order of launches that needs little memory at once: of the given order, a list schedule from the front and one from
// the back the best, then launches moved across its peak while that helps (least peak is NP-hard: Sethi, SIAM J. Comput.
// 1975).
#pragma once

#include "extract/schedule/memory.h"

namespace egret::extract {

// `launches`: each after what it reads.  The same launches; their peak is never above that of the given order, and where it
// cannot be lowered the given order stays.  `work`: elementary steps; deterministic.
std::vector<uint32_t> ordered_for_memory(const Problem& problem, const MemoryFacts& facts, const std::vector<uint32_t>& launches,
                                         uint64_t work = 50'000'000);

}  // namespace egret::extract
