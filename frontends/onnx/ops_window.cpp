// Convolutions and pooling.
#include <algorithm>
#include <limits>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

constexpr int64_t kMaxExtent = int64_t{1} << 31;  // of kernels, strides, dilations and paddings

constexpr int64_t kMaxCounted = int64_t{1} << 24;  // steps of counting what pooling windows hold

// How windows lie on the spatial axes.
struct Windows {
  Sizes kernel, stride, dilation, low, high;
};

void in_range(Node& n, const Sizes& values, size_t count, int64_t least, const char* what) {
  n.check(values.size() == count, std::string(what) + " should have a number for each spatial axis");
  for (const int64_t v : values) {
    n.check(v >= least && v < kMaxExtent, std::string(what) + " is out of range");
  }
}

// Reads strides, dilations, pads and auto_pad.  `input`: spatial sizes; for transposed convolutions the caller does
// auto_pad itself.
Windows windows(Node& n, const Sizes& kernel, const Sizes& input, bool transposed = false) {
  const size_t rank = input.size();
  Windows w;
  w.kernel = kernel;
  w.stride = n.attr_ints("strides", Sizes(rank, 1));
  w.dilation = n.attr_ints("dilations", Sizes(rank, 1));
  in_range(n, w.kernel, rank, 0, "kernel_shape");
  in_range(n, w.stride, rank, 1, "strides");
  in_range(n, w.dilation, rank, 1, "dilations");
  const Sizes pads = n.attr_ints("pads", Sizes(2 * rank, 0));
  in_range(n, pads, 2 * rank, -kMaxExtent, "pads");
  w.low.assign(pads.begin(), pads.begin() + static_cast<int64_t>(rank));
  w.high.assign(pads.begin() + static_cast<int64_t>(rank), pads.end());
  const std::string mode = n.attr_string("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode.empty() || transposed) return w;
  w.low.assign(rank, 0);
  w.high.assign(rank, 0);
  if (mode == "VALID") return w;
  n.check(mode == "SAME_UPPER" || mode == "SAME_LOWER", "auto_pad should be NOTSET, VALID, SAME_UPPER or SAME_LOWER");
  for (size_t i = 0; i < rank; ++i) {
    const int64_t result = (input[i] + w.stride[i] - 1) / w.stride[i];
    const int64_t extent = (w.kernel[i] - 1) * w.dilation[i] + 1;
    const int64_t total = std::max<int64_t>(0, (result - 1) * w.stride[i] + extent - input[i]);
    w.low[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    w.high[i] = total - w.low[i];
  }
  return w;
}

// y[n, c, ...] + bias[c]
Value with_bias(Node& n, Value y, size_t input) {
  if (!n.has(input)) return y;
  n.check(n.sizes(n.in(input)) == Sizes{n.size(y, 1)}, "the bias should have a number for each channel");
  return n.add("add", {y, n.broadcast_in(n.in(input), {1}, n.sizes(y))});
}

Sizes spatial(Node& n, Value v) {
  const Sizes s = n.sizes(v);
  n.check(s.size() >= 3, "operand " + n.type(v).to_string() + " should be [batch, channels, spatial axes]");
  return Sizes(s.begin() + 2, s.end());
}

}  // namespace

Value convolution(Node& n, Value x, Value w) {
  n.check(n.rank(w) == n.rank(x), "weights have another rank than the operand");
  const Windows at = windows(n, spatial(n, w), spatial(n, x));
  n.check(n.attr_ints("kernel_shape", at.kernel) == at.kernel, "kernel_shape differs from the weights");
  const int64_t groups = n.attr_int("group", 1);
  n.check(groups >= 1 && n.size(w, 1) * groups == n.size(x, 1) && n.size(w, 0) % groups == 0,
          "channels do not fit: " + n.type(x).to_string() + ", weights " + n.type(w).to_string() + ", group " +
              std::to_string(groups));
  return n.add("conv", {x, w},
               {{"stride", dims_of(at.stride)},
                {"low", dims_of(at.low)},
                {"high", dims_of(at.high)},
                {"dilation", dims_of(at.dilation)},
                {"lhs_dilation", dims_of(Sizes(at.kernel.size(), 1))},
                {"groups", Dim(groups)}});
}

namespace {

void conv(Node& n) { n.out(with_bias(n, convolution(n, n.in(0), n.in(1)), 2)); }

// The gradient of a convolution by its input.
void conv_transpose(Node& n) {
  const Value x = n.in(0), w = n.in(1);
  n.check(n.rank(w) == n.rank(x), "weights have another rank than the operand");
  const Sizes input = spatial(n, x);
  Windows at = windows(n, spatial(n, w), input, true);
  const size_t rank = input.size();
  const Sizes extra = n.attr_ints("output_padding", Sizes(rank, 0));
  in_range(n, extra, rank, 0, "output_padding");
  Sizes sizes = n.attr_ints("output_shape");
  if (sizes.size() == rank + 2) sizes.erase(sizes.begin(), sizes.begin() + 2);
  const bool given = !sizes.empty();
  if (given) in_range(n, sizes, rank, 0, "output_shape");
  const std::string mode = n.attr_string("auto_pad", "NOTSET");
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  for (size_t i = 0; i < rank; ++i) {
    const int64_t full = at.stride[i] * (input[i] - 1) + extra[i] + (at.kernel[i] - 1) * at.dilation[i] + 1;
    if (mode == "VALID") at.low[i] = at.high[i] = 0;
    if (given || same) {
      const int64_t wanted = given ? sizes[i] : input[i] * at.stride[i];
      const int64_t total = std::max<int64_t>(0, full - wanted);
      at.low[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      if (mode == "NOTSET" && given) at.low[i] = total / 2;
      if (!given) sizes.push_back(wanted);
    } else {
      sizes.push_back(full - at.low[i] - at.high[i]);
    }
    n.check(sizes[i] >= 0, "the result would have a negative size");
  }
  const Value y = n.add("conv_dx", {x, w},
                        {{"stride", dims_of(at.stride)},
                         {"low", dims_of(at.low)},
                         {"dilation", dims_of(at.dilation)},
                         {"groups", Dim(n.attr_int("group", 1))},
                         {"sizes", dims_of(sizes)}});
  n.out(with_bias(n, y, 2));
}

// Windows over all axes of x, for window_sum and window_max.
Attrs window_attrs(const Windows& at, bool dilated) {
  const auto full = [](Sizes values, int64_t fill) {
    values.insert(values.begin(), 2, fill);
    return dims_of(values);
  };
  Attrs attrs{{"window", full(at.kernel, 1)},
              {"stride", full(at.stride, 1)},
              {"low", full(at.low, 0)},
              {"high", full(at.high, 0)}};
  if (dilated) attrs.emplace("dilation", full(at.dilation, 1));
  return attrs;
}

// With ceil_mode the last window may start inside the padded operand and reach beyond it: more padding there.  Returns
// whether any was added; padding that no window reads is taken away.
bool round_up(Node& n, Windows& at, const Sizes& input) {
  if (n.attr_int("ceil_mode", 0) == 0) return false;
  bool more = false;
  for (size_t i = 0; i < input.size(); ++i) {
    const int64_t extent = (at.kernel[i] - 1) * at.dilation[i] + 1, s = at.stride[i];
    const int64_t padded = input[i] + at.low[i] + at.high[i];
    if (padded < extent) continue;
    int64_t count = (padded - extent + s - 1) / s + 1;
    if ((count - 1) * s >= input[i] + at.low[i]) --count;
    const int64_t high = (count - 1) * s + extent - input[i] - at.low[i];
    if (high > at.high[i]) {
      more = true;
      at.high[i] = high;
    } else if (count < (padded - extent) / s + 1) {
      at.high[i] = high;
    }
  }
  return more;
}

void max_pool(Node& n) {
  const Value x = n.in(0);
  const Sizes input = spatial(n, x);
  if (n.wants(1)) n.unsupported("the indices of a max pooling");
  Windows at = windows(n, n.attr_ints("kernel_shape"), input);
  round_up(n, at, input);
  n.out(n.add("window_max", {x}, window_attrs(at, true)));
}

void average_pool(Node& n) {
  const Value x = n.in(0);
  const Sizes input = spatial(n, x);
  const Windows file = windows(n, n.attr_ints("kernel_shape"), input);
  Windows at = file;
  const bool more = round_up(n, at, input);
  const bool count_pad = n.attr_int("count_include_pad", 0) != 0;
  const bool dilated = at.dilation != Sizes(input.size(), 1);
  if (!dilated && !(more && count_pad)) {
    Attrs attrs = window_attrs(at, false);
    attrs.emplace("count_pad", Dim(count_pad ? 1 : 0));
    return n.out(n.add("avg_pool", {x}, attrs));
  }
  // Sums divided by counts that are known: along each axis, the part of a window inside of what counts.
  Value y = n.add("window_sum", {x}, window_attrs(at, true));
  for (size_t i = 0; i < input.size(); ++i) {
    const int64_t begin = count_pad ? -file.low[i] : 0, end = input[i] + (count_pad ? file.high[i] : 0);
    const int64_t places = n.size(y, static_cast<int64_t>(i) + 2);
    n.check(at.kernel[i] <= kFoldedIntegers && places * at.kernel[i] <= kMaxCounted, "the pooling is too large");
    std::vector<double> counts;
    for (int64_t p = 0; p < places; ++p) {
      const int64_t start = p * at.stride[i] - at.low[i];
      int64_t count = 0;
      for (int64_t t = 0; t < at.kernel[i]; ++t) {
        const int64_t place = start + t * at.dilation[i];
        count += place >= begin && place < end ? 1 : 0;
      }
      counts.push_back(static_cast<double>(count));
    }
    const Value divisor = n.floats(n.dtype(y), {places}, counts);
    y = n.add("div", {y, n.broadcast_in(divisor, {static_cast<int64_t>(i) + 2}, n.sizes(y))});
  }
  n.out(y);
}

void lp_pool(Node& n) {
  const Value x = n.in(0);
  const Sizes input = spatial(n, x);
  Windows at = windows(n, n.attr_ints("kernel_shape"), input);
  round_up(n, at, input);
  const auto p = static_cast<double>(n.attr_int("p", 2));
  const Value magnitude = n.add("abs", {x});
  const Value powers = p == 2 ? n.add("square", {x}) : n.map("pow", {magnitude, n.number(x, p)});
  const Value sum = n.add("window_sum", {powers}, window_attrs(at, true));
  n.out(p == 2 ? n.add("sqrt", {sum}) : n.map("pow", {sum, n.number(x, 1 / p)}));
}

void global_pool(Node& n, const char* op) {
  const Value x = n.in(0);
  spatial(n, x);
  Sizes axes;
  for (int64_t i = 2; i < n.rank(x); ++i) axes.push_back(i);
  n.out(n.reduce(op, x, axes, true));
}

}  // namespace

void add_window_handlers(HandlerTable& table) {
  table["Conv"] = conv;
  table["ConvTranspose"] = conv_transpose;
  table["MaxPool"] = max_pool;
  table["AveragePool"] = average_pool;
  table["LpPool"] = lp_pool;
  table["GlobalAveragePool"] = [](Node& n) { global_pool(n, "mean"); };
  table["GlobalMaxPool"] = [](Node& n) { global_pool(n, "reduce_max"); };
}

}  // namespace egret::onnx
