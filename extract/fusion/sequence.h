// The chosen kernels as a sequence of launches: what its values weigh, in which order they run, and which of the pool's
// kernels may run again instead of a value being kept (extract/schedule).
#pragma once

#include "extract/fusion/fusion.h"
#include "extract/fusion/graph.h"
#include "extract/schedule/rematerialize.h"

namespace egret::extract {

struct Signature {
  std::vector<Id> inputs;                        // of the program at run time: e-nodes, each with a buffer of its own
  std::vector<std::pair<Id, Id>> reuse;          // (output, input): the output may take the input's buffer
};

// `alignment`: buffers are multiples of it.  Refers to `graph` and `problem`, which must outlive the answer.
MemoryFacts memory_facts(const FusionGraph& graph, const FusionProblem& problem, const Solution& solution,
                         const Signature& signature, uint64_t alignment);

// The solution's kernels in an order that needs little memory at once.
std::vector<uint32_t> launches_of(const FusionProblem& problem, const MemoryFacts& facts, const Solution& solution);

// Sequences from the cheapest to the one that needs least memory.  Kernels of the pool are run again, or in the place of
// chosen ones, where they compute every class by the same e-node as the solution and read no weight that it does not read:
// so the program stays the same term.
std::vector<Sequence> rematerialized(const FusionGraph& graph, const FusionProblem& problem, const MemoryFacts& facts,
                                     const Solution& solution, const Limits& limits);

}  // namespace egret::extract
