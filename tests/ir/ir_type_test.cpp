// Types, dtypes, tensors and attributes.
#include <catch2/catch.hpp>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "ir/attr.h"
#include "ir/round.h"
#include "ir/tensor.h"

using namespace egret;

TEST_CASE("types read back") {
  for (const char* text : {"f32[64,32]", "i64[]", "(f32[2], i64[])", "token", "bool[n,3]", "()", "((f16[1]), token)"}) {
    auto t = Type::parse(text);
    INFO(text);
    REQUIRE(t.ok());
    CHECK(t->to_string() == text);
    CHECK(*Type::parse(t->to_string()) == *t);
    CHECK(Type::parse(t->to_string())->hash() == t->hash());
  }
  CHECK(Type::parse("f32[2,3]")->bytes() == 24);
  CHECK(Type::parse("(f32[2,3], i64[])")->bytes() == 32);
  CHECK_FALSE(Type::parse("f32[n]")->is_static());
  for (const char* text : {"f31[2]", "f32[", "f32[2", "f32[-1]", "f32 2", "(f32[2]", "f32[2] x"}) {
    INFO(text);
    CHECK_FALSE(Type::parse(text).ok());
  }
}

TEST_CASE("a dtype holds another where every value survives") {
  CHECK(holds(DType::f32, DType::f16));
  CHECK(holds(DType::f32, DType::bf16));
  CHECK_FALSE(holds(DType::f16, DType::bf16));
  CHECK_FALSE(holds(DType::bf16, DType::f16));
  CHECK(holds(DType::f64, DType::i32));
  CHECK_FALSE(holds(DType::f32, DType::i32));
  CHECK(holds(DType::f32, DType::i16));
  CHECK_FALSE(holds(DType::f16, DType::i16));
  CHECK(holds(DType::i32, DType::u16));
  CHECK_FALSE(holds(DType::i16, DType::u16));
  CHECK_FALSE(holds(DType::u64, DType::i8));
  CHECK(holds(DType::tf32, DType::f16));
  CHECK(holds(DType::u8, DType::boolean));
}

TEST_CASE("f16 agrees with the compiler's half type") {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float x = float_of_f16(static_cast<uint16_t>(bits));
    float wanted = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(bits)));
    if (std::isnan(wanted)) {
      REQUIRE(std::isnan(x));
      REQUIRE(std::isnan(float_of_f16(f16_of_float(x))));
    } else {
      REQUIRE(std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(wanted));
      REQUIRE(f16_of_float(x) == bits);
    }
  }
  std::mt19937_64 rng(3);
  Tensor t(Type::tensor(DType::f16, {1}));
  for (int i = 0; i < 200'000; ++i) {
    float x = std::bit_cast<float>(static_cast<uint32_t>(rng()));
    if (i % 2) x = std::ldexp(static_cast<float>(rng() % 8192) + 0.5f * static_cast<float>(i % 4), static_cast<int>(rng() % 40) - 30);
    if (std::isnan(x)) continue;
    REQUIRE(f16_of_float(x) == std::bit_cast<uint16_t>(static_cast<_Float16>(x)));
    // A double just beside a tie must not be rounded twice.
    double d = static_cast<double>(x) * (1 + (i % 3 - 1) * 0x1p-45);
    t.set(0, d);
    REQUIRE(t.as<uint16_t>()[0] == std::bit_cast<uint16_t>(static_cast<_Float16>(d)));
  }
}

TEST_CASE("bf16 and tf32 round to the nearest, ties to even") {
  CHECK(bf16_of_float(1.0f) == 0x3f80);
  CHECK(bf16_of_float(1.00390625f) == 0x3f80);   // a tie
  CHECK(bf16_of_float(1.01171875f) == 0x3f82);   // a tie
  CHECK(bf16_of_float(3.4e38f) == 0x7f80);
  CHECK(bf16_of_float(-0.0f) == 0x8000);
  CHECK(std::isnan(float_of_bf16(bf16_of_float(std::nanf("")))));
  CHECK(round_to_tf32(1.0f + 0x1p-11f) == 1.0f);
  CHECK(round_to_tf32(1.0f + 0x1.8p-10f) == 1.0f + 0x1p-9f);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float x = float_of_bf16(static_cast<uint16_t>(bits));
    if (!std::isnan(x)) REQUIRE(bf16_of_float(x) == bits);
  }
}

TEST_CASE("tensor elements are converted as casts say") {
  Tensor i8(Type::tensor(DType::i8, {3}));
  i8.set(0, -1.9);
  i8.set(1, 300);
  i8.set(2, std::nan(""));
  CHECK(i8.get_int(0) == -1);
  CHECK(i8.get_int(1) == 127);
  CHECK(i8.get_int(2) == 0);
  Tensor i64(Type::tensor(DType::i64, {2}));
  i64.set_int(0, (int64_t{1} << 60) + 1);
  i64.set(1, 1e300);
  CHECK(i64.get_int(0) == (int64_t{1} << 60) + 1);
  CHECK(i64.get_int(1) == std::numeric_limits<int64_t>::max());
  Tensor u64 = Tensor::splat(Type::tensor(DType::u64, {2}), 1e30);
  CHECK(u64.as<uint64_t>()[1] == ~uint64_t{0});
  Tensor b = Tensor::splat(Type::tensor(DType::boolean, {2}), 0.5);
  CHECK(b.get(1) == 1);
  CHECK(Tensor::splat(Type::tensor(DType::f32, {0, 3}), 1).size() == 0);
}

TEST_CASE("attribute tuples are interned by value") {
  auto tensor = [](double x) { return std::make_shared<const Tensor>(Tensor::splat(Type::tensor(DType::f32, {2}), x)); };
  AttrTable table;
  CHECK(table.intern({}) == 0);
  uint32_t first = table.intern({{"axes", dims_of({1, 2})}, {"value", 1.0}});
  CHECK(first == 1);
  CHECK(table.intern({{"axes", dims_of({1, 2})}, {"value", 1.0}}) == first);
  CHECK(table.intern({{"axes", dims_of({2, 1})}, {"value", 1.0}}) == 2);
  CHECK(table.intern({{"t", TensorRef(tensor(1))}}) == table.intern({{"t", TensorRef(tensor(1))}}));
  CHECK(table.intern({{"t", TensorRef(tensor(1))}}) != table.intern({{"t", TensorRef(tensor(2))}}));
  CHECK(table.intern({{"v", 0.0}}) != table.intern({{"v", -0.0}}));
  CHECK(table.intern({{"v", std::nan("")}}) == table.intern({{"v", std::nan("")}}));
  CHECK(ints(table.attrs(first), "axes") == std::vector<int64_t>{1, 2});
}
