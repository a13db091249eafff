// Recurrent layers with a known number of steps, unrolled: the products with the inputs of all steps are one.
#include <algorithm>
#include <map>

#include "frontends/onnx/node.h"

namespace egret::onnx {
namespace {

// One direction of a layer: [steps, batch, inputs], weights [gates * hidden, ...].
struct Direction {
  Value x, w, r;
  std::optional<Value> w_bias, r_bias;  // [gates * hidden]
  Value h, c;                           // [batch, hidden]; c of an LSTM only
  std::optional<Value> lengths;         // [batch]: steps of each sequence, where they differ
  std::vector<Value> peepholes;         // [batch, hidden] of i, o, f; or none
  std::vector<const char*> functions;   // ours for f; f, g; f, g, h
  double clip = 0;                      // 0: none
  int64_t steps = 0, batch = 0, hidden = 0, gates = 0;
  bool backwards = false;
};

struct Outcome {
  std::vector<Value> all;  // h of every step, in order of the input
  Value h, c;
};

Value with_bias(Node& n, Value v, std::optional<Value> bias) {
  return bias ? n.add("add", {v, n.broadcast_to(*bias, n.sizes(v))}) : v;
}

Value gate(Node& n, Value v, int64_t hidden, int64_t which) {
  return n.slice_axis(v, n.rank(v) - 1, which * hidden, (which + 1) * hidden);
}

// Function number `which` of its gate; `clip` bounds what gates take (and not the cell, as onnxruntime has it).
Value activated(Node& n, const Direction& d, size_t which, Value v) {
  if (d.clip > 0) v = n.add("clip", {v}, {{"low", -d.clip}, {"high", d.clip}});
  return n.add(d.functions[which], {v});
}

// Gates i, o, f, c; S += input's part + h R^T.
void lstm_step(Node& n, const Direction& d, Value input, Value& h, Value& c) {
  const Value z = n.add("add", {input, n.dot(h, d.r, {}, {}, {1}, {1})});
  const auto part = [&](int64_t which, Value cell) {  // with the cell's share
    const Value own = gate(n, z, d.hidden, which);
    return d.peepholes.empty() ? own : n.add("add", {own, n.add("mul", {d.peepholes[which], cell})});
  };
  const Value i = activated(n, d, 0, part(0, c)), f = activated(n, d, 0, part(2, c)), g = activated(n, d, 1, gate(n, z, d.hidden, 3));
  c = n.add("add", {n.add("mul", {f, c}), n.add("mul", {i, g})});
  h = n.add("mul", {activated(n, d, 0, part(1, c)), n.add(d.functions[2], {c})});
}

// Gates z, r, h.
void gru_step(Node& n, const Direction& d, Value input, Value& h, bool linear_before_reset) {
  const auto part = [&](Value v, int64_t which) { return gate(n, v, d.hidden, which); };
  const Value weights_zr = n.slice_axis(d.r, 0, 0, 2 * d.hidden);
  const Value weights_h = n.slice_axis(d.r, 0, 2 * d.hidden, 3 * d.hidden);
  const auto bias = [&](int64_t from, int64_t to) {
    return d.r_bias ? std::optional<Value>(n.slice_axis(*d.r_bias, 0, from * d.hidden, to * d.hidden)) : std::nullopt;
  };
  const Value zr_input = n.slice_axis(input, 1, 0, 2 * d.hidden);
  const Value zr =
      activated(n, d, 0, n.add("add", {zr_input, with_bias(n, n.dot(h, weights_zr, {}, {}, {1}, {1}), bias(0, 2))}));
  const Value z = part(zr, 0), r = part(zr, 1);
  Value inner;
  if (linear_before_reset) {
    inner = n.add("mul", {r, with_bias(n, n.dot(h, weights_h, {}, {}, {1}, {1}), bias(2, 3))});
  } else {
    inner = with_bias(n, n.dot(n.add("mul", {r, h}), weights_h, {}, {}, {1}, {1}), bias(2, 3));
  }
  const Value fresh = activated(n, d, 1, n.add("add", {part(input, 2), inner}));
  const Value rest = n.map("sub", {n.number(z, 1), z});
  h = n.add("add", {n.add("mul", {rest, fresh}), n.add("mul", {z, h})});
}

Outcome run(Node& n, const Direction& d, bool linear_before_reset) {
  const bool gru = d.gates == 3;
  Value inputs = with_bias(n, n.dot(d.x, d.w, {}, {}, {2}, {1}), d.w_bias);
  if (!gru) inputs = with_bias(n, inputs, d.r_bias);
  Outcome outcome{std::vector<Value>(static_cast<size_t>(d.steps)), d.h, d.c};
  for (int64_t i = 0; i < d.steps; ++i) {
    const int64_t at = d.backwards ? d.steps - 1 - i : i;
    const Value input = n.reshape(n.slice_axis(inputs, 0, at, at + 1), {d.batch, d.gates * d.hidden});
    const Value h = outcome.h, c = outcome.c;
    if (d.gates == 4) {
      lstm_step(n, d, input, outcome.h, outcome.c);
    } else if (gru) {
      gru_step(n, d, input, outcome.h, linear_before_reset);
    } else {
      outcome.h = activated(n, d, 0, n.add("add", {input, n.dot(outcome.h, d.r, {}, {}, {1}, {1})}));
    }
    Value& result = outcome.all[static_cast<size_t>(at)] = outcome.h;
    if (!d.lengths) continue;
    // Past a sequence's end its state stays, and the result is 0.
    const Value lasts = n.map("lt", {n.splat(n.dtype(*d.lengths), {}, static_cast<double>(at)), *d.lengths});
    const Value going = n.broadcast_in(lasts, {0}, {d.batch, d.hidden});
    result = n.map("select", {going, outcome.h, n.number(h, 0)});
    outcome.h = n.add("select", {going, outcome.h, h});
    if (d.gates == 4) outcome.c = n.add("select", {going, outcome.c, c});
  }
  return outcome;
}

// The activation functions of direction `which`.
std::vector<const char*> functions(Node& n, int64_t gates, size_t which) {
  static const std::map<std::string_view, const char*> kOurs{{"Relu", "relu"},         {"Tanh", "tanh"},    {"Sigmoid", "logistic"}, {"Softplus", "softplus"}};
  const std::vector<const char*> defaults = gates == 1 ? std::vector{"tanh"} : gates == 3 ? std::vector{"logistic", "tanh"} : std::vector{"logistic", "tanh", "tanh"};
  const AttributeMessage* names = n.attr("activations");
  if (!names) return defaults;
  const size_t count = defaults.size();
  n.check(names->strings.size() >= (which + 1) * count, "activations should have " + std::to_string(count) + " names for each direction");
  std::vector<const char*> chosen;
  for (size_t i = which * count; i < (which + 1) * count; ++i) {
    const auto ours = kOurs.find(names->strings[i]);
    if (ours == kOurs.end()) n.unsupported("the activation '" + std::string(names->strings[i]) + "' of a recurrent layer");
    chosen.push_back(ours->second);
  }
  return chosen;
}

Value transposed(Node& n, Value v, bool batch_first) {
  if (!batch_first) return v;
  Sizes perm{1, 0};
  for (int64_t i = 2; i < n.rank(v); ++i) perm.push_back(i);
  return n.transpose(v, perm);
}

// [directions, batch, hidden] -> its part `which`, or zeros.
Value initial(Node& n, size_t input, int64_t which, const Direction& d, bool batch_first) {
  if (!n.has(input)) return n.splat(n.dtype(d.x), {d.batch, d.hidden}, 0);
  const Value all = transposed(n, n.in(input), batch_first);
  return n.reshape(n.slice_axis(all, 0, which, which + 1), {d.batch, d.hidden});
}

void recurrent(Node& n, int64_t gates) {
  const bool batch_first = n.attr_int("layout", 0) != 0;
  const Value x = transposed(n, n.in(0), batch_first), w = n.in(1), r = n.in(2);
  n.check(n.rank(x) == 3 && n.rank(w) == 3 && n.rank(r) == 3, "operands should have three axes");
  const std::string direction = n.attr_string("direction", "forward");
  const int64_t directions = direction == "bidirectional" ? 2 : 1;
  n.check(n.size(w, 0) == directions && n.size(r, 0) == directions, "weights do not fit the direction");
  if (n.attr_int("input_forget", 0) != 0) n.unsupported("input_forget");
  Direction d;
  d.clip = n.attr_float("clip", 0);
  d.steps = n.size(x, 0);
  d.batch = n.size(x, 1);
  d.hidden = n.size(r, 2);
  d.gates = gates;
  d.x = x;
  if (d.steps > kMaxSteps) n.unsupported("a recurrent layer of " + std::to_string(d.steps) + " steps");
  if (n.has(4)) {
    const Value lengths = n.in(4);
    n.check(is_integer(n.dtype(lengths)) && n.sizes(lengths) == Sizes{d.batch}, "sequence_lens should be an integer for each sequence");
    if (n.importer().uniform(lengths) != static_cast<double>(d.steps)) d.lengths = lengths;
  }
  n.check(d.steps > 0 && n.size(r, 1) == gates * d.hidden && n.size(w, 1) == gates * d.hidden, "weights do not fit");
  std::vector<Outcome> outcomes;
  for (int64_t i = 0; i < directions; ++i) {
    const auto matrix = [&](Value v) { return n.reshape(n.slice_axis(v, 0, i, i + 1), {n.size(v, 1), n.size(v, 2)}); };
    d.w = matrix(w);
    d.r = matrix(r);
    if (n.has(3)) {
      const Value both = n.reshape(n.slice_axis(n.in(3), 0, i, i + 1), {2 * gates * d.hidden});
      d.w_bias = n.slice_axis(both, 0, 0, gates * d.hidden);
      d.r_bias = n.slice_axis(both, 0, gates * d.hidden, 2 * gates * d.hidden);
    }
    d.functions = functions(n, gates, static_cast<size_t>(i));
    d.h = initial(n, 5, i, d, batch_first);
    if (gates == 4 && n.has(7)) {
      n.check(n.sizes(n.in(7)) == Sizes{directions, 3 * d.hidden}, "the peepholes do not fit");
      const Value all = n.reshape(n.slice_axis(n.in(7), 0, i, i + 1), {3 * d.hidden});
      d.peepholes.clear();
      for (int64_t k = 0; k < 3; ++k) d.peepholes.push_back(n.broadcast_to(n.slice_axis(all, 0, k * d.hidden, (k + 1) * d.hidden), {d.batch, d.hidden}));
    }
    d.c = gates == 4 ? initial(n, 6, i, d, batch_first) : d.h;
    d.backwards = i == 1 || direction == "reverse";
    outcomes.push_back(run(n, d, n.attr_int("linear_before_reset", 0) != 0));
  }
  const auto joined = [&](auto part) {  // [directions, batch, hidden]
    std::vector<Value> parts;
    for (const Outcome& o : outcomes) parts.push_back(n.reshape(part(o), {1, d.batch, d.hidden}));
    return transposed(n, n.concat(parts, 0), batch_first);
  };
  if (n.wants(0)) {
    std::vector<Value> steps;
    for (int64_t t = 0; t < d.steps; ++t) {
      std::vector<Value> parts;
      for (const Outcome& o : outcomes) parts.push_back(n.reshape(o.all[t], {1, 1, d.batch, d.hidden}));
      steps.push_back(n.concat(parts, 1));
    }
    const Value y = n.concat(steps, 0);  // [steps, directions, batch, hidden]
    n.out(0, batch_first ? n.transpose(y, {2, 0, 1, 3}) : y);
  }
  if (n.wants(1)) n.out(1, joined([](const Outcome& o) { return o.h; }));
  if (n.wants(2)) n.out(2, joined([](const Outcome& o) { return o.c; }));
}

}  // namespace

void add_recurrent_handlers(HandlerTable& table) {
  table["LSTM"] = [](Node& n) { recurrent(n, 4); };
  table["GRU"] = [](Node& n) { recurrent(n, 3); };
  table["RNN"] = [](Node& n) { recurrent(n, 1); };
}

}  // namespace egret::onnx
