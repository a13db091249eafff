#include "support/file_writer.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "support/files.h"

namespace egret {

FileWriter::FileWriter(std::string path) : path_(write_target(path)), temporary_(temporary_for(path_)) {}

void FileWriter::discard() {
  if (temporary_ != path_) std::remove(temporary_.c_str());
}

FileWriter::~FileWriter() {
  if (!out_) return;
  std::fclose(out_);
  discard();
}

Error FileWriter::failed(int reason) {
  if (out_) std::fclose(out_);
  out_ = nullptr;
  discard();
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
  if (!closed || (temporary_ != path_ && std::rename(temporary_.c_str(), path_.c_str()) != 0)) return failed(errno);
  return {};
}

}  // namespace egret
