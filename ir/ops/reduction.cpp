// Folds of whole axes; the other axes stay, in order.
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"sum over axes", "op reduce_sum(x[k.., r@axes]: number){axes: axes} -> [k] = sum(r) x[k, r]"},
    {"product over axes", "op reduce_prod(x[k.., r@axes]: number){axes: axes} -> [k] = prod(r) x[k, r]"},
    {"maximum over axes; lowest where they are empty",
     "op reduce_max(x[k.., r@axes]: number){axes: axes} -> [k] = max(r) x[k, r]"},
    {"minimum over axes; highest where they are empty",
     "op reduce_min(x[k.., r@axes]: number){axes: axes} -> [k] = min(r) x[k, r]"},
    {"whether any is true", "op reduce_any(x[k.., r@axes]: bool){axes: axes} -> [k]: bool = any(r) x[k, r]"},
    {"whether all are true", "op reduce_all(x[k.., r@axes]: bool){axes: axes} -> [k]: bool = all(r) x[k, r]"},
    {"first position of the maximum (the first NaN, where there is one)",
     R"(op argmax(x[P@<axis, r@axis, S@>axis]: number){axis: axis, dtype: dtype = i64}
  -> [P, S]: dtype = argmax(r) x[P, r, S]
  where 1 <= x.r)"},
    {"first position of the minimum (the first NaN, where there is one)",
     R"(op argmin(x[P@<axis, r@axis, S@>axis]: number){axis: axis, dtype: dtype = i64}
  -> [P, S]: dtype = argmin(r) x[P, r, S]
  where 1 <= x.r)"},
};

}  // namespace

std::span<const OpText> reduction_ops() { return kOps; }

}  // namespace egret
