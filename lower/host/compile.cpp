#include "lower/host/compile.h"

#include "support/module.h"

namespace egret::lower {

Result<HostObject> compile_host(const std::vector<HostKernel>& kernels, const HostOptions& options) {
  EGRET_TRY(void* entry, open_module_symbol(kHostModule, kCompileHostSymbol));
  Result<HostObject> result = internal_error("the host module gave no answer");
  reinterpret_cast<CompileHostFn>(entry)(&kernels, options, &result);
  return result;
}

}  // namespace egret::lower
