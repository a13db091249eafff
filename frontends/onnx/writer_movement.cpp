// Movement as ONNX nodes.
#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/emitter.h"

namespace egret::onnx {
namespace {

using Target = Emitter::Target;

Ints range(int64_t begin, int64_t end) {
  Ints values(static_cast<size_t>(std::max<int64_t>(0, end - begin)));
  std::iota(values.begin(), values.end(), begin);
  return values;
}

Result<Names> broadcast(Emitter& e, const Target& t) {
  const Ints dims = ints(t.attrs(), "dims"), sizes = t.type().sizes();
  Ints order = range(0, static_cast<int64_t>(dims.size()));
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return dims[a] < dims[b]; });
  Ints shape(sizes.size(), 1);
  for (const int64_t d : dims) shape[d] = sizes[d];
  return Names{e.expand(e.reshape(e.transpose(t.operands[0], order), shape), sizes)};
}

Result<Names> expand(Emitter& e, const Target& t) { return Names{e.expand(t.operands[0], t.type().sizes())}; }

Result<Names> transpose(Emitter& e, const Target& t) {
  return Names{e.node("Transpose", t.operands, {attribute("perm", ints(t.attrs(), "perm"))}, t.node->name)};
}

Result<Names> reshape(Emitter& e, const Target& t) { return Names{e.reshape(t.operands[0], t.type().sizes())}; }

Result<Names> slice(Emitter& e, const Target& t) {
  const Ints start = ints(t.attrs(), "start"), limit = ints(t.attrs(), "limit"), stride = ints(t.attrs(), "stride");
  const Ints axes = range(0, static_cast<int64_t>(start.size()));
  return Names{e.node("Slice",
                      {t.operands[0], e.integers(start), e.integers(limit), e.integers(axes), e.integers(stride)}, {},
                      t.node->name)};
}

Result<Names> reverse(Emitter& e, const Target& t) {
  const Ints axes = ints(t.attrs(), "axes");
  const Ints start(axes.size(), -1), end(axes.size(), std::numeric_limits<int64_t>::min()), step(axes.size(), -1);
  return Names{e.node("Slice", {t.operands[0], e.integers(start), e.integers(end), e.integers(axes), e.integers(step)},
                      {}, t.node->name)};
}

Result<Names> pad(Emitter& e, const Target& t) {
  const std::string apart = e.spread(t.operands[0], t.types[0]->sizes(), ints(t.attrs(), "interior"), t.operands[1]);
  return Names{e.pad(apart, ints(t.attrs(), "low"), ints(t.attrs(), "high"), t.operands[1])};
}

Result<Names> concat(Emitter& e, const Target& t) {
  return Names{e.node("Concat", t.operands, {attribute("axis", integer(t.attrs(), "axis"))}, t.node->name)};
}

Result<Names> split(Emitter& e, const Target& t) {
  const Ints sizes = ints(t.attrs(), "sizes");
  Names results;
  for (size_t i = 0; i < sizes.size(); ++i) results.push_back(e.fresh());
  e.node_of_several("Split", {t.operands[0], e.integers(sizes)}, {attribute("axis", integer(t.attrs(), "axis"))},
                    results);
  return results;
}

Result<Names> get(Emitter& e, const Target& t) {
  const Names& parts = e.parts(t.node->operands[0]);
  return Names{parts[static_cast<size_t>(integer(t.attrs(), "index"))]};
}

// Indices below 0 and above the end are those of the ends.
Result<Names> gather(Emitter& e, const Target& t) {
  const int64_t axis = integer(t.attrs(), "axis");
  const auto last = static_cast<double>(t.types[0]->sizes()[axis] - 1);
  const std::string index = e.node("Cast", {t.operands[1]}, {attribute("to", int64_t{7})});
  const std::string low = e.node("Max", {index, e.scalar(0, DType::i64)});
  const std::string inside = e.node("Min", {low, e.scalar(last, DType::i64)});
  return Names{e.node("Gather", {t.operands[0], inside}, {attribute("axis", axis)}, t.node->name)};
}

// By ScatterND over rows of the axis, one row more for indices out of range.
Result<Names> scatter_add(Emitter& e, const Target& t) {
  const Ints sizes = t.types[0]->sizes();
  const int64_t axis = integer(t.attrs(), "axis"), rank = t.types[0]->rank(), index_rank = t.types[1]->rank();
  Ints to_front{axis}, back;  // x: the axis first
  for (int64_t a = 0; a < rank; ++a) {
    if (a != axis) to_front.push_back(a);
  }
  for (int64_t a = 0; a < rank; ++a) {
    back.push_back(std::find(to_front.begin(), to_front.end(), a) - to_front.begin());
  }
  Ints updates_front = range(axis, axis + index_rank);
  for (int64_t a = 0; a < t.types[2]->rank(); ++a) {
    if (a < axis || a >= axis + index_rank) updates_front.push_back(a);
  }
  const DType dtype = t.type().dtype;
  Ints low(sizes.size(), 0), high(sizes.size(), 0), cut(sizes.size(), 0);
  high[0] = 1;
  cut[0] = -1;
  const std::string rows = e.pad(e.transpose(t.operands[0], to_front), low, high, e.scalar(0, dtype));
  const std::string index = e.node("Cast", {t.operands[1]}, {attribute("to", int64_t{7})});
  const std::string zero = e.scalar(0, DType::i64), size = e.scalar(static_cast<double>(sizes[axis]), DType::i64);
  const std::string outside = e.node("Or", {e.node("Less", {index, zero}), e.node("GreaterOrEqual", {index, size})});
  Ints index_shape = t.types[1]->sizes();
  index_shape.push_back(1);
  const std::string places = e.reshape(e.node("Where", {outside, size, index}), index_shape);
  const std::string added = e.node("ScatterND", {rows, places, e.transpose(t.operands[2], updates_front)},
                                   {attribute("reduction", std::string_view("add"))});
  return Names{e.transpose(e.pad(added, low, cut, e.scalar(0, dtype)), back)};
}

}  // namespace

void add_movement_writers(std::unordered_map<std::string_view, OpWriter>& table) {
  table["broadcast"] = broadcast;
  table["expand"] = expand;
  table["transpose"] = transpose;
  table["reshape"] = reshape;
  table["slice"] = slice;
  table["reverse"] = reverse;
  table["pad"] = pad;
  table["concat"] = concat;
  table["split"] = split;
  table["get"] = get;
  table["gather"] = gather;
  table["scatter_add"] = scatter_add;
}

}  // namespace egret::onnx
