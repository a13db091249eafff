#include "extract/solve/files/json_file.h"

#include <zlib.h>

#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace egret::extract {
namespace {

constexpr size_t kBlock = size_t{1} << 20;

// What a gzip stream says in its last four bytes, modulo 2^32, as far as so few bytes can hold it.
size_t said_size(const std::string& packed) {
  constexpr size_t kMostRatio = 1040;  // deflate packs no better
  size_t size = 0;
  for (size_t b = 1; b <= std::min<size_t>(4, packed.size()); ++b) size = size << 8 | static_cast<unsigned char>(packed[packed.size() - b]);
  return std::min(size, kMostRatio * packed.size());
}

Result<std::string> inflated(const std::string& packed, uint64_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 32) != Z_OK) return internal_error("zlib does not start");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  size_t size = 0;
  int status = Z_OK;
  while (status == Z_OK && size <= max_bytes) {
    if (size == out.size()) out.resize(size == 0 ? std::min<uint64_t>(max_bytes, said_size(packed)) + 1 : size + size / 2 + kBlock);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + size);
    stream.avail_out = static_cast<uInt>(std::min<size_t>(out.size() - size, UINT32_MAX));
    const size_t room = stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    size += room - stream.avail_out;
  }
  inflateEnd(&stream);
  out.resize(size);
  if (size > max_bytes) return limit_error(fmt::format("the unpacked file has more than {} bytes", max_bytes));
  if (status != Z_STREAM_END) return input_error("the gzip stream is damaged or cut off", "unpack it by hand to see how far it goes");
  return out;
}

}  // namespace

Result<std::string> read_packed(const std::string& path, uint64_t max_bytes) {
  auto bytes = read_file(path, std::min<uint64_t>(max_bytes, UINT32_MAX));
  if (!bytes.ok() || !bytes->starts_with("\x1f\x8b")) return bytes;
  auto text = inflated(*bytes, max_bytes);
  if (text.ok()) return text;
  Error error = text.take_error();
  error.where.file = path;
  return error;
}

Result<nlohmann::json> parse_json(std::string_view text, const std::string& file) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    SourceSpan where{file, 0, 0, {}};
    if (const auto* syntax = dynamic_cast<const nlohmann::json::parse_error*>(&e)) {
      where.line = where.column = 1;
      for (char c : text.substr(0, std::max<size_t>(syntax->byte, 1) - 1)) {
        where.column = c == '\n' ? 1 : where.column + 1;
        where.line += c == '\n';
      }
    }
    const std::string_view what = e.what();  // "[json.exception.. ] parse error at line 1, column 1: syntax error ..."
    const size_t rest = what.find(where.line > 0 ? ": " : "] ");
    return input_error("this is no JSON: " + std::string(what.substr(rest == what.npos ? 0 : rest + 2)), "", where);
  }
}

}  // namespace egret::extract
