// Resize and Upsample: along each axis a sum of few gathers with weights, both known at import.
#include <algorithm>
#include <cmath>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

constexpr int64_t kMaxSize = 1 << 20;  // of a resized axis

// One gather: result place i reads place index[i], times weight[i].
struct Tap {
  Sizes index;
  std::vector<double> weight;
};

struct Rule {
  std::string mode, coordinates, nearest;
  float cubic = -0.75f;
  bool exclude_outside = false;
};

// In float, as onnxruntime counts, so that ties round alike.
float source_place(Node& n, const Rule& rule, int64_t i, int64_t in, int64_t out, float scale) {
  const auto x = static_cast<float>(i);
  if (rule.coordinates == "half_pixel") return (x + 0.5f) / scale - 0.5f;
  if (rule.coordinates == "pytorch_half_pixel") return out > 1 ? (x + 0.5f) / scale - 0.5f : 0.0f;
  if (rule.coordinates == "align_corners") {
    return out == 1 ? 0.0f : x * static_cast<float>(in - 1) / static_cast<float>(out - 1);
  }
  if (rule.coordinates == "asymmetric") return x / scale;
  if (rule.coordinates == "half_pixel_symmetric") {
    const float adjustment = static_cast<float>(out) / (scale * static_cast<float>(in));
    const float offset = static_cast<float>(in) / 2 * (1 - adjustment);
    return offset + (x + 0.5f) / scale - 0.5f;
  }
  n.unsupported("coordinate_transformation_mode " + rule.coordinates);
}

int64_t nearest_place(Node& n, const std::string& mode, float x) {
  if (mode == "round_prefer_floor") {
    return static_cast<int64_t>(x == std::floor(x) + 0.5f ? std::floor(x) : std::round(x));
  }
  if (mode == "round_prefer_ceil") return static_cast<int64_t>(std::round(x));
  if (mode == "floor") return static_cast<int64_t>(std::floor(x));
  if (mode == "ceil") return static_cast<int64_t>(std::ceil(x));
  n.fail("nearest_mode should be round_prefer_floor, round_prefer_ceil, floor or ceil");
}

// Weights of the places floor(x) - 1 ... floor(x) + 2 (Keys, 1981) or floor(x), floor(x) + 1.
std::vector<float> weights(const Rule& rule, float fraction) {
  if (rule.mode != "cubic") return {1 - fraction, fraction};
  const float a = rule.cubic;
  const auto near = [&](float d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [&](float d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)};
}

std::vector<Tap> taps(Node& n, const Rule& rule, int64_t in, int64_t out, float scale) {
  const size_t count = rule.mode == "nearest" ? 1 : rule.mode == "cubic" ? 4 : 2;
  std::vector<Tap> result(count);
  for (int64_t i = 0; i < out; ++i) {
    const float x = source_place(n, rule, i, in, out, scale);
    if (rule.mode == "nearest") {
      result[0].index.push_back(std::clamp<int64_t>(nearest_place(n, rule.nearest, x), 0, in - 1));
      result[0].weight.push_back(1);
      continue;
    }
    const auto base = static_cast<int64_t>(std::floor(x)) - (rule.mode == "cubic" ? 1 : 0);
    std::vector<float> w = weights(rule, x - std::floor(x));
    float total = 0;
    for (size_t t = 0; t < count; ++t) {
      const int64_t at = base + static_cast<int64_t>(t);
      if (rule.exclude_outside && rule.mode == "cubic" && (at < 0 || at >= in)) w[t] = 0;
      total += w[t];
    }
    for (size_t t = 0; t < count; ++t) {
      result[t].index.push_back(std::clamp<int64_t>(base + static_cast<int64_t>(t), 0, in - 1));
      result[t].weight.push_back(rule.exclude_outside && rule.mode == "cubic" ? w[t] / total : w[t]);
    }
  }
  return result;
}

// Each element r times along an axis.
Value repeated(Node& n, Value x, int64_t axis, int64_t r) {
  Sizes dims, sizes = n.sizes(x);
  for (int64_t a = 0; a < n.rank(x); ++a) dims.push_back(a <= axis ? a : a + 1);
  Sizes wanted = sizes;
  wanted[axis] *= r;
  sizes.insert(sizes.begin() + axis + 1, r);
  return n.reshape(n.broadcast_in(x, dims, sizes), wanted);
}

Value resized(Node& n, Value x, int64_t axis, const Rule& rule, int64_t out, float scale) {
  const int64_t in = n.size(x, axis);
  n.check(in > 0 && out > 0 && out <= kMaxSize && scale > 0, "axis " + std::to_string(axis) + " cannot be resized so");
  const std::vector<Tap> all = taps(n, rule, in, out, scale);
  if (rule.mode == "nearest" && out % in == 0) {
    const int64_t r = out / in;
    bool whole = true;
    for (int64_t i = 0; i < out; ++i) whole &= all[0].index[i] == i / r;
    if (whole) return repeated(n, x, axis, r);
  }
  std::optional<Value> sum;
  for (const Tap& tap : all) {
    if (std::all_of(tap.weight.begin(), tap.weight.end(), [](double w) { return w == 0; })) continue;
    Value part = n.gather(x, n.integers(DType::i64, {out}, tap.index), axis);
    const Value weight = n.floats(n.dtype(x), {out}, tap.weight);
    const std::optional<double> one = n.importer().uniform(weight);
    if (!one || *one != 1) part = n.add("mul", {part, n.broadcast_in(weight, {axis}, n.sizes(part))});
    sum = sum ? n.add("add", {*sum, part}) : part;
  }
  return *sum;
}

// What the node asks for, by axis.
struct Target {
  Sizes sizes;
  std::vector<float> scales;
};

std::vector<float> known_scales(Node& n, Value v) {
  n.check(is_float(n.dtype(v)) && n.type(v).elements_count() <= 64, "scales should be floats");
  const TensorRef tensor = n.importer().known(v);
  if (!tensor) n.unsupported("scales that depend on the input's values");
  std::vector<float> scales;
  for (int64_t i = 0; i < tensor->size(); ++i) scales.push_back(static_cast<float>(tensor->get(i)));
  return scales;
}

Target target(Node& n, Value x) {
  const Sizes own = n.sizes(x);
  const bool old = n.version < 11;  // Upsample, and the first Resize
  std::vector<float> scales;
  Sizes sizes, axes;
  const size_t scales_input = old ? 1 : 2;
  if (const AttributeMessage* a = n.attr("scales")) {
    scales = a->floats;
  } else if (n.has(scales_input) && n.type(n.in(scales_input)).elements_count() > 0) {
    scales = known_scales(n, n.in(scales_input));
  } else if (n.has(3)) {
    sizes = n.input_ints(3, "sizes");
  }
  axes = n.attr_ints("axes");
  if (axes.empty()) {
    for (int64_t a = 0; a < n.rank(x); ++a) axes.push_back(a);
  }
  n.axes(axes, n.rank(x));
  n.check(axes.size() == std::max(scales.size(), sizes.size()), "scales or sizes should have a number for each axis");
  const std::string policy = n.attr_string("keep_aspect_ratio_policy", "stretch");
  Target t{own, std::vector<float>(own.size(), 1)};
  float common = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const float s =
        static_cast<float>(sizes[i]) / static_cast<float>(std::max<int64_t>(1, own[n.axis(axes[i], n.rank(x))]));
    common = i == 0 ? s : policy == "not_larger" ? std::min(common, s) : std::max(common, s);
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t a = n.axis(axes[i], n.rank(x));
    if (!scales.empty()) {
      n.check(scales[i] > 0 && scales[i] < 1e6f, "a scale is out of range");
      t.scales[a] = scales[i];
      t.sizes[a] = static_cast<int64_t>(std::floor(static_cast<float>(own[a]) * scales[i]));
    } else if (policy == "stretch") {
      t.sizes[a] = sizes[i];
      t.scales[a] = static_cast<float>(sizes[i]) / static_cast<float>(std::max<int64_t>(1, own[a]));
    } else {
      t.scales[a] = common;
      t.sizes[a] = static_cast<int64_t>(std::round(common * static_cast<float>(own[a])));
    }
  }
  return t;
}

void resize(Node& n) {
  Value x = n.in(0);
  Rule rule;
  rule.mode = n.attr_string("mode", "nearest");
  if (rule.mode == "bilinear") rule.mode = "linear";
  n.check(rule.mode == "nearest" || rule.mode == "linear" || rule.mode == "cubic",
          "mode should be nearest, linear or cubic");
  const bool old = n.version < 11;
  rule.coordinates = n.attr_string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  rule.nearest = n.attr_string("nearest_mode", old ? "floor" : "round_prefer_floor");
  rule.cubic = static_cast<float>(n.attr_float("cubic_coeff_a", -0.75));
  rule.exclude_outside = n.attr_int("exclude_outside", 0) != 0;
  const Target t = target(n, x);
  bool shrinks = false;
  for (const float s : t.scales) shrinks |= s < 1;
  if (n.attr_int("antialias", 0) != 0 && shrinks && rule.mode != "nearest") n.unsupported("a resize with antialias");
  if (!is_float(n.dtype(x)) && rule.mode != "nearest") n.unsupported("an interpolation of integers");
  for (int64_t a = 0; a < n.rank(x); ++a) {
    if (t.sizes[a] != n.size(x, a) || t.scales[a] != 1) x = resized(n, x, a, rule, t.sizes[a], t.scales[a]);
  }
  n.out(x);
}

void upsample(Node& n) {
  if (n.version >= 10) n.fail("Upsample left the standard with operator set 10", "Resize took its place");
  resize(n);
}

}  // namespace

void add_resize_handlers(HandlerTable& table) {
  table["Resize"] = resize;
  table["Upsample"] = upsample;
}

}  // namespace egret::onnx
