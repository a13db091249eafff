// Operators that move elements by fixed rules.
#include <algorithm>
#include <limits>
#include <numeric>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

constexpr size_t kMaxParts = 4096;  // of a Split or copies of a Tile
constexpr int64_t kMaxPad = int64_t{1} << 32;
constexpr int64_t kMaxEmpty = int64_t{1} << 40;  // of an axis of a tensor without elements

void reshape(Node& n) {
  const Value x = n.in(0);
  Sizes wanted = n.input_ints(1, "shape");
  const bool keep_zero = n.attr_int("allowzero", 0) != 0;
  const Sizes own = n.sizes(x);
  int64_t known = 1, open = -1;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == 0 && !keep_zero) {
      n.check(i < own.size(), "shape has a 0 where the operand has no axis");
      wanted[i] = own[i];
    }
    if (wanted[i] == -1) {
      n.check(open < 0, "shape has two -1");
      open = static_cast<int64_t>(i);
      continue;
    }
    n.check(
        wanted[i] >= 0 && (wanted[i] == 0 || known <= std::numeric_limits<int32_t>::max() * int64_t{4096} / wanted[i]),
        "a size of the shape is out of range");
    known *= wanted[i];
  }
  if (open >= 0) {
    const int64_t count = n.type(x).elements_count();
    n.check(known > 0 && count % known == 0, "cannot reshape " + n.type(x).to_string() + ": the -1 has no size");
    wanted[open] = count / known;
  }
  n.out(n.reshape(x, wanted));
}

void flatten(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  const int64_t rank = n.rank(x);
  int64_t axis = n.attr_int("axis", 1);
  n.check(axis >= -rank && axis <= rank, "axis is outside of the rank");
  if (axis < 0) axis += rank;
  n.out(n.reshape(x, {product(own, 0, axis), product(own, axis, own.size())}));
}

void transpose(Node& n) {
  const Value x = n.in(0);
  Sizes perm = n.attr_ints("perm");
  if (!n.has_attr("perm")) {
    for (int i = n.rank(x); i-- > 0;) perm.push_back(i);
  }
  n.check(static_cast<int>(perm.size()) == n.rank(x), "perm has another length than the operand's rank");
  n.axes(perm, n.rank(x));
  for (int64_t& p : perm) p = n.axis(p, n.rank(x));
  n.out(n.transpose(x, perm));
}

void concat(Node& n) {
  std::vector<Value> values;
  for (size_t i = 0; i < n.inputs_count(); ++i) {
    if (n.rank(n.in(i)) != n.rank(n.in(0))) n.fail("operands have different ranks");
    values.push_back(n.in(i));
  }
  n.check(!values.empty(), "no operands");
  n.out(n.concat(values, n.axis(n.attr_int("axis", 1), n.rank(values[0]))));
}

void split(Node& n) {
  const Value x = n.in(0);
  const int64_t axis = n.axis(n.attr_int("axis", 0), n.rank(x));
  const int64_t size = n.size(x, axis);
  Sizes parts = n.attr_ints("split");
  if (n.version >= 13 && n.has(1)) parts = n.input_ints(1, "split");
  if (parts.empty()) {
    const int64_t count = n.attr_int("num_outputs", static_cast<int64_t>(n.outputs_count()));
    n.check(count > 0 && count <= static_cast<int64_t>(kMaxParts), "the number of parts is out of range");
    const int64_t each = (size + count - 1) / count;
    n.check(n.version >= 18 || size % count == 0, "the axis does not split into equal parts");
    for (int64_t i = 0; i < count; ++i) parts.push_back(std::max<int64_t>(0, std::min(each, size - i * each)));
  }
  n.check(parts.size() >= n.outputs_count() && parts.size() <= kMaxParts, "fewer parts than outputs, or too many");
  int64_t start = 0;
  for (const int64_t part : parts) {
    n.check(part >= 0 && part <= size - start, "the parts do not fit the axis");
    start += part;
  }
  n.check(start == size, "the parts do not fill the axis");
  start = 0;
  for (size_t i = 0; i < n.outputs_count(); ++i) {
    if (n.wants(i)) n.out(i, n.slice_axis(x, axis, start, start + parts[i]));
    start += parts[i];
  }
}

// One axis of ONNX's slice: start and end clamped, any step but 0.
Value slice_one(Node& n, Value x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const int64_t size = n.size(x, axis);
  n.check(step != 0, "a step of 0");
  if (start < 0) start = std::max<int64_t>(start, -size) + size;
  if (end < 0) end = std::max<int64_t>(end, -size - 1) + size;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, start, size);
    return n.slice_axis(x, axis, start, end, std::min(step, std::max<int64_t>(size, 1)));
  }
  // Backwards: reverse the axis and go forwards.
  start = std::clamp<int64_t>(start, -1, size - 1);
  end = std::clamp<int64_t>(end, -1, start);
  const Value reversed = n.add("reverse", {x}, {{"axes", dims_of({axis})}});
  const int64_t stride = step < -std::max<int64_t>(size, 1) ? std::max<int64_t>(size, 1) : -step;
  return n.slice_axis(reversed, axis, size - 1 - start, size - 1 - end, stride);
}

void slice(Node& n) {
  Value x = n.in(0);
  const int64_t rank = n.rank(x);
  const bool by_inputs = n.version >= 10;
  const Sizes starts = by_inputs ? n.input_ints(1, "starts") : n.attr_ints("starts");
  const Sizes ends = by_inputs ? n.input_ints(2, "ends") : n.attr_ints("ends");
  Sizes axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (by_inputs && n.has(3)) axes = n.input_ints(3, "axes");
  if (!by_inputs && n.has_attr("axes")) axes = n.attr_ints("axes");
  Sizes steps(starts.size(), 1);
  if (by_inputs && n.has(4)) steps = n.input_ints(4, "steps");
  n.check(starts.size() == ends.size() && starts.size() == axes.size() && starts.size() == steps.size(),
          "starts, ends, axes and steps have different lengths");
  n.axes(axes, rank);
  bool forwards = true;
  for (const int64_t s : steps) forwards &= s > 0;
  if (!forwards) {
    for (size_t i = 0; i < starts.size(); ++i) x = slice_one(n, x, n.axis(axes[i], rank), starts[i], ends[i], steps[i]);
    return n.out(x);
  }
  Sizes start(rank, 0), limit = n.sizes(x), stride(rank, 1);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t a = n.axis(axes[i], rank), size = limit[a];
    const int64_t from = starts[i] < 0 ? std::max<int64_t>(starts[i], -size) + size : starts[i];
    const int64_t to = ends[i] < 0 ? std::max<int64_t>(ends[i], -size) + size : ends[i];
    start[a] = std::clamp<int64_t>(from, 0, size);
    limit[a] = std::clamp<int64_t>(to, start[a], size);
    stride[a] = std::min(steps[i], std::max<int64_t>(size, 1));
  }
  n.out(n.slice(x, start, limit, stride));
}

// Places that padding of an axis reads, for the modes that copy elements.
Sizes pad_indices(Node& n, const std::string& mode, int64_t size, int64_t low, int64_t high) {
  Sizes indices;
  for (int64_t i = -low; i < size + high; ++i) {
    int64_t at = i;
    if (mode == "edge") {
      at = std::clamp<int64_t>(i, 0, size - 1);
    } else if (mode == "wrap") {
      at = ((i % size) + size) % size;
    } else if (size == 1) {
      at = 0;
    } else {  // reflect: a period of 2 * (size - 1)
      const int64_t period = 2 * (size - 1), p = ((i % period) + period) % period;
      at = p < size ? p : period - p;
    }
    indices.push_back(at);
  }
  n.check(!indices.empty() || size + low + high == 0, "the padding removes more than there is");
  return indices;
}

void pad(Node& n) {
  Value x = n.in(0);
  const int64_t rank = n.rank(x);
  const std::string mode = n.attr_string("mode", "constant");
  const Sizes pads = n.version >= 11 ? n.input_ints(1, "pads") : n.attr_ints("pads");
  Sizes axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (n.version >= 18 && n.has(3)) axes = n.input_ints(3, "axes");
  n.check(pads.size() == 2 * axes.size(), "pads should have two numbers for each axis");
  n.axes(axes, rank);
  Sizes low(rank, 0), high(rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t a = n.axis(axes[i], rank);
    low[a] = pads[i];
    high[a] = pads[axes.size() + i];
    n.check(std::abs(low[a]) <= kMaxPad && std::abs(high[a]) <= kMaxPad && n.size(x, a) + low[a] + high[a] >= 0,
            "a padding is out of range");
  }
  if (mode == "constant") {
    Value with = n.number(x, n.version < 11 ? n.attr_float("value", 0) : 0);
    if (n.version >= 11 && n.has(2)) with = n.reshape(n.in(2), {});
    return n.out(n.pad(x, low, high, with));
  }
  n.check(mode == "edge" || mode == "reflect" || mode == "wrap", "mode should be constant, edge, reflect or wrap");
  for (int64_t a = 0; a < rank; ++a) {
    if (low[a] == 0 && high[a] == 0) continue;
    const int64_t size = n.size(x, a);
    n.check(size > 0 && size + low[a] + high[a] <= kFoldedIntegers * 16, "the axis cannot be padded so");
    const Sizes at = pad_indices(n, mode, size, low[a], high[a]);
    x = n.gather(x, n.integers(DType::i64, {static_cast<int64_t>(at.size())}, at), a);
  }
  n.out(x);
}

void squeeze(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  Sizes axes = n.attr_ints("axes");
  const bool given = n.version >= 13 ? n.has(1) : n.has_attr("axes");
  if (n.version >= 13 && n.has(1)) axes = n.input_ints(1, "axes");
  axes = n.axes(axes, n.rank(x));
  Sizes kept;
  for (size_t i = 0; i < own.size(); ++i) {
    const bool named = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (named) n.check(own[i] == 1, "axis " + std::to_string(i) + " of size " + std::to_string(own[i]) + " is no 1");
    if (given ? !named : own[i] != 1) kept.push_back(own[i]);
  }
  n.out(n.reshape(x, kept));
}

void unsqueeze(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  Sizes axes = n.version >= 13 ? n.input_ints(1, "axes") : n.attr_ints("axes");
  const int64_t rank = n.rank(x) + static_cast<int64_t>(axes.size());
  axes = n.axes(axes, rank);
  Sizes wanted;
  for (int64_t i = 0, next = 0; i < rank; ++i) {
    const bool fresh = std::find(axes.begin(), axes.end(), i) != axes.end();
    wanted.push_back(fresh ? 1 : own[next]);
    next += fresh ? 0 : 1;
  }
  n.out(n.reshape(x, wanted));
}

void expand(Node& n) {
  const Value x = n.in(0);
  Sizes wanted = n.input_ints(1, "shape");
  const Sizes own = n.sizes(x);
  if (own.size() > wanted.size()) wanted.insert(wanted.begin(), own.size() - wanted.size(), 1);
  for (size_t i = 0; i < own.size(); ++i) {
    int64_t& w = wanted[wanted.size() - own.size() + i];
    if (w == 1) w = own[i];
  }
  // An axis may be longer than any buffer where another is empty.
  const bool empty = std::find(wanted.begin(), wanted.end(), 0) != wanted.end();
  for (const int64_t w : wanted) n.check(w >= 0 && w <= (empty ? kMaxEmpty : kMaxPad), "a size of the shape is out of range");
  n.out(n.broadcast_to(x, wanted));
}

// [a, b] tiled (p, q) is a broadcast to [p, a, q, b], reshaped.
void tile(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x), repeats = n.input_ints(1, "repeats");
  n.check(repeats.size() == own.size(), "repeats should have a number for each axis");
  Sizes between, dims, wanted;
  for (size_t i = 0; i < own.size(); ++i) {
    n.check(repeats[i] >= 0 && repeats[i] <= kMaxPad, "a number of repeats is out of range");
    if (repeats[i] != 1) between.push_back(repeats[i]);
    dims.push_back(static_cast<int64_t>(between.size()));
    between.push_back(own[i]);
    wanted.push_back(own[i] * repeats[i]);
  }
  n.out(n.reshape(n.broadcast_in(x, dims, between), wanted));
}

void depth_to_space(Node& n) {
  const Value x = n.in(0);
  const Sizes s = n.sizes(x);
  const int64_t b = n.attr_int("blocksize", 0);
  n.check(s.size() == 4 && b > 0 && b < 65536 && s[1] % (b * b) == 0,
          "needs [N, C, H, W] with C a multiple of blocksize^2");
  const int64_t c = s[1] / (b * b);
  const std::string mode = n.attr_string("mode", "DCR");
  n.check(mode == "DCR" || mode == "CRD", "mode should be DCR or CRD");
  const Value parts = mode == "DCR" ? n.transpose(n.reshape(x, {s[0], b, b, c, s[2], s[3]}), {0, 3, 4, 1, 5, 2})
                                    : n.transpose(n.reshape(x, {s[0], c, b, b, s[2], s[3]}), {0, 1, 4, 2, 5, 3});
  n.out(n.reshape(parts, {s[0], c, s[2] * b, s[3] * b}));
}

void space_to_depth(Node& n) {
  const Value x = n.in(0);
  const Sizes s = n.sizes(x);
  const int64_t b = n.attr_int("blocksize", 0);
  n.check(s.size() == 4 && b > 0 && b < 65536 && s[2] % b == 0 && s[3] % b == 0,
          "needs [N, C, H, W] with H and W multiples of blocksize");
  const std::string mode = n.attr_string("mode", "DCR");
  n.check(mode == "DCR" || mode == "CRD", "mode should be DCR or CRD");
  const Sizes perm = mode == "DCR" ? Sizes{0, 3, 5, 1, 2, 4} : Sizes{0, 1, 3, 5, 2, 4};
  const Value parts = n.transpose(n.reshape(x, {s[0], s[1], s[2] / b, b, s[3] / b, b}), perm);
  n.out(n.reshape(parts, {s[0], s[1] * b * b, s[2] / b, s[3] / b}));
}

}  // namespace

void add_shape_handlers(HandlerTable& table) {
  table["Reshape"] = reshape;
  table["Flatten"] = flatten;
  table["Transpose"] = transpose;
  table["Concat"] = concat;
  table["Split"] = split;
  table["Slice"] = slice;
  table["Pad"] = pad;
  table["Squeeze"] = squeeze;
  table["Unsqueeze"] = unsqueeze;
  table["Expand"] = expand;
  table["Tile"] = tile;
  table["DepthToSpace"] = depth_to_space;
  table["SpaceToDepth"] = space_to_depth;
}

}  // namespace egret::onnx
