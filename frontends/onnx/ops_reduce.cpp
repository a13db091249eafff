// Reductions, arg-max, softmax, cumulative sums.
#include <algorithm>
#include <numeric>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

constexpr int64_t kMaxRanked = int64_t{1} << 26;  // pairs of elements that are compared

// Axes of a reduction: an attribute, or from some version on an input.
struct Reduced {
  Value x;
  Sizes axes;
  bool keep = true, nothing = false;
};

Reduced reduced(Node& n, int64_t axes_input_since) {
  Reduced r;
  r.x = n.in(0);
  r.keep = n.attr_int("keepdims", 1) != 0;
  Sizes axes = n.attr_ints("axes");
  if (n.version >= axes_input_since && n.has(1)) axes = n.input_ints(1, "axes");
  r.nothing = axes.empty() && n.attr_int("noop_with_empty_axes", 0) != 0;
  if (axes.empty() && !r.nothing) {
    axes.resize(n.rank(r.x));
    std::iota(axes.begin(), axes.end(), 0);
  }
  r.axes = n.axes(axes, n.rank(r.x));
  return r;
}

template <class Before, class After>
void reduce(Node& n, int64_t since, const char* op, Before before, After after) {
  const Reduced r = reduced(n, since);
  const Value x = before(n, r.x);
  n.out(n.cast(after(n, n.reduce(op, x, r.axes, r.keep)), n.dtype(r.x)));
}

// Roots and logarithms of whole numbers are cut to whole numbers at the end.
Value real(Node& n, Value x) { return is_float(n.dtype(x)) ? x : n.cast(x, DType::f64); }

Value as_is(Node&, Value x) { return x; }
Value square(Node& n, Value x) { return n.add("square", {x}); }
Value absolute(Node& n, Value x) { return n.add("abs", {x}); }
Value square_root(Node& n, Value x) { return n.add("sqrt", {x}); }
Value logarithm(Node& n, Value x) { return n.add("log", {x}); }

void reduce_mean(Node& n) {
  const Reduced r = reduced(n, 18);
  if (r.axes.empty()) return n.out(r.x);
  if (is_float(n.dtype(r.x))) return n.out(n.reduce("mean", r.x, r.axes, r.keep));
  int64_t count = 1;
  for (const int64_t a : r.axes) count *= n.size(r.x, a);
  const Value sum = n.reduce("reduce_sum", r.x, r.axes, r.keep);
  n.out(n.map("div", {sum, n.number(sum, static_cast<double>(count))}));
}

void reduce_extreme(Node& n, const char* op, const char* boolean_op) {
  const Reduced r = reduced(n, 18);
  n.out(n.reduce(n.dtype(r.x) == DType::boolean ? boolean_op : op, r.x, r.axes, r.keep));
}

void reduce_log_sum_exp(Node& n) {
  const Reduced r = reduced(n, 18);
  if (r.axes.empty()) return n.out(r.x);
  const Value y = n.add("logsumexp", {real(n, r.x)}, {{"axes", dims_of(r.axes)}, {"keep", Dim(r.keep ? 1 : 0)}});
  n.out(n.cast(y, n.dtype(r.x)));
}

void arg_extreme(Node& n, const char* op) {
  Value x = n.in(0);
  const int64_t axis = n.axis(n.attr_int("axis", 0), n.rank(x));
  const bool last = n.attr_int("select_last_index", 0) != 0;
  n.check(n.size(x, axis) > 0, "the axis is empty");
  const Value source = last ? n.add("reverse", {x}, {{"axes", dims_of({axis})}}) : x;
  Value index = n.add(op, {source}, {{"axis", Dim(axis)}, {"dtype", DType::i64}});
  if (last) index = n.map("sub", {n.number(index, static_cast<double>(n.size(x, axis) - 1)), index});
  n.out(n.attr_int("keepdims", 1) != 0 ? n.keep_axes(index, x, {axis}) : index);
}

// Before operator set 13 the axes from `axis` on are one.
void softmax(Node& n, const char* op) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  if (n.rank(x) == 0) return n.out(n.splat(n.dtype(x), {}, std::string_view(op) == "softmax" ? 1 : 0));
  const int64_t axis = n.axis(n.attr_int("axis", n.version < 13 ? 1 : -1), n.rank(x));
  if (n.version >= 13 || product(own, axis + 1, own.size()) == 1) {
    return n.out(n.add(op, {x}, {{"axis", Dim(axis)}}));
  }
  const Value flat = n.reshape(x, {product(own, 0, axis), product(own, axis, own.size())});
  n.out(n.reshape(n.add(op, {flat}, {{"axis", Dim(1)}}), own));
}

void hardmax(Node& n) {
  const Value x = n.in(0);
  const Sizes own = n.sizes(x);
  const int64_t axis = n.axis(n.attr_int("axis", n.version < 13 ? 1 : -1), n.rank(x));
  const bool flat = n.version < 13;
  const Value rows = flat ? n.reshape(x, {product(own, 0, axis), product(own, axis, own.size())}) : x;
  const int64_t along = flat ? 1 : axis;
  const Value best = n.add("argmax", {rows}, {{"axis", Dim(along)}, {"dtype", DType::i64}});
  const Value index = n.iota(DType::i64, n.sizes(rows), along);
  const Value hit = n.map("eq", {index, n.keep_axes(best, rows, {along})});
  n.out(n.reshape(n.cast(hit, n.dtype(x)), own));
}

// The k largest or smallest along an axis, in order, equal ones in the order of their places: an element's rank is the
// number of those before it.
void top_k(Node& n) {
  const Value x = n.in(0);
  const int64_t axis = n.axis(n.attr_int("axis", -1), n.rank(x)), size = n.size(x, axis);
  const int64_t k = n.version < 10 ? n.attr_int("k", -1) : n.input_int(1, "k");
  const bool largest = n.attr_int("largest", 1) != 0;
  n.check(k >= 0 && k <= size, "k should be between 0 and the axis' size");
  if (n.type(x).elements_count() > kMaxRanked / std::max<int64_t>(1, size)) n.unsupported("a choice among so many elements");
  // [.., i, j, ..]: is element j before element i?
  Sizes pairs = n.sizes(x), without_j, without_i;
  pairs.insert(pairs.begin() + axis, size);
  for (int64_t a = 0; a <= n.rank(x); ++a) {
    if (a != axis + 1) without_j.push_back(a);
    if (a != axis) without_i.push_back(a);
  }
  const Value left = n.broadcast_in(x, without_j, pairs), right = n.broadcast_in(x, without_i, pairs);
  const auto place = [&](int64_t along) { return n.add("iota", {}, {{"axis", Dim(along)}, {"dtype", DType::i64}, {"sizes", dims_of(pairs)}}); };
  const Value equal_before = n.add("and", {n.add("eq", {right, left}), n.add("lt", {place(axis + 1), place(axis)})});
  const Value before = n.add("or", {n.add(largest ? "gt" : "lt", {right, left}), equal_before});
  const Value rank = n.reduce("reduce_sum", n.cast(before, DType::i64), {axis + 1}, false);
  // [.., r, j, ..]: is element j the one of rank r?
  pairs[static_cast<size_t>(axis)] = k;
  const Value hit = n.add("eq", {n.broadcast_in(rank, without_i, pairs), place(axis)});
  const auto chosen = [&](Value of) { return n.reduce("reduce_sum", n.map("select", {hit, of, n.number(of, 0)}), {axis + 1}, false); };
  if (n.wants(0)) n.out(0, chosen(n.broadcast_in(x, without_i, pairs)));
  if (n.wants(1)) n.out(1, chosen(place(axis + 1)));
}

// The axis is an operand.
void cumulative(Node& n, const char* op) {
  const Value x = n.in(0);
  const int64_t axis = n.axis(n.input_int(1, "axis"), n.rank(x));
  const bool exclusive = n.attr_int("exclusive", 0) != 0, backwards = n.attr_int("reverse", 0) != 0;
  n.out(n.add(op, {x}, {{"axis", Dim(axis)}, {"exclusive", Dim(exclusive ? 1 : 0)}, {"reverse", Dim(backwards ? 1 : 0)}}));
}

}  // namespace

void add_reduce_handlers(HandlerTable& table) {
  table["ReduceSum"] = [](Node& n) { reduce(n, 13, "reduce_sum", as_is, as_is); };
  table["ReduceProd"] = [](Node& n) { reduce(n, 18, "reduce_prod", as_is, as_is); };
  table["ReduceL1"] = [](Node& n) { reduce(n, 18, "reduce_sum", absolute, as_is); };
  table["ReduceL2"] = [](Node& n) { reduce(n, 18, "reduce_sum", [](Node& m, Value x) { return square(m, real(m, x)); }, square_root); };
  table["ReduceSumSquare"] = [](Node& n) { reduce(n, 18, "reduce_sum", square, as_is); };
  table["ReduceLogSum"] = [](Node& n) { reduce(n, 18, "reduce_sum", real, logarithm); };
  table["ReduceMax"] = [](Node& n) { reduce_extreme(n, "reduce_max", "reduce_any"); };
  table["ReduceMin"] = [](Node& n) { reduce_extreme(n, "reduce_min", "reduce_all"); };
  table["ReduceMean"] = reduce_mean;
  table["ReduceLogSumExp"] = reduce_log_sum_exp;
  table["ArgMax"] = [](Node& n) { arg_extreme(n, "argmax"); };
  table["ArgMin"] = [](Node& n) { arg_extreme(n, "argmin"); };
  table["TopK"] = top_k;
  table["Softmax"] = [](Node& n) { softmax(n, "softmax"); };
  table["LogSoftmax"] = [](Node& n) { softmax(n, "log_softmax"); };
  table["Hardmax"] = hardmax;
  table["CumSum"] = [](Node& n) { cumulative(n, "cumsum"); };
  table["CumProd"] = [](Node& n) { cumulative(n, "cumprod"); };
}

}  // namespace egret::onnx
