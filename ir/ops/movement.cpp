// Movement: one read an element, at another index.
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"new axes along which nothing varies", R"(op broadcast(x[k..]){dims: axes, sizes: sizes = []}
  -> [k@dims, n.. = sizes] = x[k])"},
    {"axes in another order", R"(op transpose(x[i@perm]){perm: axes}
  -> [i] = x[i])"},
    {"other sizes, row-major order kept", R"(op reshape(x[i..]){sizes: sizes}
  -> [j.. = sizes] = x[unflatten(flatten(j))]
  where count(j) == count(x.i))"},
    {"every stride-th element from start to limit", R"(op slice(x[i..]){start: ints, limit: ints, stride: ints = 1}
  -> [i = (limit - start + stride - 1) div stride] = x[i*stride + start]
  where all(i: 0 <= start <= limit <= x.i), all(i: 1 <= stride))"},
    {"a value around and between elements; negative low and high cut",
     R"(op pad(x[i..], v[]){low: ints = 0, high: ints = 0, interior: ints = 0}
  -> [i = low + high + x.i + max(x.i - 1, 0)*interior]
  = all(i: 0 <= i - low < (x.i - 1)*(interior + 1) + 1 and (i - low) mod (interior + 1) == 0)
    ? x[(i - low) div (interior + 1)] : v[]
  where all(i: 0 <= interior))"},
    {"operands one after the other along an axis", R"(op concat(xs...[P@<axis, j@axis, S@>axis]){axis: axis}
  -> [P, j = total(xs.j), S] = pick(t in xs at j) xs[P, j, S])"},
    {"a tuple of consecutive parts of an axis", R"(op split(x[P@<axis, j@axis, S@>axis]){axis: axis, sizes: sizes}
  -> each part in sizes [P, j = part, S] = x[P, j + before(part), S]
  where total(sizes) == x.j)"},
    {"axes backwards", R"(op reverse(x[r@axes, o..]){axes: axes}
  -> [r@axes, o] = x[x.r - 1 - r, o])"},
};

}  // namespace

std::span<const OpText> movement_ops() { return kOps; }

}  // namespace egret
