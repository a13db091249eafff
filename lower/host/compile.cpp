#include "lower/host/compile.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

#include "support/limits.h"
#include "support/module.h"

namespace egret::lower {
namespace {

// Fewer would make more copies of the register tiles that kernels share.
constexpr size_t kKernelsPerObject = 16;

}  // namespace

Result<HostCode> compile_host(std::span<const HostKernel> kernels, const HostOptions& options) {
  EGRET_TRY(void* entry, open_module_symbol(kHostModule, kCompileHostSymbol));
  const auto compile = reinterpret_cast<CompileHostFn>(entry);
  const size_t groups = (kernels.size() + kKernelsPerObject - 1) / kKernelsPerObject;
  const Stopwatch watch;
  std::vector<Result<HostCode>> parts(groups, internal_error("the host module gave no answer"));
  auto one = [&](size_t g) {
    const size_t first = g * kKernelsPerObject;
    const size_t count = std::min(kKernelsPerObject, kernels.size() - first);
    if (watch.seconds() < options.seconds) return compile(kernels.subspan(first, count), options, &parts[g]);
    HostCode none;
    none.shapes.assign(count, {.compiled = false});
    parts[g] = std::move(none);
  };
  tbb::task_arena arena(std::max(1, options.threads));
  arena.execute([&] { tbb::parallel_for(size_t{0}, groups, one, tbb::simple_partitioner()); });
  HostCode all;
  for (auto& part : parts) {
    EGRET_TRY(HostCode code, std::move(part));
    std::move(code.objects.begin(), code.objects.end(), std::back_inserter(all.objects));
    all.shapes.insert(all.shapes.end(), code.shapes.begin(), code.shapes.end());
  }
  return all;
}

}  // namespace egret::lower
