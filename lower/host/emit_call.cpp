// Emitter: scalar functions on registers, casts and roundings.
#include <cmath>

#include "lower/host/emit.h"
#include "support/result.h"

namespace egret::lower {

using llvm::Value;

llvm::Type* Emitter::shaped(Value* like, llvm::Type* element) {
  if (auto* v = llvm::dyn_cast<llvm::FixedVectorType>(like->getType())) {
    return llvm::FixedVectorType::get(element, v->getNumElements());
  }
  return element;
}

Value* Emitter::table_call(const std::string& name, std::vector<Value*> args) {
  const bool fp = args[0]->getType()->isFPOrFPVectorTy();
  llvm::Type* wide = fp ? static_cast<llvm::Type*>(b.getDoubleTy()) : b.getInt64Ty();
  for (Value*& a : args) {
    llvm::Type* type = shaped(a, wide);
    if (a->getType() != type) a = fp ? b.CreateFPExt(a, type) : b.CreateSExt(a, type);
  }
  for (size_t i = 1; i < args.size(); ++i) unify(args[0], args[i]);
  auto f = module.getOrInsertFunction(
      name, llvm::FunctionType::get(wide, std::vector<llvm::Type*>(args.size(), wide), false));
  llvm::cast<llvm::Function>(f.getCallee())->setDoesNotAccessMemory();
  llvm::cast<llvm::Function>(f.getCallee())->setDoesNotThrow();
  auto* shape = llvm::dyn_cast<llvm::FixedVectorType>(args[0]->getType());
  if (!shape) return b.CreateCall(f, args);
  Value* result = llvm::PoisonValue::get(shape);
  for (unsigned lane = 0; lane < shape->getNumElements(); ++lane) {
    std::vector<Value*> elements;
    for (Value* a : args) elements.push_back(b.CreateExtractElement(widen(a), uint64_t{lane}));
    result = b.CreateInsertElement(result, b.CreateCall(f, elements), uint64_t{lane});
  }
  return result;
}

Value* Emitter::round(DType dtype, Value* x) {
  if (dtype != DType::f16 && dtype != DType::bf16 && dtype != DType::tf32) return x;
  llvm::Type* ints = shaped(x, b.getInt32Ty());
  auto constant = [&](uint32_t v) { return llvm::ConstantInt::get(ints, v); };
  if (dtype == DType::f16 && level != HostLevel::kV2) {
    return b.CreateFPExt(b.CreateFPTrunc(x, shaped(x, b.getHalfTy())), x->getType());
  }
  const uint32_t drop = dtype == DType::bf16 ? 16 : 13;
  Value* bits = b.CreateBitCast(x, ints);
  Value* odd = b.CreateAnd(b.CreateLShr(bits, constant(drop)), constant(1));
  Value* up = b.CreateAdd(b.CreateAdd(bits, constant((1u << (drop - 1)) - 1)), odd);
  Value* rounded = b.CreateBitCast(b.CreateAnd(up, constant(~((1u << drop) - 1))), x->getType());
  if (dtype == DType::f16) {  // subnormals: steps of 2^-24; beyond the largest: infinity
    Value* size = unary(llvm::Intrinsic::fabs, x);
    Value* half = splat_like(x, 0.5);
    Value* small = b.CreateFSub(b.CreateFAdd(size, half), half);
    small = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, small, x);
    rounded = b.CreateSelect(b.CreateFCmpOLT(size, splat_like(x, 0x1p-14)), small, rounded);
    Value* infinity = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, splat_like(x, INFINITY), x);
    rounded =
        b.CreateSelect(b.CreateFCmpOGT(unary(llvm::Intrinsic::fabs, rounded), splat_like(x, 65504)), infinity, rounded);
  }
  return b.CreateSelect(b.CreateFCmpUNO(x, x), x, rounded);
}

Value* Emitter::half_to_float(Value* bits) {
  llvm::Type* floats = shaped(bits, b.getFloatTy());
  if (level != HostLevel::kV2) {
    // LLVM 19 narrows functions of converted values to half, which it makes element by element, and `maximum` loses NaN.
    Value* wide = b.CreateFPExt(b.CreateBitCast(bits, shaped(bits, b.getHalfTy())), floats);
    return b.CreateUnaryIntrinsic(llvm::Intrinsic::arithmetic_fence, wide);
  }
  llvm::Type* ints = shaped(bits, b.getInt32Ty());
  auto constant = [&](uint32_t v) { return llvm::ConstantInt::get(ints, v); };
  Value* h = b.CreateZExt(bits, ints);
  Value* size = b.CreateShl(b.CreateAnd(h, constant(0x7fff)), constant(13));
  Value* scaled = b.CreateFMul(b.CreateBitCast(size, floats), llvm::ConstantFP::get(floats, 0x1p112));
  Value* wide = b.CreateBitCast(scaled, ints);
  Value* special = b.CreateICmpUGE(size, constant(0x7c00u << 13));
  wide = b.CreateSelect(special, b.CreateOr(size, constant(0x7f800000)), wide);
  return b.CreateBitCast(b.CreateOr(wide, b.CreateShl(b.CreateAnd(h, constant(0x8000)), constant(16))), floats);
}

// Requires: x is a value of f16 already.
Value* Emitter::float_to_half(Value* x) {
  llvm::Type* narrow = shaped(x, b.getInt16Ty());
  if (level != HostLevel::kV2) return b.CreateBitCast(b.CreateFPTrunc(x, shaped(x, b.getHalfTy())), narrow);
  llvm::Type* ints = shaped(x, b.getInt32Ty());
  auto constant = [&](uint32_t v) { return llvm::ConstantInt::get(ints, v); };
  Value* bits = b.CreateBitCast(x, ints);
  Value* size = unary(llvm::Intrinsic::fabs, x);
  Value* half = b.CreateLShr(b.CreateBitCast(b.CreateFMul(size, splat_like(x, 0x1p-112)), ints), constant(13));
  half = b.CreateSelect(b.CreateFCmpOEQ(size, splat_like(x, INFINITY)), constant(0x7c00), half);
  half = b.CreateSelect(b.CreateFCmpUNO(x, x), constant(0x7e00), half);
  half = b.CreateOr(half, b.CreateLShr(b.CreateAnd(bits, constant(0x80000000u)), constant(16)));
  return b.CreateTrunc(half, narrow);
}

Value* Emitter::cast(DType from, DType to, Value* x) {
  if (from == to) return x;
  llvm::Type* type = shaped(x, register_type(to));
  const bool from_float = is_float(from), to_float = is_float(to);
  const bool from_signed = row(from).kind == DTypeRow::Kind::kSigned;
  if (to == DType::boolean) {
    auto* zero = llvm::Constant::getNullValue(x->getType());
    return from_float ? b.CreateFCmpUNE(x, zero) : b.CreateICmpNE(x, zero);
  }
  if (from_float && to_float) {
    if (x->getType() != type) x = from == DType::f64 ? b.CreateFPTrunc(x, type) : b.CreateFPExt(x, type);
    return round(to, x);
  }
  if (from_float) {
    const bool s = row(to).kind == DTypeRow::Kind::kSigned;
    return b.CreateIntrinsic(s ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat, {type, x->getType()}, {x});
  }
  if (to_float) return round(to, from_signed ? b.CreateSIToFP(x, type) : b.CreateUIToFP(x, type));
  return from_signed ? b.CreateSExtOrTrunc(x, type) : b.CreateZExtOrTrunc(x, type);
}

Value* Emitter::call(ScalarFn fn, DType dtype, DType argument, std::vector<Value*> args) {
  Value* x = args[0];
  Value* y = args.size() > 1 ? args[1] : nullptr;
  if (fn == ScalarFn::kCast) return cast(argument, dtype, x);
  if (y) unify(x, y);
  const bool fp = is_float(argument);
  const bool s = row(argument).kind == DTypeRow::Kind::kSigned;
  switch (fn) {
    case ScalarFn::kEq:
      return fp ? b.CreateFCmpOEQ(x, y) : b.CreateICmpEQ(x, y);
    case ScalarFn::kNe:
      return fp ? b.CreateFCmpUNE(x, y) : b.CreateICmpNE(x, y);
    case ScalarFn::kLt:
      return fp ? b.CreateFCmpOLT(x, y) : s ? b.CreateICmpSLT(x, y) : b.CreateICmpULT(x, y);
    case ScalarFn::kLe:
      return fp ? b.CreateFCmpOLE(x, y) : s ? b.CreateICmpSLE(x, y) : b.CreateICmpULE(x, y);
    case ScalarFn::kGt:
      return fp ? b.CreateFCmpOGT(x, y) : s ? b.CreateICmpSGT(x, y) : b.CreateICmpUGT(x, y);
    case ScalarFn::kGe:
      return fp ? b.CreateFCmpOGE(x, y) : s ? b.CreateICmpSGE(x, y) : b.CreateICmpUGE(x, y);
    case ScalarFn::kIsNan:
      return fp ? b.CreateFCmpUNO(x, x) : llvm::Constant::getNullValue(shaped(x, b.getInt1Ty()));
    case ScalarFn::kIsFinite:
      return fp ? b.CreateFCmpOLT(unary(llvm::Intrinsic::fabs, x), splat_like(x, INFINITY))
                : llvm::Constant::getAllOnesValue(shaped(x, b.getInt1Ty()));
    default:
      break;
  }
  return fp ? round(argument, float_call(fn, argument, x, y)) : int_call(fn, argument, x, y);
}

Value* Emitter::float_call(ScalarFn fn, DType dtype, Value* x, Value* y) {
  const bool single = dtype != DType::f64;
  auto one = [&] { return splat_like(x, 1.0); };
  auto by_table = [&](const char* name) {
    llvm::Type* type = x->getType();
    Value* r = table_call(name, y ? std::vector<Value*>{x, y} : std::vector<Value*>{x});
    return single ? b.CreateFPTrunc(r, type) : r;
  };
  switch (fn) {
    case ScalarFn::kAdd:
      return b.CreateFAdd(x, y);
    case ScalarFn::kSub:
      return b.CreateFSub(x, y);
    case ScalarFn::kMul:
      return b.CreateFMul(x, y);
    case ScalarFn::kDiv:
      return b.CreateFDiv(x, y);
    case ScalarFn::kMax:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::maximum, x, y);
    case ScalarFn::kMin:
      return b.CreateBinaryIntrinsic(llvm::Intrinsic::minimum, x, y);
    case ScalarFn::kRem:
      return by_table("egret_fmod");
    case ScalarFn::kAtan2:
      return by_table("egret_atan2");
    case ScalarFn::kPow:
      return single ? pow32(x, y) : by_table("egret_pow");
    case ScalarFn::kNeg:
      return b.CreateFNeg(x);
    case ScalarFn::kAbs:
      return unary(llvm::Intrinsic::fabs, x);
    case ScalarFn::kSign: {
      Value* zero = llvm::Constant::getNullValue(x->getType());
      Value* signed_one = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, one(), x);
      return b.CreateSelect(b.CreateFCmpONE(x, zero), signed_one, x);
    }
    case ScalarFn::kFloor:
      return unary(llvm::Intrinsic::floor, x);
    case ScalarFn::kCeil:
      return unary(llvm::Intrinsic::ceil, x);
    case ScalarFn::kRoundEven:
      return unary(llvm::Intrinsic::rint, x);
    case ScalarFn::kSqrt:
      return unary(llvm::Intrinsic::sqrt, x);
    case ScalarFn::kRsqrt:
      return b.CreateFDiv(one(), unary(llvm::Intrinsic::sqrt, x));
    case ScalarFn::kExp:
      return single ? exp32(x) : by_table("egret_exp");
    case ScalarFn::kExpm1:
      return single ? expm1_32(x) : by_table("egret_expm1");
    case ScalarFn::kLog:
      return single ? log32(x) : by_table("egret_log");
    case ScalarFn::kLog1p:
      return single ? log1p_32(x) : by_table("egret_log1p");
    case ScalarFn::kSin:
      return by_table("egret_sin");
    case ScalarFn::kCos:
      return by_table("egret_cos");
    case ScalarFn::kTanh:
      return single ? tanh32(x) : by_table("egret_tanh");
    case ScalarFn::kErf:
      return single ? erf32(x) : by_table("egret_erf");
    case ScalarFn::kLogistic: {
      Value* e = b.CreateFNeg(x);
      e = single ? exp32(e) : table_call("egret_exp", {e});
      return b.CreateFDiv(one(), b.CreateFAdd(one(), e));
    }
    default:
      break;
  }
  EGRET_CHECK(false, "function has no meaning on floats");
  return nullptr;
}

// Integers wrap; x / 0 is -1 and x rem 0 is x.
Value* Emitter::int_call(ScalarFn fn, DType dtype, Value* x, Value* y) {
  const bool s = row(dtype).kind == DTypeRow::Kind::kSigned;
  const bool is_bool = dtype == DType::boolean;
  auto* zero = llvm::Constant::getNullValue(x->getType());
  auto* minus_one = llvm::Constant::getAllOnesValue(x->getType());
  auto* one = llvm::ConstantInt::get(x->getType(), 1);
  switch (fn) {
    case ScalarFn::kAdd:
      return is_bool ? b.CreateOr(x, y) : b.CreateAdd(x, y);
    case ScalarFn::kSub:
      return is_bool ? b.CreateXor(x, y) : b.CreateSub(x, y);
    case ScalarFn::kMul:
      return is_bool ? b.CreateAnd(x, y) : b.CreateMul(x, y);
    case ScalarFn::kDiv:
    case ScalarFn::kRem: {
      const bool rem = fn == ScalarFn::kRem;
      if (is_bool) return rem ? b.CreateAnd(x, b.CreateNot(y)) : b.CreateOr(b.CreateNot(y), x);
      Value* by_zero = b.CreateICmpEQ(y, zero);
      Value* special = s ? b.CreateOr(by_zero, b.CreateICmpEQ(y, minus_one)) : by_zero;
      Value* safe = b.CreateSelect(special, one, y);
      Value* r = rem ? (s ? b.CreateSRem(x, safe) : b.CreateURem(x, safe))
                     : (s ? b.CreateSDiv(x, safe) : b.CreateUDiv(x, safe));
      if (s)
        r = b.CreateSelect(b.CreateICmpEQ(y, minus_one), rem ? static_cast<Value*>(zero) : b.CreateSub(zero, x), r);
      return b.CreateSelect(by_zero, rem ? x : static_cast<Value*>(minus_one), r);
    }
    case ScalarFn::kPow: {
      llvm::Type* type = x->getType();
      llvm::Type* wide = shaped(x, b.getInt64Ty());
      auto extend = [&](Value* v) { return s ? b.CreateSExt(v, wide) : b.CreateZExt(v, wide); };
      Value* r = table_call(s ? "egret_pow_signed" : "egret_pow_unsigned", {extend(x), extend(y)});
      return is_bool ? b.CreateICmpNE(r, llvm::Constant::getNullValue(wide)) : b.CreateTrunc(r, type);
    }
    case ScalarFn::kMax:
      return is_bool ? b.CreateOr(x, y)
                     : b.CreateBinaryIntrinsic(s ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, x, y);
    case ScalarFn::kMin:
      return is_bool ? b.CreateAnd(x, y)
                     : b.CreateBinaryIntrinsic(s ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, x, y);
    case ScalarFn::kNeg:
      return is_bool ? x : b.CreateSub(zero, x);
    case ScalarFn::kAbs:
      return s ? b.CreateSelect(b.CreateICmpSLT(x, zero), b.CreateSub(zero, x), x) : x;
    case ScalarFn::kSign: {
      if (is_bool) return x;
      Value* sign = b.CreateSelect(b.CreateICmpEQ(x, zero), zero, one);
      return s ? b.CreateSelect(b.CreateICmpSLT(x, zero), minus_one, sign) : sign;
    }
    case ScalarFn::kFloor:
    case ScalarFn::kCeil:
    case ScalarFn::kRoundEven:
      return x;
    case ScalarFn::kAnd:
      return b.CreateAnd(x, y);
    case ScalarFn::kOr:
      return b.CreateOr(x, y);
    case ScalarFn::kXor:
      return b.CreateXor(x, y);
    case ScalarFn::kNot:
      return b.CreateNot(x);
    default:
      break;
  }
  EGRET_CHECK(false, "function has no meaning on integers");
  return nullptr;
}

}  // namespace egret::lower
