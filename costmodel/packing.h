// What a host product copies before it computes: the factor along the vectors, in panels.
#pragma once

#include "ir/kernel.h"

namespace egret {

// So few rows of a product read the other factor once, in place (lower/host/product_plan.h); beyond, packing it pays.
inline constexpr int64_t kFewProductRows = 8;

// Bytes of the anchor's factor that runs along the vectors (the side of the result's innermost axis), where the kernel has
// to lay them in panels first.  0: no product; few rows, which read the factor once, in place; a factor that lies in
// panels already: contiguous along the result, and its next step of the fold a few cache lines on.
double packed_bytes(const Kernel& kernel);

// Elements of a panel in which `columns` columns of a frozen factor are best stored; 0: none divides them.
int64_t panel_width(int64_t columns);

}  // namespace egret
