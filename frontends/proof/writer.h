// The writer: from a saturated e-graph and the chosen program to a proof.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "egraph/egraph.h"
#include "frontends/program_builder.h"
#include "frontends/proof/proof.h"
#include "rules/rules.h"

namespace egret::proof {

struct WriteInputs {
  const Graph* source = nullptr;                // the imported program
  const std::vector<egraph::Id>* values = nullptr;  // e-node of each of its values
  const rules::TensorEGraph* tensors = nullptr;     // with explanations
  const rules::CompiledRules* compiled = nullptr;   // Application::rule is a number of `rule_of`
  const ChosenProgram* chosen = nullptr;
  std::string numerics;
  bool freeze = false;
};

struct Written {
  Proof proof;
  std::vector<std::pair<const rules::Rule*, uint64_t>> uses;  // distinct applications that the proof rests on, by name
};

// Error (kInternal): an equality of the e-graph that cannot be replayed, a bug of egret.
Result<Written> write(const WriteInputs& inputs);

}  // namespace egret::proof
