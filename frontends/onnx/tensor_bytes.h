// Tensors of an ONNX file: from its several encodings (raw bytes, typed lists, an external file) to Tensor.
#pragma once

#include <optional>
#include <string>

#include "frontends/onnx/model.h"
#include "ir/tensor.h"
#include "support/result.h"

namespace egret::onnx {

std::optional<DType> dtype_of(int32_t element_type);  // none: strings, complex, 8-bit floats, ...
int32_t element_type_of(DType dtype);

// Sizes checked against overflow and against the data that is there.
Result<Type> type_of(const TensorMessage& message);
// External data is read only from regular files inside `base_dir` (links resolved).
Result<Tensor> to_tensor(const TensorMessage& message, const std::string& base_dir);
// A sparse tensor's type as a dense one, and its elements laid out.
Result<Type> type_of(const SparseMessage& message);
Result<Tensor> to_dense(const SparseMessage& message, const std::string& base_dir);

}  // namespace egret::onnx
