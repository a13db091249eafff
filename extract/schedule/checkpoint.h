// Checkpoints: of the buffers that wait at the peak every so many are kept and the others made again from these (Chen et al.,
// "Training deep nets with sublinear memory cost", 2016).  Few steps whatever the length, where a search step by step would
// take one a buffer.
#pragma once

#include "extract/schedule/replay.h"

namespace egret::extract {

// Sequences from `start`, a valid one, from the cheapest to the smallest; none where nothing waits at the peak.
std::vector<std::vector<uint32_t>> checkpointed(const Problem& problem, const MemoryFacts& facts, const Makers& makers,
                                                const std::vector<uint32_t>& start);

}  // namespace egret::extract
