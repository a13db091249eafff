// Small programs for the tests of lowering and of the runtimes.
#pragma once

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/lower.h"

namespace egret::test {

inline Graph graph_of(const std::string& text) {
  auto graph = parse_graph(text);
  INFO((graph.ok() ? "" : graph.error().to_string()));
  REQUIRE(graph.ok());
  return *graph;
}

inline const char* const kBlock = R"(
graph block
  x: f32[1,8,20,20]
  param w1: f32[16,8,3,3]
  param b1: f32[16]
  param w2: f32[16,16,1,1]
  param s: f32[100]
  param h: f32[100]
  p = conv(x, w1, low=[1,1], high=[1,1], stride=[2,2])
  b = broadcast(b1, dims=[1], sizes=[1,10,10])
  q = add(p, b)
  r = relu(q)
  t = conv(r, w2)
  u = add(t, r)
  f = reshape(u, sizes=[16,100])
  n = layer_norm(f, s, h, axis=1)
  m = softmax(n, axis=1)
  k = argmax(m, axis=1)
  d = split(n, axis=0, sizes=[10,6])
  a = get(d, index=0)
  c = get(d, index=1)
  e = transpose(c, perm=[1,0])
  return m, k, a, e
)";

// Parameters get seeded values.
inline Graph with_values(Graph graph, std::vector<Tensor>* data) {
  auto all = random_inputs(graph, 11);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (graph.inputs[i].role == InputRole::kParameter) {
      graph.inputs[i].data = std::make_shared<Tensor>(all[i]);
    } else {
      data->push_back(all[i]);
    }
  }
  return graph;
}

inline std::vector<Tensor> expected_of(const Graph& graph, const std::vector<Tensor>& data) {
  std::vector<Tensor> inputs;
  size_t next = 0;
  for (const GraphInput& i : graph.inputs) inputs.push_back(i.data ? *i.data : data[next++]);
  auto values = evaluate(graph, inputs);
  REQUIRE(values.ok());
  return *values;
}

inline Artifact lowered(const Program& program, LowerOptions options = {}) {
  auto artifact = lower_program(program, options);
  INFO((artifact.ok() ? "" : artifact.error().to_string()));
  REQUIRE(artifact.ok());
  return *artifact;
}

inline Program program_of(const Graph& graph, bool freeze = true) {
  auto program = unfused_program(graph, freeze);
  INFO((program.ok() ? "" : program.error().to_string()));
  REQUIRE(program.ok());
  return *program;
}

// y = x (w1 + w2), the sum prepared.
inline Program prepared_program(const Tensor& w1, const Tensor& w2) {
  Program program;
  const Type w = w1.type(), x = Type::tensor(DType::f32, {5, 30});
  using Role = ProgramValue::Role;
  program.values = {{Role::kInput, x, "x", nullptr},
                    {Role::kWeight, w, "w1", std::make_shared<Tensor>(w1)},
                    {Role::kWeight, w, "w2", std::make_shared<Tensor>(w2)},
                    {Role::kPrepared, w, "", nullptr},
                    {Role::kOutput, Type::tensor(DType::f32, {5, 40}), "y", nullptr}};
  auto add = kernel_of(op_named("add"), {}, std::vector<Type>{w, w});
  auto dot_attrs = complete_attrs(op_named("dot"), {{"lc", dims_of({1})}, {"rc", dims_of({0})}});
  REQUIRE(add.ok());
  REQUIRE(dot_attrs.ok());
  auto dot = kernel_of(op_named("dot"), *dot_attrs, std::vector<Type>{x, w});
  REQUIRE(dot.ok());
  program.kernels = {*add, *dot};
  program.prepare = {{0, {1, 2}, {3}}};
  program.run = {{1, {0, 3}, {4}}};
  program.inputs = {0};
  program.outputs = {4};
  program.output_names = {"y"};
  return program;
}

}  // namespace egret::test
