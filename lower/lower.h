// Lowering: from a Program to an artifact that a small runtime runs.
//
// Types to know: `Program` (program.h), `Artifact` and `lower_program` (here), `Executable` (runtime/executable.h).
// Reading order: program.h, kernel/stages.h, lower.h, memory_plan.h, host/, cuda/, runtime/.
// May include: support, ir, costmodel.
#pragma once

#include <map>
#include <string>

#include "lower/program.h"
#include "support/limits.h"
#include "support/result.h"

namespace egret {

// The files of an artifact by path relative to its folder; the same program gives the same bytes (contract, Files).
struct Artifact {
  // plan.json, kernels/*.cu, kernels/*.cubin, kernels/host-*.o, weights.safetensors
  std::map<std::string, std::string> files;
  uint64_t scratch_bytes = 0;  // that its neediest host kernel asks for, for each thread
  uint64_t uncompiled = 0;     // kernels without code for the host or a wanted architecture: the clock came first
};

struct LowerOptions {
  bool host = true;             // host object code (needs the LLVM module)
  bool cuda_source = false;     // kernels/*.cu
  std::vector<std::string> cubins;  // architectures to compile by NVRTC: "sm_80", "sm_90a"
  bool embed_weights = true;
  bool strict = false;              // folds in index order, products and sums rounded apart
  std::string target;           // device name, written into the plan
  std::string device_hash;      // of the device file or the measured file
  int threads = 1;              // of the compilation; the bytes do not depend on it
  // seconds: compilation ends there; what has no code is run by the evaluator on the host, and not at all on a GPU.
  Limits limits;
};

Result<Artifact> lower_program(const Program& program, const LowerOptions& options);

// Writes the files into `folder`, which is made where absent and takes the place of an older artifact; on failure nothing
// is changed.  A folder that holds anything but an artifact is refused.
Status write_artifact(const Artifact& artifact, const std::string& folder);
// Whether write_artifact would be refused: asked before long work.
Status check_artifact_folder(const std::string& folder);

}  // namespace egret
