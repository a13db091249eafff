// What a host product copies before it computes: the factor along the vectors, in panels.
#pragma once

#include <algorithm>

#include "ir/kernel.h"

namespace egret {

// So few rows of a product read the other factor once, in place (lower/host/product_plan.h); beyond, packing it pays.
inline constexpr int64_t kFewProductRows = 8;

// Rows of a kernel with rows that the host computes at a time: as many as 128 KiB hold of `row_bytes` each, at most 64.
inline int64_t rows_of_block(int64_t row_bytes) { return std::clamp<int64_t>(128 * 1024 / std::max<int64_t>(row_bytes, 1), 1, 64); }

// Bytes of the anchor's factor that runs along the vectors (the side of the result's innermost axis), where the kernel has
// to lay them in panels first.  0: no product; few rows, which read the factor once, in place; a factor that lies in
// panels already: contiguous along the result, and its next step of the fold a few cache lines on.  The other factor of a
// pair's second contraction counts once a block of rows.
double packed_bytes(const Kernel& kernel);

// Elements of a panel in which `columns` columns of a frozen factor are best stored; 0: none divides them.
int64_t panel_width(int64_t columns);

}  // namespace egret
