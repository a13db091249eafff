// Products, convolutions, reductions, pooling and normalizations as ONNX nodes.
#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/emitter.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

using Target = Emitter::Target;
constexpr size_t kMaxPooledAxes = 3;  // of onnxruntime's pooling

int64_t product(const Ints& sizes) {
  int64_t count = 1;
  for (const int64_t s : sizes) count *= s;
  return count;
}

Ints iota_of(int64_t begin, int64_t end) {
  Ints values(static_cast<size_t>(std::max<int64_t>(0, end - begin)));
  std::iota(values.begin(), values.end(), begin);
  return values;
}

bool has(const Ints& list, int64_t value) { return std::find(list.begin(), list.end(), value) != list.end(); }

Ints picked(const Ints& sizes, const Ints& axes) {
  Ints result;
  for (const int64_t a : axes) result.push_back(sizes[a]);
  return result;
}

Ints joined(std::initializer_list<Ints> lists) {
  Ints result;
  for (const Ints& l : lists) result.insert(result.end(), l.begin(), l.end());
  return result;
}

// [B, m, k] x [B, k, n]; as it stands where MatMul's own rules give it, else by transposes and reshapes.
Result<Names> dot(Emitter& e, const Target& t) {
  const Ints lb = ints(t.attrs(), "lb"), rb = ints(t.attrs(), "rb"), lc = ints(t.attrs(), "lc"),
             rc = ints(t.attrs(), "rc");
  const Ints sa = t.types[0]->sizes(), sb = t.types[1]->sizes();
  const int64_t ra = t.types[0]->rank(), rank_b = t.types[1]->rank(), batch = static_cast<int64_t>(lb.size());
  const bool plain_left = lb == iota_of(0, batch) && lc == Ints{ra - 1};
  const bool matrices = plain_left && rb == lb && rc == Ints{batch} && rank_b == batch + 2 && ra == batch + 2;
  const bool weights = plain_left && batch == 0 && rank_b == 2 && rc == Ints{0} && ra >= 2;
  if (matrices || weights) return Names{e.node("MatMul", t.operands, {}, t.node->name)};
  Ints m, n;
  for (int64_t a = 0; a < ra; ++a) {
    if (!has(lb, a) && !has(lc, a)) m.push_back(a);
  }
  for (int64_t a = 0; a < rank_b; ++a) {
    if (!has(rb, a) && !has(rc, a)) n.push_back(a);
  }
  const int64_t k = product(picked(sa, lc));
  const Ints batches = picked(sa, lb);
  const std::string left =
      e.reshape(e.transpose(t.operands[0], joined({lb, m, lc})), joined({batches, {product(picked(sa, m)), k}}));
  const std::string right =
      e.reshape(e.transpose(t.operands[1], joined({rb, rc, n})), joined({batches, {k, product(picked(sb, n))}}));
  return Names{e.reshape(e.node("MatMul", {left, right}), t.type().sizes())};
}

// Paddings that ONNX nodes take: those that are negative are cut before.
std::string cut(Emitter& e, const std::string& x, const Type& type, Ints& low, Ints& high, size_t first) {
  Ints before(static_cast<size_t>(type.rank()), 0), after = before;
  for (size_t i = 0; i < low.size(); ++i) {
    before[first + i] = std::min<int64_t>(low[i], 0);
    after[first + i] = std::min<int64_t>(high[i], 0);
    low[i] = std::max<int64_t>(low[i], 0);
    high[i] = std::max<int64_t>(high[i], 0);
  }
  return e.pad(x, before, after, 0, type.dtype);
}

Result<Names> conv(Emitter& e, const Target& t) {
  const Ints apart = ints(t.attrs(), "lhs_dilation");
  if (product(apart) != 1) return unsupported_error("a convolution with lhs_dilation has no ONNX form");
  Ints low = ints(t.attrs(), "low"), high = ints(t.attrs(), "high");
  const std::string x = cut(e, t.operands[0], *t.types[0], low, high, 2);
  return Names{
      e.node("Conv", {x, t.operands[1]},
             {attribute("strides", ints(t.attrs(), "stride")), attribute("pads", joined({low, high})),
              attribute("dilations", ints(t.attrs(), "dilation")), attribute("group", integer(t.attrs(), "groups"))},
             t.node->name)};
}

// The whole transposed convolution, cut or padded to the sizes asked for.
Result<Names> conv_dx(Emitter& e, const Target& t) {
  const Ints stride = ints(t.attrs(), "stride"), dilation = ints(t.attrs(), "dilation"), low = ints(t.attrs(), "low");
  const Ints input = t.types[0]->sizes(), kernel = t.types[1]->sizes(), sizes = t.type().sizes();
  Ints before(sizes.size(), 0), after(sizes.size(), 0), pads_low, pads_high;
  bool plain = true;
  for (size_t i = 0; i < stride.size(); ++i) {
    const int64_t full = stride[i] * (input[i + 2] - 1) + (kernel[i + 2] - 1) * dilation[i] + 1;
    before[i + 2] = -low[i];
    after[i + 2] = sizes[i + 2] - (full - low[i]);
    pads_low.push_back(low[i]);
    pads_high.push_back(-after[i + 2]);
    plain &= low[i] >= 0 && after[i + 2] <= 0;
  }
  std::vector<NodeAttribute> attributes{attribute("strides", stride), attribute("dilations", dilation),
                                        attribute("group", integer(t.attrs(), "groups"))};
  if (plain) attributes.push_back(attribute("pads", joined({pads_low, pads_high})));
  const std::string y = e.node("ConvTranspose", t.operands, attributes);
  return Names{plain ? y : e.pad(y, before, after, 0, t.type().dtype)};
}

// The convolution of x with g, batch and channels swapped: strides and dilations change places.
Result<Names> conv_dw(Emitter& e, const Target& t) {
  if (integer(t.attrs(), "groups") != 1) return unsupported_error("a grouped conv_dw has no ONNX form");
  const Ints stride = ints(t.attrs(), "stride"), dilation = ints(t.attrs(), "dilation");
  Ints low = ints(t.attrs(), "low"), high;
  const Ints sx = t.types[0]->sizes(), sg = t.types[1]->sizes(), sizes = t.type().sizes();
  Ints swap = iota_of(0, t.types[0]->rank());
  std::swap(swap[0], swap[1]);
  for (size_t i = 0; i < stride.size(); ++i) {
    high.push_back((sizes[i + 2] - 1) * dilation[i] + (sg[i + 2] - 1) * stride[i] + 1 - sx[i + 2] - low[i]);
  }
  const std::string x = cut(e, e.transpose(t.operands[0], swap), *t.types[0], low, high, 2);
  const std::string y =
      e.node("Conv", {x, e.transpose(t.operands[1], swap)},
             {attribute("strides", dilation), attribute("dilations", stride), attribute("pads", joined({low, high}))});
  return Names{e.transpose(y, swap)};
}

Result<Names> reduce(Emitter& e, const Target& t, const char* op, std::string x, int64_t keep = 0) {
  const Ints axes = ints(t.attrs(), "axes");
  if (axes.empty() && keep == 0) return Names{x};
  return Names{
      e.node(op, {x, e.integers(axes)}, {attribute("keepdims", keep), attribute("noop_with_empty_axes", int64_t{1})})};
}

Result<Names> reduce_bool(Emitter& e, const Target& t, const char* op) {
  const std::string wide = e.node("Cast", {t.operands[0]}, {attribute("to", int64_t{kInt32})});
  EGRET_TRY(const Names folded, reduce(e, t, op, wide));
  // The fold of nothing is the lowest or highest integer, and on the right side of 0.
  return Names{e.node("Greater", {folded[0], e.scalar(0, DType::i32)}, {}, t.node->name)};
}

Result<Names> arg(Emitter& e, const Target& t, const char* op) {
  const std::string index =
      e.node(op, t.operands, {attribute("axis", integer(t.attrs(), "axis")), attribute("keepdims", int64_t{0})});
  if (t.type().dtype == DType::i64) return Names{index};
  return Names{e.node("Cast", {index}, {attribute("to", int64_t{element_type_of(t.type().dtype)})}, t.node->name)};
}

Result<Names> cumsum(Emitter& e, const Target& t) {
  const std::string axis = e.scalar(static_cast<double>(integer(t.attrs(), "axis")), DType::i64);
  return Names{e.node("CumSum", {t.operands[0], axis},
                      {attribute("exclusive", integer(t.attrs(), "exclusive")), attribute("reverse", integer(t.attrs(), "reverse"))},
                      t.node->name)};
}

// Pooling as [1, other axes, pooled axes], which ONNX pools; `fill` is the padding.
struct Pooling {
  std::string x;  // padded and rearranged
  Ints window, stride, dilation;
  Ints shape, order;  // of the result before it is put back; the axes' order
};

Result<Pooling> pooling(Emitter& e, const Target& t, double fill) {
  const Ints window = ints(t.attrs(), "window"), stride = ints(t.attrs(), "stride"),
             dilation = ints(t.attrs(), "dilation");
  const Ints low = ints(t.attrs(), "low"), high = ints(t.attrs(), "high");
  Ints sizes = t.types[0]->sizes(), pooled, others;
  const std::string padded = e.pad(t.operands[0], low, high, fill, t.types[0]->dtype);
  for (size_t a = 0; a < sizes.size(); ++a) {
    sizes[a] += low[a] + high[a];
    (window[a] != 1 || stride[a] != 1 ? pooled : others).push_back(static_cast<int64_t>(a));
  }
  if (pooled.size() > kMaxPooledAxes) return unsupported_error("windows over more than three axes have no ONNX form");
  if (!is_float(t.types[0]->dtype)) return unsupported_error("windows of integers have no ONNX form");
  if (pooled.empty()) pooled.push_back(static_cast<int64_t>(sizes.size()));  // an axis of size 1
  Pooling p;
  p.order = joined({others, pooled});
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
          attribute("pads", joined({tail("low"), tail("high")}))};
}

Result<Names> window_max(Emitter& e, const Target& t) {
  if (plain_pooling(t)) {
    std::vector<NodeAttribute> attributes = pool_attributes(t);
    const Ints dilation = ints(t.attrs(), "dilation");
    attributes.push_back(attribute("dilations", Ints(dilation.begin() + 2, dilation.end())));
    return Names{e.node("MaxPool", t.operands, attributes, t.node->name)};
  }
  EGRET_TRY(const Pooling p, pooling(e, t, -std::numeric_limits<double>::infinity()));
  const std::string y =
      e.node("MaxPool", {p.x},
             {attribute("kernel_shape", p.window), attribute("strides", p.stride), attribute("dilations", p.dilation)});
  return Names{put_back(e, p, y)};
}

Result<Names> window_sum(Emitter& e, const Target& t) {
  EGRET_TRY(const Pooling p, pooling(e, t, 0));
  const std::string mean =
      e.node("AveragePool", {p.x},
             {attribute("kernel_shape", p.window), attribute("strides", p.stride), attribute("dilations", p.dilation)});
  const std::string y = e.node("Mul", {mean, e.scalar(static_cast<double>(product(p.window)), t.type().dtype)});
  return Names{put_back(e, p, y)};
}

Result<Names> softmax(Emitter& e, const Target& t, const char* op) {
  return Names{e.node(op, t.operands, {attribute("axis", integer(t.attrs(), "axis"))}, t.node->name)};
}

Result<Names> layer_norm(Emitter& e, const Target& t) {
  return Names{
      e.node("LayerNormalization", t.operands,
             {attribute("axis", integer(t.attrs(), "axis")), attribute("epsilon", number(t.attrs(), "epsilon"))},
             t.node->name)};
}

Result<Names> batch_norm(Emitter& e, const Target& t) {
  return Names{
      e.node("BatchNormalization", t.operands, {attribute("epsilon", number(t.attrs(), "epsilon"))}, t.node->name)};
}

Result<Names> lrn(Emitter& e, const Target& t) {
  return Names{e.node("LRN", t.operands,
                      {attribute("size", integer(t.attrs(), "size")), attribute("alpha", number(t.attrs(), "alpha")),
                       attribute("beta", number(t.attrs(), "beta")), attribute("bias", number(t.attrs(), "bias"))},
                      t.node->name)};
}

Result<Names> mean(Emitter& e, const Target& t) { return reduce(e, t, "ReduceMean", t.operands[0]); }

Result<Names> logsumexp(Emitter& e, const Target& t) {
  return reduce(e, t, "ReduceLogSumExp", t.operands[0], integer(t.attrs(), "keep"));
}

}  // namespace

void add_fold_writers(std::unordered_map<std::string_view, OpWriter>& table) {
  table["dot"] = dot;
  table["conv"] = conv;
  table["conv_dx"] = conv_dx;
  table["conv_dw"] = conv_dw;
  table["reduce_sum"] = [](Emitter& e, const Target& t) { return reduce(e, t, "ReduceSum", t.operands[0]); };
  table["reduce_max"] = [](Emitter& e, const Target& t) { return reduce(e, t, "ReduceMax", t.operands[0]); };
  table["reduce_min"] = [](Emitter& e, const Target& t) { return reduce(e, t, "ReduceMin", t.operands[0]); };
  table["reduce_prod"] = [](Emitter& e, const Target& t) { return reduce(e, t, "ReduceProd", t.operands[0]); };
  table["reduce_any"] = [](Emitter& e, const Target& t) { return reduce_bool(e, t, "ReduceMax"); };
  table["reduce_all"] = [](Emitter& e, const Target& t) { return reduce_bool(e, t, "ReduceMin"); };
  table["argmax"] = [](Emitter& e, const Target& t) { return arg(e, t, "ArgMax"); };
  table["argmin"] = [](Emitter& e, const Target& t) { return arg(e, t, "ArgMin"); };
  table["cumsum"] = cumsum;
  table["window_max"] = window_max;
  table["window_sum"] = window_sum;
  table["softmax"] = [](Emitter& e, const Target& t) { return softmax(e, t, "Softmax"); };
  table["log_softmax"] = [](Emitter& e, const Target& t) { return softmax(e, t, "LogSoftmax"); };
  table["layer_norm"] = layer_norm;
  table["batch_norm"] = batch_norm;
  table["lrn"] = lrn;
  table["mean"] = mean;
  table["logsumexp"] = logsumexp;
}

const std::unordered_map<std::string_view, OpWriter>& op_writers() {
  static const std::unordered_map<std::string_view, OpWriter> table = [] {
    std::unordered_map<std::string_view, OpWriter> t;
    add_map_writers(t);
    add_movement_writers(t);
    add_fold_writers(t);
    return t;
  }();
  return table;
}

}  // namespace egret::onnx
