// Contractions: products and convolutions with tails, borders, prologues, epilogues and rows.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "host_kernels.h"
#include "ir/evaluate/evaluate.h"

using namespace egret;
using namespace egret::test;

namespace {

std::string dot(const std::string& name, const std::string& a, const std::string& b, const std::string& attrs) {
  return fmt::format("graph {}\n  a: {}\n  b: {}\n  r = dot(a, b, {})\n  return r\n", name, a, b, attrs);
}

// The four orders of a product of m x k and k x n.
std::string dots(int number, int m, int k, int n) {
  std::string text;
  for (int order = 0; order < 4; ++order) {
    const bool a_moved = order & 1, b_moved = order & 2;
    text += dot(fmt::format("{}{}_{}", a_moved ? "t" : "n", b_moved ? "t" : "n", number),
                a_moved ? fmt::format("f32[{},{}]", k, m) : fmt::format("f32[{},{}]", m, k),
                b_moved ? fmt::format("f32[{},{}]", n, k) : fmt::format("f32[{},{}]", k, n),
                fmt::format("lc=[{}], rc=[{}]", a_moved ? 0 : 1, b_moved ? 1 : 0));
  }
  return text;
}

TEST_CASE("matrix products of all orders and awkward sizes") {
  std::string text;
  const int sizes[][3] = {{1, 1, 1},    {2, 3, 4},     {1, 100, 33},  {33, 1, 65},   {7, 17, 1},   {16, 16, 16},
                          {65, 49, 50}, {13, 200, 31}, {64, 48, 256}, {5, 1000, 70}, {130, 130, 3}};
  int number = 0;
  for (const auto& [m, k, n] : sizes) text += dots(number++, m, k, n);
  check_host(cases_of(text), 2e-5);
}

TEST_CASE("few positions beyond whole vectors are folded along K") {
  std::string text;
  int number = 0;
  for (int n : {17, 18, 33, 36, 49, 53, 196, 200}) {
    for (int k : {256, 300, 601}) text += dot(fmt::format("g{}", number++), fmt::format("f32[29,{}]", k),
                                              fmt::format("f32[{},{}]", k, n), "lc=[1], rc=[0]");
  }
  // K in blocks, K of several axes, integers, a border, a stride, two batches with a tail after the product.
  text += dot("blocks", "f32[40,9000]", "f32[9000,49]", "lc=[1], rc=[0]");
  text += dot("two_k", "f32[40,20,30]", "f32[20,30,50]", "lc=[1,2], rc=[0,1]");
  text += dot("i32", "i32[40,300]", "i32[300,35]", "lc=[1], rc=[0]");
  text += R"(
graph conv_border
  x: f32[2,32,7,7]  w: f32[40,32,3,3]  c: f32[40]
  v = conv(x, w, low=[1,1], high=[1,1])
  b = broadcast(c, dims=[1], sizes=[2,7,7])
  r = relu(add(v, b))
  return r
graph conv_stride
  x: f32[1,300,14,14]  w: f32[64,300,1,1]
  r = conv(x, w, stride=[2,2])
  return r
graph conv_plain
  x: f32[1,256,14,14]  w: f32[33,256,1,1]  y: f32[1,33,14,14]
  r = add(conv(x, w), y)
  return r
)";
  check_host(cases_of(text), 2e-5);
}

TEST_CASE("few rows: the other factor is read once, whatever is fused to it") {
  std::string text;
  int number = 0;
  for (int m : {1, 2, 3, 4, 5, 8, 9}) {
    for (const auto& [k, n] : {std::pair{16, 5}, {67, 33}, {300, 100}}) text += dots(number++, m, k, n);
  }
  text += dot("f64", "f64[3,67]", "f64[33,67]", "lc=[1], rc=[1]");
  text += dot("i32", "i32[3,67]", "i32[33,67]", "lc=[1], rc=[1]");
  text += dot("i64", "i64[1,67]", "i64[33,67]", "lc=[1], rc=[1]");
  text += dot("heads", "f32[5,1,64]", "f32[5,70,64]", "lb=[0], rb=[0], lc=[2], rc=[2]");
  text += dot("two_k", "f32[2,7,40]", "f32[33,7,40]", "lc=[1,2], rc=[1,2]");
  text += dot("two_k_moved", "f32[2,40,7]", "f32[33,7,40]", "lc=[1,2], rc=[2,1]");
  text += dot("two_n", "f32[2,70]", "f32[9,7,70]", "lc=[1], rc=[2]");
  text += R"(
graph bias
  x: f32[1,8,6,6]
  w: f32[100,288]
  c: f32[100]
  v = reshape(x, sizes=[1,288])
  p = dot(v, w, lc=[1], rc=[1])
  b = broadcast(c, dims=[1], sizes=[1])
  s = add(p, b)
  r = relu(s)
  return s, r
graph prologues
  x: f32[3,200]
  w: f32[45,200]
  d: f32[45,200]
  y = tanh(x)
  v = add(w, d)
  p = dot(y, v, lc=[1], rc=[1])
  return p
graph scaled_rows
  x: f32[1,200]
  w: f32[45,200]
  c: f32[45]
  b = broadcast(c, dims=[0], sizes=[200])
  v = mul(w, b)
  p = dot(x, v, lc=[1], rc=[1])
  return p
graph row_after
  x: f32[2,200]
  w: f32[45,200]
  p = dot(x, w, lc=[1], rc=[1])
  s = softmax(p, axis=1)
  return s
graph moved
  x: f32[4,200]
  w: f32[45,200]
  p = dot(w, x, lc=[1], rc=[1])
  r = relu(p)
  return r
graph whole_image
  x: f32[1,5,7,20]
  w: f32[33,5,7,20]
  c: f32[33]
  p = conv(x, w)
  b = broadcast(c, dims=[1], sizes=[1,1,1])
  r = add(p, b)
  return r
graph bordered_image
  x: f32[1,5,7,18]
  w: f32[33,5,7,20]
  r = conv(x, w, low=[0,1], high=[0,1])
  return r
)";
  check_host(cases_of(text), 2e-5);
}

// x[m,k] times a matrix of n columns that is stored in panels of p of them, each a row a step of k.
std::string paneled(const std::string& name, int m, int k, int n, int p, bool columns_first, const std::string& tail) {
  const int panels = n / p;
  return fmt::format("graph {}\n  x: f32[{},{}]\n  c: f32[{}]\n  w: f32[{},{},{}]\n  t = transpose(w, perm={})\n"
                     "  r = reshape(t, sizes={})\n  y = dot(x, r, lc=[1], rc=[{}])\n{}",
                     name, m, k, n, panels, k, p, columns_first ? "[0,2,1]" : "[1,0,2]",
                     columns_first ? fmt::format("[{},{}]", n, k) : fmt::format("[{},{}]", k, n), columns_first ? 1 : 0,
                     fmt::format(fmt::runtime(tail), fmt::arg("m", m)));
}

TEST_CASE("a factor in panels is read where it lies, whatever comes after the product") {
  const std::string bias = "  b = broadcast(c, dims=[1], sizes=[{m}])\n  z = add(y, b)\n  s = tanh(z)\n  return s, y\n";
  const std::string rows = "  b = broadcast(c, dims=[1], sizes=[{m}])\n  z = add(y, b)\n  s = softmax(z, axis=1)\n  return s\n";
  std::string text;
  int number = 0;
  for (const auto& [m, k, n, p] : {std::tuple{1, 30, 64, 32}, {3, 65, 128, 64}, {9, 100, 96, 32}, {40, 33, 192, 64}, {65, 1, 64, 32},
                                   {130, 20, 320, 64}, {20, 40, 96, 16}, {20, 40, 96, 48}, {20, 40, 60, 12}}) {
    for (bool columns_first : {false, true}) {
      text += paneled(fmt::format("bias{}", number), m, k, n, p, columns_first, bias);
      text += paneled(fmt::format("rows{}", number++), m, k, n, p, columns_first, rows);
    }
  }
  check_host(cases_of(text), 2e-5);
  // So long a fold that it is cut in blocks; with it grows what rounding does.
  check_host(cases_of(paneled("blocks", 17, 2500, 128, 64, false, "  return y\n") + paneled("blocks_moved", 17, 2500, 128, 64, true, "  return y\n")), 3e-4);
}

TEST_CASE("products of other dtypes, batches and several contracted axes") {
  std::string text;
  for (const std::string type : {"f64", "i32", "i64", "f16", "bf16"}) {
    text += dot(type, type + "[19,37]", type + "[37,21]", "lc=[1], rc=[0]");
  }
  text += dot("batch", "f32[3,4,17,20]", "f32[3,4,20,33]", "lb=[0,1], rb=[0,1], lc=[3], rc=[2]");
  text += dot("batch_inner", "f32[17,3,20]", "f32[33,3,20]", "lb=[1], rb=[1], lc=[2], rc=[2]");
  text += dot("two_k", "f32[17,3,20]", "f32[3,20,40]", "lc=[1,2], rc=[0,1]");
  text += dot("outer", "f32[17]", "f32[40]", "lc=[], rc=[]");
  text += dot("inner", "f32[1000]", "f32[1000]", "lc=[0], rc=[0]");
  text += dot("no_k", "f32[5,0]", "f32[0,20]", "lc=[1], rc=[0]");
  text += dot("no_m", "f32[0,5]", "f32[5,20]", "lc=[1], rc=[0]");
  text += dot("long_k", "f32[20,6000]", "f32[6000,40]", "lc=[1], rc=[0]");
  check_host(cases_of(text), 2e-5);
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
