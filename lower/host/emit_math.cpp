// Emitter: single precision functions as straight-line code on vectors or scalars, 1 to 4 units in the last place.
//
// Range reduction and polynomials after Cephes (Moshier), erf after Juffa; pow through double precision.
#include <cmath>
#include <initializer_list>

#include "lower/host/emit.h"

namespace egret::lower {

using llvm::Value;

Value* Emitter::splat_like(Value* like, double value) { return llvm::ConstantFP::get(like->getType(), value); }
Value* Emitter::splat_int(Value* like, int64_t value, unsigned bits) {
  return llvm::ConstantInt::get(shaped(like, b.getIntNTy(bits)), static_cast<uint64_t>(value), true);
}

Value* Emitter::fma(Value* x, Value* y, Value* z) {
  if (level == HostLevel::kV2) return b.CreateFAdd(b.CreateFMul(x, y), z);
  return b.CreateIntrinsic(llvm::Intrinsic::fma, {x->getType()}, {x, y, z});
}

Value* Emitter::horner(Value* x, std::initializer_list<double> coefficients) {
  Value* sum = nullptr;
  for (double c : coefficients) sum = sum ? fma(sum, x, splat_like(x, c)) : splat_like(x, c);
  return sum;
}

Value* Emitter::power_of_two(Value* exponent) {
  Value* biased = b.CreateAdd(exponent, splat_int(exponent, 127));
  return b.CreateBitCast(b.CreateShl(biased, splat_int(exponent, 23)), shaped(exponent, b.getFloatTy()));
}

namespace {
// x limited to [low, high]; NaN stays.
Value* limit(Emitter& e, Value* x, double low, double high) {
  Value* lo = llvm::ConstantFP::get(x->getType(), low);
  Value* hi = llvm::ConstantFP::get(x->getType(), high);
  x = e.b.CreateSelect(e.b.CreateFCmpOLT(x, lo), lo, x);
  return e.b.CreateSelect(e.b.CreateFCmpOGT(x, hi), hi, x);
}
}  // namespace

// exp(x) - 1 on |r| <= ln(2) / 2 stands between the two.
Value* Emitter::exp32(Value* x) {
  x = limit(*this, x, -104.0, 89.0);
  Value* magic = splat_like(x, 12582912.0);
  Value* shifted = fma(x, splat_like(x, 1.44269504088896341), magic);
  Value* n = b.CreateFSub(shifted, magic);
  llvm::Type* ints = shaped(x, b.getInt32Ty());
  Value* exponent = b.CreateSub(b.CreateBitCast(shifted, ints), splat_int(x, 0x4b400000));
  Value* r = fma(n, splat_like(x, -0.693359375), x);
  r = fma(n, splat_like(x, 2.12194440e-4), r);
  Value* p =
      horner(r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  Value* y = b.CreateFAdd(fma(p, b.CreateFMul(r, r), r), splat_like(x, 1.0));
  // Two factors: 2^n alone leaves the range of normal numbers.
  Value* half = b.CreateAShr(exponent, splat_int(x, 1));
  return b.CreateFMul(b.CreateFMul(y, power_of_two(half)), power_of_two(b.CreateSub(exponent, half)));
}

Value* Emitter::expm1_32(Value* input) {
  Value* x = limit(*this, input, -25.0, 89.0);
  Value* magic = splat_like(x, 12582912.0);
  Value* shifted = fma(x, splat_like(x, 1.44269504088896341), magic);
  Value* n = b.CreateFSub(shifted, magic);
  Value* exponent = b.CreateSub(b.CreateBitCast(shifted, shaped(x, b.getInt32Ty())), splat_int(x, 0x4b400000));
  Value* r = fma(n, splat_like(x, -0.693359375), x);
  r = fma(n, splat_like(x, 2.12194440e-4), r);
  Value* p =
      horner(r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  Value* y = fma(p, b.CreateFMul(r, r), r);
  // 2^n (y + 1) - 1 = 2 (2^(n-1) y + (2^(n-1) - 1/2))
  Value* scale = power_of_two(b.CreateSub(exponent, splat_int(x, 1)));
  Value* rest = b.CreateFSub(scale, splat_like(x, 0.5));
  Value* z = b.CreateFMul(fma(y, scale, rest), splat_like(x, 2.0));
  Value* zero = llvm::Constant::getNullValue(x->getType());
  return b.CreateSelect(b.CreateFCmpOEQ(input, zero), input, z);  // -0 stays
}

Value* Emitter::log32(Value* x) {
  llvm::Type* ints = shaped(x, b.getInt32Ty());
  Value* small = b.CreateFCmpOLT(x, splat_like(x, 1.17549435e-38));
  Value* scaled = b.CreateSelect(small, b.CreateFMul(x, splat_like(x, 8388608.0)), x);
  Value* bits = b.CreateBitCast(scaled, ints);
  // m in [sqrt(1/2), sqrt(2)): the bits are shifted so that the exponent steps there.
  Value* moved = b.CreateSub(bits, splat_int(x, 0x3f3504f3));
  Value* exponent = b.CreateAShr(moved, splat_int(x, 23));
  Value* m =
      b.CreateBitCast(b.CreateAdd(b.CreateAnd(moved, splat_int(x, 0x7fffff)), splat_int(x, 0x3f3504f3)), x->getType());
  Value* e = b.CreateSIToFP(exponent, x->getType());
  e = b.CreateSelect(small, b.CreateFSub(e, splat_like(x, 23.0)), e);
  Value* t = b.CreateFSub(m, splat_like(x, 1.0));
  Value* z = b.CreateFMul(t, t);
  Value* p = horner(t, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  Value* y = b.CreateFMul(b.CreateFMul(p, t), z);
  y = fma(e, splat_like(x, -2.12194440e-4), y);
  y = fma(z, splat_like(x, -0.5), y);
  y = fma(e, splat_like(x, 0.693359375), b.CreateFAdd(t, y));
  Value* zero = llvm::Constant::getNullValue(x->getType());
  Value* infinity = splat_like(x, INFINITY);
  y = b.CreateSelect(b.CreateFCmpOEQ(x, infinity), x, y);
  y = b.CreateSelect(b.CreateFCmpOEQ(x, zero), splat_like(x, -INFINITY), y);
  return b.CreateSelect(b.CreateFCmpULT(x, zero), splat_like(x, NAN), b.CreateSelect(b.CreateFCmpUNO(x, x), x, y));
}

// log(u) + (x - (u - 1)) / u with u the rounded 1 + x.
Value* Emitter::log1p_32(Value* x) {
  Value* one = splat_like(x, 1.0);
  Value* u = b.CreateFAdd(one, x);
  Value* correction = b.CreateFDiv(b.CreateFSub(x, b.CreateFSub(u, one)), u);
  Value* y = log32(u);
  Value* plain = b.CreateOr(b.CreateFCmpOEQ(u, splat_like(x, INFINITY)),
                            b.CreateFCmpOLE(u, llvm::Constant::getNullValue(x->getType())));
  Value* corrected = b.CreateSelect(plain, y, b.CreateFAdd(y, correction));
  return b.CreateSelect(b.CreateFCmpOEQ(u, one), x, corrected);
}

Value* Emitter::tanh32(Value* x) {
  Value* size = unary(llvm::Intrinsic::fabs, x);
  Value* one = splat_like(x, 1.0);
  Value* e = exp32(b.CreateFMul(size, splat_like(x, 2.0)));
  Value* large = b.CreateFSub(one, b.CreateFDiv(splat_like(x, 2.0), b.CreateFAdd(e, one)));
  Value* z = b.CreateFMul(x, x);
  Value* p = horner(z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  Value* small = fma(b.CreateFMul(p, z), size, size);
  Value* y = b.CreateSelect(b.CreateFCmpOLT(size, splat_like(x, 0.625)), small, large);
  return b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, y, x);
}

Value* Emitter::erf32(Value* x) {
  Value* size = unary(llvm::Intrinsic::fabs, x);
  Value* t = limit(*this, size, 0.0, 10.0);
  Value* s = b.CreateFMul(t, t);
  Value* r = fma(splat_like(x, -1.72853470e-5), t, splat_like(x, 3.83197126e-4));
  Value* u = fma(splat_like(x, -3.88396438e-3), t, splat_like(x, 2.42546219e-2));
  r = fma(r, s, u);
  r = horner_tail(r, t, {-1.06777877e-1, -6.34846687e-1, -1.28717512e-1});
  r = fma(r, t, b.CreateFNeg(t));
  Value* large = b.CreateFSub(splat_like(x, 1.0), exp32(r));
  large = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, large, x);
  Value* p = horner(s, {-5.96761703e-4, 4.99119423e-3, -2.67681349e-2, 1.12819925e-1, -3.76125336e-1, 1.28379166e-1});
  Value* small = fma(p, x, x);
  return b.CreateSelect(b.CreateFCmpOLT(size, splat_like(x, 0.921875)), small, large);
}

Value* Emitter::horner_tail(Value* start, Value* x, std::initializer_list<double> coefficients) {
  for (double c : coefficients) start = fma(start, x, splat_like(x, c));
  return start;
}

// exp(y log|x|) in double: the rounding to float is nearly the only error.
Value* Emitter::pow32(Value* x, Value* y) {
  if (auto* c = llvm::dyn_cast<llvm::Constant>(y)) {
    auto* splat = llvm::dyn_cast_or_null<llvm::ConstantFP>(is_vector(y) ? c->getSplatValue() : c);
    const double power = splat ? splat->getValueAPF().convertToFloat() : 0;
    auto root = [&](Value* v) { return unary(llvm::Intrinsic::sqrt, v); };
    if (power == 1) return x;
    if (power == 2) return b.CreateFMul(x, x);
    if (power == 3) return b.CreateFMul(b.CreateFMul(x, x), x);
    if (power == -1) return b.CreateFDiv(splat_like(x, 1.0), x);
    if (power == 0.75) {
      Value* below = b.CreateFCmpOEQ(x, splat_like(x, -INFINITY));
      return b.CreateSelect(below, splat_like(x, INFINITY), b.CreateFMul(root(x), root(root(x))));
    }
  }
  llvm::Type* doubles = shaped(x, b.getDoubleTy());
  llvm::Type* longs = shaped(x, b.getInt64Ty());
  auto number = [&](double v) { return llvm::ConstantFP::get(doubles, v); };
  auto bits = [&](int64_t v) { return llvm::ConstantInt::get(longs, static_cast<uint64_t>(v), true); };
  Value* a = b.CreateFPExt(unary(llvm::Intrinsic::fabs, x), doubles);
  Value* raw = b.CreateBitCast(a, longs);
  Value* moved = b.CreateSub(raw, bits(0x3fe6a09e667f3bcd));
  Value* exponent = b.CreateAShr(moved, bits(52));
  Value* m = b.CreateBitCast(b.CreateAdd(b.CreateAnd(moved, bits(0xfffffffffffff)), bits(0x3fe6a09e667f3bcd)), doubles);
  Value* e = b.CreateSIToFP(b.CreateTrunc(exponent, shaped(x, b.getInt32Ty())), doubles);
  Value* s = b.CreateFDiv(b.CreateFSub(m, number(1)), b.CreateFAdd(m, number(1)));
  Value* z = b.CreateFMul(s, s);
  Value* p = horner(z, {1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0});
  Value* logarithm = fma(e, number(0.693147180559945309), b.CreateFMul(b.CreateFMul(p, s), number(2)));
  logarithm = b.CreateSelect(b.CreateFCmpOEQ(a, number(0)), number(-INFINITY), logarithm);
  logarithm = b.CreateSelect(b.CreateFCmpOEQ(a, number(INFINITY)), number(INFINITY), logarithm);
  logarithm = b.CreateSelect(b.CreateFCmpUNO(a, a), a, logarithm);
  Value* t = limit(*this, b.CreateFMul(b.CreateFPExt(y, doubles), logarithm), -200.0, 200.0);
  Value* magic = number(6755399441055744.0);
  Value* shifted = fma(t, number(1.44269504088896341), magic);
  Value* n = b.CreateFSub(shifted, magic);
  Value* shift = b.CreateSub(b.CreateBitCast(shifted, longs), bits(0x4338000000000000));
  Value* r = fma(n, number(-0.693147180559945309), t);
  Value* q = horner(r, {1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6,
                        0.5, 1.0, 1.0});
  Value* scale = b.CreateBitCast(b.CreateShl(b.CreateAdd(shift, bits(1023)), bits(52)), doubles);
  Value* result = b.CreateFPTrunc(b.CreateFMul(q, scale), x->getType());
  return pow_special(x, y, result);
}

Value* Emitter::pow_special(Value* x, Value* y, Value* result) {
  Value* zero = llvm::Constant::getNullValue(x->getType());
  Value* one = splat_like(x, 1.0);
  Value* whole = b.CreateFCmpOEQ(unary(llvm::Intrinsic::rint, y), y);
  Value* half = b.CreateFMul(y, splat_like(x, 0.5));
  Value* odd = b.CreateAnd(whole, b.CreateFCmpONE(unary(llvm::Intrinsic::rint, half), half));
  Value* ints = b.CreateBitCast(x, shaped(x, b.getInt32Ty()));
  Value* sign = b.CreateICmpSLT(ints, splat_int(x, 0));
  result = b.CreateSelect(b.CreateAnd(sign, odd), b.CreateFNeg(result), result);
  Value* size = unary(llvm::Intrinsic::fabs, x);
  Value* negative = b.CreateAnd(b.CreateFCmpOLT(x, zero), b.CreateFCmpONE(size, splat_like(x, INFINITY)));
  result = b.CreateSelect(b.CreateAnd(negative, b.CreateNot(whole)), splat_like(x, NAN), result);
  Value* far = b.CreateFCmpOEQ(unary(llvm::Intrinsic::fabs, y), splat_like(x, INFINITY));
  Value* is_one = b.CreateOr(b.CreateFCmpOEQ(x, one), b.CreateAnd(b.CreateFCmpOEQ(size, one), far));
  return b.CreateSelect(b.CreateOr(is_one, b.CreateFCmpOEQ(y, zero)), one, result);
}

}  // namespace egret::lower
