// What may be one kernel, and that its stages compute what its body means.
#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/kernel/stages.h"

using namespace egret;

namespace {

Graph graph_of(const std::string& lines) {
  auto graph = parse_graph("graph g\n" + lines);
  INFO((graph.ok() ? "" : graph.error().to_string()));
  REQUIRE(graph.ok());
  return *graph;
}

ScheduleClass plan_class(const std::string& lines) {
  PlanResult plan = plan_kernel(graph_of(lines));
  INFO(plan.reason);
  REQUIRE(plan.plan);
  return plan.plan->schedule;
}

std::string refusal(const std::string& lines) {
  PlanResult plan = plan_kernel(graph_of(lines));
  CHECK_FALSE(plan.plan);
  return plan.reason;
}

// Evaluates stages with nothing but their comprehensions.
class StageEvaluator {
 public:
  StageEvaluator(const lower::Stages& stages, const std::vector<Tensor>& ports) : values_(ports) {
    for (const lower::Stage& s : stages.stages) {
      const Comprehension& m = s.meaning;
      Tensor out(m.result);
      index_.assign(m.sizes.size(), 0);
      for (int64_t i = 0; i < out.size(); ++i) {
        int64_t rest = i;
        for (int a = m.result.rank(); a-- > 0;) {
          index_[a] = rest % m.sizes[a];
          rest /= m.sizes[a];
        }
        out.set(i, scalar(m, m.body));
      }
      values_.push_back(std::move(out));
    }
  }
  const Tensor& value(size_t operand) const { return values_[operand]; }

 private:
  int64_t index(const Comprehension& m, ExprId id) {
    const Expr& e = m.exprs[id];
    auto arg = [&](int i) { return index(m, e.args[i]); };
    auto floor_div = [](int64_t a, int64_t b) { return a / b - (a % b < 0); };
    switch (e.kind) {
      case ExprKind::kIndex: return index_[e.number];
      case ExprKind::kInt: return e.integer;
      case ExprKind::kAdd: return arg(0) + arg(1);
      case ExprKind::kSub: return arg(0) - arg(1);
      case ExprKind::kMul: return arg(0) * arg(1);
      case ExprKind::kDiv: return floor_div(arg(0), arg(1));
      case ExprKind::kMod: return arg(0) - floor_div(arg(0), arg(1)) * arg(1);
      case ExprKind::kMin: return std::min(arg(0), arg(1));
      case ExprKind::kMax: return std::max(arg(0), arg(1));
      case ExprKind::kToIndex: return static_cast<int64_t>(scalar(m, e.args[0]));
      case ExprKind::kLess: return arg(0) < arg(1);
      case ExprKind::kLessEqual: return arg(0) <= arg(1);
      case ExprKind::kEqual: return arg(0) == arg(1);
      case ExprKind::kAnd:
        for (ExprId a : e.args) {
          if (!index(m, a)) return 0;
        }
        return 1;
      case ExprKind::kOr:
        for (ExprId a : e.args) {
          if (index(m, a)) return 1;
        }
        return 0;
      case ExprKind::kNot: return !arg(0);
      case ExprKind::kTruth: return scalar(m, e.args[0]) != 0;
      default: FAIL("no index"); return 0;
    }
  }
  double scalar(const Comprehension& m, ExprId id) {
    const Expr& e = m.exprs[id];
    auto arg = [&](int i) { return scalar(m, e.args[i]); };
    switch (e.kind) {
      case ExprKind::kNumber: return e.value;
      case ExprKind::kRead: {
        const Tensor& t = values_.at(e.number);
        const auto sizes = t.sizes();
        int64_t at = 0;
        for (size_t i = 0; i < e.args.size(); ++i) {
          const int64_t k = index(m, e.args[i]);
          REQUIRE((k >= 0 && k < sizes[i]));
          at = at * sizes[i] + k;
        }
        return t.get(at);
      }
      case ExprKind::kSelect: return index(m, e.args[0]) ? arg(1) : arg(2);
      case ExprKind::kValue: return static_cast<double>(index(m, e.args[0]));
      case ExprKind::kFold: {
        double sum = e.fold == FoldKind::kSum ? 0 : -std::numeric_limits<double>::infinity();
        fold(m, e, 0, sum);
        return sum;
      }
      case ExprKind::kCall:
        switch (e.fn) {
          case ScalarFn::kAdd: return arg(0) + arg(1);
          case ScalarFn::kSub: return arg(0) - arg(1);
          case ScalarFn::kMul: return arg(0) * arg(1);
          case ScalarFn::kDiv: return arg(0) / arg(1);
          case ScalarFn::kMax: return std::max(arg(0), arg(1));
          case ScalarFn::kExp: return std::exp(arg(0));
          case ScalarFn::kTanh: return std::tanh(arg(0));
          case ScalarFn::kCast: return arg(0);
          default: FAIL("a function this test does not use: " << name(e.fn)); return 0;
        }
      default: FAIL("no scalar"); return 0;
    }
  }
  void fold(const Comprehension& m, const Expr& e, size_t at, double& sum) {
    if (at == e.variables.size()) {
      const double v = scalar(m, e.args[0]);
      sum = e.fold == FoldKind::kSum ? sum + v : std::max(sum, v);
      return;
    }
    for (int64_t i = 0; i < m.sizes[e.variables[at]]; ++i) {
      index_[e.variables[at]] = i;
      fold(m, e, at + 1, sum);
    }
  }

  std::vector<Tensor> values_;
  std::vector<int64_t> index_;
};

// The kernel's stages give what the body means; returns the number of stages.
size_t check_stages(const std::string& lines) {
  const Graph body = graph_of(lines);
  PlanResult plan = plan_kernel(body);
  INFO(lines << "\n" << plan.reason);
  REQUIRE(plan.plan);
  auto stages = lower::make_stages(Kernel{body, *plan.plan});
  REQUIRE(stages.ok());
  const auto inputs = random_inputs(body, 7);
  auto expected = evaluate_reference(body, inputs);
  REQUIRE(expected.ok());
  StageEvaluator evaluator(*stages, inputs);
  for (size_t s = 0; s < stages->stages.size(); ++s) {
    const int output = stages->stages[s].output;
    if (output < 0) continue;
    CHECK(relative_error((*expected)[static_cast<size_t>(output)], evaluator.value(inputs.size() + s)) < 1e-5);
  }
  return stages->stages.size();
}

const char* const kSoftmax =
    "  x: f32[3,2,8]\n  m = reduce_max(x, axes=[2])\n  b = broadcast(m, dims=[0,1], sizes=[8])\n  d = sub(x, b)\n  e = exp(d)\n"
    "  s = reduce_sum(e, axes=[2])\n  t = broadcast(s, dims=[0,1], sizes=[8])\n  r = div(e, t)\n  return r\n";

}  // namespace

TEST_CASE("schedule classes") {
  CHECK(plan_class("  x: f32[4,6]\n  y = reshape(x, sizes=[24])\n  return y\n") == ScheduleClass::kAlias);
  CHECK(plan_class("  x: f32[4,6]\n  y = neg(x)\n  z = transpose(y, perm=[1,0])\n  return z\n") == ScheduleClass::kElement);
  CHECK(plan_class(kSoftmax) == ScheduleClass::kRow);
  CHECK(plan_class("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = relu(p)\n  return q\n") ==
        ScheduleClass::kContraction);
  CHECK(plan_class("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  m = reduce_max(p, axes=[1])\n"
                   "  w = broadcast(m, dims=[0], sizes=[5])\n  q = sub(p, w)\n  return q\n") == ScheduleClass::kContractionRow);
}

namespace {

std::string attention(const std::string& rest, const std::string& sizes = "[2,4,6]") {
  return "  q: f32" + sizes + "\n  k: f32[2,5,6]\n  v: f32[2,5,3]\n  s = dot(q, k, lb=[0], rb=[0], lc=[2], rc=[2])\n"
         "  p = softmax(s, axis=2)\n" + rest;
}

ScheduleClass expanded_class(const std::string& lines) {
  auto body = expand_composites(graph_of(lines));
  REQUIRE(body.ok());
  PlanResult plan = plan_kernel(*body);
  INFO(plan.reason);
  REQUIRE(plan.plan);
  return plan.plan->schedule;
}

std::string expanded_refusal(const std::string& lines) {
  auto body = expand_composites(graph_of(lines));
  REQUIRE(body.ok());
  PlanResult plan = plan_kernel(*body);
  CHECK_FALSE(plan.plan);
  return plan.reason;
}

}  // namespace

TEST_CASE("a contraction that folds the rows of another") {
  const std::string z = "  o = dot(p, v, lb=[0], rb=[0], lc=[2], rc=[1])\n";
  constexpr auto kPair = ScheduleClass::kContractionPair;
  CHECK(expanded_class(attention(z + "  return o\n")) == kPair);
  CHECK(expanded_class(attention(z + "  return o, p\n")) == kPair);
  CHECK(expanded_class(attention(z + "  t = transpose(o, perm=[1,0,2])\n  r = relu(t)\n  return r\n")) == kPair);
  CHECK(expanded_class(attention("  o = dot(v, p, lb=[0], rb=[0], lc=[1], rc=[2])\n  return o\n")) == kPair);
  CHECK(plan_class("  a: f32[4,6]\n  b: f32[6,5]\n  c: f32[5,3]\n  p = dot(a, b, lc=[1], rc=[0])\n  r = relu(p)\n"
                   "  q = dot(r, c, lc=[1], rc=[0])\n  return q\n") == kPair);
  CHECK(expanded_refusal(attention("  o = dot(p, p, lb=[0], rb=[0], lc=[2], rc=[2])\n  return o\n")) == "two contractions");
  CHECK(expanded_refusal(attention("  o = dot(p, v, lb=[0], rb=[0], lc=[1], rc=[1])\n  return o\n", "[2,5,6]")) != "");
  CHECK(expanded_refusal(attention(z + "  r = reduce_sum(o, axes=[2])\n  return r\n")) == "a reduction after the second contraction");
  CHECK(expanded_refusal(attention(z + "  w = broadcast(o, dims=[0,1,2], sizes=[9])\n  return w\n")) ==
        "the second contraction would be computed again for several elements");
  CHECK(expanded_refusal("  a: f32[4,6]\n  b: f32[6,5]\n  v: f32[4,5,3]\n  p = dot(a, b, lc=[1], rc=[0])\n  r = relu(p)\n"
                         "  o = dot(r, v, lb=[0], rb=[0], lc=[1], rc=[1])\n  return o\n") ==
        "the second contraction's other factor differs from row to row");
  CHECK(expanded_refusal("  a: f32[4,6]\n  b: f32[6,3000]\n  c: f32[3000,3]\n  p = dot(a, b, lc=[1], rc=[0])\n"
                         "  q = dot(p, c, lc=[1], rc=[0])\n  return q\n") == "a row of the contraction is longer than scratch memory holds");
  CHECK(expanded_refusal("  a: f32[4,6]\n  b: f32[6,5]\n  c: f32[5,6]\n  p = dot(a, b, lc=[1], rc=[0])\n"
                         "  q = dot(p, c, lc=[1], rc=[0])\n  r = dot(q, b, lc=[1], rc=[0])\n  return r\n") == "more than two contractions");
  CHECK(expanded_refusal("  a: f32[4,6]\n  b: f32[6,30]\n  c: f32[30,300]\n  p = dot(a, b, lc=[1], rc=[0])\n"
                         "  q = dot(p, c, lc=[1], rc=[0])\n  return q\n") == "the second contraction is wider than a head");
}

TEST_CASE("what may not be one kernel, and why") {
  CHECK(refusal("  a: f32[4,6]\n  b: f32[6,5]\n  c: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n"
                "  q = dot(a, c, lc=[1], rc=[0])\n  r = add(p, q)\n  return r\n") == "two contractions");
  CHECK(refusal("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = broadcast(p, dims=[0,1], sizes=[3])\n"
                "  return q\n") == "the contraction would be computed again for several elements");
  CHECK(refusal("  a: f32[4,6]\n  b: f32[6,5]\n  s = reduce_sum(a, axes=[1])\n  t = broadcast(s, dims=[0], sizes=[6])\n"
                "  d = sub(a, t)\n  q = dot(d, b, lc=[1], rc=[0])\n  return q\n") == "a fold before or beside the contraction");
  CHECK(refusal("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  m = reduce_max(p, axes=[0])\n"
                "  n = reduce_max(p, axes=[1])\n  x = broadcast(m, dims=[1], sizes=[4])\n  y = broadcast(n, dims=[0], sizes=[5])\n"
                "  s = add(x, y)\n  return s\n") != "");
}

TEST_CASE("stages compute the body") {
  CHECK(check_stages("  x: f32[4,6]\n  y = exp(x)\n  z = transpose(y, perm=[1,0])\n  return z\n") == 1);
  CHECK(check_stages(kSoftmax) == 4);  // max, the exponentials, their sum, the quotient
  CHECK(check_stages("  a: f32[2,4,6]\n  b: f32[2,6,5]\n  c: f32[5]\n  e = tanh(a)\n  p = dot(e, b, lb=[0], rb=[0], lc=[2], rc=[1])\n"
                     "  d = broadcast(c, dims=[2], sizes=[2,4])\n  q = add(p, d)\n  r = relu(q)\n  return r\n") == 2);
  CHECK(check_stages("  x: f32[1,3,7,7]\n  w: f32[4,3,3,3]\n  p = conv(x, w, stride=[2,2], low=[1,1], high=[1,1], dilation=[1,1], "
                     "lhs_dilation=[1,1])\n  r = relu(p)\n  return r\n") == 2);
  CHECK(check_stages("  x: f32[4,6]\n  y = exp(x)\n  z = add(x, y)\n  return y, z\n") == 2);
  CHECK(check_stages("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  m = reduce_max(p, axes=[1])\n"
                     "  w = broadcast(m, dims=[0], sizes=[5])\n  q = sub(p, w)\n  e = exp(q)\n  s = reduce_sum(e, axes=[1])\n"
                     "  t = broadcast(s, dims=[0], sizes=[5])\n  r = div(e, t)\n  return r\n") >= 4);
}

TEST_CASE("each result of a contraction starts from the accumulator") {
  CHECK(check_stages("  a: f32[4,6]\n  b: f32[6,5]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = relu(p)\n  r = exp(q)\n  return q, r\n") == 3);
}

TEST_CASE("a contraction's shape") {
  const OpDef& conv = op_named("conv");
  const std::vector<Type> types{Type::tensor(DType::f32, {1, 3, 8, 8}), Type::tensor(DType::f32, {16, 3, 3, 3})};
  auto attrs = complete_attrs(conv, {{"stride", dims_of({1, 1})}, {"low", dims_of({1, 1})}, {"high", dims_of({1, 1})},
                                     {"dilation", dims_of({1, 1})}, {"lhs_dilation", dims_of({1, 1})}});
  REQUIRE(attrs.ok());
  auto shape = contraction_shape(conv, *attrs, types);
  REQUIRE(shape.ok());
  CHECK(shape->m_size == 64);
  CHECK(shape->n_size == 16);
  CHECK(shape->k_size == 27);
  CHECK(shape->taps == 9);
}
