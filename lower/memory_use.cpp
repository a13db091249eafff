#include "lower/memory_use.h"

#include <algorithm>

#include <fmt/format.h>

#include "lower/host/compile.h"
#include "lower/memory_plan.h"
#include "lower/runtime/thread_pool.h"

namespace egret {

DeviceBytes cuda_memory(const Program& program) {
  const lower::MemoryPlan plan = lower::plan_memory(program);
  return cuda_bytes(plan.arena_bytes, plan.weight_bytes);
}

DeviceBytes host_memory(const Program& program, uint64_t scratch) {
  const lower::MemoryPlan plan = lower::plan_memory(program);
  return host_bytes(plan.arena_bytes, plan.weight_bytes, scratch, pool_threads(0));
}

Result<uint64_t> host_scratch(const Program& program, const LowerOptions& options, KnownScratch& known) {
  const lower::MemoryPlan plan = lower::plan_memory(program);
  std::vector<lower::HostKernel> fresh;
  std::vector<std::string> names;
  uint64_t most = 0;
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    const Kernel& kernel = program.kernels[k];
    if (kernel.plan.schedule == ScheduleClass::kAlias) continue;
    const auto& tile = kernel.plan.tile;
    std::string name = fmt::format("{}{} {} {} {} {}\n{}", to_string(kernel.plan.schedule), plan.in_place[k] ? "!" : "",
                                   kernel.plan.anchor, tile[0], tile[1], tile[2], body_text(kernel.body));
    if (auto it = known.find(name); it != known.end()) {
      most = std::max(most, it->second);
      continue;
    }
    EGRET_TRY(auto stages, lower::make_stages(kernel));
    fresh.push_back({"k" + std::to_string(k), kernel.plan.schedule, std::move(stages), plan.in_place[k] != 0});
    names.push_back(std::move(name));
  }
  if (const auto level = detect_host_level(); level && !fresh.empty()) {
    const auto shapes = lower::compile_host(fresh, {.level = *level, .strict = options.strict, .code = false});
    for (size_t i = 0; i < names.size() && shapes.ok(); ++i) {
      const auto bytes = static_cast<uint64_t>(shapes->shapes[i].scratch_bytes);
      most = std::max(most, bytes);
      known[names[i]] = bytes;
    }
  }
  return most;
}

}  // namespace egret
