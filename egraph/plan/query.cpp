#include "egraph/plan/query.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr uint32_t kMaxDepth = 256;  // of a pattern: hosts read patterns from text
constexpr uint32_t kUnseen = ~uint32_t{0};

size_t operators_of(std::span<const PatternTerm> terms, uint32_t depth = 0) {
  size_t count = 0;
  for (const PatternTerm& t : terms) {
    if (t.kind == PatternTerm::Kind::kOperator && depth <= kMaxDepth) count += 1 + operators_of(t.operands, depth + 1);
  }
  return count;
}

}  // namespace

Query::Query(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables)
    : class_variables_(class_variables), class_places_(class_variables, {kUnseen, 0}), attr_places_(attr_variables, kUnseen) {
  atoms_.reserve(operators_of(roots));
  roots_.reserve(roots.size());
  for (const PatternTerm& root : roots) {
    EGRET_CHECK(root.kind == PatternTerm::Kind::kOperator, "a root of a pattern is an operator");
    roots_.push_back(static_cast<uint32_t>(atoms_.size()));
    add_atom(root, class_slot_of(root), 0);
  }
  for (const Applications::Place& place : class_places_) {
    EGRET_CHECK(place.occurrence != kUnseen, "every variable of a pattern is used");
  }
  for (const uint32_t place : attr_places_) EGRET_CHECK(place != kUnseen, "every variable of a pattern is used");
  ops_.reserve(atoms_.size());
  for (const Atom& atom : atoms_) ops_.push_back(atom.op);
  std::sort(ops_.begin(), ops_.end());
  ops_.erase(std::unique(ops_.begin(), ops_.end()), ops_.end());
  if (atoms_.empty()) return;
  plan_ = roots_.size() > 1 ? cheapest_plan(*this, 0, nullptr, false) : plan_in_order(*this);
}

// Of the atom to be added next.
uint32_t Query::class_slot_of(const PatternTerm& term) const {
  if (term.name == PatternTerm::kUnnamed) return class_variables_ + static_cast<uint32_t>(atoms_.size());
  EGRET_CHECK(term.name < class_variables_, "a class variable out of range");
  return term.name;
}

void Query::add_atom(const PatternTerm& term, uint32_t class_slot, uint32_t depth) {
  EGRET_CHECK(depth < kMaxDepth, "a pattern is nested too deeply");
  const uint32_t number = static_cast<uint32_t>(atoms_.size());
  const uint32_t arity = static_cast<uint32_t>(term.operands.size());
  if (class_slot < class_variables_ && class_places_[class_slot].occurrence == kUnseen) {
    class_places_[class_slot] = {number, Applications::Place::kItself};
  }
  atoms_.push_back({term.op, row_head(term.op, arity), arity, term.attr_kind, term.attr, class_slot, {}});
  if (term.attr_kind == PatternTerm::Attr::kVariable) {
    EGRET_CHECK(term.attr < attr_places_.size(), "an attribute variable out of range");
    if (attr_places_[term.attr] == kUnseen) attr_places_[term.attr] = number;
  }
  std::vector<uint32_t> slots(arity);
  for (uint32_t i = 0; i < arity; ++i) {
    const PatternTerm& operand = term.operands[i];
    if (operand.kind == PatternTerm::Kind::kOperator) continue;
    EGRET_CHECK(operand.variable < class_variables_, "a class variable out of range");
    slots[i] = operand.variable;
    if (class_places_[operand.variable].occurrence == kUnseen) class_places_[operand.variable] = {number, i};
  }
  for (uint32_t i = 0; i < arity; ++i) {
    if (term.operands[i].kind != PatternTerm::Kind::kOperator) continue;
    slots[i] = class_slot_of(term.operands[i]);
    add_atom(term.operands[i], slots[i], depth + 1);
  }
  atoms_[number].operand_slots = std::move(slots);
}

}  // namespace egret::egraph
