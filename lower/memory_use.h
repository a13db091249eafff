// Device memory that a program takes when it runs, before it is lowered: what the runtime will allocate, to the byte.
#pragma once

#include <map>
#include <string>

#include "lower/lower.h"
#include "lower/runtime/plan.h"

namespace egret {

// Scratch of host kernels by their text, so that programs of the same kernels ask once.
using KnownScratch = std::map<std::string, uint64_t>;

DeviceBytes cuda_memory(const Program& program);
// On the host with a thread a core of this machine, as the runtime runs where nothing is said, and `scratch` bytes for each.
DeviceBytes host_memory(const Program& program, uint64_t scratch);
// What the neediest kernel of the program asks for; none where no host code can be made.  Errors: as lower_program.
Result<uint64_t> host_scratch(const Program& program, const LowerOptions& options, KnownScratch& known);

}  // namespace egret
