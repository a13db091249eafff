// Proofs that need no rule: congruence, composites, constants.
#include "tests/frontends/proof_cases.h"

using namespace egret;
using namespace egret::proof;

TEST_CASE("a program proves itself") {
  auto c = make_case("graph g\n  a: f32[2,3]\n  param b: f32[3,4]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = exp(p)\n  return p, q\n", "");
  const std::string text = proved(*c);
  CHECK(text == proved(*c));
}

TEST_CASE("composites are expanded anew") {
  auto c = make_case("graph g\n  a: f32[2,8]\n  s = softmax(a, axis=1)\n  r = relu(s)\n  t = gelu_tanh(r)\n  u = softmax(a, axis=1)\n  v = add(t, u)\n  return v\n", "");
  const std::string text = proved(*c);
  CHECK(text.find("\"expand\"") != std::string::npos);
}

TEST_CASE("constants are evaluated anew") {
  auto c = make_case(
      "graph g\n  a: f32[4]\n  const k: f32[4] = [1, 2, 3, 4]\n  const h: f32[4] = [0.5, 0.5, 0.5, 0.5]\n  two = splat(value=2, dtype=f32, sizes=[4])\n"
      "  m = mul(k, two)\n  n = add(m, h)\n  o = mul(h, two)\n  p = mul(a, n)\n  q = add(p, o)\n  return q\n", "");
  const std::string text = proved(*c);
  CHECK(text.find("\"fold\"") != std::string::npos);
}

TEST_CASE("a chain of thousands of operators") {
  GraphBuilder b("chain");
  ValueId v = b.input("x", Type::tensor(DType::f32, {4}));
  for (int i = 0; i < 3000; ++i) v = *b.add(i % 3 == 0 ? "relu" : i % 3 == 1 ? "tanh" : "neg", {v});
  b.output(v, "y");
  auto c = make_case(b.take(), "");
  const std::string text = proved(*c);
  auto proof = read(text, {});
  PROOF_REQUIRE_OK(proof);
  CHECK(proof->steps.size() < 20'000);
}
