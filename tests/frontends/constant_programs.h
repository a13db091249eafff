// Random programs full of constants: splats and small literals of several dtypes and magnitudes, among a few inputs.
#pragma once

#include <cmath>
#include <string>

#include "ir/graph.h"
#include "ir/tensor.h"
#include "support/hash.h"

namespace egret {

class ConstantProgram {
 public:
  ConstantProgram(uint64_t seed, int operators) : state_(mix(seed)), builder_("constants") {
    const DType float_type = pick<DType>({DType::f32, DType::f32, DType::f16, DType::bf16, DType::f64});
    for (int i = 0; i < 2; ++i) builder_.input("x" + std::to_string(i), Type::tensor(float_type, {4}));
    builder_.input("p", Type::tensor(DType::boolean, {4}));
    builder_.input("n", Type::tensor(DType::i32, {4}));
    for (int i = 0; i < 6; ++i) leaf(float_type);
    for (int i = 0; i < 2; ++i) leaf(DType::i32);
    leaf(DType::boolean);
    for (int made = 0, tried = 0; made < operators && tried < 100 * operators; ++tried) made += grow(float_type);
  }

  Graph take() {
    const ValueId last = static_cast<ValueId>(builder_.graph().nodes.size());
    for (ValueId v = 0, outputs = 0; v < 6 && v < last; ++v) {
      builder_.output(last - 1 - v, "y" + std::to_string(outputs++));
    }
    return builder_.take();
  }

 private:
  size_t below(size_t n) { return static_cast<size_t>(mix(state_ += 0x9e3779b97f4a7c15ULL) % n); }
  template <class T>
  T pick(std::initializer_list<T> from) { return from.begin()[below(from.size())]; }

  double number(DType type) {
    if (type == DType::boolean) return static_cast<double>(below(2));
    if (!is_float(type)) return pick({0.0, 1.0, -1.0, 2.0, 3.0, -7.0, 2147483647.0, -2147483648.0, 65536.0});
    if (below(4) == 0) return std::ldexp(static_cast<double>(below(4096)) - 2048, static_cast<int>(below(24)) - 16);
    return pick({0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 0.1, 0.3, 3.0, -3.7, 1e-3, 1e-5, 1e3, 3e4, 1.0 / 3, 1e-30, 1e20, -1e20});
  }

  ValueId leaf(DType type) {
    if (below(3)) return builder_.splat(number(type), type, {4});
    auto t = std::make_shared<Tensor>(Type::tensor(type, {4}));
    for (int64_t i = 0; i < 4; ++i) t->set(i, number(type));
    return builder_.constant(t);
  }

  // One of the last half as often as not, so that terms get deep.
  ValueId any() {
    const size_t all = builder_.graph().nodes.size();
    return static_cast<ValueId>(below(2) ? below(all) : all / 2 + below(all - all / 2));
  }

  bool grow(DType float_type) {
    static const std::vector<const OpDef*> maps = [] {
      std::vector<const OpDef*> out;
      for (const OpDef* op : all_ops()) {
        if (op->op_class == OpClass::kMap) out.push_back(op);
      }
      return out;
    }();
    switch (below(24)) {
      case 0: leaf(float_type); return false;
      case 1: return builder_.add(pick({"reduce_sum", "reduce_sum", "reduce_max", "reduce_min", "reduce_prod"}), {any()}, {{"axes", std::vector<Dim>{Dim(0)}}}).ok();
      case 2: return builder_.add("dot", {any(), any()}, {{"lc", std::vector<Dim>{Dim(0)}}, {"rc", std::vector<Dim>{Dim(0)}}}).ok();
      case 3: return builder_.add("broadcast", {any()}, {{"dims", std::vector<Dim>{}}, {"sizes", std::vector<Dim>{Dim(4)}}}).ok();
      case 4: return builder_.add(pick({"softmax", "log_softmax", "argmax", "cumsum", "cumprod"}), {any()}, {{"axis", Dim(0)}}).ok();
      case 5: return builder_.add(pick({"mean", "variance", "logsumexp"}), {any()}, {{"axes", std::vector<Dim>{Dim(0)}}}).ok();
      case 6: return builder_.add(pick({"gelu", "silu", "softplus", "hard_swish", "elu", "mish", "clip"}), {any()}).ok();
      case 7: return builder_.add("reverse", {any()}, {{"axes", std::vector<Dim>{Dim(0)}}}).ok();
      case 8: return builder_.add("gather", {any(), any()}, {{"axis", Dim(0)}}).ok();
      case 9: return builder_.add("layer_norm", {any(), any(), any()}, {{"axis", Dim(0)}}).ok();
      case 10: case 11: case 12: case 13: case 14: case 15: return builder_.add(pick({"add", "sub", "mul", "div", "max", "min"}), {any(), any()}).ok();
      default: break;
    }
    const OpDef& op = *maps[below(maps.size())];
    std::vector<ValueId> operands;
    for (int i = 0; i < op.min_operands; ++i) operands.push_back(any());
    Attrs attrs;
    if (op.name == "cast") attrs["to"] = pick({DType::f32, DType::f16, DType::bf16, DType::f64, DType::i32, DType::boolean});
    return builder_.add(op, operands, attrs).ok();
  }

  uint64_t state_;
  GraphBuilder builder_;
};

}  // namespace egret
