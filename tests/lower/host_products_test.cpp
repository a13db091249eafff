// Contractions: products and convolutions with tails, borders, prologues, epilogues and rows.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "host_kernels.h"
#include "ir/evaluate.h"

using namespace egret;
using namespace egret::test;

namespace {

TEST_CASE("matrix products of all orders and awkward sizes") {
  std::string text;
  const int sizes[][3] = {{1, 1, 1},    {2, 3, 4},     {1, 100, 33},  {33, 1, 65},   {7, 17, 1},   {16, 16, 16},
                          {65, 49, 50}, {13, 200, 31}, {64, 48, 256}, {5, 1000, 70}, {130, 130, 3}};
  int n = 0;
  for (const auto& [m, k, p] : sizes) {
    text += fmt::format(
        "graph nn{0}\n  a: f32[{1},{2}]\n  b: f32[{2},{3}]\n  r = dot(a, b, lc=[1], rc=[0])\n  return r\n", n, m, k, p);
    text += fmt::format(
        "graph nt{0}\n  a: f32[{1},{2}]\n  b: f32[{3},{2}]\n  r = dot(a, b, lc=[1], rc=[1])\n  return r\n", n, m, k, p);
    text += fmt::format(
        "graph tn{0}\n  a: f32[{2},{1}]\n  b: f32[{2},{3}]\n  r = dot(a, b, lc=[0], rc=[0])\n  return r\n", n, m, k, p);
    text +=
        fmt::format("graph tt{0}\n  a: f32[{2},{1}]\n  b: f32[{3},{2}]\n  r = dot(a, b, lc=[0], rc=[1])\n  return r\n",
                    n++, m, k, p);
  }
  check_host(cases_of(text), 2e-5);
}

TEST_CASE("products of other dtypes, batches and several contracted axes") {
  check_host(cases_of(R"(
graph f64
  a: f64[19,37]
  b: f64[37,21]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph i32
  a: i32[19,37]
  b: i32[37,21]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph i64
  a: i64[9,37]
  b: i64[37,21]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph f16
  a: f16[9,37]
  b: f16[37,21]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph bf16
  a: bf16[9,37]
  b: bf16[37,21]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph batch
  a: f32[3,4,17,20]
  b: f32[3,4,20,33]
  r = dot(a, b, lb=[0,1], rb=[0,1], lc=[3], rc=[2])
  return r
graph batch_inner
  a: f32[17,3,20]
  b: f32[33,3,20]
  r = dot(a, b, lb=[1], rb=[1], lc=[2], rc=[2])
  return r
graph two_k
  a: f32[17,3,20]
  b: f32[3,20,40]
  r = dot(a, b, lc=[1,2], rc=[0,1])
  return r
graph outer
  a: f32[17]
  b: f32[40]
  r = dot(a, b, lc=[], rc=[])
  return r
graph inner
  a: f32[1000]
  b: f32[1000]
  r = dot(a, b, lc=[0], rc=[0])
  return r
graph no_k
  a: f32[5,0]
  b: f32[0,20]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph no_m
  a: f32[0,5]
  b: f32[5,20]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph long_k
  a: f32[20,6000]
  b: f32[6000,40]
  r = dot(a, b, lc=[1], rc=[0])
  return r
)"),
             2e-5);
}

std::string conv(const char* name, const char* x, const char* w, const std::string& attrs) {
  return fmt::format("graph {}\n  x: f32{}\n  w: f32{}\n  r = conv(x, w, {})\n  return r\n", name, x, w, attrs);
}

TEST_CASE("convolutions") {
  std::string text;
  text += conv("same3", "[1,5,14,14]", "[9,5,3,3]", "low=[1,1], high=[1,1]");
  text += conv("batch", "[3,4,7,9]", "[21,4,3,3]", "low=[1,1], high=[1,1]");
  text += conv("stride2", "[1,3,33,35]", "[17,3,7,7]", "low=[3,3], high=[3,3], stride=[2,2]");
  text += conv("stride3", "[1,3,33,35]", "[8,3,5,5]", "low=[2,2], high=[2,2], stride=[3,3]");
  text += conv("valid", "[1,8,12,12]", "[16,8,5,5]", "low=[0,0]");
  text += conv("one", "[2,30,13,13]", "[40,30,1,1]", "low=[0,0]");
  text += conv("one_s2", "[1,30,14,14]", "[40,30,1,1]", "stride=[2,2]");
  text += conv("dilated", "[1,6,20,20]", "[8,6,3,3]", "low=[2,2], high=[2,2], dilation=[2,2]");
  text += conv("uneven", "[1,6,20,17]", "[8,6,1,7]", "low=[0,3], high=[0,3]");
  text += conv("groups", "[1,12,15,15]", "[20,3,3,3]", "low=[1,1], high=[1,1], groups=4");
  text += conv("groups1", "[1,60,14,14]", "[30,20,1,1]", "groups=3");
  text += conv("depthwise", "[1,9,17,18]", "[9,1,3,3]", "low=[1,1], high=[1,1], groups=9");
  text += conv("depthwise_s2", "[1,9,17,18]", "[9,1,3,3]", "low=[1,1], high=[1,1], stride=[2,2], groups=9");
  text += conv("depthwise_twice", "[1,9,17,18]", "[18,1,3,3]", "low=[1,1], high=[1,1], groups=9");
  text += conv("transposed", "[1,6,9,9]", "[8,6,3,3]", "low=[1,1], high=[1,1], lhs_dilation=[2,2]");
  text += conv("one_axis", "[2,6,40]", "[8,6,5]", "low=[2], high=[2]");
  text += conv("three_axes", "[1,3,5,6,17]", "[4,3,3,3,3]", "low=[1,1,1], high=[1,1,1]");
  text += conv("long_k", "[1,700,7,7]", "[20,700,3,3]", "low=[1,1], high=[1,1]");
  text += R"(
graph dx
  g: f32[1,10,7,7]
  w: f32[10,6,3,3]
  r = conv_dx(g, w, low=[1,1], stride=[2,2], sizes=[13,13])
  return r
graph dx_groups
  g: f32[1,8,9,9]
  w: f32[8,3,3,3]
  r = conv_dx(g, w, low=[1,1], groups=2, sizes=[9,9])
  return r
graph dw
  x: f32[2,6,13,13]
  g: f32[2,10,7,7]
  r = conv_dw(x, g, low=[1,1], stride=[2,2], sizes=[3,3])
  return r
graph dw_groups
  x: f32[2,6,9,9]
  g: f32[2,10,9,9]
  r = conv_dw(x, g, low=[1,1], groups=2, sizes=[3,3])
  return r
)";
  check_host(cases_of(text), 2e-5);
}

TEST_CASE("prologues, epilogues and rows") {
  check_host(cases_of(R"(
graph bias_relu
  x: f32[1,6,15,15]
  w: f32[21,6,3,3]
  c: f32[21]
  y: f32[1,21,15,15]
  p = conv(x, w, low=[1,1], high=[1,1])
  b = broadcast(c, dims=[1], sizes=[1,15,15])
  s = add(p, b)
  t = add(s, y)
  r = relu(t)
  return r
graph two_results
  x: f32[33,40]
  w: f32[40,50]
  p = dot(x, w, lc=[1], rc=[0])
  r = tanh(p)
  return p, r
graph prologue
  x: f32[33,40]
  s: f32[40]
  w: f32[40,50]
  b = broadcast(s, dims=[1], sizes=[33])
  y = mul(x, b)
  z = relu(y)
  p = dot(z, w, lc=[1], rc=[0])
  return p
graph prologue_right
  x: f32[33,40]
  w: f32[40,50]
  z = exp(w)
  p = dot(x, z, lc=[1], rc=[0])
  return p
graph conv_prologue
  x: f32[1,6,15,15]
  s: f32[6]
  w: f32[21,6,3,3]
  b = broadcast(s, dims=[1], sizes=[1,15,15])
  y = mul(x, b)
  z = relu(y)
  p = conv(z, w, low=[1,1], high=[1,1])
  return p
graph moved
  x: f32[33,40]
  w: f32[40,50]
  p = dot(x, w, lc=[1], rc=[0])
  t = transpose(p, perm=[1,0])
  r = relu(t)
  return r
graph heads
  x: f32[2,3,17,20]
  w: f32[2,3,20,33]
  p = dot(x, w, lb=[0,1], rb=[0,1], lc=[3], rc=[2])
  t = transpose(p, perm=[0,2,1,3])
  return t
graph scores
  q: f32[4,37,16]
  k: f32[4,29,16]
  p = dot(q, k, lb=[0], rb=[0], lc=[2], rc=[2])
  s = softmax(p, axis=2)
  return s
graph masked_scores
  q: f32[2,4,37,16]
  k: f32[2,4,37,16]
  m: f32[2,37]
  p = dot(q, k, lb=[0,1], rb=[0,1], lc=[3], rc=[3])
  b = broadcast(m, dims=[0,3], sizes=[4,37])
  a = add(p, b)
  s = softmax(a, axis=3)
  return s
graph norm_after
  x: f32[37,64]
  w: f32[64,96]
  c: f32[96]
  y: f32[37,96]
  g: f32[96]
  h: f32[96]
  p = dot(x, w, lc=[1], rc=[0])
  b = broadcast(c, dims=[1], sizes=[37])
  s = add(p, b)
  t = add(s, y)
  r = layer_norm(t, g, h, axis=1)
  return r
graph row_and_sum
  x: f32[37,64]
  w: f32[64,96]
  p = dot(x, w, lc=[1], rc=[0])
  s = reduce_max(p, axes=[1])
  return p, s
graph thin
  x: f32[1,640]
  w: f32[640,100]
  c: f32[1,100]
  p = dot(x, w, lc=[1], rc=[0])
  r = add(p, c)
  return r
graph thin_transposed
  x: f32[1,640]
  w: f32[100,640]
  c: f32[1,100]
  p = dot(x, w, lc=[1], rc=[1])
  r = add(p, c)
  return r
graph mixed
  x: f16[33,40]
  w: f16[40,50]
  a = cast(x, to=f32)
  b = cast(w, to=f32)
  p = dot(a, b, lc=[1], rc=[0])
  r = cast(p, to=f16)
  return r
)"),
             2e-5);
}

TEST_CASE("strict: folds in index order, products and sums rounded apart") {
  const auto cases = cases_of(R"(
graph dot
  a: f32[33,70]
  b: f32[70,40]
  r = dot(a, b, lc=[1], rc=[0])
  return r
graph conv
  x: f32[1,5,9,18]
  w: f32[7,5,3,3]
  r = conv(x, w, low=[1,1], high=[1,1])
  return r
graph sum
  x: f32[5,300]
  r = reduce_sum(x, axes=[1])
  return r
graph scale_and_shift
  x: f32[301]
  y: f32[301]
  m = mul(x, y)
  r = add(m, x)
  return r
)");
  for (HostLevel level : levels()) {
    const auto results = run_host(cases, level, true);
    for (size_t i = 0; i < cases.size(); ++i) {
      INFO(name(level) << " " << cases[i].name);
      auto expected = evaluate_reference(cases[i].body, cases[i].inputs);
      REQUIRE(expected.ok());
      CHECK((*expected)[0] == results[i][0]);  // bit for bit
    }
  }
}

}  // namespace
