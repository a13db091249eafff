// Resize of one axis as a term: a sum of few gathers with weights (ONNX Resize; cubic weights: Keys, "Cubic convolution
// interpolation for digital image processing", 1981).  Resizing several axes is one after the other.
#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "ir/definitions/registry.h"
#include "ir/ops/compose.h"

namespace egret {
namespace {

constexpr int64_t kMaxSize = 1 << 20;  // of a resized axis

// One gather: place i of the result reads place index[i], times weight[i].
struct Tap {
  std::vector<int64_t> index;
  std::vector<float> weight;
};

struct Axis {
  int64_t axis = 0, in = 0, out = 0;
  float scale = 1, cubic = -0.75f;
  std::string mode, coordinates, nearest;
  bool exclude_outside = false;
};

// The place of the operand that place i of the result stands for.  In float, as others count, so that ties round alike.
std::optional<float> source_place(const Axis& a, int64_t i) {
  const auto x = static_cast<float>(i);
  const float half = (x + 0.5f) / a.scale - 0.5f;
  if (a.coordinates == "half_pixel") return half;
  if (a.coordinates == "pytorch_half_pixel") return a.out > 1 ? half : 0.0f;
  if (a.coordinates == "align_corners") return a.out == 1 ? 0.0f : x * static_cast<float>(a.in - 1) / static_cast<float>(a.out - 1);
  if (a.coordinates == "asymmetric") return x / a.scale;
  if (a.coordinates == "half_pixel_symmetric") {
    const float adjustment = static_cast<float>(a.out) / (a.scale * static_cast<float>(a.in));
    const float offset = static_cast<float>(a.in) / 2 * (1 - adjustment);
    return offset + (x + 0.5f) / a.scale - 0.5f;
  }
  return std::nullopt;
}

std::optional<float> rounded(const std::string& nearest, float x) {
  if (nearest == "round_prefer_floor") return x == std::floor(x) + 0.5f ? std::floor(x) : std::round(x);
  if (nearest == "round_prefer_ceil") return std::round(x);
  if (nearest == "floor") return std::floor(x);
  if (nearest == "ceil") return std::ceil(x);
  return std::nullopt;
}

// Weights of the places floor(x) - 1 ... floor(x) + 2, or floor(x) and floor(x) + 1.
std::vector<float> weights(const Axis& axis, float fraction) {
  if (axis.mode != "cubic") return {1 - fraction, fraction};
  const float a = axis.cubic;
  const auto near = [&](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [&](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)};
}

Result<std::vector<Tap>> taps(const Axis& a) {
  const size_t count = a.mode == "nearest" ? 1 : a.mode == "cubic" ? 4 : 2;
  const bool exclude = a.exclude_outside && a.mode == "cubic";
  std::vector<Tap> result(count);
  for (int64_t i = 0; i < a.out; ++i) {
    const auto x = source_place(a, i);
    if (!x) {
      return input_error(fmt::format("there are no coordinates `{}`", a.coordinates),
                         "half_pixel, pytorch_half_pixel, half_pixel_symmetric, align_corners or asymmetric");
    }
    if (a.mode == "nearest") {
      const auto place = rounded(a.nearest, *x);
      if (!place) {
        return input_error(fmt::format("nearest is `{}`", a.nearest), "round_prefer_floor, round_prefer_ceil, floor or ceil");
      }
      result[0].index.push_back(std::clamp<int64_t>(static_cast<int64_t>(*place), 0, a.in - 1));
      result[0].weight.push_back(1);
      continue;
    }
    const auto base = static_cast<int64_t>(std::floor(*x)) - (a.mode == "cubic" ? 1 : 0);
    std::vector<float> w = weights(a, *x - std::floor(*x));
    float total = 0;
    for (size_t t = 0; t < count; ++t) {
      const int64_t at = base + static_cast<int64_t>(t);
      if (exclude && (at < 0 || at >= a.in)) w[t] = 0;
      total += w[t];
    }
    for (size_t t = 0; t < count; ++t) {
      result[t].index.push_back(std::clamp<int64_t>(base + static_cast<int64_t>(t), 0, a.in - 1));
      result[t].weight.push_back(exclude ? w[t] / total : w[t]);
    }
  }
  return result;
}

ValueId constant(Compose& c, DType dtype, int64_t size, const std::function<double(int64_t)>& element) {
  Tensor values(Type::tensor(dtype, {Dim(size)}));
  for (int64_t i = 0; i < size; ++i) values.set(i, element(i));
  return c.op("constant", {}, {{"value", std::make_shared<const Tensor>(std::move(values))}});
}

// Each element so many times along the axis.
ValueId repeated(Compose& c, ValueId x, const Axis& a) {
  std::vector<Dim> sizes = c.type(x).dims, dims;
  for (int64_t k = 0; k < c.rank(x); ++k) dims.push_back(k <= a.axis ? k : k + 1);
  sizes[a.axis] = Dim(a.out);
  const ValueId more = c.op("broadcast", {x}, {{"dims", dims}, {"sizes", std::vector<Dim>{Dim(a.out / a.in)}}});
  return c.op("reshape", {more}, {{"sizes", sizes}});
}

ValueId weighted_sum(Compose& c, ValueId x, const Axis& a, const std::vector<Tap>& all) {
  const DType dtype = c.type(x).dtype;
  std::optional<ValueId> sum;
  for (const Tap& tap : all) {
    if (std::all_of(tap.weight.begin(), tap.weight.end(), [](float w) { return w == 0; })) continue;
    const ValueId places = constant(c, DType::i64, a.out, [&](int64_t i) { return static_cast<double>(tap.index[i]); });
    ValueId part = c.op("gather", {x, places}, {{"axis", Dim(a.axis)}});
    if (c.failed()) return 0;
    if (!std::all_of(tap.weight.begin(), tap.weight.end(), [](float w) { return w == 1; })) {
      const ValueId weight = constant(c, dtype, a.out, [&](int64_t i) { return tap.weight[i]; });
      std::vector<Dim> added;
      for (int64_t k = 0; k < c.rank(part); ++k) {
        if (k != a.axis) added.push_back(c.type(part).dims[k]);
      }
      const ValueId wide = c.op("broadcast", {weight}, {{"dims", std::vector<Dim>{Dim(a.axis)}}, {"sizes", added}});
      part = c.op("mul", {part, wide});
    }
    sum = sum ? c.op("add", {*sum, part}) : part;
  }
  return sum ? *sum : c.like(x, 0);
}

Result<ValueId> expand_resize(GraphBuilder& builder, std::span<const ValueId> x, const Attrs& attrs) {
  Compose c(builder);
  const Type& type = c.type(x[0]);
  Axis a;
  a.axis = integer(attrs, "axis");
  if (a.axis >= type.rank()) return input_error(fmt::format("axis {} of {} is out of range", a.axis, type.to_string()));
  if (!type.dims[a.axis].is_const()) return unsupported_error("the size of a resized axis must be known");
  a.in = type.dims[a.axis].value();
  a.out = integer(attrs, "size");
  if (!std::holds_alternative<double>(attrs.at("scale")) || !std::holds_alternative<double>(attrs.at("cubic"))) return unsupported_error("numbers of resize must be known");
  a.scale = static_cast<float>(number(attrs, "scale"));
  a.mode = std::get<std::string>(attrs.at("mode"));
  a.coordinates = std::get<std::string>(attrs.at("coordinates"));
  a.nearest = std::get<std::string>(attrs.at("nearest"));
  a.cubic = static_cast<float>(number(attrs, "cubic"));
  a.exclude_outside = integer(attrs, "exclude_outside") != 0;
  if (a.mode != "nearest" && a.mode != "linear" && a.mode != "cubic") {
    return input_error(fmt::format("mode is `{}`", a.mode), "nearest, linear or cubic");
  }
  if (a.in < 1 || a.out < 1 || a.out > kMaxSize) return input_error(fmt::format("an axis of size {} cannot be resized to {}", a.in, a.out));
  if (a.scale == 0) a.scale = static_cast<float>(a.out) / static_cast<float>(a.in);
  if (!(a.scale > 0)) return input_error("scale must be positive");
  if (!is_float(type.dtype) && a.mode != "nearest") return input_error(fmt::format("{} cannot be interpolated", type.to_string()));
  EGRET_TRY(const std::vector<Tap> all, taps(a));
  if (a.mode == "nearest" && a.out % a.in == 0) {
    bool whole = true;
    for (int64_t i = 0; i < a.out; ++i) whole &= all[0].index[i] == i / (a.out / a.in);
    if (whole) return c.done(repeated(c, x[0], a));
  }
  return c.done(weighted_sum(c, x[0], a, all));
}

constexpr OpText kOps[] = {
    {"an axis at another size, its elements interpolated; scale: size over the axis' own size, where 0",
     "op resize(x){axis: axis, size: int, scale: number = 0, mode: word = linear, coordinates: word = half_pixel, "
     "nearest: word = round_prefer_floor, cubic: number = -0.75, exclude_outside: int = 0}",
     expand_resize},
};

}  // namespace

std::span<const OpText> resize_ops() { return kOps; }

}  // namespace egret
