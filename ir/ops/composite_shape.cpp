// Products, pooling and broadcasting in NumPy's and ONNX' manner, as terms.
#include <algorithm>

#include <fmt/format.h>

#include "ir/assume.h"
#include "ir/definitions/registry.h"
#include "ir/ops/compose.h"

namespace egret {

namespace {

using Operands = std::span<const ValueId>;

// x broadcast to `sizes` as NumPy does: aligned at the last axis, sizes 1 repeated.
ValueId expanded(Compose& c, ValueId x, const std::vector<Dim>& sizes) {
  if (c.failed()) return 0;
  if (AssumeSizes::active()) return c.fail(unsupported_error("what is repeated depends on sizes"));
  std::vector<Dim> own = c.type(x).dims, kept_sizes, kept, added;
  if (own.size() > sizes.size()) {
    return c.fail(input_error(fmt::format("{} has more axes than the {} wanted", c.type(x).to_string(), sizes.size())));
  }
  size_t lead = sizes.size() - own.size();
  for (size_t a = 0; a < sizes.size(); ++a) {
    bool repeated = a < lead || (own[a - lead] == Dim(1) && !(sizes[a] == Dim(1)));
    if (repeated) {
      added.push_back(sizes[a]);
      continue;
    }
    if (!(own[a - lead] == sizes[a])) {
      return c.fail(input_error(fmt::format("axis {} of {} cannot become {}", a - lead, c.type(x).to_string(), sizes[a].to_string())));
    }
    kept.push_back(static_cast<int64_t>(a));
    kept_sizes.push_back(sizes[a]);
  }
  if (kept_sizes.size() != own.size()) x = c.op("reshape", {x}, {{"sizes", kept_sizes}});
  return added.empty() ? x : c.op("broadcast", {x}, {{"dims", kept}, {"sizes", added}});
}

Result<ValueId> expand_expand(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  return c.done(expanded(c, x[0], std::get<std::vector<Dim>>(attrs.at("sizes"))));
}

// The batch sizes of a product: NumPy's broadcast of both.
std::vector<Dim> batch_sizes(const std::vector<Dim>& a, const std::vector<Dim>& b) {
  std::vector<Dim> result(std::max(a.size(), b.size()), 1);
  for (size_t i = 0; i < result.size(); ++i) {
    size_t at = result.size() - 1 - i;
    Dim x = i < a.size() ? a[a.size() - 1 - i] : Dim(1), y = i < b.size() ? b[b.size() - 1 - i] : Dim(1);
    result[at] = x == Dim(1) ? y : x;
  }
  return result;
}

// dot over the last axis of a and the last but one of b, after `batch` common axes.
ValueId batched_dot(Compose& c, ValueId a, ValueId b, size_t batch) {
  if (c.failed()) return 0;
  std::vector<Dim> axes;
  for (size_t i = 0; i < batch; ++i) axes.push_back(static_cast<int64_t>(i));
  return c.op("dot", {a, b}, {{"lb", axes}, {"rb", axes}, {"lc", std::vector<Dim>{c.rank(a) - 1}},
                              {"rc", std::vector<Dim>{std::max(c.rank(b) - 2, 0)}}});
}

Result<ValueId> expand_matmul(GraphBuilder& builder, Operands x, const Attrs&) {
  Compose c(builder);
  ValueId a = x[0], b = x[1];
  if (c.rank(a) < 1 || c.rank(b) < 1) return input_error("operands need at least one axis");
  if (c.rank(a) == 1 || c.rank(b) <= 2) {
    if (c.rank(b) <= 2) return c.done(batched_dot(c, a, b, 0));
    // A vector times a stack of matrices: contracted with the last axis but one.
    int64_t k = c.rank(b) - 2;
    return c.done(c.op("dot", {b, a}, {{"lc", std::vector<Dim>{k}}, {"rc", std::vector<Dim>{0}}}));
  }
  std::vector<Dim> da = c.type(a).dims, db = c.type(b).dims;
  std::vector<Dim> ba(da.begin(), da.end() - 2), bb(db.begin(), db.end() - 2), batch = batch_sizes(ba, bb);
  auto with_batch = [&](const std::vector<Dim>& dims) {
    std::vector<Dim> sizes = batch;
    sizes.insert(sizes.end(), dims.end() - 2, dims.end());
    return sizes;
  };
  return c.done(batched_dot(c, expanded(c, a, with_batch(da)), expanded(c, b, with_batch(db)), batch.size()));
}

// Mean over windows; with count_pad = 0 the elements of the padding are not counted.
Result<ValueId> expand_avg_pool(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  Attrs window = attrs;
  window.erase("count_pad");
  ValueId sum = c.op("window_sum", {x[0]}, window);
  if (c.failed()) return c.done(sum);
  auto all_zero = [&](const char* name) {
    const auto& list = std::get<std::vector<Dim>>(attrs.at(name));
    return std::all_of(list.begin(), list.end(), [](Dim d) { return d == Dim(0); });
  };
  if (integer(attrs, "count_pad") != 0 || (all_zero("low") && all_zero("high"))) {
    double n = 1;
    for (int64_t w : ints(attrs, "window")) n *= static_cast<double>(w);
    return c.done(c.op("div", {sum, c.like(sum, n)}));
  }
  ValueId counts = c.op("window_sum", {c.like(x[0], 1)}, window);
  return c.done(c.op("div", {sum, counts}));
}

// 1 where the position along the new axis is the index.
Result<ValueId> expand_one_hot(GraphBuilder& b, Operands x, const Attrs& attrs) {
  Compose c(b);
  Type type = c.type(x[0]);
  int64_t axis = integer(attrs, "axis");
  Dim size = std::get<Dim>(attrs.at("size"));
  if (!is_integer(type.dtype)) return input_error("the operand must be of an integer dtype");
  if (axis > type.rank()) return input_error(fmt::format("axis {} is out of range", axis));
  std::vector<Dim> kept, sizes = type.dims;
  for (int64_t a = 0; a <= type.rank(); ++a) {
    if (a != axis) kept.push_back(a);
  }
  sizes.insert(sizes.begin() + axis, size);
  ValueId indices = c.op("broadcast", {x[0]}, {{"dims", kept}, {"sizes", std::vector<Dim>{size}}});
  ValueId positions = c.op("iota", {}, {{"axis", Dim(axis)}, {"dtype", type.dtype}, {"sizes", sizes}});
  return c.done(c.op("cast", {c.op("eq", {indices, positions})}, {{"to", dtype(attrs, "dtype")}}));
}

constexpr OpText kOps[] = {
    {"x broadcast to sizes in NumPy's manner", "op expand(x){sizes: sizes}", expand_expand},
    {"NumPy's product: last axis with last but one, batches broadcast", "op matmul(a, b)", expand_matmul},
    {"mean over windows of every axis",
     "op avg_pool(x){window: ints, stride: ints = 1, low: ints = 0, high: ints = 0, count_pad: int = 0}", expand_avg_pool},
    {"1 at the index along a new axis, 0 elsewhere", "op one_hot(x){axis: axis, size: int, dtype: dtype = f32}",
     expand_one_hot},
};

}  // namespace

std::span<const OpText> shape_ops() { return kOps; }

}  // namespace egret
