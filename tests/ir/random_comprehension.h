// Random well-formed comprehensions with every read in range, for comparing evaluators.
#pragma once

#include <random>
#include <vector>

#include "ir/definitions/expr.h"
#include "ir/tensor.h"

namespace egret {

class RandomComprehension {
 public:
  explicit RandomComprehension(uint64_t seed) : random_(seed) {}

  Comprehension comprehension;
  std::vector<Tensor> operands;

  void make() {
    const int operand_count = 1 + below(3), rank = below(4), folds = below(3);
    for (int i = 0; i < operand_count; ++i) operands.push_back(tensor(kTypes[below(4)]));
    operands.push_back(tensor(DType::i64));
    for (int v = 0; v < rank + folds; ++v) comprehension.sizes.push_back(size());
    std::vector<Dim> dims(comprehension.sizes.begin(), comprehension.sizes.begin() + rank);
    for (int v = 0; v < rank; ++v) bound_.push_back(v);
    next_fold_ = rank;
    const DType dtype = kTypes[below(5)];
    comprehension.result = Type::tensor(dtype, dims);
    comprehension.body = below(2) ? fold(any_fold(), dtype, 3) : scalar(dtype, 3);
  }

  // result[B, M, N] = sum(K) of a product of two factors, as products of matrices and convolutions are.
  void make_contraction() {
    constexpr int64_t kSizes[] = {1, 2, 3, 5, 9, 20};
    const DType dtype = kTypes[below(4)];
    std::vector<uint32_t> results[2], folded;
    std::vector<Dim> dims;
    for (int count = 1 + below(4); count > 0; --count) {
      const auto v = static_cast<uint32_t>(comprehension.sizes.size());
      const int side = below(5);  // 0, 1: one factor; else both
      if (side != 1) results[0].push_back(v);
      if (side != 0) results[1].push_back(v);
      comprehension.sizes.push_back(kSizes[below(6)]);
      dims.push_back(Dim(comprehension.sizes.back()));
    }
    comprehension.result = Type::tensor(dtype, dims);
    for (int count = 1 + below(2); count > 0; --count) {
      folded.push_back(static_cast<uint32_t>(comprehension.sizes.size()));
      comprehension.sizes.push_back(kSizes[below(6)]);
    }
    Expr fold;
    fold.kind = ExprKind::kFold;
    fold.dtype = dtype;
    fold.variables = folded;
    const ExprId first = factor(dtype, results[0], folded), second = factor(dtype, results[1], folded);
    fold.args = {call(ScalarFn::kMul, dtype, {first, second})};
    comprehension.body = comprehension.add(fold);
  }

 private:
  static constexpr DType kTypes[] = {DType::f32, DType::f32, DType::f64, DType::i32, DType::bf16};

  int below(int n) { return static_cast<int>(random_() % static_cast<uint64_t>(n)); }
  int64_t size() {
    constexpr int64_t kSizes[] = {1, 2, 3, 4, 6, 12, 40, 300};
    return kSizes[below(large_sizes_-- > 0 ? 8 : 4)];
  }

  Tensor tensor(DType dtype) {
    std::vector<Dim> dims;
    for (int axis = below(4); axis > 0; --axis) dims.push_back(Dim(1 + below(6)));
    Tensor t(Type::tensor(dtype, dims));
    for (int64_t i = 0; i < t.size(); ++i) t.set(i, below(33) * 0.25 - 4);
    return t;
  }

  ExprId add(ExprKind kind, std::vector<ExprId> args) {
    Expr e;
    e.kind = kind;
    e.args = std::move(args);
    return comprehension.add(e);
  }
  ExprId constant(int64_t value) {
    Expr e;
    e.kind = ExprKind::kInt;
    e.integer = value;
    return comprehension.add(e);
  }
  ExprId number(DType dtype, double value) {
    Expr e;
    e.kind = ExprKind::kNumber;
    e.dtype = dtype;
    e.value = value;
    return comprehension.add(e);
  }
  ExprId call(ScalarFn fn, DType dtype, std::vector<ExprId> args) {
    Expr e;
    e.kind = ExprKind::kCall;
    e.fn = fn;
    e.dtype = dtype;
    e.args = std::move(args);
    return comprehension.add(e);
  }

  ExprId index(int depth) {
    if (depth == 0 || below(3) == 0) {
      if (bound_.empty()) return constant(below(4));
      Expr e;
      e.kind = ExprKind::kIndex;
      e.number = bound_[below(static_cast<int>(bound_.size()))];
      return comprehension.add(e);
    }
    switch (below(9)) {
      case 0:
      case 1:
        return add(ExprKind::kAdd, {index(depth - 1), index(depth - 1)});
      case 2:
        return add(ExprKind::kSub, {index(depth - 1), constant(below(5))});
      case 3:
        return add(ExprKind::kMul, {index(depth - 1), constant(1 + below(4))});
      case 4:
        return add(ExprKind::kDiv, {index(depth - 1), constant(1 + below(4))});
      case 5:
        return add(ExprKind::kMod, {index(depth - 1), constant(1 + below(4))});
      case 6:
        return add(ExprKind::kMin, {index(depth - 1), index(depth - 1)});
      case 7:
        return add(ExprKind::kMax, {index(depth - 1), constant(below(3))});
      default:
        return add(ExprKind::kToIndex, {read(static_cast<uint32_t>(operands.size()) - 1, 1)});
    }
  }

  ExprId condition(int depth) {
    switch (depth == 0 ? below(3) : below(7)) {
      case 0:
        return add(ExprKind::kLess, {index(2), index(2)});
      case 1:
        return add(ExprKind::kLessEqual, {constant(below(3)), index(2)});
      case 2:
        return add(ExprKind::kEqual, {index(2), index(1)});
      case 3:
        return add(ExprKind::kAnd, {condition(depth - 1), condition(depth - 1)});
      case 4:
        return add(ExprKind::kOr, {condition(depth - 1), condition(depth - 1)});
      case 5:
        return add(ExprKind::kNot, {condition(depth - 1)});
      default: {
        const ExprId left = scalar(DType::f32, 1), right = scalar(DType::f32, 1);
        return add(ExprKind::kTruth, {call(ScalarFn::kLt, DType::boolean, {left, right})});
      }
    }
  }

  // Each index clamped, or the whole read guarded (with 0 outside).
  ExprId read(uint32_t operand, int depth) {
    const Tensor& t = operands[operand];
    Expr e;
    e.kind = ExprKind::kRead;
    e.number = operand;
    e.dtype = t.dtype();
    ExprId guard = 0;
    bool guarded = false;
    for (int64_t size : t.sizes()) {
      const ExprId at = index(depth);
      if (below(2)) {
        e.args.push_back(add(ExprKind::kMax, {constant(0), add(ExprKind::kMin, {at, constant(size - 1)})}));
        continue;
      }
      const ExprId above = add(ExprKind::kLessEqual, {constant(0), at}),
                   below = add(ExprKind::kLess, {at, constant(size)});
      const ExprId inside = add(ExprKind::kAnd, {above, below});
      guard = guarded ? add(ExprKind::kAnd, {guard, inside}) : inside;
      guarded = true;
      e.args.push_back(at);
    }
    const ExprId value = comprehension.add(e);
    return guarded ? select(e.dtype, guard, value, number(e.dtype, 0)) : value;
  }

  ExprId select(DType dtype, ExprId condition, ExprId then, ExprId otherwise) {
    Expr e;
    e.kind = ExprKind::kSelect;
    e.dtype = dtype;
    e.args = {condition, then, otherwise};
    return comprehension.add(e);
  }

  FoldKind any_fold() {
    constexpr FoldKind kFolds[] = {FoldKind::kSum, FoldKind::kProd,   FoldKind::kMax,
                                   FoldKind::kMin, FoldKind::kArgMax, FoldKind::kArgMin};
    return kFolds[below(6)];
  }

  ExprId fold(FoldKind kind, DType dtype, int depth) {
    if (next_fold_ >= comprehension.sizes.size()) return scalar(dtype, depth - 1);
    Expr e;
    e.kind = ExprKind::kFold;
    e.fold = kind;
    e.dtype = dtype;
    const size_t before = bound_.size();
    for (int count = 1 + below(2); count > 0 && next_fold_ < comprehension.sizes.size(); --count) {
      e.variables.push_back(static_cast<uint32_t>(next_fold_));
      bound_.push_back(static_cast<uint32_t>(next_fold_++));
    }
    e.args = {scalar(dtype, depth - 1)};
    bound_.resize(before);
    return comprehension.add(e);
  }

  ExprId variable(uint32_t v) {
    Expr e;
    e.kind = ExprKind::kIndex;
    e.number = v;
    return comprehension.add(e);
  }

  // A fresh operand with an axis for each variable, or for a result's and a folded one together (a window), read at
  // affine indices in any order of axes; indices that leave the operand are guarded with 0.
  ExprId factor(DType dtype, std::vector<uint32_t> results, std::vector<uint32_t> folded) {
    std::vector<std::vector<uint32_t>> axes;
    while (!results.empty() && !folded.empty() && below(3) == 0) {
      axes.push_back({results.back(), folded.back()});
      results.pop_back();
      folded.pop_back();
    }
    for (uint32_t v : results) axes.push_back({v});
    for (uint32_t v : folded) axes.push_back({v});
    for (size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[below(static_cast<int>(i))]);
    std::vector<Dim> dims;
    std::vector<ExprId> indices;
    std::vector<int64_t> sizes;
    for (const auto& axis : axes) {
      const int64_t low = below(2), stride = 1 + below(2);
      ExprId at = constant(-low);
      int64_t last = -low;
      for (size_t i = 0; i < axis.size(); ++i) {
        const int64_t factor = i == 0 ? stride : 1;
        at = add(ExprKind::kAdd, {at, add(ExprKind::kMul, {variable(axis[i]), constant(factor)})});
        last += factor * (comprehension.sizes[axis[i]] - 1);
      }
      indices.push_back(at);
      sizes.push_back(std::max<int64_t>(1, last + 1 - below(2) * low));
      dims.push_back(Dim(sizes.back()));
    }
    Tensor t(Type::tensor(dtype, dims));
    for (int64_t i = 0; i < t.size(); ++i) t.set(i, below(33) * 0.25 - 4);
    operands.push_back(t);
    Expr read;
    read.kind = ExprKind::kRead;
    read.number = static_cast<uint32_t>(operands.size()) - 1;
    read.dtype = dtype;
    read.args = indices;
    ExprId guard = add(ExprKind::kLessEqual, {constant(0), constant(0)});
    for (size_t i = 0; i < indices.size(); ++i) {
      guard = add(ExprKind::kAnd, {guard, add(ExprKind::kLessEqual, {constant(0), indices[i]})});
      guard = add(ExprKind::kAnd, {guard, add(ExprKind::kLess, {indices[i], constant(sizes[i])})});
    }
    const ExprId value = comprehension.add(read);
    return select(dtype, guard, value, number(dtype, 0));
  }

  ExprId scalar(DType dtype, int depth) {
    if (depth <= 0 || below(4) == 0) {
      const auto operand = static_cast<uint32_t>(below(static_cast<int>(operands.size())));
      const ExprId value = read(operand, 2);
      return operands[operand].dtype() == dtype ? value : call(ScalarFn::kCast, dtype, {value});
    }
    switch (below(8)) {
      case 0:
        return number(dtype, below(17) * 0.5 - 4);
      case 1:
        return call(ScalarFn::kAdd, dtype, {scalar(dtype, depth - 1), scalar(dtype, depth - 1)});
      case 2:
        return call(ScalarFn::kMul, dtype, {scalar(dtype, depth - 1), scalar(dtype, depth - 1)});
      case 3: {
        const ExprId left = scalar(dtype, depth - 1), right = scalar(dtype, depth - 1);
        return call(below(2) ? ScalarFn::kMax : ScalarFn::kMin, dtype, {left, right});
      }
      case 4:
        return select(dtype, condition(2), scalar(dtype, depth - 1), scalar(dtype, depth - 1));
      case 5: {
        Expr e;
        e.kind = ExprKind::kValue;
        e.dtype = dtype;
        e.args = {index(2)};
        return comprehension.add(e);
      }
      case 6:
        return call(below(2) ? ScalarFn::kNeg : ScalarFn::kAbs, dtype, {scalar(dtype, depth - 1)});
      default:
        return fold(any_fold(), dtype, depth);
    }
  }

  std::mt19937_64 random_;
  int large_sizes_ = 2;  // then only small ones
  std::vector<uint32_t> bound_;
  size_t next_fold_ = 0;
};

}  // namespace egret
