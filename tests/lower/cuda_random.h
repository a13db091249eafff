// Random fused bodies: a beginning of any class, maps before and after it; what plan_kernel takes is a kernel.
#pragma once

#include <vector>

#include "ir/kernel.h"

namespace egret::lower {

std::vector<Kernel> random_kernels(uint64_t seed, int count);

}  // namespace egret::lower
