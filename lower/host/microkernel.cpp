// The register tile: rows x vectors accumulators, one multiply-add each a step of K; and the tail's, K in lanes.
#include <algorithm>

#include "lower/host/product_emitter.h"

namespace egret::lower {

using llvm::Value;

namespace {

// Locals are placed at the head of the entry block; code follows in a block of its own.
void begin_tile(llvm::IRBuilder<>& b, llvm::Function* f) {
  auto* entry = llvm::BasicBlock::Create(f->getContext(), "entry", f);
  auto* body = llvm::BasicBlock::Create(f->getContext(), "body", f);
  b.SetInsertPoint(entry);
  b.CreateBr(body);
  b.SetInsertPoint(body);
}

}  // namespace

// A function of the module that kernels share; what its pointers point to does not overlap.
llvm::Function* ProductEmitter::tile_function(const std::string& name, std::initializer_list<llvm::Type*> types) {
  auto* type = llvm::FunctionType::get(b_.getVoidTy(), types, false);
  auto* f = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, e_.module);
  f->addFnAttrs(llvm::AttrBuilder(f->getContext(), kernel_.function_->getAttributes().getFnAttrs()));
  f->addFnAttr(llvm::Attribute::NoInline);
  for (unsigned i = 0; i < f->arg_size(); ++i) {
    if (f->getArg(i)->getType()->isPointerTy()) f->addParamAttr(i, llvm::Attribute::NoAlias);
  }
  return f;
}

// void f(s, s_stride, k_stride, panel, steps, c, start): c = (start ? 0 : c) + sum over steps of s[row, k] * panel[k,
// :]
llvm::Function* ProductEmitter::microkernel(int64_t rows, int64_t vectors, int64_t panel_stride, int64_t c_stride) {
  // Shared by all kernels of the module.
  const std::string name = "egret_tile_" + std::string(egret::name(plan_.dtype)) + "_" + std::to_string(rows) + "x" +
                           std::to_string(vectors) + "_" + std::to_string(panel_stride) + "_" +
                           std::to_string(c_stride);
  if (llvm::Function* known = e_.module.getFunction(name)) return known;
  llvm::Type* pointer = llvm::PointerType::getUnqual(e_.module.getContext());
  llvm::Type* i64 = b_.getInt64Ty();
  auto* f = tile_function(name, {pointer, i64, i64, pointer, i64, pointer, b_.getInt1Ty()});

  llvm::IRBuilderBase::InsertPointGuard guard(b_);
  begin_tile(b_, f);
  llvm::Type* vector = e_.vector_of(type_);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  auto accumulator = [&, count = vectors](std::vector<Value*>& all, int64_t r, int64_t v) -> Value*& {
    return all[static_cast<size_t>(r * count + v)];
  };
  auto c_at = [&](int64_t r, int64_t v) {
    return b_.CreateConstGEP1_64(type_, f->getArg(5), static_cast<uint64_t>(r * c_stride + v * plan_.lanes));
  };
  const size_t n = static_cast<size_t>(rows * vectors);
  std::vector<Value*> places(n);
  for (auto& p : places) p = e_.local(vector, "acc");
  e_.if_then(
      f->getArg(6),
      [&] {
        for (Value* p : places) b_.CreateStore(llvm::Constant::getNullValue(vector), p);
      },
      [&] {
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t v = 0; v < vectors; ++v) {
            b_.CreateStore(b_.CreateAlignedLoad(vector, c_at(r, v), align), accumulator(places, r, v));
          }
        }
      });
  // Row pointers, kept in few registers: rows r are at base + r * s_stride.
  auto step = [&](Value* k, int64_t ahead) {
    Value* position = ahead ? b_.CreateAdd(k, e_.i64(ahead)) : k;
    std::vector<Value*> columns;
    Value* line = b_.CreateGEP(type_, f->getArg(3), b_.CreateMul(position, e_.i64(panel_stride)));
    for (int64_t v = 0; v < vectors; ++v) {
      columns.push_back(b_.CreateAlignedLoad(
          vector, b_.CreateConstGEP1_64(type_, line, static_cast<uint64_t>(v * plan_.lanes)), align));
    }
    Value* at = b_.CreateMul(position, f->getArg(2));
    for (int64_t r = 0; r < rows; ++r) {
      Value* row = r == 0 ? at : b_.CreateAdd(at, b_.CreateMul(f->getArg(1), e_.i64(r)));
      Value* s = e_.widen(b_.CreateAlignedLoad(type_, b_.CreateGEP(type_, f->getArg(0), row), align));
      for (int64_t v = 0; v < vectors; ++v) {
        Value* p = accumulator(places, r, v);
        b_.CreateStore(e_.multiply_add(s, columns[static_cast<size_t>(v)], b_.CreateLoad(vector, p)), p);
      }
    }
  };
  Value* steps = f->getArg(4);
  constexpr int64_t kUnroll = 2;
  Value* whole = b_.CreateAnd(steps, e_.i64(-kUnroll));
  e_.loop(
      e_.i64(0), whole, kUnroll,
      [&](Value* k) {
        for (int64_t u = 0; u < kUnroll; ++u) step(k, u);
      },
      "k");
  e_.loop(
      whole, steps, 1, [&](Value* k) { step(k, 0); }, "k");
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t v = 0; v < vectors; ++v) {
      b_.CreateAlignedStore(b_.CreateLoad(vector, accumulator(places, r, v)), c_at(r, v), align);
    }
  }
  b_.CreateRetVoid();
  return f;
}

// void f(s, s_stride, tail, steps, c, start): c[row, j] = (start ? 0 : c) + sum over steps of s[row, k] * tail[j, k]
llvm::Function* ProductEmitter::tail_kernel(int64_t rows) {
  const std::string name = "egret_tail_" + std::string(egret::name(plan_.dtype)) + "_" + std::to_string(rows) + "x" +
                           std::to_string(plan_.v_tail) + "_" + std::to_string(k_rows_) + "_" +
                           std::to_string(c_stride());
  if (llvm::Function* known = e_.module.getFunction(name)) return known;
  llvm::Type *pointer = llvm::PointerType::getUnqual(e_.module.getContext()), *i64 = b_.getInt64Ty();
  auto* f = tile_function(name, {pointer, i64, pointer, i64, pointer, b_.getInt1Ty()});
  llvm::IRBuilderBase::InsertPointGuard guard(b_);
  begin_tile(b_, f);
  llvm::Type* vector = e_.vector_of(type_);
  Value* zero = llvm::Constant::getNullValue(vector);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(plan_.dtype)));
  Value *steps = f->getArg(3), *whole = b_.CreateAnd(steps, e_.i64(-plan_.lanes));
  // Two positions at a time: their sums stay in registers for as many rows as a tile has.
  for (int64_t first = 0; first < plan_.v_tail; first += 2) {
    const int64_t positions = std::min<int64_t>(2, plan_.v_tail - first);
    std::vector<Value*> sums(static_cast<size_t>(rows * positions));
    for (Value*& sum : sums) {
      sum = e_.local(vector, "sum");
      b_.CreateStore(zero, sum);
    }
    auto step = [&](Value* k, Value* mask) {
      auto load = [&](Value* base, Value* at) -> Value* {
        if (mask) return b_.CreateMaskedLoad(vector, element(base, at), align, mask, zero);
        return b_.CreateAlignedLoad(vector, element(base, at), align);
      };
      std::vector<Value*> columns;
      for (int64_t j = 0; j < positions; ++j) {
        columns.push_back(load(f->getArg(2), b_.CreateAdd(k, e_.i64((first + j) * k_rows_))));
      }
      for (int64_t r = 0; r < rows; ++r) {
        Value* s = load(f->getArg(0), b_.CreateAdd(k, b_.CreateMul(f->getArg(1), e_.i64(r))));
        for (int64_t j = 0; j < positions; ++j) {
          Value* sum = sums[static_cast<size_t>(r * positions + j)];
          b_.CreateStore(e_.multiply_add(s, columns[static_cast<size_t>(j)], b_.CreateLoad(vector, sum)), sum);
        }
      }
    };
    e_.loop(
        e_.i64(0), whole, plan_.lanes, [&](Value* k) { step(k, nullptr); }, "k");
    e_.if_then(b_.CreateICmpSLT(whole, steps), [&] {
      Value* left = e_.widen(b_.CreateTrunc(b_.CreateSub(steps, whole), b_.getInt32Ty()));
      step(whole, b_.CreateICmpSLT(e_.iota(b_.getInt32Ty()), left));
    });
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < positions; ++j) {
        Value* sum = e_.reduce(FoldKind::kSum, plan_.dtype,
                               b_.CreateLoad(vector, sums[static_cast<size_t>(r * positions + j)]));
        Value* at = b_.CreateConstGEP1_64(type_, f->getArg(4), static_cast<uint64_t>(r * c_stride() + first + j));
        Value* before = b_.CreateSelect(f->getArg(5), llvm::Constant::getNullValue(type_),
                                        b_.CreateAlignedLoad(type_, at, align));
        b_.CreateAlignedStore(e_.combine(FoldKind::kSum, plan_.dtype, before, sum), at, align);
      }
    }
  }
  b_.CreateRetVoid();
  return f;
}

}  // namespace egret::lower
