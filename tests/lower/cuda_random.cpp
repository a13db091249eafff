#include "tests/lower/cuda_random.h"

#include <random>

namespace egret::lower {
namespace {

class BodyMaker {
 public:
  explicit BodyMaker(uint64_t seed) : random_(seed) {}

  // A graph that may be a kernel; nothing where an operator did not fit.
  std::optional<Graph> make() {
    builder_ = GraphBuilder("random");
    failed_ = false;
    switch (below(4)) {
      case 0:
        elements();
        break;
      case 1:
        rows();
        break;
      case 2:
        contraction(false);
        break;
      default:
        contraction(true);
        break;
    }
    if (failed_) return std::nullopt;
    return remove_dead(builder_.graph());
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  int64_t size() { return 1 + below(40); }
  ValueId input(const std::vector<int64_t>& sizes) {
    return builder_.input("x" + std::to_string(builder_.graph().nodes.size()),
                          Type::tensor(DType::f32, dims_of(sizes)));
  }
  ValueId op(std::string_view name, std::vector<ValueId> operands, Attrs attrs = {}) {
    auto added = builder_.add(name, std::move(operands), std::move(attrs));
    failed_ |= !added.ok();
    return added.ok() ? *added : 0;
  }
  std::vector<int64_t> sizes(ValueId v) const { return builder_.type(v).sizes(); }

  // Smooth and bounded functions, so that rounding stays rounding.
  ValueId map(ValueId v) {
    static const char* const kUnary[] = {"tanh", "logistic", "neg", "abs", "erf", "sin"};
    static const char* const kBinary[] = {"add", "sub", "mul", "max", "min"};
    switch (below(4)) {
      case 0:
        return op(kUnary[below(6)], {v});
      case 1:
        return op(kBinary[below(5)], {v, other(v)});
      case 2:
        return op(kBinary[below(5)], {v, builder_.splat(0.25 * (below(9) - 4), DType::f32, builder_.type(v).dims)});
      default: {
        const ValueId a = input(sizes(v)), b = input(sizes(v));
        return op("select", {op("lt", {a, b}), v, other(v)});
      }
    }
  }
  // A value of the same sizes: an earlier one, a port, or a port broadcast along some axes.
  ValueId other(ValueId v) {
    const auto want = sizes(v);
    if (below(3) == 0) {
      for (ValueId u = static_cast<ValueId>(builder_.graph().nodes.size()); u-- > 0;) {
        if (builder_.type(u).is_tensor() && builder_.type(u).dtype == DType::f32 && sizes(u) == want && below(2))
          return u;
      }
    }
    if (below(2)) return input(want);
    std::vector<Dim> kept, added;
    std::vector<int64_t> own;
    for (size_t axis = 0; axis < want.size(); ++axis) {
      if (below(2)) {
        kept.push_back(Dim(static_cast<int64_t>(axis)));
        own.push_back(want[axis]);
      } else {
        added.push_back(Dim(want[axis]));
      }
    }
    return op("broadcast", {input(own)}, {{"dims", kept}, {"sizes", added}});
  }
  ValueId maps(ValueId v, int most) {
    for (int n = below(most + 1); n > 0 && !failed_; --n) v = map(v);
    return v;
  }

  void elements() {
    ValueId v = maps(input({size(), size()}), 2);
    if (below(2)) v = op("transpose", {v}, {{"perm", dims_of({1, 0})}});
    if (below(3) == 0) v = op("reshape", {v}, {{"sizes", dims_of({sizes(v)[0] * sizes(v)[1]})}});
    v = map(maps(v, 3));
    builder_.output(v, "y");
    if (below(2)) builder_.output(map(v), "z");
  }

  ValueId reduced(ValueId v, int axis) {
    static const char* const kFolds[] = {"reduce_sum", "reduce_max", "reduce_min"};
    const ValueId folded = map(op(kFolds[below(3)], {v}, {{"axes", dims_of({axis})}}));
    if (failed_ || below(3) == 0) return folded;
    std::vector<Dim> kept;
    for (int i = 0; i < builder_.type(v).rank(); ++i) {
      if (i != axis) kept.push_back(Dim(i));
    }
    const ValueId wide = op("broadcast", {folded}, {{"dims", kept}, {"sizes", dims_of({sizes(v)[axis]})}});
    return failed_ ? 0 : op("sub", {v, wide});
  }

  void rows() {
    ValueId v = maps(input({size(), 1 + below(4), size() * (below(3) == 0 ? 40 : 3)}), 3);
    const int axis = below(4) == 0 ? below(3) : 2;
    for (int n = 1 + below(2); n > 0 && !failed_ && builder_.type(v).rank() == 3; --n) v = reduced(v, axis);
    if (!failed_) builder_.output(maps(v, 2), "y");
  }

  void contraction(bool reduce_after) {
    const int64_t b = 1 + below(3), m = size() * 2, n = size() * 2, k = size();
    const bool batched = below(2), left_t = below(2), right_t = below(2);
    auto shape = [&](int64_t x, int64_t y) {
      return batched ? std::vector<int64_t>{b, x, y} : std::vector<int64_t>{x, y};
    };
    const ValueId left = maps(input(left_t ? shape(k, m) : shape(m, k)), 2);
    const ValueId right = maps(input(right_t ? shape(n, k) : shape(k, n)), 2);
    const int64_t first = batched ? 1 : 0;
    const std::vector<int64_t> batch = batched ? std::vector<int64_t>{0} : std::vector<int64_t>{};
    if (failed_) return;
    ValueId v = op("dot", {left, right},
                   {{"lb", dims_of(batch)},
                    {"rb", dims_of(batch)},
                    {"lc", dims_of({first + (left_t ? 0 : 1)})},
                    {"rc", dims_of({first + (right_t ? 1 : 0)})}});
    if (!failed_) v = maps(v, 3);
    if (!failed_ && reduce_after) v = reduced(v, builder_.type(v).rank() - 1 - (below(4) == 0));
    if (!failed_) builder_.output(maps(v, 1), "y");
  }

  std::mt19937_64 random_;
  GraphBuilder builder_;
  bool failed_ = false;
};

}  // namespace

std::vector<Kernel> random_kernels(uint64_t seed, int count) {
  BodyMaker maker(seed);
  std::vector<Kernel> kernels;
  for (int tries = 0; tries < count * 20 && static_cast<int>(kernels.size()) < count; ++tries) {
    const auto body = maker.make();
    if (!body) continue;
    if (PlanResult plan = plan_kernel(*body); plan.plan) kernels.push_back({*body, *plan.plan});
  }
  return kernels;
}

}  // namespace egret::lower
