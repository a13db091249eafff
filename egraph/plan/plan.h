// Plan: an order in which a query's atoms are matched, as steps over registers.
//
// Registers hold classes, numbered in the order in which the plan binds them, so equal steps of two rules' plans look
// alike and can be shared (plan_trie.h).  Each step but the first finds its e-nodes through what is bound: the members of
// its class, the readers of an operand, or the hash-cons where its key is known; only where nothing is bound does it
// look at every e-node of its operator.
#pragma once

#include <cstdint>
#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

class Query;
class Cardinalities;

struct Step {
  enum class Source : uint8_t {
    kGiven,  // the first step: the e-nodes given
    kJoin,   // e-nodes of the class, if that is bound, and readers of the operands that are
    kProbe,  // the e-node with this key: operands are bound and the attributes fixed
    kScan,   // every e-node with the operator
  };
  enum class Act : uint8_t { kNothing, kFixed, kBind, kCheck };  // with a value: nothing, or what it is bound to
  struct Operand {
    uint32_t place;  // register
    bool binds;      // else: must agree
    bool operator==(const Operand&) const = default;
  };
  uint32_t head = 0, arity = 0;
  Source source = Source::kGiven;
  Act attr_act = Act::kNothing;
  Act class_act = Act::kNothing;  // kNothing: no other step asks for the class
  bool old = false;         // e-nodes that changed are not wanted here
  uint32_t attr = 0;        // attribute id (kFixed) or register of attributes
  uint32_t class_place = 0;
  std::vector<Operand> operands;
  std::vector<uint32_t> bound;  // kJoin, kProbe: registers of operands that are bound before the step, each once
  bool class_known() const { return class_act == Act::kCheck; }  // before the step
  bool operator==(const Step&) const = default;
};

struct Plan {
  std::vector<Step> steps;
  std::vector<uint32_t> atoms;   // of each step
  std::vector<double> expected;  // e-nodes that each step looks at, where an order was chosen by that
  uint32_t classes = 0, attrs = 0;  // registers
};

// Steps for the atoms in their own order.
Plan plan_in_order(const Query& query);
// Begins with the atom `start` and goes on with what costs least by the cardinalities of the graph; of operators that these
// do not know, or without any: a known key first, then a known class, then readers, last of constants.
// `wary`: lists are taken to be as long as where most e-nodes stand, rather than as those of most classes.
Plan cheapest_plan(const Query& query, uint32_t start, const Cardinalities* cardinalities, bool wary);

}  // namespace egret::egraph
