// Files: whole reads, and writes that appear whole or not at all (a temporary name, then a rename).
#pragma once

#include <string>
#include <string_view>

#include "support/result.h"

namespace egret {

// Fails with kIo where the file is absent, a folder, or larger than `max_bytes`.
Result<std::string> read_file(const std::string& path, uint64_t max_bytes = uint64_t{16} << 30);

// On failure the old file, if any, is unchanged and no temporary is left.  A link's file is written, not the link; what is
// no regular file (a device, a pipe) is written as it stands.
Status write_file(const std::string& path, std::string_view bytes);

// What write_file opens: the file behind a link, and the temporary name beside it; for what is no regular file, itself.
std::string write_target(const std::string& path);
std::string temporary_for(const std::string& target);

// Line and column (from 1) of a byte of the text of `file`.
SourceSpan place_of(std::string_view text, size_t byte, const std::string& file = {});

}  // namespace egret
