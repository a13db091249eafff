#include "support/files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

namespace egret {

Result<std::string> read_file(const std::string& path, uint64_t max_bytes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return io_error(fmt::format("{} is a folder", path), "name a file");
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)), "is the path right, and may this user read it?");
  const auto size = in.tellg();
  if (size < 0 || static_cast<uint64_t>(size) > max_bytes) return io_error(fmt::format("{} is too large", path), fmt::format("at most {} bytes are read", max_bytes));
  std::string bytes(static_cast<size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(bytes.data(), size)) return io_error(fmt::format("cannot read {}", path), "was it changed while it was read?");
  return bytes;
}

Status write_file(const std::string& path, std::string_view bytes) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, getpid());
  std::FILE* out = std::fopen(temporary.c_str(), "wb");
  if (!out) {
    return io_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)),
                    "the folder must exist and be writable");
  }
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  const bool closed = std::fclose(out) == 0;
  if (!written || !closed || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    std::remove(temporary.c_str());
    return io_error(fmt::format("cannot write {}: {}", path, reason), "is the disk full?");
  }
  return {};
}

SourceSpan place_of(std::string_view text, size_t byte, const std::string& file) {
  const std::string_view before = text.substr(0, byte);
  return {file, static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1, {}};
}

}  // namespace egret
