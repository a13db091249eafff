// Which results of a kernel may lie where one of its ports lies.
#pragma once

#include <vector>

#include "ir/kernel.h"
#include "support/takeover.h"

namespace egret {

// Every pair (port, result) of the same sizes where each element of the port is read for the last time when the result's element in
// its place is written, whatever order a printer gives to independent elements:
//   kElement, kContraction  the port is read at the element that is computed alone (not in a contraction's factors), and all results are
//                           computed before any is stored
//   kRow, kContractionRow,  the port is read in its own row alone: at any element by what is computed before the result (reductions of
//   kContractionPair        whole rows, other results), at its own element by the result
// By result, then by port.  Requires: a body that plan_kernel accepts.
std::vector<Takeover> in_place(const Kernel& kernel);

}  // namespace egret
