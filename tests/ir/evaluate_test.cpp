#include "ir/evaluate/evaluate.h"

#include <tbb/global_control.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "ir/text/text.h"
#include "random_comprehension.h"

namespace egret {

namespace {

void check_agreement(const RandomComprehension& random) {
  INFO(random.comprehension.to_string());
  const auto expected = evaluate_reference(random.comprehension, random.operands);
  const auto result = evaluate(random.comprehension, random.operands);
  if (!expected.ok()) FAIL(expected.error().to_string());
  if (!result.ok()) FAIL(result.error().to_string());
  REQUIRE(expected->type() == result->type());
  const bool exact = is_integer(expected->dtype()) || expected->dtype() == DType::f64;
  REQUIRE(relative_error(*expected, *result) <= (exact ? 1e-12 : expected->dtype() == DType::bf16 ? 1e-2 : 1e-5));
}

}  // namespace

TEST_CASE("the plain-loop evaluator agrees with the reference on random comprehensions") {
  int folds = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    RandomComprehension random(seed);
    random.make();
    for (const Expr& e : random.comprehension.exprs) folds += e.kind == ExprKind::kFold;
    check_agreement(random);
  }
  CHECK(folds > 300);
}

TEST_CASE("the plain-loop evaluator agrees with the reference on random sums of products") {
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    RandomComprehension random(seed);
    random.make_contraction();
    check_agreement(random);
  }
}

namespace {

Tensor tensor_of(DType dtype, std::vector<Dim> dims, const std::vector<double>& values) {
  Tensor tensor(Type::tensor(dtype, std::move(dims)));
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

Graph graph_of(const std::string& text) {
  auto graph = parse_graph(text);
  if (!graph.ok()) FAIL(graph.error().to_string());
  return *graph;
}

// operand[v0 + 1] for v0 < 3, of an operand with 3 elements.
Comprehension reads_too_far() {
  Comprehension c;
  c.result = Type::tensor(DType::f32, {3});
  c.sizes = {3};
  Expr index, one, sum, read;
  index.kind = ExprKind::kIndex;
  one.kind = ExprKind::kInt;
  one.integer = 1;
  sum.kind = ExprKind::kAdd;
  sum.args = {c.add(index), c.add(one)};
  read.kind = ExprKind::kRead;
  read.args = {c.add(sum)};
  c.body = c.add(read);
  return c;
}

}  // namespace

TEST_CASE("a read out of range is an internal error of both evaluators") {
  const Comprehension c = reads_too_far();
  const std::vector<Tensor> operands = {tensor_of(DType::f32, {3}, {1, 2, 3})};
  const auto expected = evaluate_reference(c, operands);
  const auto result = evaluate(c, operands);
  REQUIRE_FALSE(expected.ok());
  REQUIRE_FALSE(result.ok());
  CHECK(expected.error().code == ErrorCode::kInternal);
  CHECK(result.error().message == expected.error().message);
  CHECK(result.error().message == "operand 0 is read at 3 on axis 0 of size 3");
}

TEST_CASE("an ill-formed comprehension is reported, not trusted") {
  Comprehension c = reads_too_far();
  CHECK(evaluate(c, {}).error().code == ErrorCode::kInternal);  // no operand
  c.exprs.back().dtype = DType::i32;                            // the operand is f32
  CHECK(evaluate(c, {tensor_of(DType::f32, {3}, {1, 2, 3})}).error().code == ErrorCode::kInternal);
  c = reads_too_far();
  c.exprs[c.body].args.push_back(c.exprs[c.body].args[0]);  // two indices for one axis
  CHECK(evaluate_reference(c, {tensor_of(DType::f32, {3}, {1, 2, 3})}).error().code == ErrorCode::kInternal);
}

TEST_CASE("relative error") {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const auto f32 = [](const std::vector<double>& v) {
    return tensor_of(DType::f32, {static_cast<int64_t>(v.size())}, v);
  };
  CHECK(relative_error(f32({1, -4}), f32({1.5, -4})) == 0.125);  // of the largest, not of each
  CHECK(relative_error(f32({0, 0}), f32({0, 0})) == 0);
  CHECK(relative_error(f32({0, 0}), f32({0, 1e-9})) == infinity);
  CHECK(relative_error(f32({nan, infinity, 2}), f32({nan, infinity, 2})) == 0);
  CHECK(relative_error(f32({nan, 1}), f32({1, nan})) == infinity);
  CHECK(relative_error(f32({infinity}), f32({-infinity})) == infinity);
  CHECK(relative_error(f32({1}), f32({1, 1})) == infinity);
  CHECK(relative_error(f32({}), f32({})) == 0);
  CHECK(relative_error(tensor_of(DType::f64, {1}, {1}), f32({1})) == 0);
}

TEST_CASE("random inputs are the same every time and fit their purpose") {
  const Graph graph = graph_of(
      "graph g\n  x: f32[100,50]\n  param w: f32[400,100]\n  param bn_var: f32[300]\n  i: i64[50]\n  p: bool[64]\n"
      "  return x\n");
  const std::vector<Tensor> inputs = random_inputs(graph, 7);
  CHECK(inputs == random_inputs(graph, 7));
  CHECK_FALSE(inputs == random_inputs(graph, 8));
  const auto moments = [](const Tensor& t) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < t.size(); ++i) sum += t.get(i), squares += t.get(i) * t.get(i);
    const double mean = sum / static_cast<double>(t.size());
    return std::pair(mean, squares / static_cast<double>(t.size()) - mean * mean);
  };
  CHECK(std::fabs(moments(inputs[0]).first) < 0.05);
  CHECK(moments(inputs[0]).second == Approx(1).margin(0.1));
  CHECK(moments(inputs[1]).second == Approx(1.0 / 400).epsilon(0.1));
  for (int64_t i = 0; i < inputs[2].size(); ++i) CHECK((inputs[2].get(i) >= 0.5 && inputs[2].get(i) < 1.5));
  for (int64_t i = 0; i < inputs[3].size(); ++i) CHECK((inputs[3].get_int(i) >= 0 && inputs[3].get_int(i) <= 9));
  CHECK(inputs[0].get(0) == Approx(random_inputs(graph, 7)[0].get(0)));
}

TEST_CASE("evaluation checks its inputs and limits") {
  const Graph graph = graph_of("graph g\n  a: f32[64,64]\n  b = exp(a)\n  return b\n");
  const Tensor good = Tensor::splat(Type::tensor(DType::f32, {64, 64}), 1), bad = tensor_of(DType::f32, {2}, {1, 2});
  CHECK(evaluate(graph, {good}).ok());
  CHECK(evaluate(graph, {}).error().code == ErrorCode::kInput);
  CHECK(evaluate(graph, {bad}).error().code == ErrorCode::kInput);
  CHECK(evaluate_reference(graph, {bad}).error().code == ErrorCode::kInput);
  CHECK(evaluate(graph, {Tensor()}).error().code == ErrorCode::kInput);  // empty, and the graph has no data for it
  Limits limits;
  limits.bytes = 1000;
  CHECK(evaluate(graph, {good}, limits).error().code == ErrorCode::kLimit);
  limits = {};
  limits.seconds = 0;
  CHECK(evaluate(graph, {good}, limits).error().code == ErrorCode::kLimit);
  CHECK(evaluate_reference(graph, {good}, Scalar::kNative, limits).error().code == ErrorCode::kLimit);
  const Graph open = graph_of("graph g\n  a: f32[n]\n  b = exp(a)\n  return b\n");
  CHECK_FALSE(evaluate(open, {bad}).ok());
}

TEST_CASE("the number of threads does not change a bit") {
  const Graph graph = graph_of(
      "graph g\n  x: f32[2,8,20,20]\n  param w: f32[16,8,3,3]\n"
      "  y = conv(x, w, stride=[1,1], low=[1,1], high=[1,1])\n  z = softmax(y, axis=1)\n"
      "  s = reduce_sum(z, axes=[0,2])\n"
      "  return y, z, s\n");
  const std::vector<Tensor> inputs = random_inputs(graph, 1);
  std::vector<std::vector<Tensor>> results;
  for (size_t threads : {1, 2, 5}) {
    tbb::global_control control(tbb::global_control::max_allowed_parallelism, threads);
    const auto result = evaluate(graph, inputs);
    REQUIRE(result.ok());
    results.push_back(*result);
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("one operator, also of several results or composite") {
  const Tensor x = tensor_of(DType::f32, {4}, {1, 2, 3, 4});
  const auto parts = evaluate_op(op_named("split"), {{"axis", Dim(0)}, {"sizes", dims_of({1, 3})}}, {x});
  REQUIRE(parts.ok());
  REQUIRE(parts->size() == 2);
  CHECK((*parts)[1] == tensor_of(DType::f32, {3}, {2, 3, 4}));
  const auto soft = evaluate_op(op_named("softmax"), {{"axis", Dim(0)}}, {x});
  REQUIRE(soft.ok());
  CHECK((*soft)[0].get(3) == Approx(0.6439142));
  CHECK_FALSE(evaluate_op(op_named("add"), {}, {x}).ok());
}

}  // namespace egret
