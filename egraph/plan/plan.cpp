#include "egraph/plan/plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "egraph/plan/cardinalities.h"
#include "egraph/plan/query.h"

namespace egret::egraph {
namespace {

constexpr uint32_t kUnbound = ~uint32_t{0};

bool reads(const Step& step, uint32_t place) {
  return std::any_of(step.operands.begin(), step.operands.end(), [&](const Step::Operand& o) { return o.place == place; });
}

// What is known of a query's slots at a point of a plan.
class Bound {
 public:
  explicit Bound(const Query& query) : slots_(query.slots(), kNot) {}

  bool slot(uint32_t s) const { return slots_[s] != kNot; }
  // Else the slot is the class of a constant, which may have many readers.
  bool by_match(uint32_t s) const { return slots_[s] == kByMatch; }
  void add(const Query::Atom& atom) {
    const uint8_t how = key(atom) && !slot(atom.class_slot) && atom.arity == 0 ? kByConstant : kByMatch;
    slots_[atom.class_slot] = std::max(slots_[atom.class_slot], how);
    for (const uint32_t slot : atom.operand_slots) slots_[slot] = std::max<uint8_t>(slots_[slot], kByMatch);
  }
  bool any_operand(const Query::Atom& atom) const {
    return std::any_of(atom.operand_slots.begin(), atom.operand_slots.end(), [&](uint32_t s) { return slot(s); });
  }
  bool key(const Query::Atom& atom) const {
    return atom.attr_kind == PatternTerm::Attr::kFixed &&
           std::all_of(atom.operand_slots.begin(), atom.operand_slots.end(), [&](uint32_t s) { return slot(s); });
  }

 private:
  enum : uint8_t { kNot, kByConstant, kByMatch };
  std::vector<uint8_t> slots_;
};

// E-nodes looked at to match the atom next, perhaps.
double cost(const Query::Atom& atom, const Bound& bound, const Cardinalities* cardinalities, bool wary) {
  constexpr double kFew = 4, kMany = 1e3, kAll = 1e6;  // where the graph has shown none yet
  if (bound.key(atom)) return 0;
  const bool known = cardinalities && cardinalities->knows(atom.op);
  double least = known ? kAll + cardinalities->count(atom.op) : kAll;
  if (bound.slot(atom.class_slot)) {
    const bool by_match = bound.by_match(atom.class_slot);
    least = known ? cardinalities->members(atom.op, wary || !by_match) : by_match ? 1 : kMany;
  }
  for (uint32_t i = 0; i < atom.arity; ++i) {
    const uint32_t slot = atom.operand_slots[i];
    if (!bound.slot(slot)) continue;
    least = std::min(least, known ? cardinalities->readers(atom.op, i, wary || !bound.by_match(slot))
                                  : bound.by_match(slot) ? kFew : kMany);
    least -= least / 64;  // of two equal ones that with more that is bound
  }
  return least;
}

// Steps for the atoms in the order given.
Plan make_plan(const Query& query, std::vector<uint32_t> order) {
  Plan plan;
  std::vector<uint32_t> place(query.slots(), kUnbound), attr_place(query.attr_places().size(), kUnbound);
  Bound bound(query);
  plan.steps.reserve(order.size());
  for (const uint32_t a : order) {
    const Query::Atom& atom = query.atoms()[a];
    Step& step = plan.steps.emplace_back();
    step.operands.reserve(atom.operand_slots.size());
    step.head = atom.head;
    step.arity = atom.arity;
    const bool class_known = bound.slot(atom.class_slot);
    if (plan.steps.size() > 1) {
      step.source = bound.key(atom)                          ? Step::Source::kProbe
                    : class_known || bound.any_operand(atom) ? Step::Source::kJoin
                                                             : Step::Source::kScan;
    }
    if (step.source == Step::Source::kJoin || step.source == Step::Source::kProbe) {
      for (const uint32_t slot : atom.operand_slots) {
        const bool listed = std::find(step.bound.begin(), step.bound.end(), place[slot]) != step.bound.end();
        if (bound.slot(slot) && !listed) step.bound.push_back(place[slot]);
      }
    }
    if (!class_known) place[atom.class_slot] = plan.classes++;
    step.class_act = class_known ? Step::Act::kCheck : Step::Act::kNothing;
    step.class_place = place[atom.class_slot];
    for (const uint32_t slot : atom.operand_slots) {
      const bool binds = place[slot] == kUnbound;
      if (binds) place[slot] = plan.classes++;
      step.operands.push_back({place[slot], binds});
    }
    if (atom.attr_kind == PatternTerm::Attr::kFixed) {
      step.attr_act = Step::Act::kFixed;
      step.attr = atom.attr;
    } else if (atom.attr_kind == PatternTerm::Attr::kVariable) {
      const bool binds = attr_place[atom.attr] == kUnbound;
      if (binds) attr_place[atom.attr] = plan.attrs++;
      step.attr_act = binds ? Step::Act::kBind : Step::Act::kCheck;
      step.attr = attr_place[atom.attr];
    }
    bound.add(atom);
  }
  plan.atoms = std::move(order);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    Step& step = plan.steps[i];
    const auto asks = [&](const Step& other) {
      return reads(other, step.class_place) || (&other != &step && other.class_place == step.class_place);
    };
    if (step.class_act == Step::Act::kNothing && std::any_of(plan.steps.begin(), plan.steps.end(), asks)) {
      step.class_act = Step::Act::kBind;
    }
  }
  return plan;
}

}  // namespace

Plan plan_in_order(const Query& query) {
  std::vector<uint32_t> order(query.atoms().size());
  std::iota(order.begin(), order.end(), 0);
  return make_plan(query, std::move(order));
}

Plan cheapest_plan(const Query& query, uint32_t start, const Cardinalities* cardinalities, bool wary) {
  const std::span<const Query::Atom> atoms = query.atoms();
  std::vector<uint32_t> order{start}, rest;
  std::vector<double> expected{0};
  for (uint32_t a = 0; a < atoms.size(); ++a) {
    if (a != start) rest.push_back(a);
  }
  Bound bound(query);
  while (!rest.empty()) {
    bound.add(atoms[order.back()]);
    size_t chosen = 0;
    double least = std::numeric_limits<double>::max();
    for (size_t i = 0; i < rest.size() && least > 0; ++i) {
      const double price = cost(atoms[rest[i]], bound, cardinalities, wary);
      if (price >= least) continue;
      chosen = i;
      least = price;
    }
    order.push_back(rest[chosen]);
    expected.push_back(least);
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  Plan plan = make_plan(query, std::move(order));
  plan.expected = std::move(expected);
  return plan;
}

}  // namespace egret::egraph
