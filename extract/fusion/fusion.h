// Fusion: from a saturated e-graph to an extraction problem whose candidates are kernels.
//
// Bodies are enumerated bottom-up, as technology mapping enumerates cuts over choice networks (Mishchenko et al., "Reducing
// structural bias in technology mapping", ICCAD 2005): the bodies of an e-node are its operator with, for each operand,
// either a port or one of the operand class' bodies absorbed.  At most K bodies a class are kept, by area flow.  Then
// bodies of several results are added: inner values also stored, and siblings that share an operand.
// The enumeration is parallel over classes of one depth and gives the same candidates for any number of threads.
#pragma once

#include <vector>

#include "extract/fusion/body.h"
#include "extract/solve/problem.h"
#include "support/limits.h"

namespace egret::extract {

// Which fusions are allowed: what the fusion rules (rules/library/fusion) that are loaded say.
struct FusionSwitches {
  bool absorb_before = true;     // element operators into the reads of a fold
  bool absorb_after = true;      // element operators onto what a kernel computes
  bool absorb_reduction = true;  // a reduction after what a kernel computes, within a tile
  bool side_by_side = true;      // several results of one kernel
};

struct FusionOptions {
  int bodies_per_class = 12;
  int rounds = 2;
  FusionSwitches switches;
  double fold_limit = 1.2;       // bytes of weights that the run plan reads, over the source's
  int threads = 1;
  Limits limits;
};

struct FusionProblem {
  Problem problem;
  std::vector<Id> item_class;             // class of each item, ascending
  std::vector<Body> bodies;               // body of each kernel candidate ...
  std::vector<int> body_of;               // ... of the problem, or -1: an item made ready before the run
  bool limit_reached = false;

  uint32_t item(Id cls) const;            // Requires: cls is an item's class
};

// `roots`: classes the program must make.  Error: a root that no kernel can make (names its operators).
Result<FusionProblem> fuse(const rules::TensorEGraph& graph, const std::vector<Id>& roots, const Device& device,
                           const FusionOptions& options);

// Bodies of several results beside those given (appended), from pairs that a solution of single results suggests.
void add_multi_result(const FusionGraph& graph, const Device& device, const FusionOptions& options,
                      const std::vector<uint8_t>& chosen, std::vector<Body>& bodies);

}  // namespace egret::extract
