// Every operator of the library as a kernel of its own, at several shapes, dtypes and processor levels.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "host_kernels.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"

using namespace egret;
using namespace egret::test;

namespace {

std::set<std::string>& covered() {
  static std::set<std::string> names;
  return names;
}

std::vector<HostCase> noted(std::vector<HostCase> cases) {
  for (const HostCase& c : cases) {
    for (const GraphNode& n : c.body.nodes) covered().insert(n.op->name);
  }
  return cases;
}

const char* const kSizes[] = {"[]",   "[0]",  "[1]",      "[3,0,5]",     "[7]",
                              "[16]", "[33]", "[5,1,19]", "[2,3,4,5,6]", "[1021]"};

TEST_CASE("maps of floats") {
  std::string text;
  int n = 0;
  for (const char* op : {"neg", "abs", "sign", "floor", "ceil", "round", "exp", "expm1", "sin", "cos", "tanh", "erf",
                         "logistic", "relu", "square", "reciprocal", "is_nan", "is_finite"}) {
    for (const char* dtype : {"f32", "f64", "f16", "bf16"}) {
      text += fmt::format("graph {}_{}\n  x: {}{}\n  r = {}(x)\n  return r\n", op, dtype, dtype, kSizes[n++ % 10], op);
    }
  }
  for (const char* op : {"log", "log1p", "sqrt", "rsqrt"}) {
    for (const char* dtype : {"f32", "f64", "f16"}) {
      text += fmt::format("graph {}_{}\n  x: {}[123]\n  a = abs(x)\n  r = {}(a)\n  return r\n", op, dtype, dtype, op);
    }
  }
  for (const char* op :
       {"add", "sub", "mul", "div", "rem", "max", "min", "atan2", "eq", "ne", "lt", "le", "gt", "ge"}) {
    for (const char* dtype : {"f32", "f64", "bf16"}) {
      const char* s = kSizes[n++ % 10];
      text += fmt::format("graph {}_{}\n  x: {}{}\n  y: {}{}\n  r = {}(x, y)\n  return r\n", op, dtype, dtype, s, dtype,
                          s, op);
    }
  }
  text += "graph pow_f32\n  x: f32[517]\n  y: f32[517]\n  a = abs(x)\n  r = pow(a, y)\n  return r\n";
  text += "graph pow_f64\n  x: f64[17]\n  y: f64[17]\n  a = abs(x)\n  r = pow(a, y)\n  return r\n";
  check_host(noted(cases_of(text)), 2e-6, true);
}

TEST_CASE("maps of integers and bools") {
  std::string text;
  int n = 0;
  for (const char* dtype : {"i64", "i32", "i8", "u8", "u32", "i16"}) {
    for (const char* op :
         {"add", "sub", "mul", "div", "rem", "max", "min", "and", "or", "xor", "eq", "lt", "ge", "ne", "le", "gt"}) {
      const char* s = kSizes[n++ % 10];
      text += fmt::format("graph {}_{}\n  x: {}{}\n  y: {}{}\n  r = {}(x, y)\n  return r\n", op, dtype, dtype, s, dtype,
                          s, op);
    }
    for (const char* op : {"neg", "abs", "sign", "not", "square"}) {
      text += fmt::format("graph {}_{}\n  x: {}[37]\n  r = {}(x)\n  return r\n", op, dtype, dtype, op);
    }
  }
  for (const char* op : {"and", "or", "xor", "eq"}) {
    text += fmt::format("graph {}_bool\n  x: bool[37]\n  y: bool[37]\n  r = {}(x, y)\n  return r\n", op, op);
  }
  text += "graph not_bool\n  x: bool[37]\n  r = not(x)\n  return r\n";
  text += "graph select\n  p: bool[5,37]\n  x: f32[5,37]\n  y: f32[5,37]\n  r = select(p, x, y)\n  return r\n";
  check_host(noted(cases_of(text)), 0, true);
}

TEST_CASE("casts between all dtypes") {
  std::string text;
  const char* const all[] = {"f64", "f32", "f16", "bf16", "i64", "i32", "i16", "i8", "u64", "u32", "u16", "u8", "bool"};
  for (const char* from : all) {
    for (const char* to : all) {
      text += fmt::format("graph {}_to_{}\n  x: {}[41]\n  r = cast(x, to={})\n  return r\n", from, to, from, to);
    }
  }
  auto cases = noted(cases_of(text));
  for (HostCase& c : cases) {  // values that saturate, wrap and round
    for (int64_t i = 0; i < c.inputs[0].size(); ++i) {
      static constexpr double kValues[] = {0,    -0.0, 1.5, -2.5,  300,   -300, 70000,    3e9,      -3e9,
                                           1e19, 1e-7, 0.1, 65504, 65520, NAN,  INFINITY, -INFINITY};
      const double v = kValues[i % 17];
      if (is_float(c.inputs[0].dtype()))
        c.inputs[0].set(i, v);
      else
        c.inputs[0].set_int(i, i * 77777777777 - 40);
    }
  }
  check_host(cases, 0, true);
}

TEST_CASE("special values in half precision, and constants rounded to it") {
  std::string text;
  for (const char* op : {"max", "min"}) text += fmt::format("graph {}\n  x: f16[1024]\n  y: f16[1024]\n  r = {}(x, y)\n  return r\n", op, op);
  text += "graph tanh\n  x: f16[1024]\n  r = tanh(x)\n  return r\n";
  text += "graph scaled\n  x: f16[1024]\n  c = splat(value=0.16666666666666666, dtype=f16, sizes=[1024])\n  p = mul(x, c)\n  r = mul(p, c)\n  return r\n";
  text += "graph root\n  x: f32[1024]\n  c = splat(value=0.75, dtype=f32, sizes=[1024])\n  r = pow(x, c)\n  return r\n";
  const double kValues[] = {0, -0.0, NAN, 1, -1, INFINITY, -INFINITY, 2.5, -2.5, 1e-7, 65504, -3, 0.1, -0.1, 7, 1e-4};
  auto cases = cases_of(text);
  for (HostCase& c : cases) {
    for (int64_t i = 0; i < 1024; ++i) {
      c.inputs[0].set(i, kValues[i % 16]);
      if (c.inputs.size() > 1) c.inputs[1].set(i, kValues[i / 16 % 16]);
    }
  }
  for (HostLevel level : levels()) {
    const auto results = run_host(cases, level);
    for (size_t k = 0; k < cases.size(); ++k) {
      auto expected = evaluate_reference(cases[k].body, cases[k].inputs);
      REQUIRE(expected.ok());
      for (int64_t i = 0; i < 1024; ++i) {
        const double want = (*expected)[0].get(i), got = results[k][0].get(i);
        INFO(name(level) << " " << cases[k].name << " of " << cases[k].inputs[0].get(i) << ": " << got << ", expected " << want);
        CHECK(std::isnan(got) == std::isnan(want));
        if (std::isnan(want)) continue;
        CHECK((got == want || std::fabs(got - want) <= 1e-6 * std::fabs(want)));
        CHECK(std::signbit(got) == std::signbit(want));
      }
    }
  }
}

TEST_CASE("special values of the functions") {
  std::string text;
  for (const char* op : {"exp", "expm1", "log", "log1p", "tanh", "erf", "logistic", "sqrt", "rsqrt", "abs", "sign",
                         "round", "floor", "ceil", "sin", "cos"}) {
    text += fmt::format("graph {}\n  x: f32[64]\n  r = {}(x)\n  return r\n", op, op);
  }
  for (const char* op : {"pow", "max", "min", "atan2", "rem"}) {
    text += fmt::format("graph {}\n  x: f32[1024]\n  y: f32[1024]\n  r = {}(x, y)\n  return r\n", op, op);
  }
  const float kValues[] = {0.f,     -0.f,  1.f,      -1.f,      0.5f,    -0.5f,  2.f,     -2.f,
                           3.f,     -3.f,  INFINITY, -INFINITY, NAN,     1e-40f, -1e-40f, 1e-20f,
                           88.7f,   88.8f, -87.5f,   -103.f,    -104.5f, 1e30f,  -1e30f,  0.7071f,
                           1.4142f, 0.34f, -0.34f,   0.35f,     9.1f,    -9.1f,  1e-4f,   17.f};
  auto cases = noted(cases_of(text));
  for (HostCase& c : cases) {
    for (int64_t i = 0; i < c.inputs[0].size(); ++i) c.inputs[0].as<float>()[static_cast<size_t>(i)] = kValues[i % 32];
    if (c.inputs.size() == 1) {
      for (int64_t i = 32; i < 64; ++i)
        c.inputs[0].as<float>()[static_cast<size_t>(i)] = static_cast<float>(i - 48) * 0.37f;
    } else {
      for (int64_t i = 0; i < 1024; ++i) c.inputs[1].as<float>()[static_cast<size_t>(i)] = kValues[i / 32];
    }
  }
  for (HostLevel level : levels()) {
    const auto results = run_host(cases, level);
    for (size_t k = 0; k < cases.size(); ++k) {
      auto expected = evaluate_reference(cases[k].body, cases[k].inputs);
      REQUIRE(expected.ok());
      for (int64_t i = 0; i < results[k][0].size(); ++i) {
        const double want = (*expected)[0].get(i), got = results[k][0].get(i);
        INFO(name(level) << " " << cases[k].name << " of " << cases[k].inputs[0].get(i) << ", "
                         << (cases[k].inputs.size() > 1 ? cases[k].inputs[1].get(i) : 0.0) << ": " << got
                         << ", expected " << want);
        if (std::isnan(want)) {
          CHECK(std::isnan(got));
        } else if (std::isinf(want) || want == 0) {
          CHECK(got == want);
        } else {
          CHECK(std::fabs(got - want) <= 1e-6 * std::fabs(want) + 2e-45);
        }
      }
    }
  }
}

TEST_CASE("movements, leaves and indexing") {
  check_host(noted(cases_of(R"(
graph broadcast
  x: f32[3,5]
  r = broadcast(x, dims=[1,3], sizes=[2,17])
  return r
graph transpose
  x: f32[37,65]
  r = transpose(x, perm=[1,0])
  return r
graph transpose4
  x: f32[3,33,5,18]
  r = transpose(x, perm=[0,2,3,1])
  return r
graph transpose_i8
  x: i8[40,40]
  r = transpose(x, perm=[1,0])
  return r
graph reshape_moved
  x: f32[6,35]
  t = transpose(x, perm=[1,0])
  r = reshape(t, sizes=[5,42])
  return r
graph slice
  x: f32[9,40]
  r = slice(x, start=[1,2], limit=[8,39], stride=[3,2])
  return r
graph pad
  x: f32[5,19]
  v: f32[]
  r = pad(x, v, low=[1,-2], high=[2,21], interior=[0,1])
  return r
graph concat
  a: f32[2,3,17]
  b: f32[2,1,17]
  c: f32[2,70,17]
  r = concat(a, b, c, axis=1)
  return r
graph concat_last
  a: f32[3,3]
  b: f32[3,18]
  c: f32[3,1]
  r = concat(a, b, c, axis=1)
  return r
graph rows_empty
  x: i8[0,18]
  a = argmin(x, axis=1)
  b = sub(splat(value=17, dtype=i64, sizes=[0]), a)
  r = reshape(b, sizes=[0,1])
  return r
graph concat_empty
  a: f32[3,0]
  b: f32[3,18]
  r = concat(a, b, axis=1)
  return r
graph reverse
  x: f32[4,35]
  r = reverse(x, axes=[0,1])
  return r
graph iota
  r = iota(axis=1, dtype=f32, sizes=[3,21])
  return r
graph iota_int
  r = iota(axis=0, dtype=i64, sizes=[33])
  return r
graph splat
  r = splat(value=2.5, dtype=f32, sizes=[2,9])
  return r
graph gather
  x: f32[7,19,5]
  i: i64[2,3]
  r = gather(x, i, axis=1)
  return r
graph gather_rows
  x: f32[30,64]
  i: i32[11]
  r = gather(x, i, axis=0)
  return r
graph scatter_add
  x: f32[5,21]
  i: i64[9]
  u: f32[9,21]
  r = scatter_add(x, i, u, axis=0)
  return r
)")),
             1e-6, true);
}

TEST_CASE("reductions and windows") {
  std::string text;
  for (const char* dtype : {"f32", "f64", "i32", "bf16"}) {
    for (const char* op : {"reduce_sum", "reduce_max", "reduce_min", "reduce_prod"}) {
      text += fmt::format("graph {0}_{1}_last\n  x: {1}[5,67]\n  r = {0}(x, axes=[1])\n  return r\n", op, dtype);
      text += fmt::format("graph {0}_{1}_first\n  x: {1}[6,35]\n  r = {0}(x, axes=[0])\n  return r\n", op, dtype);
      text += fmt::format("graph {0}_{1}_all\n  x: {1}[3,4,9]\n  r = {0}(x, axes=[0,1,2])\n  return r\n", op, dtype);
      text += fmt::format("graph {0}_{1}_middle\n  x: {1}[3,7,18]\n  r = {0}(x, axes=[1])\n  return r\n", op, dtype);
      text += fmt::format("graph {0}_{1}_none\n  x: {1}[3,0]\n  r = {0}(x, axes=[1])\n  return r\n", op, dtype);
    }
    for (const char* op : {"argmax", "argmin"}) {
      text += fmt::format("graph {0}_{1}\n  x: {1}[5,67]\n  r = {0}(x, axis=1)\n  return r\n", op, dtype);
      text +=
          fmt::format("graph {0}_{1}_outer\n  x: {1}[9,37]\n  r = {0}(x, axis=0, dtype=i32)\n  return r\n", op, dtype);
    }
  }
  text += R"(
graph reduce_any
  x: bool[5,37]
  r = reduce_any(x, axes=[1])
  return r
graph reduce_all
  x: bool[5,37]
  r = reduce_all(x, axes=[0])
  return r
graph window_sum
  x: f32[2,3,13,21]
  r = window_sum(x, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,1,1], high=[0,0,1,1], dilation=[1,1,1,1])
  return r
graph window_max
  x: f32[2,3,13,37]
  r = window_max(x, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,0,0], high=[0,0,1,1], dilation=[1,1,1,1])
  return r
graph window_channels
  x: f32[1,9,5,7]
  r = window_sum(x, window=[1,5,1,1], stride=[1,1,1,1], low=[0,2,0,0], high=[0,2,0,0], dilation=[1,1,1,1])
  return r
graph cumsum
  x: f32[5,37]
  a = cumsum(x, axis=1)
  b = cumsum(x, axis=0, exclusive=1, reverse=1)
  return a, b
graph cumprod
  x: f32[3,7,5]
  r = cumprod(x, axis=1, reverse=1)
  return r
graph window_max_grad
  x: f32[1,2,9,11]
  g: f32[1,2,4,5]
  r = window_max_grad(x, g, window=[1,1,3,3], stride=[1,1,2,2], low=[0,0,0,0], high=[0,0,0,0], dilation=[1,1,1,1])
  return r
)";
  check_host(noted(cases_of(text)), 2e-6, true);
}

TEST_CASE("first of several best, and NaN, in arg-max") {
  auto cases = cases_of(
      "graph a\n  x: f32[2,40]\n  r = argmax(x, axis=1)\n  return r\ngraph m\n  x: f32[2,40]\n  r = reduce_max(x, "
      "axes=[1])\n  return r\n");
  for (HostCase& c : cases) {
    for (int64_t i = 0; i < 80; ++i) c.inputs[0].set(i, i % 7);
    c.inputs[0].set(40 + 33, NAN);
  }
  check_host(cases, 0, true);
}

TEST_CASE("fused rows and elements") {
  check_host(noted(cases_of(R"(
graph softmax
  x: f32[5,77]
  r = softmax(x, axis=1)
  return r
graph softmax_channels
  x: f32[2,19,6,7]
  r = softmax(x, axis=1)
  return r
graph layer_norm
  x: f32[9,131]
  s: f32[131]
  b: f32[131]
  r = layer_norm(x, s, b, axis=1)
  return r
graph rms_norm
  x: f32[3,4,64]
  s: f32[64]
  r = rms_norm(x, s, axis=2)
  return r
graph gelu
  x: f32[1003]
  r = gelu(x)
  return r
graph several
  x: f32[7,33]
  y: f32[7,33]
  a = mul(x, y)
  b = add(a, x)
  c = exp(b)
  return a, c
graph mean_and_max
  x: f32[12,45]
  a = reduce_sum(x, axes=[1])
  b = reduce_max(x, axes=[1])
  c = broadcast(b, dims=[0], sizes=[45])
  d = sub(x, c)
  return a, d
)")),
             5e-6);
}

TEST_CASE("a value that is read at another row than its reader's is no row of scratch") {
  check_host(cases_of(R"(
graph moved
  x: f32[2,8,3,3]
  z: f32[2,8,3,3]
  square = square(x)
  sum = reduce_sum(square, axes=[0,1,3])
  both = add(square, z)
  apart = reshape(both, sizes=[2,2,2,2,3,3])
  turned = transpose(apart, perm=[0,1,4,2,5,3])
  rows = reshape(turned, sizes=[2,2,6,6])
  last = slice(rows, start=[0,0,5,0], limit=[2,2,6,6])
  line = reshape(last, sizes=[2,2,6])
  spread = broadcast(line, dims=[0,1,3], sizes=[3])
  sums = broadcast(sum, dims=[2], sizes=[2,2,6])
  product = mul(spread, sums)
  ratio = div(spread, product)
  return product, ratio
)"), 1e-5, true);
}

TEST_CASE("no operator with a definition is left out") {
  // Composites stand in the cases as their parts; tuples have no kernels.
  const std::set<std::string> elsewhere = {"dot",     "conv",  "conv_dx", "conv_dw",
                                           "reshape", "split", "input",   "constant"};
  for (const OpDef* op : all_ops()) {
    if (!op->definition || op->op_class == OpClass::kTuple || op->expand) continue;
    INFO(op->name);
    CHECK((covered().count(op->name) || elsewhere.count(op->name)));
  }
}

}  // namespace
