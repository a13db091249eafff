// Folds over windows of every axis (window 1 where an axis is not pooled).
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"sum over windows; padding adds nothing",
     R"(op window_sum(x[i..]: number){window: ints, stride: ints = 1, low: ints = 0, high: ints = 0, dilation: ints = 1}
  -> [i = (x.i + low + high - (window - 1)*dilation - 1) div stride + 1]
  = sum(t.. = window) (all(i: 0 <= i*stride + t*dilation - low < x.i) ? x[i*stride + t*dilation - low] : 0)
  where all(i: 1 <= window and 1 <= stride and 1 <= dilation))"},
    {"maximum over windows; padding is lowest",
     R"(op window_max(x[i..]: number){window: ints, stride: ints = 1, low: ints = 0, high: ints = 0, dilation: ints = 1}
  -> [i = (x.i + low + high - (window - 1)*dilation - 1) div stride + 1]
  = max(t.. = window) (all(i: 0 <= i*stride + t*dilation - low < x.i) ? x[i*stride + t*dilation - low] : lowest)
  where all(i: 1 <= window and 1 <= stride and 1 <= dilation))"},
    {"running sum along an axis; exclusive: without the element itself; reverse: from the end",
     R"(op cumsum(x[P@<axis, j@axis, S@>axis]: number){axis: axis, exclusive: int = 0, reverse: int = 0}
  -> [P, j, S] = sum(t = x.j) ((reverse == 1 ? j : t) + exclusive <= (reverse == 1 ? t : j) ? x[P, t, S] : 0))"},
    {"running product along an axis; exclusive and reverse as of cumsum",
     R"(op cumprod(x[P@<axis, j@axis, S@>axis]: number){axis: axis, exclusive: int = 0, reverse: int = 0}
  -> [P, j, S] = prod(t = x.j) ((reverse == 1 ? j : t) + exclusive <= (reverse == 1 ? t : j) ? x[P, t, S] : 1))"},
    {"gradient of window_max: the first maximum of each window receives",
     R"(op window_max_grad(x[i..]: float, g[o..]: float)
  {window: ints, stride: ints = 1, low: ints = 0, high: ints = 0, dilation: ints = 1}
  -> [i] = sum(t.. = window)
    (all(i: (i + low - t*dilation) mod stride == 0 and 0 <= (i + low - t*dilation) div stride < g.o)
     and (argmax(u.. = window)
           (all(i: 0 <= i + u*dilation - t*dilation < x.i) ? x[i + u*dilation - t*dilation] : lowest)) == flatten(t)
     ? g[(i + low - t*dilation) div stride] : 0)
  where all(i: 1 <= window and 1 <= stride and 1 <= dilation),
    all(i: g.o == (x.i + low + high - (window - 1)*dilation - 1) div stride + 1))"},
};

}  // namespace

std::span<const OpText> window_ops() { return kOps; }

}  // namespace egret
