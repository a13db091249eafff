// Alarms of decision 8 over many programs: the library's proved rules raise none, whatever rounding moves.
//
//   test_frontends_alarms              a share of the programs
//   EGRET_ALARM_CASES=20000 test_frontends_alarms
#include <cstdlib>

#include <catch2/catch.hpp>

#include "constant_programs.h"
#include "frontends/pass_stages.h"
#include "frontends/rule_loading.h"
#include "ir/text/text.h"

using namespace egret;

TEST_CASE("proved rules raise no alarm on programs full of constants") {
  const char* cases = std::getenv("EGRET_ALARM_CASES");
  const char* first = std::getenv("EGRET_ALARM_FIRST");
  const uint64_t begin = first ? std::strtoull(first, nullptr, 10) : 0, count = cases ? std::strtoull(cases, nullptr, 10) : 150;
  size_t known = 0;
  for (const char* numerics : {"strict", "default", "fast"}) {
    OptimizeOptions options;
    options.numerics = numerics;
    options.proof = false;
    options.threads = 1;
    options.limits.enodes = 600;
    options.limits.iterations = 4;
    auto loaded = load_rules(options);
    REQUIRE(loaded.ok());
    const auto licence = *rules::Licence::parse(numerics);
    for (uint64_t seed = begin; seed < begin + count; ++seed) {
      const Graph source = ConstantProgram(seed, 14).take();
      auto program = import_program(source, options);
      INFO(numerics << ", seed " << seed << "\n" << print(source));
      REQUIRE(program.ok());
      CHECK_FALSE(program->tensors->contradiction());
      auto done = saturate(*program, source, loaded->set, licence, options, Stopwatch());
      REQUIRE(done.ok());
      CHECK(done->quarantined == std::vector<std::string>{});
      for (egraph::Id cls : program->tensors->graph().classes()) known += program->tensors->splat(cls).has_value();
    }
  }
  CHECK(known > count);
}
