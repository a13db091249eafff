#include "lower/runtime/safetensors.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace egret {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxSize = uint64_t{1} << 40;  // of an axis
constexpr uint64_t kMaxHeader = 100'000'000;

constexpr std::pair<DType, const char*> kNames[] = {
    {DType::f64, "F64"}, {DType::f32, "F32"}, {DType::f16, "F16"},      {DType::bf16, "BF16"}, {DType::i64, "I64"},
    {DType::i32, "I32"}, {DType::i16, "I16"}, {DType::i8, "I8"},        {DType::u64, "U64"},   {DType::u32, "U32"},
    {DType::u16, "U16"}, {DType::u8, "U8"},   {DType::boolean, "BOOL"},
};

}  // namespace

Result<std::map<std::string, StoredTensor>> read_safetensors(std::string_view text, const std::string& file) {
  auto damaged = [&](const std::string& what) {
    return input_error("the weights are damaged: " + what, "", SourceSpan{file, 0, 0, ""});
  };
  uint64_t length = 0;
  if (text.size() < 8) return damaged("shorter than the length of their header");
  std::memcpy(&length, text.data(), 8);
  if (length > kMaxHeader || length > text.size() - 8) return damaged("the header does not fit the file");
  const Json header = Json::parse(text.substr(8, length), nullptr, false);
  if (!header.is_object()) return damaged("the header is no JSON object");
  const std::string_view data = text.substr(8 + length);
  std::map<std::string, StoredTensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string() || !entry.contains("shape") ||
        !entry["shape"].is_array() || !entry.contains("data_offsets") || !entry["data_offsets"].is_array() ||
        entry["data_offsets"].size() != 2) {
      return damaged(fmt::format("entry `{}`", name));
    }
    StoredTensor tensor;
    const std::string dtype = entry["dtype"].get<std::string>();
    bool known = false;
    for (const auto& [t, word] : kNames) {
      if (dtype == word) tensor.type.dtype = t, known = true;
    }
    if (!known)
      return unsupported_error(fmt::format("dtype {} of weight `{}`", dtype, name), "", SourceSpan{file, 0, 0, ""});
    bool empty = false;
    for (const Json& size : entry["shape"]) {
      if (!size.is_number_unsigned() || size.get<uint64_t>() > kMaxSize) return damaged(fmt::format("shape of `{}`", name));
      tensor.type.dims.push_back(Dim(size.get<int64_t>()));
      empty |= size.get<uint64_t>() == 0;
    }
    uint64_t bytes = empty ? 0 : static_cast<uint64_t>(size_in_bytes(tensor.type.dtype));
    for (const Dim d : tensor.type.dims) {
      const auto s = static_cast<uint64_t>(d.value());
      if (!empty && bytes > data.size() / s) return damaged(fmt::format("shape of `{}`", name));
      bytes *= s;
    }
    const Json &from = entry["data_offsets"][0], &to = entry["data_offsets"][1];
    if (!from.is_number_unsigned() || !to.is_number_unsigned()) return damaged(fmt::format("offsets of `{}`", name));
    const uint64_t begin = from.get<uint64_t>(), end = to.get<uint64_t>();
    if (begin > end || end > data.size() || end - begin != bytes) return damaged(fmt::format("offsets of `{}`", name));
    tensor.bytes = data.substr(begin, end - begin);
    if (!tensors.emplace(name, std::move(tensor)).second) return damaged(fmt::format("`{}` stands twice", name));
  }
  return tensors;
}

std::string write_safetensors(const std::map<std::string, StoredTensor>& tensors) {
  Json header = Json::object();
  uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    const char* dtype = "F32";
    for (const auto& [t, word] : kNames) {
      if (tensor.type.dtype == t) dtype = word;
    }
    header[name] = {{"dtype", dtype}, {"shape", tensor.type.sizes()}, {"data_offsets", {at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 8 + 63) / 64 * 64 - 8, ' ');
  const uint64_t length = text.size();
  std::string out(8, '\0');
  std::memcpy(out.data(), &length, 8);
  out.reserve(8 + length + at);
  out += text;
  for (const auto& [name, tensor] : tensors) out += tensor.bytes;
  return out;
}

}  // namespace egret
