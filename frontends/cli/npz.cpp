// Zip: local headers "PK\3\4", then a central directory "PK\1\2", then "PK\5\6" (PKWARE APPNOTE, no zip64, no encryption).
#include "frontends/cli/npz.h"

#include <zlib.h>

#include <cstring>

#include <fmt/format.h>

#include "support/files.h"

namespace egret::cli {
namespace {

constexpr size_t kLocalHeader = 30, kCentralHeader = 46, kEnd = 22;
constexpr uint16_t kNamesAreUtf8 = 0x800;

template <class T>
T little(std::string_view bytes, size_t at) {
  T value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

Result<std::string> inflate_bytes(std::string_view in, size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return internal_error("zlib");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = inflate(&stream, Z_FINISH);
  const bool whole = code == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  if (!whole) return input_error("a compressed array is damaged");
  return out;
}

struct DTypeName {
  const char* descr;
  DType dtype;
};
constexpr DTypeName kNames[] = {{"<f4", DType::f32}, {"<f8", DType::f64}, {"<f2", DType::f16}, {"<i8", DType::i64},
                                {"<i4", DType::i32}, {"<i2", DType::i16}, {"|i1", DType::i8}, {"<u8", DType::u64},
                                {"<u4", DType::u32}, {"<u2", DType::u16}, {"|u1", DType::u8}, {"|b1", DType::boolean},
                                {"<V2", DType::bf16}, {"|V2", DType::bf16}};  // as numpy writes ml_dtypes' bfloat16

// The value of a key in the header's dictionary literal: up to the next comma outside parentheses.
std::string_view header_value(std::string_view header, std::string_view key) {
  const size_t at = header.find(key);
  if (at == std::string_view::npos) return {};
  size_t begin = header.find(':', at);
  if (begin == std::string_view::npos) return {};
  ++begin;
  while (begin < header.size() && header[begin] == ' ') ++begin;
  size_t end = begin;
  for (int depth = 0; end < header.size(); ++end) {
    if (header[end] == '(') ++depth;
    if (header[end] == ')') --depth;
    if (depth == 0 && (header[end] == ',' || header[end] == '}')) break;
  }
  return header.substr(begin, end - begin);
}

// The tensor whose elements stand in Fortran order, the first index fastest.
Tensor rows_first(const Tensor& columns) {
  Tensor out(columns.type());
  const std::vector<int64_t> sizes = columns.sizes();
  std::vector<int64_t> steps(sizes.size(), 1), at(sizes.size(), 0);
  for (size_t k = 1; k < sizes.size(); ++k) steps[k] = steps[k - 1] * sizes[k - 1];
  const auto width = static_cast<size_t>(size_in_bytes(columns.dtype()));
  for (int64_t i = 0, from = 0; i < out.size(); ++i) {
    std::memcpy(out.bytes().data() + static_cast<size_t>(i) * width, columns.bytes().data() + static_cast<size_t>(from) * width, width);
    for (size_t k = sizes.size(); k-- > 0;) {
      from += steps[k];
      if (++at[k] < sizes[k]) break;
      from -= sizes[k] * steps[k];
      at[k] = 0;
    }
  }
  return out;
}

Result<Tensor> parse_npy(std::string_view bytes, const std::string& where) {
  auto bad = [&](const char* what) { return input_error(where + ": " + what, "write it with numpy.savez"); };
  if (bytes.size() < 12 || bytes.substr(0, 6) != "\x93NUMPY") return bad("not a .npy array");
  const bool wide = bytes[6] >= 2;
  const size_t header_size = wide ? little<uint32_t>(bytes, 8) : little<uint16_t>(bytes, 8);
  const size_t start = wide ? 12 : 10;
  if (header_size > bytes.size() - start) return bad("truncated header");
  const std::string_view header = bytes.substr(start, header_size);
  const std::string_view descr = header_value(header, "'descr'");
  const bool columns_first = header_value(header, "'fortran_order'").substr(0, 4) == "True";
  std::optional<DType> dtype;
  for (const DTypeName& n : kNames) {
    if (descr == fmt::format("'{}'", n.descr)) dtype = n.dtype;
  }
  if (!dtype) return bad("an element type that egret does not read");
  const std::string_view shape = header_value(header, "'shape'");
  std::vector<Dim> dims;
  int64_t count = 1;
  for (size_t i = 0; i < shape.size();) {
    if (shape[i] < '0' || shape[i] > '9') {
      ++i;
      continue;
    }
    int64_t size = 0;
    for (; i < shape.size() && shape[i] >= '0' && shape[i] <= '9'; ++i) {
      size = size * 10 + (shape[i] - '0');
      if (size > int64_t{1} << 40) return bad("a size out of range");
    }
    dims.push_back(size);
    if (size != 0 && count > (int64_t{1} << 40) / size) return bad("a size out of range");
    count *= size;
    if (dims.size() > 16) return bad("too many axes");
  }
  const Type type = Type::tensor(*dtype, dims);
  const std::string_view data = bytes.substr(start + header_size);
  if (static_cast<uint64_t>(count * size_in_bytes(*dtype)) != data.size()) return bad("its size does not fit its shape");
  std::vector<std::byte> copy(data.size());
  if (!copy.empty()) std::memcpy(copy.data(), data.data(), data.size());
  return columns_first ? rows_first(Tensor(type, std::move(copy))) : Tensor(type, std::move(copy));
}

std::string npy(const Tensor& tensor) {
  const char* descr = nullptr;
  for (const DTypeName& n : kNames) {
    if (n.dtype == tensor.dtype()) descr = n.descr;
  }
  if (!descr) return {};
  std::string shape;
  for (int64_t s : tensor.sizes()) shape += fmt::format("{}, ", s);
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  put<uint16_t>(out, static_cast<uint16_t>(header.size()));
  out += header;
  out.append(reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size());
  return out;
}

// numpy has no bfloat16: such tensors are written as float32.
Tensor writable(const Tensor& tensor) {
  if (tensor.dtype() != DType::bf16 && tensor.dtype() != DType::tf32) return tensor;
  Tensor wide(Type::tensor(DType::f32, tensor.type().dims));
  for (int64_t i = 0; i < tensor.size(); ++i) wide.set(i, tensor.get(i));
  return wide;
}

}  // namespace

Result<std::map<std::string, Tensor>> read_npz(const std::string& path) {
  EGRET_TRY(const std::string file, read_file(path));
  const std::string_view bytes = file;
  auto bad = [&](const char* what) { return input_error(path + ": " + what, "write it with numpy.savez"); };
  if (bytes.size() < kEnd) return bad("too short for a .npz file");
  size_t end = bytes.rfind("PK\5\6");
  if (end == std::string_view::npos || end + kEnd > bytes.size()) return bad("no zip directory");
  const size_t entries = little<uint16_t>(bytes, end + 10);
  size_t at = little<uint32_t>(bytes, end + 16);
  std::map<std::string, Tensor> out;
  for (size_t i = 0; i < entries; ++i) {
    if (at + kCentralHeader > bytes.size() || bytes.substr(at, 4) != "PK\1\2") return bad("a damaged zip directory");
    const uint16_t method = little<uint16_t>(bytes, at + 10);
    const uint64_t packed = little<uint32_t>(bytes, at + 20), size = little<uint32_t>(bytes, at + 24);
    const size_t name_size = little<uint16_t>(bytes, at + 28), extra = little<uint16_t>(bytes, at + 30),
                 comment = little<uint16_t>(bytes, at + 32), local = little<uint32_t>(bytes, at + 42);
    if (at + kCentralHeader + name_size > bytes.size()) return bad("a damaged zip directory");
    std::string name(bytes.substr(at + kCentralHeader, name_size));
    at += kCentralHeader + name_size + extra + comment;
    if (local + kLocalHeader > bytes.size()) return bad("an array lies outside the file");
    const size_t data = local + kLocalHeader + little<uint16_t>(bytes, local + 26) + little<uint16_t>(bytes, local + 28);
    if (data > bytes.size() || packed > bytes.size() - data) return bad("an array lies outside the file");
    std::string content;
    if (method == 0) {
      content = bytes.substr(data, packed);
    } else if (method == 8) {
      if (size > 1032 * packed + 1024) return bad("a compressed array claims an impossible size");
      EGRET_TRY(content, inflate_bytes(bytes.substr(data, packed), size));
    } else {
      return bad("an unknown compression");
    }
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    EGRET_TRY(Tensor tensor, parse_npy(content, path + ", array " + name));
    out.emplace(name, std::move(tensor));
  }
  return out;
}

Status write_npz(const std::string& path, const std::map<std::string, Tensor>& arrays) {
  std::string out, directory;
  for (const auto& [name, tensor] : arrays) {
    const std::string content = npy(writable(tensor)), file = name + ".npy";
    if (file.size() > 0xffff) return unsupported_error("an output's name of more than 65531 bytes in a .npz", "leave --outputs out");
    if (out.size() + content.size() > 0xf0000000) return unsupported_error("arrays of more than 4 GB in one .npz", "leave --outputs out");
    const uint32_t crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size()));
    const uint32_t offset = static_cast<uint32_t>(out.size());
    std::string fields;  // version needed .. extra size, shared by both headers
    put<uint16_t>(fields, 20), put<uint16_t>(fields, kNamesAreUtf8), put<uint16_t>(fields, 0), put<uint16_t>(fields, 0);
    put<uint16_t>(fields, 0x21), put<uint32_t>(fields, crc), put<uint32_t>(fields, static_cast<uint32_t>(content.size()));
    put<uint32_t>(fields, static_cast<uint32_t>(content.size())), put<uint16_t>(fields, static_cast<uint16_t>(file.size()));
    put<uint16_t>(fields, 0);
    out += "PK\3\4" + fields + file + content;
    directory += "PK\1\2";
    put<uint16_t>(directory, 20);
    directory += fields;
    put<uint16_t>(directory, 0), put<uint16_t>(directory, 0), put<uint16_t>(directory, 0), put<uint32_t>(directory, 0);
    put<uint32_t>(directory, offset);
    directory += file;
  }
  const uint32_t start = static_cast<uint32_t>(out.size());
  out += directory + "PK\5\6";
  put<uint16_t>(out, 0), put<uint16_t>(out, 0);
  put<uint16_t>(out, static_cast<uint16_t>(arrays.size())), put<uint16_t>(out, static_cast<uint16_t>(arrays.size()));
  put<uint32_t>(out, static_cast<uint32_t>(directory.size())), put<uint32_t>(out, start), put<uint16_t>(out, 0);
  return write_file(path, out);
}

}  // namespace egret::cli
