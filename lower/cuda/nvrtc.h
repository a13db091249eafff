// NVRTC: CUDA C++ text to a cubin, without a GPU or a driver.
//
// The library is opened on first use: libnvrtc.so.13 in the folder EGRET_NVRTC_PATH, else the one found when egret was
// configured, else the loader's.  Thread safety: any thread; calls run in parallel.
#pragma once

#include <string>
#include <vector>

#include "support/result.h"

namespace egret::lower {

struct Cubin {
  std::string bytes;
  std::string log;
  int registers = -1;    // of the kernel, a thread; -1: not said
  int spill_bytes = -1;  // stores and loads that spills cost, a thread
  int stack_bytes = -1;  // local memory, a thread
};

// `arch` is "sm_80", "sm_90a", ...  Errors: kUnsupported where NVRTC is absent; kInternal with the log where the text
// does not compile (all texts are ours).
Result<Cubin> compile_cubin(const std::string& source, const std::string& name, const std::string& arch,
                            const std::vector<std::string>& more_options = {});

bool nvrtc_available();
// Answers "13.0", or why it cannot be opened.
Result<std::string> nvrtc_version();

}  // namespace egret::lower
