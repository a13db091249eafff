// Random bodies that plan_kernel accepts, compiled for the host, against the evaluator.
#include <catch2/catch.hpp>
#include <map>

#include "host_kernels.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/kernel/stages.h"
#include "support/hash.h"

using namespace egret;
using namespace egret::test;

namespace {

class RandomBody {
 public:
  explicit RandomBody(uint64_t seed) : state_(seed) {}

  Graph make() {
    GraphBuilder builder("random");
    static constexpr int64_t kSizes[] = {1, 2, 3, 5, 16, 17, 33, 40};
    const int64_t a = kSizes[pick(8)], b = kSizes[pick(8)], c = kSizes[pick(8)], k = kSizes[pick(8)];
    values_ = {builder.input("x", f32({a, b})), builder.input("y", f32({a, b})), builder.input("v", f32({b}))};
    const int kind = static_cast<int>(pick(5));
    if (kind == 1) {
      values_.push_back(builder.input("w", f32({b, c})));
      add(builder, "dot", {values_[0], values_[3]}, {{"lc", dims_of({1})}, {"rc", dims_of({0})}});
    } else if (kind == 2) {
      values_.push_back(builder.input("w", f32({c, b})));
      add(builder, "dot", {map(builder, values_[0]), values_[3]}, {{"lc", dims_of({1})}, {"rc", dims_of({1})}});
    } else if (kind == 3) {
      values_ = {builder.input("x", f32({1, 3, a + 2, b + 2})), builder.input("w", f32({k, 3, 3, 3}))};
      add(builder, "conv", values_,
          {{"stride", dims_of({1 + int64_t(pick(2)), 1})},
           {"low", dims_of({1, int64_t(pick(2))})},
           {"high", dims_of({1, 1})},
           {"dilation", dims_of({1, 1})},
           {"lhs_dilation", dims_of({1, 1})}});
    } else if (kind == 4) {
      values_ = {builder.input("x", f32({a, b, c})), builder.input("y", f32({a, b, c}))};
    }
    const int steps = 1 + static_cast<int>(pick(7));
    for (int i = 0; i < steps; ++i) step(builder);
    // A port that the result may take over.
    if (pick(3) == 0) add(builder, pick(2) ? "mul" : "sub", {values_.back(), builder.input("p", builder.type(values_.back()))});
    builder.output(values_.back(), "r0");
    if (pick(4) == 0 && values_.size() > 4) builder.output(values_[values_.size() - 2], "r1");
    return remove_dead(builder.take());
  }

 private:
  uint64_t pick(uint64_t n) { return mix(state_ += 0x9e3779b97f4a7c15ULL) % n; }
  static Type f32(std::vector<int64_t> sizes) { return Type::tensor(DType::f32, dims_of(sizes)); }

  ValueId add(GraphBuilder& builder, const char* op, std::vector<ValueId> operands, Attrs attrs = {}) {
    auto added = builder.add(op, std::move(operands), std::move(attrs));
    if (!added.ok()) return values_.back();
    values_.push_back(*added);
    return *added;
  }
  ValueId map(GraphBuilder& builder, ValueId x) {
    static const char* const kOps[] = {"relu", "neg", "tanh", "abs", "logistic", "square", "exp"};
    return add(builder, kOps[pick(7)], {x});
  }
  // Prefers late values, so that bodies are deep.
  ValueId some() { return values_[values_.size() - 1 - std::min(pick(values_.size()), pick(values_.size()))]; }

  void step(GraphBuilder& builder) {
    const ValueId x = some();
    const Type type = builder.type(x);
    const int rank = type.rank();
    switch (pick(6)) {
      case 0:
      case 1:
        map(builder, x);
        break;
      case 2: {
        static const char* const kOps[] = {"add", "mul", "sub", "max"};
        for (ValueId y : values_) {
          if (builder.type(y) == type && (y != x || pick(3) == 0)) {
            add(builder, kOps[pick(4)], {x, y});
            return;
          }
        }
        break;
      }
      case 3: {
        static const char* const kOps[] = {"reduce_sum", "reduce_max", "reduce_min"};
        if (rank == 0) break;
        const int64_t axis = static_cast<int64_t>(pick(static_cast<uint64_t>(rank)));
        const ValueId r = add(builder, kOps[pick(3)], {x}, {{"axes", dims_of({axis})}});
        if (pick(2)) {  // back to the row, as softmax and norms do
          std::vector<int64_t> kept;
          for (int64_t i = 0; i < rank; ++i)
            if (i != axis) kept.push_back(i);
          const ValueId spread =
              add(builder, "broadcast", {r},
                  {{"dims", dims_of(kept)}, {"sizes", dims_of({type.sizes()[static_cast<size_t>(axis)]})}});
          if (builder.type(spread) == type) add(builder, "sub", {x, spread});
        }
        break;
      }
      case 4: {
        if (rank < 2) break;
        std::vector<int64_t> perm;
        for (int64_t i = 0; i < rank; ++i) perm.push_back((i + 1) % rank);
        add(builder, "transpose", {x}, {{"perm", dims_of(perm)}});
        break;
      }
      default: {
        if (rank != 1) break;
        for (ValueId y : values_) {
          if (builder.type(y).rank() == 2 && builder.type(y).sizes()[1] == type.sizes()[0]) {
            const ValueId s = add(builder, "broadcast", {x},
                                  {{"dims", dims_of({1})}, {"sizes", dims_of({builder.type(y).sizes()[0]})}});
            if (builder.type(s) == builder.type(y)) add(builder, "mul", {s, y});
            return;
          }
        }
      }
    }
  }

  uint64_t state_;
  std::vector<ValueId> values_;
};

TEST_CASE("random bodies of every schedule class") {
  std::map<ScheduleClass, int> seen;
  std::vector<HostCase> cases;
  for (uint64_t seed = 1; seed <= 4000 && cases.size() < 260; ++seed) {
    Graph body = RandomBody(seed).make();
    const PlanResult plan = plan_kernel(body);
    if (!plan.plan || plan.plan->schedule == ScheduleClass::kAlias) continue;
    // The easy classes would crowd out the others.
    if (seen[plan.plan->schedule] >= 90) continue;
    ++seen[plan.plan->schedule];
    HostCase c{"seed " + std::to_string(seed) + "\n" + print(body), body, {}};
    c.inputs = random_inputs(body, seed);
    cases.push_back(std::move(c));
  }
  CHECK(seen[ScheduleClass::kElement] > 30);
  CHECK(seen[ScheduleClass::kRow] > 30);
  CHECK(seen[ScheduleClass::kContraction] > 30);
  CHECK(seen[ScheduleClass::kContractionRow] > 5);
  check_host(cases, 5e-5);
  // In place: the same to the bit.
  std::map<ScheduleClass, int> taken;
  std::erase_if(cases, [&](const HostCase& c) {
    const Kernel kernel{c.body, *plan_kernel(c.body).plan};
    const size_t count = taken_in_place(kernel).size();
    taken[kernel.plan.schedule] += static_cast<int>(count);
    return count == 0;
  });
  for (ScheduleClass s : {ScheduleClass::kElement, ScheduleClass::kRow, ScheduleClass::kContraction}) CHECK(taken[s] > 10);
  CHECK(taken[ScheduleClass::kContractionRow] > 0);
  for (bool strict : {false, true}) {
    const auto apart = run_host(cases, levels().back(), strict), together = run_host(cases, levels().back(), strict, true);
    for (size_t i = 0; i < cases.size(); ++i) {
      INFO(cases[i].name << (strict ? "strict" : ""));
      CHECK(apart[i] == together[i]);
    }
  }
}

}  // namespace
