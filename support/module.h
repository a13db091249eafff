// Modules: shared libraries of ours that hold a heavy dependency (LLVM, Z3, HiGHS, NVRTC) and are opened on first
// use with RTLD_LOCAL, so that `saturate`, `run` and the library's users do not load them and two of them never
// meet in one symbol scope.
#pragma once

#include <string>

#include "support/result.h"

namespace egret {

// Opens `lib<name>.so` from the folder of this executable or shared library (`../lib`, `.`), or EGRET_MODULE_PATH.
// Returns the address of its `symbol`.  Never closes it.  Thread safety: any thread.
Result<void*> open_module_symbol(const std::string& name, const std::string& symbol);

}  // namespace egret
