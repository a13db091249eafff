// A rule proved for all sizes (docs/verifier.md).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "rules/rules.h"
#include "rules/verify/prove/prover.h"
#include "rules/verify/prove/rounding.h"

namespace egret::rules {

// The ranks that a proof speaks of.
struct Ranks {
  bool any = false;
  int up_to = 0;  // else: tensors (or groups of axes) of at most so many axes
  std::string to_string() const;
};

struct SymbolicProof {
  bool proved = false;
  std::string reason;      // what was in the way
  Ranks ranks;
  std::optional<Assignment> failed;  // the shape that was not proved: where a counterexample may be
  std::vector<NamedNumbers> models;  // numbers for its names that meet its facts
  size_t shapes = 0;       // that were proved, none of them for no size at all
};

struct Deciders {
  DecideIntegers integers = nullptr;
  DecideEquality scalars = nullptr;
};

// As many as a counterexample may need; the first that have a shape; these under one dtype of each kind, which is no proof yet.
enum class ProofRanks { kAll, kFirst, kSketch };
// What a proof of one shape leaves: its steps as JSON (proof_log.h) and the questions that Z3 answered, by their SHA-256.  Of a shape
// that was not proved (`open`), the last claim has no step.
using ShapeSteps = std::function<void(const std::string& steps, const std::map<std::string, std::string>& obligations, bool open)>;

// `needs`, where it is not null: what else the rule needs (rounding.h).  `steps`: of every shape that was proved, and of the one that was not.
SymbolicProof prove_for_all_sizes(const Rule& rule, const Laws& laws, const Deciders& deciders, double seconds, ProofRanks ranks,
                                  Needs* needs = nullptr, const ShapeSteps& steps = {});

}  // namespace egret::rules
