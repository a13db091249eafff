// Replay with options, for instances.  For rules/lang only.
#pragma once

#include <utility>
#include <vector>

#include "rules/lang/left.h"

namespace egret::rules {

Result<std::vector<std::pair<uint32_t, uint32_t>>> replay_with(const Rule& rule, const std::vector<uint32_t>& roots,
                                                               TermTable& table, MatchOptions options);

}  // namespace egret::rules
