// Limits, hashes and modules.
#include "support/limits.h"

#include <catch2/catch.hpp>

#include <set>
#include <vector>

#include "support/hash.h"
#include "support/module.h"

using namespace egret;

TEST_CASE("a stopwatch expires by its seconds or by a stop request") {
  const Stopwatch watch;
  Limits limits{.seconds = 0};
  CHECK(watch.expired(limits));
  limits.seconds = 1000;
  CHECK_FALSE(watch.expired(limits));
  StopToken token;
  limits.stop = &token;
  CHECK_FALSE(watch.expired(limits));
  token.request_stop();
  CHECK(watch.expired(limits));
}

TEST_CASE("a stopwatch goes forward") {
  const Stopwatch watch;
  const double first = watch.seconds();
  CHECK(first >= 0);
  CHECK(watch.seconds() >= first);
}

TEST_CASE("the process has one stop token") {
  CHECK(&process_stop_token() == &process_stop_token());
  CHECK_FALSE(process_stop_token().stop_requested());
}

TEST_CASE("peak resident memory counts what is touched") {
  const uint64_t before = peak_resident_bytes();
  CHECK(before > 1'000'000);
  const std::vector<char> touched(64'000'000, 1);
  CHECK(touched.back() == 1);
  CHECK(peak_resident_bytes() >= before);
  CHECK(peak_resident_bytes() > 64'000'000);
}

TEST_CASE("digests are XXH3-128 as xxhsum prints it") {
  CHECK(digest("") == "99aa06d3014798d86001c324468d497f");   // the reference value of the empty text
  CHECK(digest("a") != digest("b"));
  CHECK(digest(std::string_view("a\0", 2)) != digest("a"));
}

TEST_CASE("hashes of short texts and of mixed numbers do not collide") {
  std::set<uint64_t> seen;
  size_t count = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 64; ++b) {
      const char text[] = {static_cast<char>(a), static_cast<char>(b)};
      seen.insert(hash_string({text, 2}));
      seen.insert(hash_string({text, 2}, 1));
      seen.insert(hash_combine(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
      count += 3;
    }
  }
  CHECK(seen.size() == count);
}

TEST_CASE("mixing changes about half of the bits for a change of one") {
  for (int bit = 0; bit < 64; ++bit) {
    int changed = 0;
    for (uint64_t x = 1; x <= 64; ++x) changed += __builtin_popcountll(mix(x * 977) ^ mix((x * 977) ^ (uint64_t{1} << bit)));
    CHECK(changed > 64 * 26);
    CHECK(changed < 64 * 38);
  }
}

TEST_CASE("a module that is not there is an error that says so") {
  const auto missing = open_module_symbol("egret_no_such_module", "f");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kUnsupported);
  CHECK_THAT(missing.error().message, Catch::Contains("libegret_no_such_module.so"));
  CHECK_FALSE(missing.error().hint.empty());
}

TEST_CASE("a module is opened once, and a symbol that it lacks is our fault") {
  const auto first = open_module_symbol("egret_test_module", "egret_test_count");
  REQUIRE(first.ok());
  const auto count = reinterpret_cast<int (*)()>(*first);
  CHECK(count() == 1);
  const auto again = open_module_symbol("egret_test_module", "egret_test_count");
  REQUIRE(again.ok());
  CHECK(reinterpret_cast<int (*)()>(*again)() == 2);
  const auto missing = open_module_symbol("egret_test_module", "absent");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kInternal);
}
