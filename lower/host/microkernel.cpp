// The register tile: rows x vectors accumulators, one multiply-add each a step of K.
#include "lower/host/product_emitter.h"

namespace egret::lower {

using llvm::Value;

// void f(s, s_stride, k_stride, panel, steps, c, start): c = (start ? 0 : c) + sum over steps of s[row, k] * panel[k,
// :]
llvm::Function* ProductEmitter::microkernel(int64_t rows, int64_t vectors, int64_t panel_stride, int64_t c_stride) {
  // Shared by all kernels of the module.
  const std::string name = "egret_tile_" + std::string(egret::name(plan_.dtype)) + "_" + std::to_string(rows) + "x" +
                           std::to_string(vectors) + "_" + std::to_string(panel_stride) + "_" +
                           std::to_string(c_stride);
  if (llvm::Function* known = e_.module.getFunction(name)) return known;
  auto& context = e_.module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  llvm::Type* i64 = b_.getInt64Ty();
  auto* type =
      llvm::FunctionType::get(b_.getVoidTy(), {pointer, i64, i64, pointer, i64, pointer, b_.getInt1Ty()}, false);
  auto* f = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, e_.module);
  f->addFnAttrs(llvm::AttrBuilder(context, kernel_.function_->getAttributes().getFnAttrs()));
  f->addFnAttr(llvm::Attribute::NoInline);
  for (unsigned i : {0u, 3u, 5u}) f->addParamAttr(i, llvm::Attribute::NoAlias);

  llvm::IRBuilderBase::InsertPointGuard guard(b_);
  auto* entry = llvm::BasicBlock::Create(context, "entry", f);
  auto* body = llvm::BasicBlock::Create(context, "body", f);
  b_.SetInsertPoint(entry);
  b_.CreateBr(body);
  b_.SetInsertPoint(body);
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

}  // namespace egret::lower
