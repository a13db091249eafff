// How far a pattern fits an e-graph where it fits nowhere whole: the place with most of its operators, and the first part of
// it that is not there.
#pragma once

#include <string>

#include "frontends/explain/kept_run.h"
#include "rules/lang/syntax.h"

namespace egret::explain {

struct PartialMatch {
  size_t operators = 0, of = 0;   // found there; in the pattern
  egraph::Id at = egraph::kNoId;  // e-node of the pattern's root; kNoId where no e-node has its operator
  std::string missing;            // what is not there, and what is instead
};
// Axes, attributes and conditions are not looked at.
PartialMatch nearest_match(const KeptRun& run, const rules::Term& pattern);

// A class in few words: the source's name for it, else an operator over such names.
std::string describe(const KeptRun& run, egraph::Id cls);
std::string describe_node(const KeptRun& run, egraph::Id node, int depth = 2);

}  // namespace egret::explain
