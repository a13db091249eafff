// Operators that read or write at places that data name.
#include <algorithm>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

// ONNX counts negative indices from the end; our gather clamps.
Value from_start(Node& n, Value index, int64_t size) {
  if (row(n.dtype(index)).kind == DTypeRow::Kind::kUnsigned) return index;
  if (n.importer().foldable(index)) {
    const Sizes values = n.known_ints(index, "indices");
    if (std::all_of(values.begin(), values.end(), [](int64_t v) { return v >= 0; })) return index;
  }
  const Value negative = n.map("lt", {index, n.number(index, 0)});
  const Value wrapped = n.map("add", {index, n.number(index, static_cast<double>(size))});
  return n.add("select", {negative, wrapped, index});
}

void need_integers(Node& n, Value index) {
  n.check(is_integer(n.dtype(index)), "indices should be integers, not " + n.type(index).to_string());
}

void gather(Node& n) {
  const Value x = n.in(0), index = n.in(1);
  need_integers(n, index);
  const int64_t axis = n.axis(n.attr_int("axis", 0), n.rank(x));
  n.out(n.gather(x, from_start(n, index, n.size(x, axis)), axis));
}

// Row-major place in x (axes flattened) of the element that `index` names along `axis`, every other axis by its own
// position.
Value flat_places(Node& n, Value x, Value index, int64_t axis) {
  const Sizes own = n.sizes(x), shape = n.sizes(index);
  n.check(shape.size() == own.size(), "indices and operand have different ranks");
  Value place = n.cast(from_start(n, index, own[axis]), DType::i64);
  place = n.map("mul", {place, n.splat(DType::i64, {}, static_cast<double>(product(own, axis + 1, own.size())))});
  for (int64_t a = 0; a < n.rank(x); ++a) {
    if (a == axis) continue;
    n.check(shape[a] <= own[a], "indices are larger than the operand");
    const auto stride = static_cast<double>(product(own, a + 1, own.size()));
    const Value own_place = n.map("mul", {n.iota(DType::i64, shape, a), n.splat(DType::i64, {}, stride)});
    place = n.add("add", {place, own_place});
  }
  return place;
}

void gather_elements(Node& n) {
  const Value x = n.in(0), index = n.in(1);
  need_integers(n, index);
  const int64_t axis = n.axis(n.attr_int("axis", 0), n.rank(x));
  const Value place = flat_places(n, x, index, axis);
  n.out(n.gather(n.reshape(x, {product(n.sizes(x))}), place, 0));
}

// Row-major place in the first axes of `own` (after `batch`) that the last axis of `index` names.
Value row_places(Node& n, const Sizes& own, Value index, size_t batch) {
  const Sizes shape = n.sizes(index);
  const auto depth = static_cast<size_t>(shape.back());
  const Sizes kept(shape.begin(), shape.end() - 1);
  Value place = n.splat(DType::i64, kept, 0);
  for (size_t j = 0; j < depth; ++j) {
    const int64_t axis = n.rank(index) - 1, at = static_cast<int64_t>(j);
    const Value part = n.cast(n.reshape(n.slice_axis(index, axis, at, at + 1), kept), DType::i64);
    const auto stride = static_cast<double>(product(own, batch + j + 1, batch + depth));
    const Value rows = from_start(n, part, own[batch + j]);
    place = n.add("add", {place, n.map("mul", {rows, n.splat(DType::i64, {}, stride)})});
  }
  for (size_t a = 0; a < batch; ++a) {
    const auto stride = static_cast<double>(product(own, a + 1, batch + depth));
    const Value own_place =
        n.map("mul", {n.iota(DType::i64, kept, static_cast<int64_t>(a)), n.splat(DType::i64, {}, stride)});
    place = n.add("add", {place, own_place});
  }
  return place;
}

// x with the axes that indices name made one.
Value with_rows(Node& n, Value x, size_t named) {
  const Sizes own = n.sizes(x);
  Sizes flat(own.begin() + static_cast<int64_t>(named), own.end());
  flat.insert(flat.begin(), product(own, 0, named));
  return n.reshape(x, flat);
}

void gather_nd(Node& n) {
  const Value x = n.in(0), index = n.in(1);
  need_integers(n, index);
  const Sizes own = n.sizes(x), shape = n.sizes(index);
  const auto batch = static_cast<size_t>(n.attr_int("batch_dims", 0));
  n.check(!shape.empty() && batch < shape.size() && batch < own.size() && shape.back() >= 1 &&
              shape.back() + static_cast<int64_t>(batch) <= n.rank(x),
          "indices do not fit the operand");
  for (size_t a = 0; a < batch; ++a) n.check(own[a] == shape[a], "batch axes have different sizes");
  n.out(n.gather(with_rows(n, x, batch + static_cast<size_t>(shape.back())), row_places(n, own, index, batch), 0));
}

// x with updates at rows; `places` without repetition where the reduction is none, as ONNX asks.
Value scattered(Node& n, Value x, Value places, Value updates, const std::string& reduction) {
  const auto scatter_add = [&](Value base, Value what) {
    return n.add("scatter_add", {base, places, what}, {{"axis", Dim(0)}});
  };
  if (reduction == "add") return scatter_add(x, updates);
  if (reduction != "none") n.unsupported("a scatter with reduction " + reduction);
  const DType counter = DType::i32;
  const Value hits = scatter_add(n.splat(counter, n.sizes(x), 0), n.splat(counter, n.sizes(updates), 1));
  const Value fresh = scatter_add(n.splat(n.dtype(x), n.sizes(x), 0), updates);
  return n.add("select", {n.map("gt", {hits, n.number(hits, 0)}), fresh, x});
}

void scatter_nd(Node& n) {
  const Value x = n.in(0), index = n.in(1), updates = n.in(2);
  need_integers(n, index);
  const Sizes own = n.sizes(x), shape = n.sizes(index);
  n.check(!shape.empty() && shape.back() >= 1 && shape.back() <= n.rank(x), "indices do not fit the operand");
  if (n.dtype(x) == DType::boolean) n.unsupported("a scatter of bool");
  const auto depth = static_cast<size_t>(shape.back());
  Sizes expected(shape.begin(), shape.end() - 1);
  expected.insert(expected.end(), own.begin() + shape.back(), own.end());
  n.check(n.sizes(updates) == expected, "updates do not fit indices and operand");
  const Value rows =
      scattered(n, with_rows(n, x, depth), row_places(n, own, index, 0), updates, n.attr_string("reduction", "none"));
  n.out(n.reshape(rows, own));
}

void scatter_elements(Node& n) {
  const Value x = n.in(0), index = n.in(1), updates = n.in(2);
  need_integers(n, index);
  if (n.dtype(x) == DType::boolean) n.unsupported("a scatter of bool");
  const int64_t axis = n.axis(n.attr_int("axis", 0), n.rank(x));
  n.check(n.sizes(index) == n.sizes(updates), "updates do not fit indices");
  const Value place = flat_places(n, x, index, axis);
  const Value flat = n.reshape(x, {product(n.sizes(x))});
  n.out(n.reshape(scattered(n, flat, place, updates, n.attr_string("reduction", "none")), n.sizes(x)));
}

void one_hot(Node& n) {
  const Value index = n.in(0), values = n.in(2);
  const auto depth = static_cast<int64_t>(n.known_number(n.in(1), "depth"));
  n.check(depth >= 0 && depth <= (int64_t{1} << 32) && n.sizes(values) == Sizes{2}, "depth or values are out of range");
  const int64_t axis = n.axis(n.attr_int("axis", -1), n.rank(index) + 1);
  Sizes shape = n.sizes(index);
  shape.insert(shape.begin() + axis, 1);
  const Value place = n.reshape(from_start(n, n.cast(index, DType::i64), depth), shape);
  shape[axis] = depth;
  const Value hit = n.map("eq", {n.iota(DType::i64, shape, axis), place});
  const auto value = [&](int64_t i) { return n.reshape(n.slice_axis(values, 0, i, i + 1), {}); };
  n.out(n.map("select", {hit, value(1), value(0)}));
}

}  // namespace

void add_index_handlers(HandlerTable& table) {
  table["Gather"] = gather;
  table["GatherElements"] = gather_elements;
  table["GatherND"] = gather_nd;
  table["ScatterND"] = scatter_nd;
  table["ScatterElements"] = scatter_elements;
  table["Scatter"] = scatter_elements;  // its name before operator set 11
  table["OneHot"] = one_hot;
}

}  // namespace egret::onnx
