// Query: a pattern as a conjunctive query, with a plan for each place where its evaluation may start.
//
// Each operator occurrence is an atom: op(operand slots) in class slot.  Slots hold classes: first the pattern's class
// variables, then the class of each occurrence.  A plan visits the atoms in an order in which each, but the first, is
// reached through a slot that is bound: down, through the members of a class, or up and across, through the readers of
// a class (Zhang et al., "Relational e-matching", POPL 2022).  Starting at each atom in turn with what changed finds
// exactly the new matches (semi-naive evaluation).
#pragma once

#include <vector>

#include "egraph/applications.h"
#include "egraph/pattern.h"

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
  enum class Source : uint8_t {
    kGiven,    // the first atom: the e-nodes given
    kMembers,  // e-nodes of the class in the atom's class slot
    kReaders,  // e-nodes that read the class in one of `bound`
    kScan,     // every e-node with the operator: nothing is bound
  };
  struct Operand {
    uint32_t position, slot;
    bool binds;  // else: must agree
  };
  struct Step {
    uint32_t atom;
    Source source;
    enum class Act : uint8_t { kNothing, kFixed, kBind, kCheck } attr;
    Act class_act;  // kNothing, kBind or kCheck
    std::vector<Operand> operands;
    std::vector<uint32_t> bound;  // kReaders: operand slots that are bound before the step
  };
  using Plan = std::vector<Step>;

  Query(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables);

  std::span<const Atom> atoms() const { return atoms_; }  // pre-order, root by root
  std::span<const uint32_t> roots() const { return roots_; }
  const Plan& plan(uint32_t start) const { return plans_[start]; }
  uint32_t slots() const { return class_variables_ + static_cast<uint32_t>(atoms_.size()); }
  // Where each variable is first seen, in order of atoms.
  std::span<const Applications::Place> class_places() const { return class_places_; }
  std::span<const uint32_t> attr_places() const { return attr_places_; }
  std::span<const OpKind> ops() const { return ops_; }  // every operator of the pattern, ascending

 private:
  void add_atom(const PatternTerm& term, uint32_t class_slot, uint32_t depth);
  Plan make_plan(uint32_t start) const;

  uint32_t class_variables_;
  std::vector<Atom> atoms_;
  std::vector<uint32_t> roots_;
  std::vector<Plan> plans_;
  std::vector<Applications::Place> class_places_;
  std::vector<uint32_t> attr_places_;
  std::vector<OpKind> ops_;
};

}  // namespace egret::egraph
