// Which ports of a kernel a result may overwrite.
#pragma once

#include "ir/kernel.h"

namespace egret {

// Whether every result element that depends on the port depends on its own element alone, so that the result may lie where
// the port lies.  Requires: a body that plan_kernel accepts.
bool reads_in_place(const Kernel& kernel, size_t port);

}  // namespace egret
