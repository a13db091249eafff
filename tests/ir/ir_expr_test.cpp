// Comprehension::add: simplified index expressions mean what they say, for every value of the variables.
#include <catch2/catch.hpp>

#include <random>

#include "ir/definitions/expr.h"
#include "ir/definitions/index_form.h"

using namespace egret;

namespace {

int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b > a ? q - 1 : q;
}

int64_t evaluate(const Comprehension& c, ExprId id, const std::vector<int64_t>& v) {
  const Expr& e = c.exprs[id];
  auto arg = [&](size_t i) { return evaluate(c, e.args[i], v); };
  switch (e.kind) {
    case ExprKind::kIndex: return v[e.number];
    case ExprKind::kInt: return e.integer;
    case ExprKind::kAdd: return arg(0) + arg(1);
    case ExprKind::kSub: return arg(0) - arg(1);
    case ExprKind::kMul: return arg(0) * arg(1);
    case ExprKind::kDiv: return floor_div(arg(0), arg(1));
    case ExprKind::kMod: return arg(0) - arg(1) * floor_div(arg(0), arg(1));
    case ExprKind::kMin: return std::min(arg(0), arg(1));
    case ExprKind::kMax: return std::max(arg(0), arg(1));
    case ExprKind::kLess: return arg(0) < arg(1);
    case ExprKind::kLessEqual: return arg(0) <= arg(1);
    case ExprKind::kEqual: return arg(0) == arg(1);
    case ExprKind::kAnd: return arg(0) && arg(1);
    case ExprKind::kOr: return arg(0) || arg(1);
    case ExprKind::kNot: return !arg(0);
    default: FAIL("no index expression"); return 0;
  }
}

struct Random {
  std::mt19937 rng{11};
  Comprehension simplified, plain;

  int64_t number(int64_t n) { return static_cast<int64_t>(rng() % static_cast<uint64_t>(n)); }

  // One expression, built by `add` in one comprehension and verbatim in the other.
  std::pair<ExprId, ExprId> both(ExprKind kind, std::pair<ExprId, ExprId> a, std::pair<ExprId, ExprId> b) {
    Expr e;
    e.kind = kind;
    e.args = {a.first, b.first};
    ExprId x = simplified.add(e);
    e.args = {a.second, b.second};
    plain.exprs.push_back(e);
    return {x, static_cast<ExprId>(plain.exprs.size() - 1)};
  }
  std::pair<ExprId, ExprId> leaf(ExprKind kind, int64_t value) {
    Expr e;
    e.kind = kind;
    e.integer = kind == ExprKind::kInt ? value : 0;
    e.number = kind == ExprKind::kIndex ? static_cast<uint32_t>(value) : 0;
    ExprId x = simplified.add(e);
    plain.exprs.push_back(e);
    return {x, static_cast<ExprId>(plain.exprs.size() - 1)};
  }
  std::pair<ExprId, ExprId> index(int depth) {
    int64_t kind = depth == 0 ? number(2) : number(9);
    if (kind == 0) return leaf(ExprKind::kInt, number(13) - 4);
    if (kind == 1) return leaf(ExprKind::kIndex, number(static_cast<int64_t>(simplified.sizes.size())));
    auto a = index(depth - 1);
    if (kind == 2) return both(ExprKind::kMul, a, leaf(ExprKind::kInt, number(13)));
    if (kind == 3) return both(ExprKind::kDiv, a, leaf(ExprKind::kInt, 1 + number(12)));
    if (kind == 4) return both(ExprKind::kMod, a, leaf(ExprKind::kInt, 1 + number(12)));
    auto b = index(depth - 1);
    constexpr ExprKind kKinds[] = {ExprKind::kAdd, ExprKind::kSub, ExprKind::kMin, ExprKind::kMax};
    return both(kKinds[kind - 5], a, b);
  }
  std::pair<ExprId, ExprId> condition(int depth) {
    if (depth == 0) {
      auto a = index(3), b = index(3);
      constexpr ExprKind kKinds[] = {ExprKind::kLess, ExprKind::kLessEqual, ExprKind::kEqual};
      return both(kKinds[number(3)], a, b);
    }
    auto a = condition(depth - 1), b = condition(depth - 1);
    return both(number(2) ? ExprKind::kAnd : ExprKind::kOr, a, b);
  }
};

}  // namespace

TEST_CASE("simplified expressions agree with plain ones everywhere") {
  for (int round = 0; round < 3000; ++round) {
    Random r;
    r.rng.seed(static_cast<uint32_t>(round));
    r.simplified.sizes = {1 + r.number(5), 1 + r.number(7), 1 + r.number(4)};
    r.plain.sizes = r.simplified.sizes;
    auto [x, y] = round % 2 ? r.index(5) : r.condition(2);
    IndexRange range = range_of(r.simplified, x);
    std::vector<int64_t> v(3);
    for (v[0] = 0; v[0] < r.plain.sizes[0]; ++v[0]) {
      for (v[1] = 0; v[1] < r.plain.sizes[1]; ++v[1]) {
        for (v[2] = 0; v[2] < r.plain.sizes[2]; ++v[2]) {
          int64_t got = evaluate(r.simplified, x, v), wanted = evaluate(r.plain, y, v);
          INFO("round " << round << " at " << v[0] << " " << v[1] << " " << v[2]);
          REQUIRE(got == wanted);
          if (round % 2) {
            REQUIRE(got >= range.low);
            REQUIRE(got <= range.high);
          }
        }
      }
    }
  }
}

TEST_CASE("equal index expressions are one, arguments come first, constants fold") {
  Random r;
  r.simplified.sizes = {4, 6, 3};
  auto i = r.leaf(ExprKind::kIndex, 0), j = r.leaf(ExprKind::kIndex, 1), three = r.leaf(ExprKind::kInt, 3);
  auto a = r.both(ExprKind::kAdd, i, j), b = r.both(ExprKind::kAdd, j, i);
  CHECK(a.first == b.first);
  auto scaled = r.both(ExprKind::kMul, a, three);
  CHECK(r.both(ExprKind::kDiv, scaled, three).first == a.first);
  CHECK(r.simplified.exprs[r.both(ExprKind::kMod, scaled, three).first].kind == ExprKind::kInt);
  for (size_t e = 0; e < r.simplified.exprs.size(); ++e) {
    for (ExprId arg : r.simplified.exprs[e].args) CHECK(arg < e);
  }
}
