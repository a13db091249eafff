// NumPy's .npz: a zip of .npy arrays (NEP 1; stored or deflated).  Sizes and offsets of a file are checked before they are
// trusted.
#pragma once

#include <map>
#include <string>

#include "ir/tensor.h"
#include "support/result.h"

namespace egret::cli {

Result<std::map<std::string, Tensor>> read_npz(const std::string& path);
Status write_npz(const std::string& path, const std::map<std::string, Tensor>& arrays);  // stored, no time stamps

}  // namespace egret::cli
