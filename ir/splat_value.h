// The number that a splat is at every element: what is written, as its type holds it.
#pragma once

#include <cmath>

#include "ir/tensor.h"

namespace egret {

// What is written, where a wide integer is not held by a double.
inline double splat_value(DType type, double written) {
  constexpr double kExact = 0x1p53;
  const double held = Tensor::splat(Type::tensor(type, {}), written).get(0);
  return is_float(type) || std::abs(held) <= kExact ? held : written;
}

}  // namespace egret
