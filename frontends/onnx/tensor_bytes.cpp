#include "frontends/onnx/tensor_bytes.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ir/attr.h"

namespace egret::onnx {
namespace {

// 2^40 elements: far above what is held in memory, far below where products of sizes overflow.
constexpr int64_t kMaxElements = int64_t{1} << 40;

std::string quoted(std::string_view name) { return "tensor '" + std::string(name) + "'"; }

// Typed lists hold narrower elements one a number.
template <class To, class From>
std::vector<std::byte> narrowed(const std::vector<From>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(To));
  for (size_t i = 0; i < values.size(); ++i) {
    const To value = static_cast<To>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(To), &value, sizeof(To));
  }
  return bytes;
}

std::vector<std::byte> typed_bytes(const TensorMessage& m, DType dtype) {
  switch (dtype) {
    case DType::f64:
      return narrowed<double>(m.doubles);
    case DType::i64:
      return narrowed<int64_t>(m.ints64);
    case DType::u64:
      return narrowed<uint64_t>(m.uints64);
    case DType::u32:
      return narrowed<uint32_t>(m.uints64);
    case DType::f32:
    case DType::tf32:
      return narrowed<float>(m.floats);
    case DType::i32:
      return narrowed<int32_t>(m.ints32);
    case DType::f16:
    case DType::bf16:
    case DType::i16:
    case DType::u16:
      return narrowed<uint16_t>(m.ints32);
    case DType::i8:
    case DType::u8:
    case DType::boolean:
      return narrowed<uint8_t>(m.ints32);
  }
  return {};
}

Result<uint64_t> parse_number(std::string_view text, std::string_view tensor) {
  uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) {
    return input_error(quoted(tensor) + ": '" + std::string(text) + "' is no offset or length of external data");
  }
  return value;
}

// The file of external data, if it lies inside base_dir.
Result<std::string> external_path(std::string_view location, const std::string& base_dir, std::string_view tensor) {
  namespace fs = std::filesystem;
  const fs::path relative{std::string(location)};
  const std::string what = quoted(tensor) + ": external data '" + std::string(location) + "'";
  bool escapes = location.empty() || relative.is_absolute() || base_dir.empty();
  for (const fs::path& part : relative) escapes |= part == "..";
  if (escapes) {
    return input_error(what + " is not inside the model's folder", "external data must lie beside the model");
  }
  std::error_code fault;
  const fs::path base = fs::canonical(base_dir, fault);
  if (fault) return io_error("cannot read folder " + base_dir);
  const fs::path file = fs::canonical(base / relative, fault);
  if (fault || !fs::is_regular_file(file, fault)) {
    return io_error(what + " is not there", "the file belongs into the folder of the model");
  }
  const fs::path inside = file.lexically_relative(base);
  if (inside.empty() || *inside.begin() == "..") {
    return input_error(what + " leads out of the model's folder", "replace the link by the file");
  }
  return file.string();
}

Result<std::vector<std::byte>> external_bytes(const TensorMessage& m, const std::string& base_dir, uint64_t expected) {
  std::string_view location, offset_text = "0", length_text;
  for (const auto& [key, value] : m.external_entries) {
    if (key == "location") location = value;
    if (key == "offset") offset_text = value;
    if (key == "length") length_text = value;
  }
  EGRET_TRY(const std::string path, external_path(location, base_dir, m.name));
  EGRET_TRY(const uint64_t offset, parse_number(offset_text, m.name));
  uint64_t length = expected;
  if (!length_text.empty()) {
    EGRET_TRY(length, parse_number(length_text, m.name));
  }
  std::error_code fault;
  const uint64_t size = std::filesystem::file_size(path, fault);
  if (fault || offset > size || length > size - offset || length != expected) {
    return input_error(quoted(m.name) + ": its type needs " + std::to_string(expected) + " bytes, " + path + " of " +
                           std::to_string(size) + " bytes is asked for " + std::to_string(length) + " at " +
                           std::to_string(offset),
                       "the file of external data belongs to another model or is cut off");
  }
  std::vector<std::byte> bytes(length);
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(length));
  if (!in) return io_error("cannot read " + path);
  return bytes;
}

}  // namespace

std::optional<DType> dtype_of(int32_t element_type) {
  switch (element_type) {
    case kFloat:
      return DType::f32;
    case kDouble:
      return DType::f64;
    case kFloat16:
      return DType::f16;
    case kBfloat16:
      return DType::bf16;
    case kInt64:
      return DType::i64;
    case kInt32:
      return DType::i32;
    case kInt16:
      return DType::i16;
    case kInt8:
      return DType::i8;
    case kUint64:
      return DType::u64;
    case kUint32:
      return DType::u32;
    case kUint16:
      return DType::u16;
    case kUint8:
      return DType::u8;
    case kBool:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

int32_t element_type_of(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return kDouble;
    case DType::f32:
    case DType::tf32:
      return kFloat;
    case DType::f16:
      return kFloat16;
    case DType::bf16:
      return kBfloat16;
    case DType::i64:
      return kInt64;
    case DType::i32:
      return kInt32;
    case DType::i16:
      return kInt16;
    case DType::i8:
      return kInt8;
    case DType::u64:
      return kUint64;
    case DType::u32:
      return kUint32;
    case DType::u16:
      return kUint16;
    case DType::u8:
      return kUint8;
    case DType::boolean:
      return kBool;
  }
  return 0;
}

Result<Type> type_of(const TensorMessage& m) {
  const std::optional<DType> dtype = dtype_of(m.element_type);
  if (!dtype) {
    return unsupported_error(quoted(m.name) + ": element type " + std::to_string(m.element_type) + " is not known",
                             "floats, integers and bool are; strings, complex and 8-bit floats are not");
  }
  int64_t count = 1;
  for (const int64_t d : m.dims) {
    if (d < 0) return input_error(quoted(m.name) + ": size " + std::to_string(d) + " is negative");
    if (d > 0 && count > kMaxElements / d) return input_error(quoted(m.name) + ": too many elements");
    count *= d;
  }
  return Type::tensor(*dtype, dims_of(m.dims));
}

Result<Tensor> to_tensor(const TensorMessage& m, const std::string& base_dir) {
  EGRET_TRY(const Type type, type_of(m));
  const auto expected = static_cast<uint64_t>(type.bytes());
  std::vector<std::byte> bytes;
  if (m.external) {
    EGRET_TRY(bytes, external_bytes(m, base_dir, expected));
  } else if (m.has_raw) {
    bytes.resize(m.raw.size() == expected ? expected : 0);
    if (!bytes.empty()) std::memcpy(bytes.data(), m.raw.data(), expected);
  } else {
    bytes = typed_bytes(m, type.dtype);
  }
  if (bytes.size() != expected) {
    return input_error(quoted(m.name) + ": its type " + type.to_string() + " needs " + std::to_string(expected) +
                           " bytes, the file holds " + std::to_string(m.has_raw ? m.raw.size() : bytes.size()),
                       "the file is damaged");
  }
  if (type.dtype == DType::boolean) {
    for (std::byte& b : bytes) b = b != std::byte{0} ? std::byte{1} : std::byte{0};
  }
  return Tensor(type, std::move(bytes));
}

Result<Type> type_of(const SparseMessage& m) {
  TensorMessage dense;
  dense.name = m.values.name;
  dense.element_type = m.values.element_type;
  dense.dims = m.dims;
  return type_of(dense);
}

Result<Tensor> to_dense(const SparseMessage& m, const std::string& base_dir) {
  EGRET_TRY(const Type type, type_of(m));
  EGRET_TRY(const Tensor values, to_tensor(m.values, base_dir));
  EGRET_TRY(const Tensor indices, to_tensor(m.indices, base_dir));
  const auto rank = static_cast<int64_t>(type.rank());
  const bool rows = indices.type().rank() == 2;
  if (indices.dtype() != DType::i64 || indices.size() != values.size() * (rows ? rank : 1)) {
    return input_error(quoted(m.values.name) + ": a sparse tensor whose indices do not fit its values",
                       "int64, a position or a row of indices for each value");
  }
  Tensor dense = Tensor::splat(type, 0);
  const auto width = static_cast<size_t>(size_in_bytes(type.dtype));
  for (int64_t i = 0; i < values.size(); ++i) {
    int64_t at = rows ? 0 : indices.get_int(i);
    bool inside = rows || (at >= 0 && at < dense.size());
    for (int64_t k = 0; rows && inside && k < rank; ++k) {
      const int64_t index = indices.get_int(i * rank + k), size = m.dims[static_cast<size_t>(k)];
      inside = index >= 0 && index < size;
      at = at * size + index;
    }
    if (!inside) return input_error(quoted(m.values.name) + ": index " + std::to_string(i) + " lies outside " + type.to_string());
    std::memcpy(dense.bytes().data() + static_cast<size_t>(at) * width, values.bytes().data() + static_cast<size_t>(i) * width, width);
  }
  return dense;
}

}  // namespace egret::onnx
