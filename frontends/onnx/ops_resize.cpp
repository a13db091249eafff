// Resize and Upsample: one axis after the other.
#include <algorithm>
#include <cmath>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

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
  const bool old = n.version < 11;
  std::string mode = n.attr_string("mode", "nearest");
  if (mode == "bilinear") mode = "linear";
  n.check(mode == "nearest" || mode == "linear" || mode == "cubic", "mode should be nearest, linear or cubic");
  const std::string coordinates = n.attr_string("coordinate_transformation_mode", old ? "asymmetric" : "half_pixel");
  if (coordinates == "tf_crop_and_resize" || coordinates == "tf_half_pixel_for_nn") n.unsupported("coordinate_transformation_mode " + coordinates);
  const Attrs common{{"mode", mode}, {"coordinates", coordinates},
                     {"nearest", n.attr_string("nearest_mode", old ? "floor" : "round_prefer_floor")},
                     {"cubic", static_cast<double>(static_cast<float>(n.attr_float("cubic_coeff_a", -0.75)))},
                     {"exclude_outside", Dim(n.attr_int("exclude_outside", 0) != 0 ? 1 : 0)}};
  const Target t = target(n, x);
  bool shrinks = false;
  for (const float s : t.scales) shrinks |= s < 1;
  if (n.attr_int("antialias", 0) != 0 && shrinks && mode != "nearest") n.unsupported("a resize with antialias");
  if (!is_float(n.dtype(x)) && mode != "nearest") n.unsupported("an interpolation of integers");
  for (int64_t a = 0; a < n.rank(x); ++a) {
    if (t.sizes[a] == n.size(x, a) && t.scales[a] == 1) continue;
    Attrs attrs = common;
    attrs["axis"] = Dim(a);
    attrs["size"] = Dim(t.sizes[a]);
    attrs["scale"] = static_cast<double>(t.scales[a]);
    x = n.add("resize", {x}, std::move(attrs));
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
