// The text form: round trips over every operator, and messages with places.
#include <catch2/catch.hpp>

#include <random>
#include <set>

#include "ir/text/text.h"

using namespace egret;

namespace {

constexpr const char* kEverything = R"egret(graph everything
  a: f32[4,6]  b: f32[4,6]  p: bool[4,6]  k: i32[4,6]  ix: i64[3]  up: f32[3,6]
  x: f32[2,4,6,6]  param w: f32[8,4,3,3]  s: f32[4]  row: f32[6]  sq: f32[4,4]
  const c: f32[3] = [1, -0, inf]
  param known: bf16[2] = [1.5, nan]
  k1 = constant(value=f32[2,2] [0.1, 1e-45, -inf, 3.4028235e+38])
  k2 = constant(value=i64[2] [-9223372036854775808, 9223372036854775807])
  k3 = constant(value=bool[2] [true, false])
  k4 = constant(value=f32[100] [0, ...])
  k5 = constant(value=f64[1] [0.1])
  k6 = constant(value=f32[1] [0x7fc00001])
  k7 = constant(value=u64[1] [18446744073709551615])
  zero = splat(value=0, dtype=f32)
  pos = iota(axis=0, dtype=i32, sizes=[4,6])
  u01 = neg(a) u02 = abs(a) u03 = sign(a) u04 = floor(a) u05 = ceil(a) u06 = round(a) u07 = exp(a) u08 = expm1(a)
  u09 = log(a) u10 = log1p(a) u11 = sqrt(a) u12 = rsqrt(a) u13 = sin(a) u14 = cos(a) u15 = tanh(a) u16 = erf(a)
  u17 = logistic(a) u18 = relu(a) u19 = square(a) u20 = reciprocal(a) u21 = not(p) u22 = is_nan(a)
  u23 = is_finite(a) u24 = cast(a, to=f16)
  b01 = add(a, b) b02 = sub(a, b) b03 = mul(a, b) b04 = div(a, b) b05 = rem(a, b) b06 = pow(a, b) b07 = max(a, b)
  b08 = min(a, b) b09 = atan2(a, b) b10 = and(p, p) b11 = or(p, p) b12 = xor(k, k) b13 = eq(a, b) b14 = ne(a, b)
  b15 = lt(a, b) b16 = le(a, b) b17 = gt(a, b) b18 = ge(a, b)
  sel = select(p, a, b)
  m01 = broadcast(a, dims=[0,2], sizes=[5])
  m02 = transpose(a, perm=[1,0])
  m03 = reshape(a, sizes=[2,12])
  m04 = slice(a, start=[0,1], limit=[4,6], stride=[2,1])
  m05 = pad(a, zero, low=[1,0], high=[0,-1], interior=[0,2])
  m06 = concat(a, b, a, axis=1)
  m07 = split(a, axis=1, sizes=[2,4])
  m08 = get(m07, index=1)
  m09 = reverse(a, axes=[1])
  m10 = gather(a, ix, axis=0)
  m11 = scatter_add(a, ix, up, axis=0)
  d01 = dot(a, b, lc=[1], rc=[1])
  d02 = conv(x, w, low=[1,1], high=[1,1])
  d03 = conv_dx(d02, w, low=[1,1], sizes=[6,6])
  d04 = conv_dw(x, d02, low=[1,1], sizes=[3,3])
  r01 = reduce_sum(a, axes=[0]) r02 = reduce_prod(a, axes=[0,1]) r03 = reduce_max(a, axes=[]) r04 = reduce_min(a, axes=[1])
  r05 = reduce_any(p, axes=[1]) r06 = reduce_all(p, axes=[1]) r07 = argmax(a, axis=0) r08 = argmin(a, axis=1, dtype=i32)
  w01 = window_sum(a, window=[1,2]) w02 = window_max(a, window=[1,2], stride=[1,2])
  w03 = window_max_grad(a, w02, window=[1,2], stride=[1,2])
  w04 = cumsum(a, axis=1, exclusive=1) w05 = cumprod(a, axis=0, reverse=1)
  c01 = clip(a, low=0, high=6) c02 = gelu(a) c03 = gelu_tanh(a) c04 = silu(a) c05 = hard_sigmoid(a) c06 = hard_swish(a)
  c07 = leaky_relu(a) c08 = elu(a, alpha=0.5) c09 = softplus(a) c10 = mish(a) c11 = softmax(a, axis=1)
  c12 = log_softmax(a, axis=0) c13 = logsumexp(a, axes=[1], keep=1) c14 = mean(a, axes=[0]) c15 = variance(a, axes=[1])
  c16 = layer_norm(a, row, row, axis=1) c17 = rms_norm(a, row, axis=1, epsilon=1e-06) c18 = batch_norm(x, s, s, s, s)
  c19 = lrn(x, size=5) c20 = expand(s, sizes=[2,4]) c21 = matmul(a, m02) c22 = avg_pool(a, window=[2,2])
  c23 = one_hot(ix, axis=1, size=7) c24 = resize(a, axis=1, size=9, mode=cubic, coordinates=align_corners)
  "odd name/0:1" = opaque(a, k, name="com.vendor::Thing", id=3, type="(f32[4], i64[])")
  return c23, out = d01, "odd name/0:1"
  alias 1 = sq
)egret";

Graph parsed(const std::string& text) {
  auto g = parse_graph(text);
  INFO((g.ok() ? "" : g.error().to_string()));
  REQUIRE(g.ok());
  return *g;
}

std::string message(const std::string& text) {
  auto g = parse_graph(text, "f.egret");
  return g.ok() ? "parsed" : g.error().to_string();
}

void check_equal(const Graph& a, const Graph& b) {
  REQUIRE(a.nodes.size() == b.nodes.size());
  for (size_t v = 0; v < a.nodes.size(); ++v) {
    INFO(a.nodes[v].name);
    CHECK(a.nodes[v].op == b.nodes[v].op);
    CHECK(a.nodes[v].name == b.nodes[v].name);
    CHECK(a.nodes[v].operands == b.nodes[v].operands);
    CHECK(a.nodes[v].type == b.nodes[v].type);
    CHECK(equal(a.nodes[v].attrs, b.nodes[v].attrs));
  }
  REQUIRE(a.inputs.size() == b.inputs.size());
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    CHECK(a.inputs[i].value == b.inputs[i].value);
    CHECK(a.inputs[i].role == b.inputs[i].role);
    REQUIRE(!a.inputs[i].data == !b.inputs[i].data);
    if (a.inputs[i].data) CHECK(*a.inputs[i].data == *b.inputs[i].data);
  }
  REQUIRE(a.outputs.size() == b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    CHECK(a.outputs[i].value == b.outputs[i].value);
    CHECK(a.outputs[i].name == b.outputs[i].name);
  }
  REQUIRE(a.aliases.size() == b.aliases.size());
}

}  // namespace

TEST_CASE("every operator survives the text form") {
  Graph g = parsed(kEverything);
  std::set<std::string> used;
  for (const GraphNode& n : g.nodes) used.insert(n.op->name);
  for (const OpDef* op : all_ops()) {
    INFO(op->name);
    CHECK(used.count(op->name) == 1);
  }
  CHECK(validate(g).ok());
  std::string text = print(g);
  Graph back = parsed(text);
  check_equal(g, back);
  CHECK(print(back) == text);
}

TEST_CASE("canonical text is unchanged by parse and print") {
  const std::string text =
      "graph two_heads\n"
      "  a: f32[batch,32]\n"
      "  param b: f32[32,8]\n"
      "  const c: f32[2] = [1, 0.1]\n"
      "  p = dot(a, b, lc=[1], rc=[0])\n"
      "  q = relu(p)\n"
      "  k = constant(value=bf16[3] [1.5, ...])\n"
      "  \"return\" = clip(q, high=6)\n"
      "  return p, out = q, \"return\"\n";
  CHECK(print(parsed(text)) == text);
}

TEST_CASE("defaults are left out and filled in") {
  Graph g = parsed("graph g x: f32[1,2,5,5] w: f32[3,2,3,3] y = conv(x, w, stride=[1,1], low=[1,1]) return y");
  CHECK(print(g).find("y = conv(x, w, low=[1, 1])\n") != std::string::npos);
  CHECK(ints(g.nodes[2].attrs, "dilation") == std::vector<int64_t>{1, 1});
}

TEST_CASE("nested terms get names of their own") {
  Graph g = parsed("graph g a: f32[2] t1 = exp(a) y = add(relu(neg(a)), t1) return y");
  CHECK(print(g) == "graph g\n  a: f32[2]\n  t1 = exp(a)\n  t2 = neg(a)\n  t3 = relu(t2)\n  y = add(t3, t1)\n  return y\n");
}

TEST_CASE("several graphs in one text") {
  auto graphs = parse_graphs("graph one a: f32[2] return a # first\ngraph two b: f32[3] return b");
  REQUIRE(graphs.ok());
  CHECK(graphs->size() == 2);
  CHECK((*graphs)[1].name == "two");
  CHECK(message("graph one a: f32[2] return a graph two b: f32[3] return b") ==
        "f.egret: error: 2 graphs where one is expected");
}

TEST_CASE("errors name the place and what to do") {
  CHECK(message("graph g\n  a: f32[2]\n  b = rellu(a)\n  return b") ==
        "f.egret:3:7: error: no operator 'rellu'\n  hint: did you mean 'relu'?");
  CHECK(message("graph g\n  a: f32[2]\n  b = relu(c)\n  return b") ==
        "f.egret:3:12: error: no value 'c'\n  hint: values are defined before they are used");
  CHECK(message("graph g\n  a: f32[2,3]\n  b: f32[2]\n  c = add(a, b)\n  return c") ==
        "f.egret:4:7: error: add: operand b has 1 axes, 2 needed");
  CHECK(message("graph g\n  a: f33[2]\n  return a") ==
        "f.egret:2:6: error: expected a type, found 'f33'\n  hint: types look like f32[64,32]; dtypes are f64 f32 tf32 "
        "f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8 bool");
  CHECK(message("graph g\n  a: f32[2]\n  b = softmax(a, axes=0)\n  return b") ==
        "f.egret:3:18: error: softmax has no attribute 'axes'\n  hint: softmax has: axis");
  CHECK(message("graph g\n  a: f32[2]\n  a = relu(a)\n  return a") ==
        "f.egret:3:3: error: the name 'a' is taken\n  hint: every value needs its own name");
  CHECK(message("graph g\n  a: f32[2]\n  b = relu(a\n  return b") ==
        "f.egret:4:3: error: expected ',' or ')' after an argument, found 'return'");
  CHECK(message("graph g\n  a: f32[2]\n") ==
        "f.egret:3:1: error: graph g returns nothing\n  hint: end it with: return VALUE");
  CHECK(message("graph g\n  const a: f32[3] = [1, 2]\n  return a") ==
        "f.egret:2:12: error: 2 values for the 3 of f32[3]\n  hint: end the list with ', ...' to repeat the last value");
  CHECK(message("graph g\n  const a: i8[1] = [200]\n  return a") ==
        "f.egret:2:21: error: the value is out of the range of i8");
  CHECK(message("graph g\n  a: f32[2]\n  return a\n  alias 1 = a") ==
        "f.egret:4:9: error: there is no output 1\n  hint: aliases come after 'return'; outputs count from 0");
  CHECK(message("grph g") == "f.egret:1:1: error: expected 'graph' before a graph's name, found 'grph'");
  CHECK(message("graph g\n  \"a: f32[2]\n") == "f.egret:2:3: error: expected a statement, found a string without its end\n"
                                               "  hint: statements are: NAME: TYPE, NAME = OPERATOR(...), return, alias");
}

TEST_CASE("hostile text ends with a message") {
  std::string deep = "graph g a: f32[2] b = ";
  for (int i = 0; i < 5000; ++i) deep += "relu(";
  CHECK(message(deep).find("nested too deeply") != std::string::npos);
  CHECK(message("graph g a: f32[1099511627776,1099511627776] b = relu(a) return b").find("too large") != std::string::npos);
  CHECK(message("graph g const a: f32[1099511627776] = [0, ...] return a").find("more than 2^28 elements") != std::string::npos);
  CHECK(message("graph g a: " + std::string(3000, '(')).find("too deeply") != std::string::npos);
  std::string axes = "1";
  for (int i = 0; i < 40; ++i) axes += ",1";
  CHECK(message("graph g a: f32[" + axes + "] return a").find("more than 32 axes") != std::string::npos);
  // Cut and altered text must never crash.
  std::string text = kEverything;
  std::mt19937 rng(5);
  for (int i = 0; i < 3000; ++i) {
    std::string t = text;
    if (i % 3 == 0) t.resize(rng() % t.size());
    for (uint32_t edits = rng() % 3; edits > 0; --edits) {
      if (t.empty()) break;
      size_t at = rng() % t.size();
      const char kBytes[] = "0123456789[](),=.-@#\"abx\xff \n";
      if (rng() % 2) {
        t[at] = kBytes[rng() % (sizeof kBytes - 1)];
      } else {
        t.erase(at, 1 + rng() % 6);
      }
    }
    auto g = parse_graph(t);
    if (g.ok()) CHECK(print(parsed(print(*g))) == print(*g));
  }
}
