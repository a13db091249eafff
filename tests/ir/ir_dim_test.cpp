// Dim: canonical form, bounds, text; against plain integer arithmetic.
#include <catch2/catch.hpp>

#include <functional>
#include <random>

#include "ir/dim.h"

using egret::Dim;

namespace {

Dim parsed(const std::string& text) {
  auto d = Dim::parse(text);
  INFO(text);
  REQUIRE(d.ok());
  return *d;
}

int64_t floor_div(int64_t a, int64_t b) {
  int64_t q = a / b;
  return q * b > a ? q - 1 : q;  // b > 0
}

// A random expression: a Dim and what it is worth for given values of a, b, c.
struct Case {
  Dim dim;
  std::function<int64_t(const int64_t*)> value;
};

Case random_case(std::mt19937& rng, int depth) {
  const char* kNames[] = {"ta", "tb", "tc"};
  int kind = depth == 0 ? static_cast<int>(rng() % 2) : static_cast<int>(rng() % 9);
  if (kind == 0) {
    int64_t k = static_cast<int64_t>(rng() % 9) - 4;
    return {Dim(k), [k](const int64_t*) { return k; }};
  }
  if (kind == 1) {
    int which = static_cast<int>(rng() % 3);
    return {Dim::named(kNames[which], 1, 50), [which](const int64_t* v) { return v[which]; }};
  }
  Case x = random_case(rng, depth - 1), y = random_case(rng, depth - 1);
  int64_t k = 1 + static_cast<int64_t>(rng() % 6);
  auto f = x.value, g = y.value;
  switch (kind) {
    case 2: return {x.dim + y.dim, [f, g](const int64_t* v) { return f(v) + g(v); }};
    case 3: return {x.dim - y.dim, [f, g](const int64_t* v) { return f(v) - g(v); }};
    case 4: return {x.dim * y.dim, [f, g](const int64_t* v) { return f(v) * g(v); }};
    case 5: return {Dim::div(x.dim, k), [f, k](const int64_t* v) { return floor_div(f(v), k); }};
    case 6: return {Dim::mod(x.dim, k), [f, k](const int64_t* v) { return f(v) - k * floor_div(f(v), k); }};
    case 7: return {Dim::min(x.dim, y.dim), [f, g](const int64_t* v) { return std::min(f(v), g(v)); }};
    default: return {Dim::max(x.dim, y.dim), [f, g](const int64_t* v) { return std::max(f(v), g(v)); }};
  }
}

}  // namespace

TEST_CASE("equal expressions are one Dim") {
  Dim a = Dim::named("a"), b = Dim::named("b");
  CHECK(a + b == b + a);
  CHECK((a + 1) * (a - 1) == a * a - 1);
  CHECK(a - a == Dim(0));
  CHECK(Dim::div(a * 4 + 8, 4) == a + 2);
  CHECK(Dim::div(a * 4 + 9, 4) == a + 2);
  CHECK(Dim::mod(a * 4 + 9, 4) == Dim(1));
  CHECK(Dim::div(a * b * 6, b * 2) == Dim::div(a * b * 6, b * 2));
  CHECK(Dim::max(a + 1, a) == a + 1);
  CHECK(Dim::min(a, b) == Dim::min(b, a));
  CHECK_FALSE(a == b);
  CHECK(Dim(7) == Dim(3) + Dim(4));
}

TEST_CASE("sizes print in one form and read back") {
  CHECK(parsed("1 + b*128").to_string() == "b*128 + 1");
  CHECK(parsed("3 - n").to_string() == "-n + 3");
  CHECK(parsed("n*m*n").to_string() == "m*n*n");
  CHECK(parsed("(n + 1) div 2 * 3").to_string() == "((n + 1) div 2)*3");
  CHECK(parsed("0 - (n + 1) div 2").to_string() == "-((n + 1) div 2)");
  CHECK(parsed("max(n, 4) mod (m + 1)").to_string() == "max(4, n) mod (m + 1)");
  CHECK(parsed("7 mod 4 + 2*(3 - 1)").to_string() == "7");
}

TEST_CASE("bounds hold") {
  Dim n = Dim::named("bounded", 2, 10);
  CHECK((n * 3 - 1).low() == 5);
  CHECK((n * 3 - 1).high() == 29);
  CHECK((Dim(0) - n).low() == -10);
  CHECK(Dim::div(n, 4).high() == 2);
  CHECK(Dim::mod(n, 4).high() == 3);
  Dim::named("bounded", 0, 6);
  CHECK(n.high() == 6);
  CHECK(n.low() == 2);
}

TEST_CASE("random expressions agree with integers, read back, and lie in their bounds") {
  std::mt19937 rng(7);
  for (int round = 0; round < 4000; ++round) {
    Case c = random_case(rng, 4);
    INFO(c.dim.to_string());
    auto back = Dim::parse(c.dim.to_string());
    REQUIRE(back.ok());
    CHECK(*back == c.dim);
    CHECK(back->hash() == c.dim.hash());
    for (int t = 0; t < 4; ++t) {
      int64_t v[3] = {1 + static_cast<int64_t>(rng() % 50), 1 + static_cast<int64_t>(rng() % 50), 1 + static_cast<int64_t>(rng() % 50)};
      Dim value = c.dim.substitute({{"ta", v[0]}, {"tb", v[1]}, {"tc", v[2]}});
      REQUIRE(value.is_const());
      CHECK(value.value() == c.value(v));
      CHECK(value.value() >= c.dim.low());
      CHECK(value.value() <= c.dim.high());
    }
  }
}

TEST_CASE("wrong sizes are refused") {
  for (const char* text : {"", "a +", "a b", "(a", "1.5", "3 div 0", "9999999999999", "min(a)", "f(a, b)"}) {
    INFO(text);
    CHECK_FALSE(Dim::parse(text).ok());
  }
  CHECK_FALSE(Dim::parse(std::string(10000, '(')).ok());
  std::string wide = "(a+b+c+d+e)";
  std::string product = wide;
  for (int i = 0; i < 30; ++i) product += "*" + wide;
  CHECK_FALSE(Dim::parse(product).ok());
}
