// Maps: one element of each operand at the result's own index.
#include "ir/definitions/registry.h"

namespace egret {

namespace {

constexpr OpText kOps[] = {
    {"-x", "op neg(x[i..]: number) -> [i] = neg(x[i])"},
    {"|x|", "op abs(x[i..]: number) -> [i] = abs(x[i])"},
    {"-1, 0 or 1; keeps the sign of zero and NaN", "op sign(x[i..]: number) -> [i] = sign(x[i])"},
    {"the largest integer not above x", "op floor(x[i..]: float) -> [i] = floor(x[i])"},
    {"the smallest integer not below x", "op ceil(x[i..]: float) -> [i] = ceil(x[i])"},
    {"the nearest integer, ties to even", "op round(x[i..]: float) -> [i] = round(x[i])"},
    {"e to the x", "op exp(x[i..]: float) -> [i] = exp(x[i])"},
    {"exp(x) - 1, exact near 0", "op expm1(x[i..]: float) -> [i] = expm1(x[i])"},
    {"natural logarithm", "op log(x[i..]: float) -> [i] = log(x[i])"},
    {"log(1 + x), exact near 0", "op log1p(x[i..]: float) -> [i] = log1p(x[i])"},
    {"square root", "op sqrt(x[i..]: float) -> [i] = sqrt(x[i])"},
    {"1 / sqrt(x)", "op rsqrt(x[i..]: float) -> [i] = rsqrt(x[i])"},
    {"sine", "op sin(x[i..]: float) -> [i] = sin(x[i])"},
    {"cosine", "op cos(x[i..]: float) -> [i] = cos(x[i])"},
    {"hyperbolic tangent", "op tanh(x[i..]: float) -> [i] = tanh(x[i])"},
    {"error function", "op erf(x[i..]: float) -> [i] = erf(x[i])"},
    {"1 / (1 + exp(-x)), the sigmoid", "op logistic(x[i..]: float) -> [i] = logistic(x[i])"},
    {"max(x, 0)", "op relu(x[i..]: number) -> [i] = max(x[i], 0)"},
    {"x * x", "op square(x[i..]: number) -> [i] = x[i] * x[i]"},
    {"1 / x", "op reciprocal(x[i..]: float) -> [i] = 1 / x[i]"},
    {"logical or bitwise complement", "op not(x[i..]: logical) -> [i] = not(x[i])"},
    {"whether x is NaN", "op is_nan(x[i..]: float) -> [i]: bool = is_nan(x[i])"},
    {"whether x is neither NaN nor infinite", "op is_finite(x[i..]: float) -> [i]: bool = is_finite(x[i])"},
    {"conversion of dtype", "op cast(x[i..]){to: dtype} -> [i]: to = cast(x[i], to)"},
    {"a + b", "op add(a[i..]: number, b[i..]: number) -> [i] = a[i] + b[i]"},
    {"a - b", "op sub(a[i..]: number, b[i..]: number) -> [i] = a[i] - b[i]"},
    {"a * b", "op mul(a[i..]: number, b[i..]: number) -> [i] = a[i] * b[i]"},
    {"a / b; of integers truncated", "op div(a[i..]: number, b[i..]: number) -> [i] = a[i] / b[i]"},
    {"remainder with the sign of a", "op rem(a[i..]: number, b[i..]: number) -> [i] = rem(a[i], b[i])"},
    {"a to the b", "op pow(a[i..]: float, b[i..]: float) -> [i] = pow(a[i], b[i])"},
    {"the larger; NaN if one is", "op max(a[i..]: number, b[i..]: number) -> [i] = max(a[i], b[i])"},
    {"the smaller; NaN if one is", "op min(a[i..]: number, b[i..]: number) -> [i] = min(a[i], b[i])"},
    {"angle of the point (b, a)", "op atan2(a[i..]: float, b[i..]: float) -> [i] = atan2(a[i], b[i])"},
    {"logical or bitwise and", "op and(a[i..]: logical, b[i..]: logical) -> [i] = and(a[i], b[i])"},
    {"logical or bitwise or", "op or(a[i..]: logical, b[i..]: logical) -> [i] = or(a[i], b[i])"},
    {"logical or bitwise exclusive or", "op xor(a[i..]: logical, b[i..]: logical) -> [i] = xor(a[i], b[i])"},
    {"a == b", "op eq(a[i..], b[i..]) -> [i]: bool = eq(a[i], b[i])"},
    {"a != b", "op ne(a[i..], b[i..]) -> [i]: bool = ne(a[i], b[i])"},
    {"a < b", "op lt(a[i..]: number, b[i..]: number) -> [i]: bool = lt(a[i], b[i])"},
    {"a <= b", "op le(a[i..]: number, b[i..]: number) -> [i]: bool = le(a[i], b[i])"},
    {"a > b", "op gt(a[i..]: number, b[i..]: number) -> [i]: bool = gt(a[i], b[i])"},
    {"a >= b", "op ge(a[i..]: number, b[i..]: number) -> [i]: bool = ge(a[i], b[i])"},
    {"a where p, else b", "op select(p[i..]: bool, a[i..], b[i..]) -> [i] = p[i] ? a[i] : b[i]"},
};

}  // namespace

std::span<const OpText> pointwise_ops() { return kOps; }

}  // namespace egret
