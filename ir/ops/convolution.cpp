// Convolution and its gradients: batch, channels, any number of spatial axes (NCHW, OIHW).
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"convolution (correlation) with stride, padding, dilation, groups",
     R"(op conv(x[n, c, s..]: float, w[o, i, t..]: float)
  {stride: ints = 1, low: ints = 0, high: ints = 0, dilation: ints = 1, lhs_dilation: ints = 1, groups: int = 1}
  -> [n, o, s = (max((x.s - 1)*lhs_dilation + 1, 0) + low + high - (w.t - 1)*dilation - 1) div stride + 1]
  = sum(i, t) ((all(s: 0 <= s*stride + t*dilation - low < (x.s - 1)*lhs_dilation + 1
                      and (s*stride + t*dilation - low) mod lhs_dilation == 0)
    ? x[n, groups == 1 ? i : o div (w.o div groups) * w.i + i, (s*stride + t*dilation - low) div lhs_dilation]
    : 0) * w[o, i, t])
  where 1 <= groups, x.c == w.i*groups, w.o == w.o div groups * groups,
    all(s: 1 <= stride and 1 <= dilation and 1 <= lhs_dilation))"},
    {"gradient of convolution by its input; transposed convolution",
     R"(op conv_dx(g[n, o, q..]: float, w[o, i, t..]: float)
  {stride: ints = 1, low: ints = 0, dilation: ints = 1, groups: int = 1, sizes: sizes}
  -> [n, c = w.i*groups, s.. = sizes]
  = sum(u = w.o div groups, t) ((all(s: (s + low - t*dilation) mod stride == 0
                                     and 0 <= (s + low - t*dilation) div stride < g.q)
    ? g[n, groups == 1 ? u : c div w.i * (w.o div groups) + u, (s + low - t*dilation) div stride]
    : 0) * w[groups == 1 ? u : c div w.i * (w.o div groups) + u, groups == 1 ? c : c mod w.i, t])
  where 1 <= groups, w.o == w.o div groups * groups, all(s: 1 <= stride and 1 <= dilation))"},
    {"gradient of convolution by its weights",
     R"(op conv_dw(x[n, c, s..]: float, g[n, o, q..]: float)
  {stride: ints = 1, low: ints = 0, dilation: ints = 1, groups: int = 1, sizes: sizes}
  -> [o, i = x.c div groups, t.. = sizes]
  = sum(n, q) ((all(t: 0 <= q*stride + t*dilation - low < x.s)
    ? x[n, groups == 1 ? i : o div (g.o div groups) * (x.c div groups) + i, q*stride + t*dilation - low]
    : 0) * g[n, o, q])
  where 1 <= groups, x.c == x.c div groups * groups, g.o == g.o div groups * groups,
    all(t: 1 <= stride and 1 <= dilation))"},
};

}  // namespace

std::span<const OpText> convolution_ops() { return kOps; }

}  // namespace egret
