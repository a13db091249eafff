#include "extract/solve/files/json_file.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "support/files.h"

namespace egret::extract {
namespace {

Result<std::string> inflated(const std::string& packed, uint64_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return internal_error("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  std::vector<char> block(size_t{1} << 20);
  int status = Z_OK;
  while (status == Z_OK && out.size() <= max_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = static_cast<uInt>(block.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(block.data(), block.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (out.size() > max_bytes) return limit_error(fmt::format("the unpacked file has more than {} bytes", max_bytes));
  if (status != Z_STREAM_END) return input_error("the gzip stream is damaged or cut off", "unpack it by hand to see how far it goes");
  return out;
}

}  // namespace

Result<std::string> read_packed(const std::string& path, uint64_t max_bytes) {
  EGRET_TRY(std::string bytes, read_file(path, std::min<uint64_t>(max_bytes, UINT32_MAX)));
  if (bytes.size() < 2 || bytes[0] != '\x1f' || bytes[1] != '\x8b') return bytes;
  auto text = inflated(bytes, max_bytes);
  if (text.ok()) return text;
  Error error = text.take_error();
  error.where.file = path;
  return error;
}

}  // namespace egret::extract
