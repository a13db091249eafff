#include "egraph/query.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr uint32_t kMaxDepth = 256;  // of a pattern: hosts read patterns from text
constexpr uint32_t kUnseen = ~uint32_t{0};

}  // namespace

Query::Query(std::span<const PatternTerm> roots, uint32_t class_variables, uint32_t attr_variables)
    : class_variables_(class_variables), class_places_(class_variables, {kUnseen, 0}), attr_places_(attr_variables, kUnseen) {
  for (const PatternTerm& root : roots) {
    EGRET_CHECK(root.kind == PatternTerm::Kind::kOperator, "a root of a pattern is an operator");
    roots_.push_back(static_cast<uint32_t>(atoms_.size()));
    add_atom(root, class_variables_ + static_cast<uint32_t>(atoms_.size()), 0);
  }
  for (const Applications::Place& place : class_places_) {
    EGRET_CHECK(place.occurrence != kUnseen, "every variable of a pattern is used");
  }
  for (const uint32_t place : attr_places_) EGRET_CHECK(place != kUnseen, "every variable of a pattern is used");
  for (const Atom& atom : atoms_) ops_.push_back(atom.op);
  std::sort(ops_.begin(), ops_.end());
  ops_.erase(std::unique(ops_.begin(), ops_.end()), ops_.end());
  for (uint32_t start = 0; start < atoms_.size(); ++start) plans_.push_back(make_plan(start));
}

void Query::add_atom(const PatternTerm& term, uint32_t class_slot, uint32_t depth) {
  EGRET_CHECK(depth < kMaxDepth, "a pattern is nested too deeply");
  const uint32_t number = static_cast<uint32_t>(atoms_.size());
  const uint32_t arity = static_cast<uint32_t>(term.operands.size());
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
    slots[i] = class_variables_ + static_cast<uint32_t>(atoms_.size());
    add_atom(term.operands[i], slots[i], depth + 1);
  }
  atoms_[number].operand_slots = std::move(slots);
}

Query::Plan Query::make_plan(uint32_t start) const {
  Plan plan;
  std::vector<bool> placed(atoms_.size()), bound(slots()), attr_bound(attr_places_.size());
  const auto bound_operands = [&](const Atom& atom) {
    return std::count_if(atom.operand_slots.begin(), atom.operand_slots.end(), [&](uint32_t s) { return bound[s]; });
  };
  // The more is bound, the fewer candidates; a class has few members, while a class may have many readers.  From the
  // first atom, a tree's atoms come in pre-order: matches then come out in order.
  const auto score = [&](uint32_t a) {
    if (bound[atoms_[a].class_slot]) return 1000 + (start == 0 ? 0 : bound_operands(atoms_[a]));
    return bound_operands(atoms_[a]);
  };
  while (plan.size() < atoms_.size()) {
    uint32_t chosen = kUnseen;
    for (uint32_t a = 0; a < atoms_.size(); ++a) {
      if (plan.empty() ? a == start : !placed[a] && (chosen == kUnseen || score(a) > score(chosen))) chosen = a;
    }
    const Atom& atom = atoms_[chosen];
    Step step{chosen, Source::kScan, Step::Act::kNothing, Step::Act::kNothing, {}, {}};
    const bool class_known = bound[atom.class_slot];
    if (plan.empty()) {
      step.source = Source::kGiven;
    } else if (class_known) {
      step.source = Source::kMembers;
    } else if (bound_operands(atom) > 0) {
      step.source = Source::kReaders;
      for (const uint32_t slot : atom.operand_slots) {
        if (bound[slot]) step.bound.push_back(slot);
      }
    }
    if (!class_known) step.class_act = Step::Act::kBind;
    if (atom.attr_kind == PatternTerm::Attr::kFixed) step.attr = Step::Act::kFixed;
    if (atom.attr_kind == PatternTerm::Attr::kVariable) {
      step.attr = attr_bound[atom.attr] ? Step::Act::kCheck : Step::Act::kBind;
      attr_bound[atom.attr] = true;
    }
    bound[atom.class_slot] = true;
    for (uint32_t i = 0; i < atom.arity; ++i) {
      step.operands.push_back({i, atom.operand_slots[i], !bound[atom.operand_slots[i]]});
      bound[atom.operand_slots[i]] = true;
    }
    placed[chosen] = true;
    plan.push_back(std::move(step));
  }
  // The class of a root is asked for by no other atom.
  for (Step& step : plan) {
    if (std::find(roots_.begin(), roots_.end(), step.atom) != roots_.end()) step.class_act = Step::Act::kNothing;
  }
  return plan;
}

}  // namespace egret::egraph
