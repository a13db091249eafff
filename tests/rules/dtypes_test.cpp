// Rules of the library against the reference interpreter under every dtype at which the engine applies them: both sides are equal, as
// far as the licence says, at small sizes near the examples, at drawn values, and at special ones where nothing may round.
//
//   EGRET_RULE_STEPS=2000 test_rules_dtypes      a long run: so many steps from every choice of dtypes, not from a few in turn
#include <cstdlib>

#include <catch2/catch.hpp>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "rules/verify/refute/walk.h"

using namespace egret;
using namespace egret::rules;

namespace {

constexpr size_t kSteps = 40;
constexpr size_t kChoices = 4;  // of dtypes a rule, others for each

struct Row {
  std::string name;
  size_t instances = 0;
  std::vector<std::string> found;
};

}  // namespace

TEST_CASE("rules hold under every dtype at which they apply") {
  const char* wanted = std::getenv("EGRET_RULE_STEPS");
  const size_t steps = wanted ? std::strtoull(wanted, nullptr, 10) : kSteps;
  RuleSet library;
  REQUIRE(library.add_library().ok());
  std::vector<const Rule*> rules;
  for (const Rule& rule : library.rules()) {
    if (rule.kind == RuleKind::kAlgebra && !rule.name.ends_with("/rev")) rules.push_back(&rule);
  }
  std::vector<Row> rows(rules.size());
  tbb::task_arena arena(2);
  arena.execute([&] {
    tbb::parallel_for(size_t{0}, rules.size(), [&](size_t k) {
      Row& row = rows[k];
      row.name = rules[k]->name;
      const auto& typed = dtype_assignments(*rules[k]);
      if (!typed) return;
      const size_t choices = wanted ? typed->size() : std::min(kChoices, typed->size());
      for (size_t c = 0; c < choices; ++c) {
        const size_t number = wanted ? c : (k + c * (typed->size() / choices)) % typed->size();
        const Walked walked = walk_from(*rules[k], {(*typed)[number]}, steps, k * 1'000 + c);
        row.instances += walked.instances;
        if (walked.counterexample) row.found.push_back(*walked.counterexample);
      }
    });
  });
  size_t instances = 0;
  for (const Row& row : rows) {
    instances += row.instances;
    INFO(row.name << (row.found.empty() ? "" : ": " + row.found[0]));
    CHECK(row.found.empty());
    CHECK(row.instances > 0);
  }
  WARN(instances << " instances of " << rows.size() << " rules");
  CHECK(instances >= 10 * rows.size());
}
