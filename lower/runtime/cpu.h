// HostLevel: which x86-64 processors a piece of object code needs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace egret {

// The psABI's micro-architecture levels: v2: SSE4.2; v3: AVX2, FMA, F16C; v4: AVX-512 F, BW, CD, DQ, VL.
enum class HostLevel : uint8_t { kV2, kV3, kV4 };

const char* name(HostLevel level);  // "x86-64-v2", ...
std::optional<HostLevel> host_level_from_name(std::string_view name);
// The highest level of the processor this runs on; none where it is below v2 or no x86-64.  EGRET_HOST_LEVEL lowers it.
std::optional<HostLevel> detect_host_level();
inline int vector_bytes(HostLevel level) { return level == HostLevel::kV4 ? 64 : level == HostLevel::kV3 ? 32 : 16; }

}  // namespace egret
