// Reading of JSON files that may be packed: whole files, unpacked where they begin as gzip does.
#pragma once

#include <string>

#include "support/result.h"

namespace egret::extract {

// kIo where the file cannot be read, kInput where the gzip stream is damaged, kLimit above `max_bytes` unpacked.
Result<std::string> read_packed(const std::string& path, uint64_t max_bytes = uint64_t{2} << 30);

}  // namespace egret::extract
