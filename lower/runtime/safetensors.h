// Weights in the safetensors format: a length, a JSON header with types and offsets, the bytes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/type.h"
#include "support/result.h"

namespace egret {

struct StoredTensor {
  Type type;
  std::string_view bytes;  // within the file's text
};

// Bounds are checked; names are unique.  `file` is for messages.  The result points into `text`.
Result<std::map<std::string, StoredTensor>> read_safetensors(std::string_view text, const std::string& file);

// Sorted by name; the bytes begin at a multiple of 64.
std::string write_safetensors(const std::map<std::string, StoredTensor>& tensors);

}  // namespace egret
