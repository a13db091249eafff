// The recorded verdicts of the library (rules/library/PROOFS, embedded): one line a rule as written, `verdict hash name ranks sizes licence`,
// made by `egret verify --record`.  A rule whose text has changed since has another hash, and so no verdict.
#pragma once

#include <string>
#include <string_view>

#include "rules/rules.h"

namespace egret::rules {

// Of the rule as written: all its expansions share it.
std::string text_hash(const Rule& rule);
// "proved", "refuted", "unproved"; "unproved" where nothing is recorded for this text.
std::string recorded_verdict(const Rule& rule);

}  // namespace egret::rules
