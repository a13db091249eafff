// Seeded draws for the tests of extraction: the same on every machine.
#pragma once

#include <cstdint>
#include <random>

namespace egret::extract {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  double cost() { return one_in(6) ? 0 : (one_in(2) ? below(10) + 1 : (below(100000) + 1) * 1e-4); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace egret::extract
