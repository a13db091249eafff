#include "lower/runtime/cpu.h"

#include <cstdlib>

namespace egret {

const char* name(HostLevel level) {
  return level == HostLevel::kV4 ? "x86-64-v4" : level == HostLevel::kV3 ? "x86-64-v3" : "x86-64-v2";
}

std::optional<HostLevel> host_level_from_name(std::string_view text) {
  for (HostLevel level : {HostLevel::kV2, HostLevel::kV3, HostLevel::kV4}) {
    if (text == name(level)) return level;
  }
  return std::nullopt;
}

std::optional<HostLevel> detect_host_level() {
#if defined(__x86_64__)
  std::optional<HostLevel> level;
  if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt")) level = HostLevel::kV2;
  if (level && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") &&
      __builtin_cpu_supports("f16c")) {
    level = HostLevel::kV3;
  }
  if (level == HostLevel::kV3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    level = HostLevel::kV4;
  }
  if (const char* wanted = std::getenv("EGRET_HOST_LEVEL"); wanted && level) {
    if (auto lower = host_level_from_name(wanted); lower && *lower < *level) level = lower;
  }
  return level;
#else
  return std::nullopt;
#endif
}

}  // namespace egret
