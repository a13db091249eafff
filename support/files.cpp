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

namespace {

// A pipe: its size is not known before its end.
Result<std::string> read_stream(std::istream& in, const std::string& path, uint64_t max_bytes) {
  std::string bytes;
  char block[1 << 16];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    bytes.append(block, static_cast<size_t>(in.gcount()));
    if (bytes.size() > max_bytes) return io_error(fmt::format("{} is too large", path), fmt::format("at most {} bytes are read", max_bytes));
  }
  return bytes;
}

}  // namespace

Result<std::string> read_file(const std::string& path, uint64_t max_bytes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return io_error(fmt::format("{} is a folder", path), "name a file");
  std::ifstream in(path, std::ios::binary);
  if (in && !std::filesystem::is_regular_file(path, error)) return read_stream(in, path, max_bytes);
  in.seekg(0, std::ios::end);
  if (!in) return io_error(fmt::format("cannot read {}: {}", path, std::strerror(errno)), "is the path right, and may this user read it?");
  const auto size = in.tellg();
  if (size < 0 || static_cast<uint64_t>(size) > max_bytes) return io_error(fmt::format("{} is too large", path), fmt::format("at most {} bytes are read", max_bytes));
  std::string bytes(static_cast<size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(bytes.data(), size)) return io_error(fmt::format("cannot read {}", path), "was it changed while it was read?");
  return bytes;
}

std::string write_target(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

std::string temporary_for(const std::string& target) {
  std::error_code error;
  // Devices and pipes are written to, never replaced.
  const bool special = std::filesystem::exists(target, error) && !std::filesystem::is_regular_file(target, error);
  if (special) return target;
  return (std::filesystem::path(target).parent_path() / fmt::format(".egret.{}.{:x}.tmp", getpid(), std::hash<std::string>()(target))).string();
}

Status write_file(const std::string& given, std::string_view bytes) {
  const std::string path = write_target(given), temporary = temporary_for(path);
  std::FILE* out = std::fopen(temporary.c_str(), "wb");
  if (!out) {
    return io_error(fmt::format("cannot write {}: {}", path, std::strerror(errno)),
                    "the folder must exist and be writable");
  }
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size();
  const bool closed = std::fclose(out) == 0;
  const bool in_place = temporary == path;
  if (!written || !closed || (!in_place && std::rename(temporary.c_str(), path.c_str()) != 0)) {
    const std::string reason = std::strerror(errno);
    if (!in_place) std::remove(temporary.c_str());
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
