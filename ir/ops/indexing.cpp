// Reads and writes at indices that are values.
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"rows of x at the indices, clamped into range", R"(op gather(x[P@<axis, c@axis, S@>axis], ix[I..]: int){axis: axis}
  -> [P, I, S] = x[P, clamp(ix[I], 0, x.c - 1), S]
  where 1 <= x.c)"},
    {"x with rows added at the indices; indices out of range add nothing",
     R"(op scatter_add(x[P@<axis, c@axis, S@>axis]: number, ix[I..]: int, u[P, I, S]: number){axis: axis}
  -> [P, c, S] = x[P, c, S] + sum(I) (ix[I] == c ? u[P, I, S] : 0))"},
};

}  // namespace

std::span<const OpText> indexing_ops() { return kOps; }

}  // namespace egret
