// Every rule of the library: its examples, and both sides equal at small sizes by the reference interpreter.
#include <cmath>
#include <set>

#include <catch2/catch.hpp>

#include "ir/evaluate/evaluate.h"
#include "rules/lang/syntax.h"
#include "rules/lang_terms.h"
#include "rules/rules.h"

using namespace egret;
using namespace egret::rules;

namespace {

const RuleSet& library() {
  static const RuleSet set = [] {
    RuleSet s;
    auto status = s.add_library();
    EGRET_CHECK(status.ok(), (status.ok() ? "" : status.error().to_string()).c_str());
    return s;
  }();
  return set;
}

// Inputs that fulfil the hypotheses.
std::vector<Tensor> inputs_for(const RuleInstance& instance, uint64_t seed) {
  std::vector<Tensor> inputs = random_inputs(instance.left, seed);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].type().is_tensor() && inputs[i].bytes().empty()) inputs[i] = Tensor(instance.left.type(instance.left.inputs[i].value));
  }
  for (const Hypothesis& h : instance.hypotheses) {
    if (h.condition == "frozen" || h.condition == "constant") continue;
    Tensor& t = inputs[h.inputs[0]];
    for (int64_t i = 0; i < t.size(); ++i) t.set(i, std::abs(t.get(i)) + 1);
  }
  return inputs;
}

bool needs(const Rule& rule, const char* word) {
  const auto& w = rule.needs.words;
  return std::find(w.begin(), w.end(), word) != w.end();
}

// Greatest difference, relative to the largest element (at least `least`).  A rule that needs a licence promises nothing where a value is not
// finite; one that needs none agrees there too.
double difference(const Rule& rule, const Tensor& a, const Tensor& b, double least) {
  if (rule.needs.words.empty()) return relative_error(a, b);
  double scale = least, worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a.get(i)) || !std::isfinite(b.get(i))) continue;
    scale = std::max(scale, std::abs(a.get(i)));
    worst = std::max(worst, std::abs(a.get(i) - b.get(i)));
  }
  return worst / scale;
}

// What the roundings of narrow floats that stand in the terms may come to.
double roundings(const RuleInstance& instance) {
  double out = 1e-9;
  for (const Graph* graph : {&instance.left, &instance.right}) {
    for (const GraphNode& n : graph->nodes) {
      const bool narrow = n.type.is_tensor() && is_float(n.type.dtype) && row(n.type.dtype).mantissa < row(DType::f32).mantissa;
      if (narrow) out = std::max(out, 64 * std::ldexp(1.0, -row(n.type.dtype).mantissa));
    }
  }
  return out;
}

void check_equal(const Rule& rule, const RuleInstance& instance, uint64_t seed) {
  auto inputs = inputs_for(instance, seed);
  const bool rounds = rule.needs.slack().rounding;
  const Scalar scalar = rounds ? Scalar::kDouble : Scalar::kNative;
  const double most = rounds ? roundings(instance) : 0;
  auto left = evaluate_reference(instance.left, inputs, scalar);
  auto right = evaluate_reference(instance.right, inputs, scalar);
  INFO(rule.name << " at " << instance.where);
  REQUIRE(left.ok());
  REQUIRE(right.ok());
  REQUIRE(left->size() == right->size());
  for (size_t i = 0; i < left->size(); ++i) {
    REQUIRE((*left)[i].type() == (*right)[i].type());
    CHECK(difference(rule, (*left)[i], (*right)[i], most > 1e-9 ? 1 : 1e-30) <= most);
  }
}

}  // namespace

TEST_CASE("every rule fires on its accept lines and not on its reject lines") {
  std::set<std::string> written;
  size_t examples = 0;
  for (const Rule& rule : library().rules()) {
    if (rule.kind != RuleKind::kAlgebra) continue;
    INFO(rule.name);
    written.insert(rule.written);
    CHECK_FALSE(rule.syntax->accepts().empty());
    CHECK_FALSE(rule.syntax->rejects().empty());
    auto yes = accepted(rule);
    if (!yes.ok()) FAIL(yes.error().to_string());
    for (const RuleInstance& i : *yes) check_equal(rule, i, 3);
    auto no = rejected(rule);
    REQUIRE(no.ok());
    for (const Rejected& r : *no) {
      INFO(r.assignment.to_string());
      CHECK_FALSE(r.matched);
    }
    examples += yes->size() + no->size();
  }
  CHECK(written.size() >= 80);
  CHECK(examples >= 2 * written.size());
}

TEST_CASE("both sides are equal at small sizes, ranks and dtypes") {
  size_t cases = 0;
  for (const Rule& rule : library().rules()) {
    if (rule.kind != RuleKind::kAlgebra) continue;
    for (const Assignment& a : small_assignments(rule, 25)) {
      auto made = instance(rule, a);
      REQUIRE(made.ok());
      REQUIRE(made->has_value());
      check_equal(rule, **made, cases++);
    }
  }
  CHECK(cases > 4'000);
}

TEST_CASE("rules that need no licence hold bit for bit") {
  for (const Rule& rule : library().rules()) {
    if (rule.kind != RuleKind::kAlgebra || !rule.needs.words.empty()) continue;
    for (const Assignment& a : small_assignments(rule, 12)) {
      auto made = instance(rule, a);
      auto inputs = inputs_for(**made, 11);
      for (Tensor& t : inputs) {  // special values too
        if (is_float(t.dtype()) && t.size() >= 3) {
          t.set(0, -0.0);
          t.set(1, INFINITY);
          t.set(2, NAN);
        }
      }
      auto left = evaluate_reference((*made)->left, inputs), right = evaluate_reference((*made)->right, inputs);
      INFO(rule.name << " at " << (*made)->where);
      REQUIRE(left.ok());
      REQUIRE(right.ok());
      for (size_t o = 0; o < left->size(); ++o) {
        const Tensor &x = (*left)[o], &y = (*right)[o];
        for (int64_t i = 0; i < x.size(); ++i) {
          bool same = std::isnan(x.get(i)) ? std::isnan(y.get(i))
                                           : x.get(i) == y.get(i) && std::signbit(x.get(i)) == std::signbit(y.get(i));
          INFO("element " << i << ": " << x.get(i) << " and " << y.get(i));
          CHECK(same);
        }
      }
    }
  }
}

TEST_CASE("rules that multiply out data carry `cancel`") {
  for (const char* name : {"multiply-out", "multiply-out-dot"}) CHECK(needs(*library().find(name), "cancel"));
  for (const char* name : {"exp-add", "log-exp"}) CHECK(needs(*library().find(name), "range"));
}
