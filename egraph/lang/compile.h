// From the rules of a program to rewrites of the engine.
#pragma once

#include <vector>

#include "egraph/lang/language.h"
#include "egraph/runner.h"

namespace egret::egraph::lang {

struct CompiledRules {
  std::vector<Rewrite> rewrites;
  std::vector<uint32_t> rule;  // of each rewrite, in Program::rules: a birule gives two
};

// `language` must outlive the rewrites.
CompiledRules compile(const Language& language);

}  // namespace egret::egraph::lang
