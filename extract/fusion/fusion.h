// Fusion: from a saturated e-graph to an extraction problem whose candidates are kernels.
//
// Bodies are enumerated bottom-up, as technology mapping enumerates cuts over choice networks (Mishchenko et al., "Reducing
// structural bias in technology mapping", ICCAD 2005): the bodies of an e-node are its operator with, for each operand,
// either a port or one of the operand class' bodies absorbed.  At most K bodies a class are kept, by area flow.  Then
// bodies of several results are added: inner values also stored, and siblings that share an operand.
// Reading order: graph.h, body.h, enumerate.h, pool.h.
// The enumeration is parallel over classes of one depth and gives the same candidates for any number of threads.
#pragma once

#include <vector>

#include "extract/fusion/body.h"
#include "extract/solve/problem.h"
#include "extract/solve/solve.h"
#include "support/limits.h"

namespace egret::extract {

struct FusionOptions {
  int bodies_per_class = 16;
  int rounds = 2;
  double fold_limit = 1.2;       // bytes of weights that the run plan reads, over the source's
  int threads = 1;
  Limits limits;
  std::vector<Id> panels;        // frozen matrices as products read them best: a body that reads one is as no other
  std::vector<Body> seeds;       // candidates that must be there: bodies of the same graph before it was saturated
  std::vector<uint8_t> chosen_seeds;  // by seed: it is part of that program; past the clock only these are taken over
};

struct FusionProblem {
  Problem problem;
  std::vector<Id> item_class;             // class of each item, ascending
  std::vector<Body> bodies;               // body of each kernel candidate ...
  std::vector<int> body_of;               // ... of the problem, or -1: an item made ready before the run
  std::vector<std::pair<Id, uint32_t>> term_enode;  // e-node of each term node, ascending
  static constexpr int kNothingLeft = -2; // of a seed: all that it made is there without it
  std::vector<int> seed_candidate;        // candidate of each seed, or -1 where it is no kernel of this graph
  std::vector<uint64_t> colours;          // by item (colours.h); empty where no parts are equal
  std::vector<Solution> covers;           // of the portfolio of fast covers (covers.h), cheapest first
  bool limit_reached = false;

  uint32_t item(Id cls) const;            // Requires: cls is an item's class
};

// `roots`: classes the program must make.  Error: a root that no kernel can make (names its operators).
Result<FusionProblem> fuse(FusionSpace& space, const std::vector<Id>& roots, const FusionOptions& options);

// What `choice`, a solution of the problem before saturation, is in `problem`, whose seeds were that problem's bodies.
// nullopt where it no longer holds.
std::optional<Solution> carry_over(const FusionProblem& before, const Solution& choice, const FusionProblem& problem);

// Every class that is needed by a kernel of one operator, where that is acyclic: what any other choice has to beat.
std::optional<Solution> plain_cover(const FusionProblem& problem);

}  // namespace egret::extract
