// Query: a pattern as a conjunctive query (Zhang et al., "Relational e-matching", POPL 2022).
//
// Each operator occurrence is an atom: op(operand slots) in class slot.  Slots hold classes: first the pattern's class
// variables, then the class of each occurrence that has no name.  plan.h puts the atoms into an order to match them in.
#pragma once

#include <vector>

#include "egraph/pattern.h"
#include "egraph/plan/plan.h"
#include "egraph/store/applications.h"

namespace egret::egraph {

class Query {
 public:
  struct Atom {
    OpKind op;
    uint32_t head, arity;
    PatternTerm::Attr attr_kind;
    uint32_t attr;  // attribute id or variable
    uint32_t class_slot;
    std::vector<uint32_t> operand_slots;
  };

  Query(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables);

  std::span<const Atom> atoms() const { return atoms_; }  // pre-order, root by root
  std::span<const uint32_t> roots() const { return roots_; }
  uint32_t slots() const { return class_variables_ + static_cast<uint32_t>(atoms_.size()); }
  // Where each variable is first seen, in order of atoms.
  std::span<const Applications::Place> class_places() const { return class_places_; }
  std::span<const uint32_t> attr_places() const { return attr_places_; }
  std::span<const OpKind> ops() const { return ops_; }  // every operator of the pattern, ascending
  // The plan that goes down from the first root.  Of one root, matches then come out in the order of their e-nodes.
  const Plan& plan() const { return plan_; }

 private:
  uint32_t class_slot_of(const PatternTerm& term) const;
  void add_atom(const PatternTerm& term, uint32_t class_slot, uint32_t depth);

  uint32_t class_variables_;
  std::vector<Atom> atoms_;
  std::vector<uint32_t> roots_;
  std::vector<Applications::Place> class_places_;
  std::vector<uint32_t> attr_places_;
  std::vector<OpKind> ops_;
  Plan plan_;
};

}  // namespace egret::egraph
