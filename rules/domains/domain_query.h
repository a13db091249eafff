// The seam to Z3 (module egret_z3): does a scalar rule hold for all values?
#pragma once

#include <string>
#include <vector>

#include "rules/domains/domain.h"

namespace egret::rules {

struct DomainQuery {
  const DomainRule* rule = nullptr;
  // kValues: both sides have a value, the condition holds, and they differ.  kDefined: the left has one and the right has not.
  enum class Question { kValues, kDefined } question = Question::kValues;
  unsigned timeout_ms = 10'000;
};

struct DomainAnswer {
  enum class Kind { kNever, kSometimes, kUnknown } kind = Kind::kUnknown;
  std::vector<std::string> model;  // kSometimes: decimal digits, `-n`, or `n/d`; empty where one is no rational
  std::string reason;              // kUnknown
};

using DecideDomain = void (*)(const DomainQuery*, DomainAnswer*);  // symbol "egret_z3_domain"

}  // namespace egret::rules
