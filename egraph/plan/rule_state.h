// RuleState: a rewrite as one run compiled it, and what that run knows of it.
#pragma once

#include <optional>
#include <vector>

#include "egraph/plan/match_set.h"
#include "egraph/plan/query.h"
#include "egraph/plan/right_plan.h"
#include "egraph/runner.h"

namespace egret::egraph {

struct RuleState {
  const Rewrite* rewrite = nullptr;
  const Query* query = nullptr;    // null: has a searcher
  std::optional<RightPlan> right;  // where the right side is declared
  uint32_t shape = 0;              // of its applications, where `right` and explanations
  bool incremental = false;        // may search around what changed alone
  bool products = false;           // its matches are products, where much changed (match_product.h)
  bool active = true;              // not banned
  bool behind = true;              // some matches were not searched for, or found and left: search everything
  MatchSet applied, dropped;       // not incremental: matches applied, and those that the applier dropped
  // Back-off (egg's BackoffScheduler): too many matches ban a rewrite for some iterations, longer each time.
  static constexpr uint64_t kNoMost = ~uint64_t{0};
  uint64_t most = kNoMost;  // matches that a task keeps: one more than are allowed
  uint64_t kept = 0;        // of this iteration, where it has a limit of its own
  uint32_t times_banned = 0;
  uint64_t banned_until = 0;

  uint32_t stride() const { return static_cast<uint32_t>(query->atoms().size()); }
  uint64_t bytes() const { return applied.bytes() + dropped.bytes(); }
};

}  // namespace egret::egraph
