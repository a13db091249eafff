// Products, convolutions, reductions and normalizations as ONNX nodes.
#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/emitter.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

using Target = Emitter::Target;

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
  Ints low = ints(t.attrs(), "low"), high = ints(t.attrs(), "high"), interior{0, 0};
  for (const int64_t apart : ints(t.attrs(), "lhs_dilation")) interior.push_back(apart - 1);
  const std::string spread = e.spread(t.operands[0], t.types[0]->sizes(), interior, e.scalar(0, t.type().dtype));
  const std::string x = cut(e, spread, *t.types[0], low, high, 2);
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

// The convolution of x with g, batch and channels swapped: strides and dilations change places.  With groups, those of
// x's channels stand before its batch.
Result<Names> conv_dw(Emitter& e, const Target& t) {
  const int64_t groups = integer(t.attrs(), "groups");
  const Ints stride = ints(t.attrs(), "stride"), dilation = ints(t.attrs(), "dilation");
  Ints low = ints(t.attrs(), "low"), high;
  const Ints sx = t.types[0]->sizes(), sg = t.types[1]->sizes(), sizes = t.type().sizes();
  Ints swap = iota_of(0, t.types[0]->rank());
  std::swap(swap[0], swap[1]);
  for (size_t i = 0; i < stride.size(); ++i) {
    high.push_back((sizes[i + 2] - 1) * dilation[i] + (sg[i + 2] - 1) * stride[i] + 1 - sx[i + 2] - low[i]);
  }
  std::string swapped;
  if (groups == 1) {
    swapped = e.transpose(t.operands[0], swap);
  } else {
    const Ints space(sx.begin() + 2, sx.end());
    const Ints to_front = joined({{2, 1, 0}, iota_of(3, t.types[0]->rank() + 1)});
    const std::string apart = e.reshape(t.operands[0], joined({{sx[0], groups, sizes[1]}, space}));
    swapped = e.reshape(e.transpose(apart, to_front), joined({{sizes[1], groups * sx[0]}, space}));
  }
  const std::string x = cut(e, swapped, *t.types[0], low, high, 2);
  const std::string y = e.node("Conv", {x, e.transpose(t.operands[1], swap)},
                               {attribute("strides", dilation), attribute("dilations", stride),
                                attribute("pads", joined({low, high})), attribute("group", groups)});
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
    add_window_writers(t);
    return t;
  }();
  return table;
}

}  // namespace egret::onnx
