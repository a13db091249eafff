// The kernels that `optimize` chooses for a model.
#pragma once

#include <string>
#include <vector>

#include "ir/kernel.h"
#include "support/result.h"

namespace egret::test {

// Distinct kernels of the run plan, in order of their first launch.  `path`: .onnx (frozen) or a text program.
Result<std::vector<Kernel>> kernels_of_model(const std::string& path, const std::string& target);

}  // namespace egret::test
