// Proof: why two e-nodes are equal, as a shared list of steps that a stranger can replay.
//
// A term is an e-node's id with its exact operands (EGraph::operands).  A step proves one equation between two terms
// from premises, which are chains of earlier steps; each step stands once, however many rely on it.
#pragma once

#include <vector>

#include "egraph/runner.h"

namespace egret::egraph {

struct ProofChain {  // from = ... = to; no links: the same term
  struct Link {
    uint32_t step;
    bool forward;  // the step's equation is read from left to right
  };
  Id from, to;
  std::vector<Link> links;
};

struct ProofStep {
  // kCongruence: premise i equates operand i of both terms.  kRule: premises are the equations under which the matched
  // e-nodes fit the pattern and the made ones the right side; EGraph::application(why.index) names both.  The others are
  // taken on trust: the host asserted them, or an analysis did.
  Justification why;
  Id left, right;
  std::vector<ProofChain> premises;
};

struct Proof {
  std::vector<ProofStep> steps;  // a step's premises use steps before it
  ProofChain goal;
};

// Requires: graph.explains(), find(a) == find(b); `rewrites` and `rule_base` are those of the runs (right sides that an
// applier planned get premises for the pattern alone).  `shorten` puts one congruence in place of several steps where
// that is shorter.
Proof prove(const EGraph& graph, std::span<const Rewrite> rewrites, Id a, Id b, uint32_t rule_base = 0, bool shorten = true);

}  // namespace egret::egraph
