// Attention, rotary embedding and gates of transformers, as terms of products, softmax and maps.
#include <cmath>
#include <limits>

#include "frontends/onnx/node.h"
#include "frontends/onnx/tensor_bytes.h"

namespace egret::onnx {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

// [batch, length, heads * width] as [batch, heads, length, width].
Value split_heads(Node& n, Value x, int64_t heads) {
  n.check(n.rank(x) == 3 && heads > 0 && n.size(x, 2) % heads == 0, "the last axis should be the heads, one after the other");
  return n.transpose(n.reshape(x, {n.size(x, 0), n.size(x, 1), heads, n.size(x, 2) / heads}), {0, 2, 1, 3});
}

Value merge_heads(Node& n, Value x) {
  const Value y = n.transpose(x, {0, 2, 1, 3});
  return n.reshape(y, {n.size(y, 0), n.size(y, 1), n.size(y, 2) * n.size(y, 3)});
}

// Each head of keys or values serves `times` heads of queries that follow each other.
Value repeat_heads(Node& n, Value x, int64_t times) {
  if (times == 1) return x;
  const Sizes s = n.sizes(x);
  return n.reshape(n.broadcast_in(x, {0, 1, 3, 4}, {s[0], s[1], times, s[2], s[3]}), {s[0], s[1] * times, s[2], s[3]});
}

// What is added to the scores: 0 where a query may see a key, -inf where not.
class Bias {
 public:
  Bias(Node& n, DType dtype, int64_t queries, int64_t keys) : n_(n), dtype_(dtype), queries_(queries), keys_(keys) {}

  void add(Value bias) { total_ = total_ ? n_.map("add", {*total_, bias}) : bias; }

  void allow(Value allowed) {
    add(n_.map("select", {allowed, n_.splat(dtype_, {}, 0), n_.splat(dtype_, {}, kMinusInfinity)}));
  }

  // A mask whose last axis may be shorter than the keys: those behind it are hidden.
  void mask(Value mask) {
    const bool flags = n_.dtype(mask) == DType::boolean;
    const int64_t missing = keys_ - n_.size(mask, n_.rank(mask) - 1);
    if (missing > 0) {
      Sizes low(n_.sizes(mask).size(), 0), high = low;
      high.back() = missing;
      mask = n_.pad(mask, low, high, n_.splat(n_.dtype(mask), {}, flags ? 0 : kMinusInfinity));
    }
    flags ? allow(mask) : add(n_.cast(mask, dtype_));
  }

  // Key j is seen by query i where j - (i + offset) is at most `right` and at least -`left`; -1: without that bound.
  // `offset` is a scalar, or one for each batch as [batch, 1, 1, 1].
  void window(Value offset, int64_t left, int64_t right) {
    const Value i = n_.iota(DType::i64, {queries_, keys_}, 0), j = n_.iota(DType::i64, {queries_, keys_}, 1);
    const Value distance = n_.map("sub", {j, n_.map("add", {i, offset})});
    if (right >= 0) allow(n_.map("le", {distance, n_.number(distance, static_cast<double>(right))}));
    if (left >= 0) allow(n_.map("ge", {distance, n_.number(distance, static_cast<double>(-left))}));
  }

  const std::optional<Value>& total() const { return total_; }

 private:
  Node& n_;
  DType dtype_;
  int64_t queries_, keys_;
  std::optional<Value> total_;
};

// With a row of the bias all -inf, no key is seen: such a row gives zeros.
Value softmax_of_seen(Node& n, Value scores, Value bias) {
  const Value weights = n.add("softmax", {scores}, {{"axis", Dim(n.rank(scores) - 1)}});
  const int64_t last = n.rank(bias) - 1;
  const Value most = n.reduce("reduce_max", bias, {last}, true);
  const Value none = n.map("eq", {most, n.number(most, kMinusInfinity)});
  return n.map("select", {none, n.number(weights, 0), weights});
}

void attention(Node& n) {
  Value q = n.in(0), k = n.in(1), v = n.in(2);
  const bool flat = n.rank(q) == 3;
  if (flat) {
    const int64_t heads = n.attr_int("q_num_heads", 0), kv_heads = n.attr_int("kv_num_heads", 0);
    q = split_heads(n, q, heads), k = split_heads(n, k, kv_heads), v = split_heads(n, v, kv_heads);
  }
  n.check(n.rank(q) == 4 && n.rank(k) == 4 && n.rank(v) == 4, "Q, K and V should have 3 or 4 axes alike");
  const DType dtype = n.dtype(q);
  const double scale = n.attr_float("scale", 1 / std::sqrt(static_cast<double>(n.size(q, 3))));
  int64_t past = 0;
  n.check(n.has(4) == n.has(5), "past_key and past_value come together");
  if (n.has(4)) {
    past = n.size(n.in(4), 2);
    k = n.concat({n.in(4), k}, 2), v = n.concat({n.in(5), v}, 2);
  }
  if (n.wants(1)) n.out(1, k);
  if (n.wants(2)) n.out(2, v);
  n.check(n.size(k, 1) > 0 && n.size(q, 1) % n.size(k, 1) == 0, "the heads of Q should be a multiple of those of K");
  const int64_t times = n.size(q, 1) / n.size(k, 1), queries = n.size(q, 2), keys = n.size(k, 2), batch = n.size(q, 0);

  Bias bias(n, dtype, queries, keys);
  if (n.has(3)) bias.mask(n.in(3));
  Value offset = n.splat(DType::i64, {}, static_cast<double>(past));
  if (n.has(6)) {
    const Value lengths = n.reshape(n.cast(n.in(6), DType::i64), {batch, 1, 1, 1});
    offset = n.map("sub", {lengths, n.splat(DType::i64, {}, static_cast<double>(queries))});
    bias.allow(n.map("lt", {n.iota(DType::i64, {1, 1, 1, keys}, 3), lengths}));
  }
  if (n.attr_int("is_causal", 0) != 0) bias.window(offset, -1, 0);
  bias.window(offset, n.attr_int("left_window_size", -1), n.attr_int("right_window_size", -1));

  Value scores = n.dot(q, repeat_heads(n, k, times), {0, 1}, {0, 1}, {3}, {3});
  scores = n.map("mul", {scores, n.number(scores, scale)});
  const int64_t mode = n.attr_int("qk_matmul_output_mode", 0);
  if (n.wants(3) && mode == 0) n.out(3, scores);
  if (const double cap = n.attr_float("softcap", 0); cap > 0) {
    scores = n.map("mul", {n.add("tanh", {n.map("div", {scores, n.number(scores, cap)})}), n.number(scores, cap)});
  }
  if (n.wants(3) && mode == 1) n.out(3, scores);
  if (bias.total()) scores = n.map("add", {scores, *bias.total()});
  if (n.wants(3) && mode == 2) n.out(3, scores);
  if (const int64_t precision = n.attr_int("softmax_precision", 0); precision != 0) {
    const auto wide = dtype_of(static_cast<int32_t>(precision));
    if (!wide) n.unsupported("softmax_precision " + std::to_string(precision));
    scores = n.cast(scores, *wide);
  }
  Value weights = bias.total() ? softmax_of_seen(n, scores, *bias.total()) : n.add("softmax", {scores}, {{"axis", Dim(3)}});
  weights = n.cast(weights, dtype);
  if (n.wants(3) && mode == 3) n.out(3, weights);
  const Value y = n.dot(weights, repeat_heads(n, v, times), {0, 1}, {0, 1}, {3}, {2});
  n.out(flat ? merge_heads(n, y) : y);
}

void rotary_embedding(Node& n) {
  Value x = n.in(0), cosine = n.in(1), sine = n.in(2);
  const bool flat = n.rank(x) == 3;
  if (flat) x = split_heads(n, x, n.attr_int("num_heads", 0));
  n.check(n.rank(x) == 4, "the operand should have 3 or 4 axes");
  const int64_t width = n.size(x, 3), given = n.attr_int("rotary_embedding_dim", 0), turned = given == 0 ? width : given, half = turned / 2;
  n.check(turned > 0 && turned <= width && turned % 2 == 0, "rotary_embedding_dim should be even and at most the width of a head");
  if (n.has(3)) cosine = n.gather(cosine, n.in(3), 0), sine = n.gather(sine, n.in(3), 0);
  n.check(n.rank(cosine) == 3 && n.size(cosine, 2) == half && n.sizes(cosine) == n.sizes(sine), "the caches should have half as many places as are turned");
  const Sizes cache{n.size(cosine, 0), 1, n.size(cosine, 1), half};
  cosine = n.reshape(cosine, cache), sine = n.reshape(sine, cache);
  const bool interleaved = n.attr_int("interleaved", 0) != 0;
  const Value first = interleaved ? n.slice_axis(x, 3, 0, turned, 2) : n.slice_axis(x, 3, 0, half);
  const Value second = interleaved ? n.slice_axis(x, 3, 1, turned, 2) : n.slice_axis(x, 3, half, turned);
  const Value real = n.map("sub", {n.map("mul", {cosine, first}), n.map("mul", {sine, second})});
  const Value imaginary = n.map("add", {n.map("mul", {sine, first}), n.map("mul", {cosine, second})});
  Value y;
  if (interleaved) {
    Sizes pairs = n.sizes(real);
    pairs.push_back(1);
    const Value joined = n.concat({n.reshape(real, pairs), n.reshape(imaginary, pairs)}, 4);
    pairs.pop_back();
    pairs.back() = turned;
    y = n.reshape(joined, pairs);
  } else {
    y = n.concat({real, imaginary}, 3);
  }
  if (turned < width) y = n.concat({y, n.slice_axis(x, 3, turned, width)}, 3);
  n.out(flat ? merge_heads(n, y) : y);
}

void swiglu(Node& n) {
  const Value gate = n.in(0);
  const double alpha = n.attr_float("alpha", 1);
  const Value swish = alpha == 1 ? n.add("silu", {gate}) : n.add("mul", {gate, n.add("logistic", {n.map("mul", {gate, n.number(gate, alpha)})})});
  n.out(n.add("mul", {swish, n.in(1)}));
}

}  // namespace

void add_attention_handlers(HandlerTable& table) {
  table["Attention"] = attention;
  table["RotaryEmbedding"] = rotary_embedding;
  table["SwiGLU"] = swiglu;
}

}  // namespace egret::onnx
