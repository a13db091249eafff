#include "support/names.h"

#include <catch2/catch.hpp>

using namespace egret;

TEST_CASE("names are numbered once each", "[support]") {
  Names names;
  CHECK(names.find("a") == Names::kNone);
  for (int round = 0; round < 2; ++round) {
    for (uint32_t n = 0; n < 5000; ++n) CHECK(names.number(std::string(n % 40, 'x') + std::to_string(n)) == n);
  }
  CHECK(names.size() == 5000);
  CHECK(names[41] == "x41");
  CHECK(names.find("x41") == 41);
  CHECK(names.find("x42") == Names::kNone);
  CHECK(names.number("") == 5000);
  CHECK(names[5000].empty());
}
