#include <catch2/catch.hpp>

#include "ir/evaluate.h"
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

}  // namespace egret
