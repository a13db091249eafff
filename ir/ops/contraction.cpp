// Products of two tensors.
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"sum of products (dot_general): batch axes lb, rb; contracted axes lc, rc",
     R"(op dot(a[B@lb, m.., k@lc]: number, b[B@rb, n.., k@rc]: number){lb: axes = [], rb: axes = [], lc: axes, rc: axes}
  -> [B, m, n] = sum(k) a[B, m, k] * b[B, n, k])"},
};

}  // namespace

std::span<const OpText> contraction_ops() { return kOps; }

}  // namespace egret
