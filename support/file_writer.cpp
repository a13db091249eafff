#include "support/file_writer.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace egret {

FileWriter::FileWriter(std::string path) : path_(std::move(path)), temporary_(fmt::format("{}.{}.tmp", path_, getpid())) {}

FileWriter::~FileWriter() {
  if (!out_) return;
  std::fclose(out_);
  std::remove(temporary_.c_str());
}

Error FileWriter::failed(int reason) {
  if (out_) std::fclose(out_);
  out_ = nullptr;
  std::remove(temporary_.c_str());
  return io_error(fmt::format("cannot write {}: {}", path_, std::strerror(reason)), "the folder must exist and be writable");
}

Status FileWriter::write(std::string_view bytes) {
  if (!out_) out_ = std::fopen(temporary_.c_str(), "wb");
  if (!out_ || std::fwrite(bytes.data(), 1, bytes.size(), out_) != bytes.size()) return failed(errno);
  return {};
}

Status FileWriter::commit() {
  EGRET_TRY_VOID(write({}));
  const bool closed = std::fclose(out_) == 0;
  out_ = nullptr;
  if (!closed || std::rename(temporary_.c_str(), path_.c_str()) != 0) return failed(errno);
  return {};
}

}  // namespace egret
