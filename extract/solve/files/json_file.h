// Reading of JSON files that may be packed: whole files, unpacked where they begin as gzip does.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "support/result.h"

namespace egret::extract {

// kIo where the file cannot be read, kInput where the gzip stream is damaged, kLimit above `max_bytes` unpacked.
Result<std::string> read_packed(const std::string& path, uint64_t max_bytes = uint64_t{2} << 30);

// The text as JSON; an error (kInput) says at which line and column of `file` it is none.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& file);

}  // namespace egret::extract
