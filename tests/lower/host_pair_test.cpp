// Kernels of two contractions, the second of which folds the rows of the first, compiled for the host.
#include <catch2/catch.hpp>

#include "host_kernels.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "pair_bodies.h"

using namespace egret;
using namespace egret::test;

namespace {

TEST_CASE("random bodies whose second contraction folds rows") {
  std::vector<HostCase> cases;
  for (uint64_t seed = 1; seed <= 4000 && cases.size() < 50; ++seed) {
    const auto body = pair_body(seed);
    if (!body) continue;
    const PlanResult plan = plan_kernel(*body);
    if (!plan.plan || plan.plan->schedule != ScheduleClass::kContractionPair) continue;
    HostCase c{"seed " + std::to_string(seed) + "\n" + print(*body), *body, random_inputs(*body, seed)};
    cases.push_back(std::move(c));
  }
  CHECK(cases.size() == 50);
  check_host(cases, 5e-5);
  for (bool strict : {false, true}) {
    const auto apart = run_host(cases, levels().back(), strict), together = run_host(cases, levels().back(), strict, true);
    for (size_t i = 0; i < cases.size(); ++i) {
      INFO(cases[i].name << (strict ? "strict" : ""));
      CHECK(apart[i] == together[i]);
    }
  }
}

TEST_CASE("attention at sizes of several tiles, and layers with a narrow middle") {
  check_host(cases_of(R"(
graph attention
  q: f32[2,3,70,33]  k: f32[2,3,257,33]  v: f32[2,3,257,40]  m: f32[2,257]
  s = dot(q, k, lb=[0,1], rb=[0,1], lc=[3], rc=[3])
  b = broadcast(m, dims=[0,3], sizes=[3,70])
  p = softmax(add(s, b), axis=3)
  o = dot(p, v, lb=[0,1], rb=[0,1], lc=[3], rc=[2])
  r = transpose(o, perm=[0,2,1,3])
  return r
graph heads_in_rows
  q: f32[2,65,6,16]  k: f32[2,65,2,16]  v: f32[2,65,2,16]
  qt = transpose(q, perm=[0,2,1,3])
  kt = reshape(broadcast(transpose(k, perm=[0,2,1,3]), dims=[0,1,3,4], sizes=[3]), sizes=[2,6,65,16])
  vt = reshape(broadcast(transpose(v, perm=[0,2,1,3]), dims=[0,1,3,4], sizes=[3]), sizes=[2,6,65,16])
  s = dot(qt, kt, lb=[0,1], rb=[0,1], lc=[3], rc=[3])
  p = softmax(s, axis=3)
  o = dot(p, vt, lb=[0,1], rb=[0,1], lc=[3], rc=[2])
  return o
graph one_query
  q: f32[4,1,64]  k: f32[4,300,64]  v: f32[4,300,64]
  s = dot(q, k, lb=[0], rb=[0], lc=[2], rc=[2])
  p = softmax(s, axis=2)
  o = dot(p, v, lb=[0], rb=[0], lc=[2], rc=[1])
  return o
graph layers
  x: f32[150,60]  a: f32[60,130]  b: f32[130,75]  c: f32[130]  r: f32[150,75]
  h = gelu(add(dot(x, a, lc=[1], rc=[0]), broadcast(c, dims=[1], sizes=[150])))
  y = add(dot(h, b, lc=[1], rc=[0]), r)
  return y, h
graph doubles
  x: f64[33,20]  a: f64[20,50]  b: f64[9,50]
  h = tanh(dot(x, a, lc=[1], rc=[0]))
  y = dot(b, h, lc=[1], rc=[1])
  return y
)"),
             5e-5);
}

}  // namespace
