// Pricing: what the best program of a kept run costs where e-nodes must, or may not, be in it.
//
// A forced e-node is an item that every kernel that computes the e-node makes as well, and a root: so any solver of the
// extraction problem prices it.  Where the run kept no kernel for the e-node, its operator as a kernel of its own is added.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "costmodel/costmodel.h"
#include "frontends/explain/kept_run.h"
#include "support/limits.h"

namespace egret::explain {

struct Price {
  double cost = 0, bound = 0;  // no such program costs less than `bound`
  bool exact = false;          // cost is the least
};

class Pricing {
 public:
  Pricing(const KeptRun& run, const Device& device, Limits limits) : run_(run), device_(device), limits_(limits) {}

  // The best program with all of `forced` in it; nullopt where there is none (`why`: what stands in the way).  E-nodes of
  // classes that are given (inputs, what is made before the run) need no kernel and are left out.
  Result<std::optional<Price>> with(std::span<const egraph::Id> forced, std::string* why) const;
  // The best program without any of `forbidden`; nullopt where there is none.
  Result<std::optional<Price>> without(std::span<const egraph::Id> forbidden) const;
  // Is the e-node in a kernel of the chosen program?
  bool chosen(egraph::Id node) const;

 private:
  Result<std::optional<Price>> solve(const extract::Problem& problem) const;
  bool given(egraph::Id cls) const;
  const KeptRun& run_;
  const Device& device_;
  Limits limits_;
};

}  // namespace egret::explain
