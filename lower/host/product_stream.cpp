// ProductEmitter: few rows of S times a factor that is contiguous along K: read once, in place, K in lanes.
#include "lower/host/product_emitter.h"

namespace egret::lower {

using llvm::Value;

void ProductEmitter::stream_panel(Scope& scope, int64_t rows, Value* v_begin, Value* v_end, Value* a, int64_t s_stride,
                                  Value* c) {
  Value* count = b_.CreateSub(v_end, v_begin);
  Value* whole = b_.CreateSub(count, b_.CreateURem(count, e_.i64(plan_.v_step)));
  auto run = [&](Value* from, Value* to, int64_t positions) {
    e_.loop(
        from, to, positions,
        [&](Value* i) {
          stream_positions(scope, rows, positions, b_.CreateAdd(v_begin, i), a, s_stride, element(c, i));
        },
        "stream");
  };
  run(e_.i64(0), whole, plan_.v_step);
  if (plan_.v_step > 1) run(whole, count, 1);
}

void ProductEmitter::stream_positions(Scope& scope, int64_t rows, int64_t positions, Value* v, Value* a,
                                      int64_t s_stride, Value* c) {
  const Nest& nest = plan_.nest;
  const VarId inner = plan_.k.back();
  const auto outer = std::span(plan_.k).first(plan_.k.size() - 1);
  llvm::Type* vector = e_.vector_of(type_);
  Value* zero = llvm::Constant::getNullValue(vector);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  std::vector<Value*> sums;
  for (int64_t i = 0; i < rows * positions; ++i) {
    sums.push_back(e_.local(vector, "sum"));
    b_.CreateStore(zero, sums.back());
  }
  std::vector<Scope> columns(static_cast<size_t>(positions), scope);
  for (int64_t j = 0; j < positions; ++j) {
    if (!plan_.v.empty()) bind_group(e_, columns[static_cast<size_t>(j)], plan_.v, b_.CreateAdd(v, e_.i64(j)));
  }
  int64_t outer_count = 1;
  for (VarId k : outer) outer_count *= nest.size(k);
  e_.loop(
      e_.i64(0), e_.i64(outer_count), 1,
      [&](Value* position) {
        Scope steps = scope;
        if (!outer.empty()) bind_group(e_, steps, outer, position);
        Value* first = b_.CreateMul(position, e_.i64(nest.size(inner)));
        e_.lane_loop(steps, inner, e_.i64(0), e_.i64(nest.size(inner)), [&](Scope& at) {
          Value* tail = at.mask.tail;
          std::vector<Value*> s;
          Value* k = b_.CreateAdd(first, at.variables[inner]);
          for (int64_t r = 0; r < rows; ++r) {
            Value* p = element(a, b_.CreateAdd(k, e_.i64(r * s_stride)));
            if (tail) {
              s.push_back(b_.CreateMaskedLoad(vector, p, align, tail, zero));
            } else {
              s.push_back(b_.CreateAlignedLoad(vector, p, align));
            }
          }
          for (int64_t j = 0; j < positions; ++j) {
            Scope column = columns[static_cast<size_t>(j)];
            for (VarId variable : plan_.k) column.variables[variable] = at.variables[variable];
            column.vector = inner;
            column.mask.tail = tail;
            Value* x = e_.widen(e_.value(column, plan_.v_root));
            if (tail) x = b_.CreateSelect(tail, x, zero);  // lanes beyond the end hold any value
            for (int64_t r = 0; r < rows; ++r) {
              Value* sum = sums[static_cast<size_t>(r * positions + j)];
              b_.CreateStore(e_.multiply_add(s[static_cast<size_t>(r)], x, b_.CreateLoad(vector, sum)), sum);
            }
          }
        });
      },
      "k");
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < positions; ++j) {
      Value* sum = b_.CreateLoad(vector, sums[static_cast<size_t>(r * positions + j)]);
      b_.CreateAlignedStore(e_.reduce(FoldKind::kSum, plan_.dtype, sum),
                            element(c, e_.i64(r * c_stride() + j)), align);
    }
  }
}

}  // namespace egret::lower
