// Pooling, folds over windows and running folds as ONNX nodes.
#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/emitter.h"

namespace egret::onnx {
namespace {

using Target = Emitter::Target;
constexpr size_t kMaxPooledAxes = 3;   // of onnxruntime's pooling
constexpr int64_t kMaxPositions = 1024;  // of a window that is written position by position

int64_t product(const Ints& sizes) { return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>()); }

Ints picked(const Ints& sizes, const Ints& axes) {
  Ints result;
  for (const int64_t a : axes) result.push_back(sizes[a]);
  return result;
}

Ints joined(Ints first, const Ints& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// A fold over windows, position by position in the window's own order: for each the elements of x that stand there, an array of
// the result's sizes.
class Positions {
 public:
  Positions(Emitter& e, const Target& t, double padding)
      : e_(e), window_(ints(t.attrs(), "window")), stride_(ints(t.attrs(), "stride")), low_(ints(t.attrs(), "low")),
        high_(ints(t.attrs(), "high")), dilation_(ints(t.attrs(), "dilation")), input_(t.types[0]->sizes()),
        padded_(e.pad(t.operands[0], low_, high_, padding, t.types[0]->dtype)), axes_(input_.size()) {
    std::iota(axes_.begin(), axes_.end(), 0);
  }
  int64_t count() const { return product(window_); }
  Ints at(int64_t position) const {
    Ints t(window_.size());
    for (size_t a = t.size(); a-- > 0; position /= window_[a]) t[a] = position % window_[a];
    return t;
  }
  std::string elements(int64_t position) const {
    if (axes_.empty()) return padded_;
    Ints start = at(position), end;
    for (size_t a = 0; a < start.size(); ++a) {
      start[a] *= dilation_[a];
      end.push_back(start[a] + std::max<int64_t>(0, (results(a) - 1) * stride_[a] + 1));
    }
    return e_.node("Slice", {padded_, e_.integers(start), e_.integers(end), e_.integers(axes_), e_.integers(stride_)});
  }
  // An array of the result's sizes, put where the elements of x stand, and 0 elsewhere.
  std::string put_back(const std::string& values, int64_t position, DType dtype) const {
    const Ints t = at(position);
    Ints sizes, interior, before, after;
    for (size_t a = 0; a < t.size(); ++a) {
      sizes.push_back(results(a));
      interior.push_back(stride_[a] - 1);
      before.push_back(t[a] * dilation_[a] - low_[a]);
      after.push_back(input_[a] - before[a] - std::max<int64_t>(0, (results(a) - 1) * stride_[a] + 1));
    }
    return e_.pad(e_.spread(values, sizes, interior, e_.scalar(0, dtype)), before, after, 0, dtype);
  }

 private:
  int64_t results(size_t a) const {
    return std::max<int64_t>(0, (input_[a] + low_[a] + high_[a] - (window_[a] - 1) * dilation_[a] - 1) / stride_[a] + 1);
  }

  Emitter& e_;
  Ints window_, stride_, low_, high_, dilation_, input_;
  std::string padded_;
  Ints axes_;
};

Error too_large(const Positions& positions) {
  return unsupported_error("a window of " + std::to_string(positions.count()) + " positions, above " + std::to_string(kMaxPositions) + ", has no ONNX form of this kind");
}

Result<Names> folded(Emitter& e, const Target& t, const char* op, double padding) {
  const Positions positions(e, t, padding);
  if (positions.count() > kMaxPositions) return too_large(positions);
  std::string all = positions.elements(0);
  for (int64_t p = 1; p < positions.count(); ++p) all = e.node(op, {all, positions.elements(p)});
  return Names{all};
}

// The first maximum of each window, a NaN where there is one, receives the gradient.
Result<Names> window_max_grad(Emitter& e, const Target& t) {
  const DType dtype = t.type().dtype;
  const Positions positions(e, t, lowest_of(dtype));
  if (positions.count() > kMaxPositions) return too_large(positions);
  std::string best = positions.elements(0), place;
  for (int64_t p = 1; p < positions.count(); ++p) {
    const std::string x = positions.elements(p);
    const std::string first_nan = e.node("And", {e.node("IsNaN", {x}), e.node("Not", {e.node("IsNaN", {best})})});
    const std::string better = e.node("Or", {e.node("Greater", {x, best}), first_nan});
    best = e.node("Where", {better, x, best});
    place = e.node("Where", {better, e.scalar(static_cast<double>(p), DType::i64), place.empty() ? e.scalar(0, DType::i64) : place});
  }
  std::string sum;
  for (int64_t p = 0; p < positions.count(); ++p) {
    std::string given = t.operands[1];
    if (!place.empty()) given = e.node("Where", {e.node("Equal", {place, e.scalar(static_cast<double>(p), DType::i64)}), given, e.scalar(0, dtype)});
    const std::string part = positions.put_back(given, p, dtype);
    sum = sum.empty() ? part : e.node("Add", {sum, part});
  }
  return Names{sum};
}

// Whether ONNX's pooling says it: floats, over few axes.
bool pools(const Target& t) {
  const Ints window = ints(t.attrs(), "window"), stride = ints(t.attrs(), "stride");
  size_t pooled = 0;
  for (size_t a = 0; a < window.size(); ++a) pooled += window[a] != 1 || stride[a] != 1;
  return pooled <= kMaxPooledAxes && is_float(t.types[0]->dtype);
}

// Pooling as [1, other axes, pooled axes], which ONNX pools; `fill` is the padding.
struct Pooling {
  std::string x;  // padded and rearranged
  Ints window, stride, dilation;
  Ints shape, order;  // of the result before it is put back; the axes' order
};

Pooling pooling(Emitter& e, const Target& t, double fill) {
  const Ints window = ints(t.attrs(), "window"), stride = ints(t.attrs(), "stride"),
             dilation = ints(t.attrs(), "dilation");
  const Ints low = ints(t.attrs(), "low"), high = ints(t.attrs(), "high");
  Ints sizes = t.types[0]->sizes(), pooled, others;
  const std::string padded = e.pad(t.operands[0], low, high, fill, t.types[0]->dtype);
  for (size_t a = 0; a < sizes.size(); ++a) {
    sizes[a] += low[a] + high[a];
    (window[a] != 1 || stride[a] != 1 ? pooled : others).push_back(static_cast<int64_t>(a));
  }
  if (pooled.empty()) pooled.push_back(static_cast<int64_t>(sizes.size()));  // an axis of size 1
  Pooling p;
  p.order = joined(others, pooled);
  Ints shape{1, product(picked(sizes, others))};
  for (const int64_t a : pooled) {
    const bool real = a < static_cast<int64_t>(sizes.size());
    shape.push_back(real ? sizes[a] : 1);
    p.window.push_back(real ? window[a] : 1);
    p.stride.push_back(real ? stride[a] : 1);
    p.dilation.push_back(real ? dilation[a] : 1);
  }
  if (p.order.size() > sizes.size()) p.order.pop_back();
  p.x = e.reshape(e.transpose(padded, p.order), shape);
  p.shape = picked(t.type().sizes(), p.order);
  return p;
}

std::string put_back(Emitter& e, const Pooling& p, const std::string& y) {
  Ints inverse(p.order.size());
  for (size_t i = 0; i < p.order.size(); ++i) inverse[p.order[i]] = static_cast<int64_t>(i);
  return e.transpose(e.reshape(y, p.shape), inverse);
}

// Where the last axes but the first two are pooled, ONNX takes the operand as it is.
bool plain_pooling(const Target& t) {
  const Ints window = ints(t.attrs(), "window"), stride = ints(t.attrs(), "stride"), low = ints(t.attrs(), "low"),
             high = ints(t.attrs(), "high");
  if (window.size() < 3 || window.size() > 5 || !is_float(t.types[0]->dtype)) return false;
  for (size_t a = 0; a < window.size(); ++a) {
    if (low[a] < 0 || high[a] < 0 || low[a] >= std::max<int64_t>(window[a], 1) ||
        high[a] >= std::max<int64_t>(window[a], 1))
      return false;
    if (a < 2 && (window[a] != 1 || stride[a] != 1)) return false;
  }
  return true;
}

std::vector<NodeAttribute> pool_attributes(const Target& t) {
  const auto tail = [&](const char* name) {
    const Ints all = ints(t.attrs(), name);
    return Ints(all.begin() + 2, all.end());
  };
  return {attribute("kernel_shape", tail("window")), attribute("strides", tail("stride")),
          attribute("pads", joined(tail("low"), tail("high")))};
}

Result<Names> window_max(Emitter& e, const Target& t) {
  if (!pools(t)) return folded(e, t, "Max", lowest_of(t.type().dtype));
  if (plain_pooling(t)) {
    std::vector<NodeAttribute> attributes = pool_attributes(t);
    const Ints dilation = ints(t.attrs(), "dilation");
    attributes.push_back(attribute("dilations", Ints(dilation.begin() + 2, dilation.end())));
    return Names{e.node("MaxPool", t.operands, attributes, t.node->name)};
  }
  const Pooling p = pooling(e, t, -std::numeric_limits<double>::infinity());
  const std::string y =
      e.node("MaxPool", {p.x},
             {attribute("kernel_shape", p.window), attribute("strides", p.stride), attribute("dilations", p.dilation)});
  return Names{put_back(e, p, y)};
}

Result<Names> window_sum(Emitter& e, const Target& t) {
  if (!pools(t)) return folded(e, t, "Add", 0);
  const Pooling p = pooling(e, t, 0);
  const std::string mean =
      e.node("AveragePool", {p.x},
             {attribute("kernel_shape", p.window), attribute("strides", p.stride), attribute("dilations", p.dilation)});
  const std::string y = e.node("Mul", {mean, e.scalar(static_cast<double>(product(p.window)), t.type().dtype)});
  return Names{put_back(e, p, y)};
}

Result<Names> cumsum(Emitter& e, const Target& t) {
  const std::string axis = e.scalar(static_cast<double>(integer(t.attrs(), "axis")), DType::i64);
  return Names{e.node("CumSum", {t.operands[0], axis},
                      {attribute("exclusive", integer(t.attrs(), "exclusive")), attribute("reverse", integer(t.attrs(), "reverse"))},
                      t.node->name)};
}

// By doubling: after step k each element is the product of the 2^k up to it.
Result<Names> cumprod(Emitter& e, const Target& t) {
  const auto axis = static_cast<size_t>(integer(t.attrs(), "axis"));
  const bool reverse = integer(t.attrs(), "reverse") != 0;
  const Ints sizes = t.type().sizes();
  const auto shifted = [&](const std::string& x, int64_t by) {
    Ints low(sizes.size(), 0), high = low;
    (reverse ? high : low)[axis] = by;
    (reverse ? low : high)[axis] = -by;
    return e.pad(x, low, high, 1, t.type().dtype);
  };
  std::string y = t.operands[0];
  if (integer(t.attrs(), "exclusive") != 0 && sizes[axis] > 0) y = shifted(y, 1);
  for (int64_t step = 1; step < sizes[axis]; step *= 2) y = e.node("Mul", {y, shifted(y, step)});
  return Names{y};
}

}  // namespace

void add_window_writers(std::unordered_map<std::string_view, OpWriter>& table) {
  table["window_max"] = window_max;
  table["window_sum"] = window_sum;
  table["window_max_grad"] = window_max_grad;
  table["cumsum"] = cumsum;
  table["cumprod"] = cumprod;
}

}  // namespace egret::onnx
