// Emitter: types, control flow, indices and memory.
#include "ir/evaluate/scalar_functions.h"
#include "lower/host/emit.h"
#include "support/result.h"

namespace egret::lower {

using llvm::Value;

Emitter::Emitter(llvm::Module& m, HostLevel l, bool in_order)
    : b(m.getContext()), module(m), level(l), strict(in_order), lanes(vector_bytes(l) / 4) {
  llvm::FastMathFlags flags;
  flags.setAllowContract(!strict);
  b.setFastMathFlags(flags);
}

llvm::Type* Emitter::register_type(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return b.getDoubleTy();
    case DType::f32:
    case DType::tf32:
    case DType::f16:
    case DType::bf16:
      return b.getFloatTy();
    case DType::boolean:
      return b.getInt1Ty();
    default:
      return b.getIntNTy(row(dtype).bits);
  }
}

llvm::Type* Emitter::memory_type(DType dtype) {
  switch (dtype) {
    case DType::f16:
    case DType::bf16:
      return b.getInt16Ty();
    case DType::boolean:
      return b.getInt8Ty();
    default:
      return register_type(dtype);
  }
}

Value* Emitter::number(DType dtype, double value, int64_t integer) {
  llvm::Type* type = register_type(dtype);
  if (type->isFloatingPointTy()) return llvm::ConstantFP::get(type, round_to(dtype, value));
  return llvm::ConstantInt::get(type, static_cast<uint64_t>(integer), true);
}

Value* Emitter::widen(Value* v) { return is_vector(v) ? v : b.CreateVectorSplat(static_cast<unsigned>(lanes), v); }

void Emitter::unify(Value*& x, Value*& y) {
  if (is_vector(x) != is_vector(y)) x = widen(x), y = widen(y);
}

Value* Emitter::iota(llvm::Type* element, int64_t stride) {
  std::vector<llvm::Constant*> values;
  for (int i = 0; i < lanes; ++i)
    values.push_back(llvm::ConstantInt::get(element, static_cast<uint64_t>(i * stride), true));
  return llvm::ConstantVector::get(values);
}

void Emitter::loop(Value* begin, Value* end, int64_t step, const std::function<void(Value*)>& body, const char* label) {
  auto& context = module.getContext();
  llvm::Function* f = b.GetInsertBlock()->getParent();
  if (auto* b0 = llvm::dyn_cast<llvm::ConstantInt>(begin)) {
    if (auto* e0 = llvm::dyn_cast<llvm::ConstantInt>(end)) {
      const int64_t from = b0->getSExtValue(), to = e0->getSExtValue();
      if (from >= to) return;
      if (to - from <= step) return body(begin);
    }
  }
  auto* head = llvm::BasicBlock::Create(context, std::string(label) + ".head", f);
  auto* inside = llvm::BasicBlock::Create(context, std::string(label) + ".body", f);
  auto* after = llvm::BasicBlock::Create(context, std::string(label) + ".end", f);
  auto* from = b.GetInsertBlock();
  b.CreateBr(head);
  b.SetInsertPoint(head);
  auto* i = b.CreatePHI(b.getInt64Ty(), 2, label);
  i->addIncoming(begin, from);
  b.CreateCondBr(b.CreateICmpSLT(i, end), inside, after);
  b.SetInsertPoint(inside);
  body(i);
  i->addIncoming(b.CreateNSWAdd(i, i64(step)), b.GetInsertBlock());
  b.CreateBr(head);
  b.SetInsertPoint(after);
}

void Emitter::if_then(Value* condition, const std::function<void()>& then, const std::function<void()>& otherwise) {
  auto& context = module.getContext();
  llvm::Function* f = b.GetInsertBlock()->getParent();
  auto* yes = llvm::BasicBlock::Create(context, "then", f);
  auto* no = otherwise ? llvm::BasicBlock::Create(context, "else", f) : nullptr;
  auto* after = llvm::BasicBlock::Create(context, "after", f);
  b.CreateCondBr(condition, yes, no ? no : after);
  b.SetInsertPoint(yes);
  then();
  b.CreateBr(after);
  if (no) {
    b.SetInsertPoint(no);
    otherwise();
    b.CreateBr(after);
  }
  b.SetInsertPoint(after);
}

Value* Emitter::local(llvm::Type* type, const char* label) {
  llvm::BasicBlock& entry = b.GetInsertBlock()->getParent()->getEntryBlock();
  llvm::IRBuilder<> at(&entry, entry.begin());
  return at.CreateAlloca(type, nullptr, label);
}

void Emitter::lane_loop(Scope& scope, VarId v, Value* begin, Value* end, const std::function<void(Scope&)>& body) {
  const int64_t w = lanes;
  Value* length = b.CreateSub(end, begin);
  Value* whole = b.CreateAnd(length, i64(-w));
  Value* middle = b.CreateAdd(begin, whole);
  auto at = [&](Value* i, Value* tail) {
    Scope inner = scope;
    inner.vector = v;
    inner.variables[v] = i;
    inner.mask.tail = tail;
    body(inner);
  };
  loop(
      begin, middle, w, [&](Value* i) { at(i, nullptr); }, "lane");
  auto rest = [&] {
    Value* left = b.CreateTrunc(b.CreateSub(end, middle), b.getInt32Ty());
    at(middle, b.CreateICmpSLT(iota(b.getInt32Ty()), widen(left)));
  };
  if (auto* c = llvm::dyn_cast<llvm::ConstantInt>(length)) {
    if (c->getSExtValue() % w != 0) rest();
    return;
  }
  if_then(b.CreateICmpSLT(middle, end), rest);
}

// --- indices

Value* Emitter::divide(Value* x, int64_t c, std::pair<int64_t, int64_t> range, bool remainder) {
  const bool narrow = range.first > -(int64_t{1} << 30) && range.second < (int64_t{1} << 30) && c < (int64_t{1} << 30);
  llvm::Type* wide = x->getType();
  llvm::Type* type = narrow ? llvm::Type::getInt32Ty(module.getContext()) : b.getInt64Ty();
  if (is_vector(x)) type = vector_of(type);
  if (narrow) x = b.CreateTrunc(x, type);
  // Floor division of a number that may be negative: shifted up by a multiple of c.
  const int64_t shift = range.first < 0 ? (-range.first + c - 1) / c : 0;
  if (shift) x = b.CreateAdd(x, llvm::ConstantInt::get(type, static_cast<uint64_t>(shift * c)));
  llvm::Constant* divisor = llvm::ConstantInt::get(type, static_cast<uint64_t>(c));
  Value* q = remainder ? b.CreateURem(x, divisor) : b.CreateUDiv(x, divisor);
  if (shift && !remainder) q = b.CreateSub(q, llvm::ConstantInt::get(type, static_cast<uint64_t>(shift)));
  return narrow ? b.CreateSExt(q, wide) : q;
}

Value* Emitter::to_lanes(const Index& at) {
  if (at.stride == 0 && !at.lanes) return at.base;
  Value* lanes64 = b.CreateAdd(widen(at.base), iota(b.getInt64Ty(), at.stride));
  return at.lanes ? b.CreateAdd(lanes64, at.lanes) : lanes64;
}

Index Emitter::index(Scope& scope, const Linear& linear) {
  Index sum{i64(linear.constant), 0, nullptr};
  for (auto [id, coefficient] : linear.terms) {
    const Atom& atom = scope.nest->atom(id);
    if (atom.kind == Atom::Kind::kVariable) {
      EGRET_CHECK(scope.variables[atom.variable], "a loop variable is bound where it is used");
      sum.base = b.CreateAdd(sum.base, b.CreateMul(scope.variables[atom.variable], i64(coefficient)));
      if (scope.vector == atom.variable) sum.stride += coefficient;
      continue;
    }
    Value* v = nullptr;
    if (atom.kind == Atom::Kind::kScalar) {
      v = value(scope, atom.scalar);
      const DType dtype = scope.nest->node(atom.scalar).dtype;
      llvm::Type* wide = is_vector(v) ? vector_of(b.getInt64Ty()) : b.getInt64Ty();
      const bool is_signed = row(dtype).kind == DTypeRow::Kind::kSigned;
      v = is_signed ? b.CreateSExtOrTrunc(v, wide) : b.CreateZExtOrTrunc(v, wide);
    } else {
      v = to_lanes(index(scope, atom.a));
      if (atom.kind == Atom::Kind::kDiv || atom.kind == Atom::Kind::kMod) {
        v = divide(v, atom.divisor, scope.nest->range(atom.a), atom.kind == Atom::Kind::kMod);
      } else {
        Value* w = to_lanes(index(scope, atom.b));
        unify(v, w);
        v = b.CreateBinaryIntrinsic(atom.kind == Atom::Kind::kMin ? llvm::Intrinsic::smin : llvm::Intrinsic::smax, v,
                                    w);
      }
    }
    v = b.CreateMul(v, llvm::ConstantInt::get(v->getType(), static_cast<uint64_t>(coefficient), true));
    if (is_vector(v)) {
      sum.lanes = sum.lanes ? b.CreateAdd(sum.lanes, v) : v;
    } else {
      sum.base = b.CreateAdd(sum.base, v);
    }
  }
  return sum;
}

Value* Emitter::scalar_index(Scope& scope, const Linear& linear) {
  const Index at = index(scope, linear);
  EGRET_CHECK(!at.lanes, "an index of a scalar place is the same in all lanes");
  return at.base;
}

Value* Emitter::mask_lanes(const Mask& mask) {
  Value* all = mask.tail;
  if (mask.lanes) all = all ? b.CreateAnd(all, mask.lanes) : mask.lanes;
  if (mask.uniform) all = all ? b.CreateAnd(all, widen(mask.uniform)) : widen(mask.uniform);
  return all;
}

// Whether index > 0 (or == 0), in each lane.  One clamp and one narrow comparison where the index is affine.
Value* Emitter::compare_lanes(const Index& at, bool equal) {
  if (at.lanes) {
    Value* v = to_lanes(at);
    auto* zero = llvm::Constant::getNullValue(v->getType());
    return equal ? b.CreateICmpEQ(v, zero) : b.CreateICmpSGT(v, zero);
  }
  if (at.stride == 0) return equal ? b.CreateICmpEQ(at.base, i64(0)) : b.CreateICmpSGT(at.base, i64(0));
  constexpr int64_t kFar = int64_t{1} << 29;
  EGRET_CHECK(std::abs(at.stride) < kFar / 64, "a stride of lanes is small");
  Value* clamped = b.CreateBinaryIntrinsic(
      llvm::Intrinsic::smax, b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, at.base, i64(kFar)), i64(-kFar));
  Value* base = widen(b.CreateTrunc(clamped, b.getInt32Ty()));
  Value* minus = iota(b.getInt32Ty(), -at.stride);
  return equal ? b.CreateICmpEQ(base, minus) : b.CreateICmpSGT(base, minus);
}

// --- memory

Value* Emitter::load_register(DType dtype, Value* memory) {
  switch (dtype) {
    case DType::f16:
      return half_to_float(memory);
    case DType::bf16: {
      llvm::Type* wide = is_vector(memory) ? vector_of(b.getInt32Ty()) : b.getInt32Ty();
      llvm::Type* target = is_vector(memory) ? vector_of(b.getFloatTy()) : b.getFloatTy();
      return b.CreateBitCast(b.CreateShl(b.CreateZExt(memory, wide), uint64_t{16}), target);
    }
    case DType::boolean:
      return b.CreateICmpNE(memory, llvm::Constant::getNullValue(memory->getType()));
    default:
      return memory;
  }
}

Value* Emitter::to_memory(DType dtype, Value* value) {
  switch (dtype) {
    case DType::f16:
      return float_to_half(value);
    case DType::bf16: {  // already rounded
      llvm::Type* wide = is_vector(value) ? vector_of(b.getInt32Ty()) : b.getInt32Ty();
      llvm::Type* narrow = is_vector(value) ? vector_of(b.getInt16Ty()) : b.getInt16Ty();
      return b.CreateTrunc(b.CreateLShr(b.CreateBitCast(value, wide), uint64_t{16}), narrow);
    }
    case DType::boolean:
      return b.CreateZExt(value, is_vector(value) ? vector_of(b.getInt8Ty()) : b.getInt8Ty());
    default:
      return value;
  }
}

Value* Emitter::gather(Scope& scope, const OperandPlace& from, Value* indices) {
  llvm::Type* type = memory_type(from.dtype);
  Value* mask = mask_lanes(scope.mask);
  Value* pointers = b.CreateGEP(type, from.base, indices);
  if (!mask) mask = llvm::Constant::getAllOnesValue(vector_of(b.getInt1Ty()));
  return b.CreateMaskedGather(vector_of(type), pointers, llvm::Align(static_cast<uint64_t>(size_in_bytes(from.dtype))),
                              mask, llvm::Constant::getNullValue(vector_of(type)));
}

// Lanes `stride` elements apart (2 to 4): one masked load of the whole stretch, then a shuffle.
Value* Emitter::load_strided(Scope& scope, const OperandPlace& from, const Index& at) {
  llvm::Type* type = memory_type(from.dtype);
  const int n = lanes * static_cast<int>(at.stride);
  auto* wide = llvm::FixedVectorType::get(type, static_cast<unsigned>(n));
  std::vector<int> spread, pick;
  for (int i = 0; i < n; ++i) spread.push_back(i % at.stride == 0 ? i / static_cast<int>(at.stride) : lanes);
  for (int i = 0; i < lanes; ++i) pick.push_back(i * static_cast<int>(at.stride));
  Value* mask = mask_lanes(scope.mask);
  if (!mask) mask = llvm::Constant::getAllOnesValue(vector_of(b.getInt1Ty()));
  mask = b.CreateShuffleVector(mask, llvm::Constant::getNullValue(mask->getType()), spread);
  Value* loaded = b.CreateMaskedLoad(wide, b.CreateGEP(type, from.base, at.base),
                                     llvm::Align(static_cast<uint64_t>(size_in_bytes(from.dtype))), mask,
                                     llvm::Constant::getNullValue(wide));
  return b.CreateShuffleVector(loaded, pick);
}

Value* Emitter::load(Scope& scope, const OperandPlace& from, const Index& at) {
  if (!from.base && from.own) return from.own;
  auto mark = [&](Value* loaded) {
    if (auto* instruction = llvm::dyn_cast<llvm::Instruction>(loaded); instruction && from.constant) {
      instruction->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(module.getContext(), {}));
    }
    return loaded;
  };
  llvm::Type* type = memory_type(from.dtype);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(from.dtype)));
  if (from.empty) return llvm::Constant::getNullValue(register_type(from.dtype));
  if (from.lane_minor) {
    EGRET_CHECK(at.stride == 0 && !at.lanes, "scratch of row vectors is read at one element");
    Value* p = b.CreateGEP(type, from.base, b.CreateMul(at.base, i64(lanes)));
    return load_register(from.dtype, b.CreateAlignedLoad(vector_of(type), p, align));
  }
  if (at.lanes) return load_register(from.dtype, gather(scope, from, to_lanes(at)));
  if (at.stride == 0) {
    Value* where = at.base;
    Value* any = scope.mask.uniform;
    if (scope.mask.lanes) {
      Value* some =
          b.CreateOrReduce(scope.mask.tail ? b.CreateAnd(scope.mask.lanes, scope.mask.tail) : scope.mask.lanes);
      any = any ? b.CreateAnd(any, some) : some;
    }
    if (any) where = b.CreateSelect(any, where, i64(0));
    return load_register(from.dtype, mark(b.CreateAlignedLoad(type, b.CreateGEP(type, from.base, where), align)));
  }
  if (at.stride == 1) {
    Value* p = b.CreateGEP(type, from.base, at.base);
    Value* mask = mask_lanes(scope.mask);
    auto* vector = vector_of(type);
    return load_register(from.dtype, mark(mask ? static_cast<Value*>(b.CreateMaskedLoad(
                                                     vector, p, align, mask, llvm::Constant::getNullValue(vector)))
                                               : b.CreateAlignedLoad(vector, p, align)));
  }
  if (at.stride >= 2 && at.stride <= 4) return load_register(from.dtype, load_strided(scope, from, at));
  return load_register(from.dtype, gather(scope, from, to_lanes(at)));
}

void Emitter::store(Scope& scope, Value* value, DType dtype, Value* base, const Index& at) {
  llvm::Type* type = memory_type(dtype);
  const llvm::Align align(static_cast<uint64_t>(size_in_bytes(dtype)));
  EGRET_CHECK(!scope.mask.uniform && !scope.mask.lanes, "stores are not guarded");
  if (at.stride == 0 && !at.lanes) {
    EGRET_CHECK(!is_vector(value), "one element is stored from one lane");
    b.CreateAlignedStore(to_memory(dtype, value), b.CreateGEP(type, base, at.base), align);
    return;
  }
  value = to_memory(dtype, widen(value));
  if (at.stride == 1 && !at.lanes) {
    Value* p = b.CreateGEP(type, base, at.base);
    if (scope.mask.tail) {
      b.CreateMaskedStore(value, p, align, scope.mask.tail);
    } else {
      b.CreateAlignedStore(value, p, align);
    }
    return;
  }
  Value* mask = scope.mask.tail ? scope.mask.tail : llvm::Constant::getAllOnesValue(vector_of(b.getInt1Ty()));
  b.CreateMaskedScatter(value, b.CreateGEP(type, base, to_lanes(at)), align, mask);
}

// log2(lanes) rounds; round s exchanges, between rows i and i + s, the elements whose index has bit s set.
void Emitter::transpose(std::vector<Value*>& rows) {
  for (int s = 1; s < lanes; s *= 2) {
    std::vector<int> low, high;
    for (int i = 0; i < lanes; ++i) {
      low.push_back(i & s ? lanes + i - s : i);
      high.push_back(i & s ? lanes + i : i + s);
    }
    for (int i = 0; i < lanes; ++i) {
      if (i & s) continue;
      Value *x = rows[static_cast<size_t>(i)], *y = rows[static_cast<size_t>(i + s)];
      rows[static_cast<size_t>(i)] = b.CreateShuffleVector(x, y, low);
      rows[static_cast<size_t>(i + s)] = b.CreateShuffleVector(x, y, high);
    }
  }
}

int Emitter::contiguity(const Nest& nest, std::span<const NodeId> roots, VarId v, uint32_t operands) {
  int score = 0;
  for (NodeId root : roots) {
    for (NodeId read : nest.reads(root)) {
      if (nest.node(read).operand >= operands) continue;
      bool inside = false;
      const int64_t c = nest.coefficient(nest.node(read).index, v, &inside);
      score += inside ? -2 : c == 1 ? 2 : c > 1 && c <= 4 ? 1 : c == 0 ? 0 : -2;
    }
  }
  return score;
}

}  // namespace egret::lower
