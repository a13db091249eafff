#include "egraph/plan.h"

#include <algorithm>

#include "egraph/cardinalities.h"
#include "egraph/query.h"

namespace egret::egraph {
namespace {

constexpr uint32_t kUnbound = ~uint32_t{0};

bool reads(const Step& step, uint32_t place) {
  return std::any_of(step.operands.begin(), step.operands.end(), [&](const Step::Operand& o) { return o.place == place; });
}

// What is known of a query's slots and attribute variables at a point of a plan.
struct Bound {
  std::vector<bool> slots;
  std::vector<bool> attrs;

  explicit Bound(const Query& query) : slots(query.slots()), attrs(query.attr_places().size()) {}
  void add(const Query::Atom& atom) {
    slots[atom.class_slot] = true;
    for (const uint32_t slot : atom.operand_slots) slots[slot] = true;
    if (atom.attr_kind == PatternTerm::Attr::kVariable) attrs[atom.attr] = true;
  }
  size_t operands(const Query::Atom& atom) const {
    return static_cast<size_t>(std::count_if(atom.operand_slots.begin(), atom.operand_slots.end(), [&](uint32_t s) { return slots[s]; }));
  }
  bool key(const Query::Atom& atom) const {
    return atom.attr_kind == PatternTerm::Attr::kFixed && operands(atom) == atom.arity;
  }
};

// E-nodes looked at to match the atom next.
double cost(const Query::Atom& atom, const Bound& bound, const Cardinalities* cardinalities) {
  if (bound.key(atom)) return 0;
  const double operands = static_cast<double>(bound.operands(atom)), arity = atom.arity;
  const bool class_known = bound.slots[atom.class_slot];
  if (!cardinalities) {
    const double rest = 1 - operands / (arity + 1);
    return class_known ? rest : operands > 0 ? 1e3 * rest : 1e9;
  }
  double least = class_known ? cardinalities->members(atom.op) : cardinalities->scan(atom.op);
  for (uint32_t i = 0; i < atom.arity; ++i) {
    if (bound.slots[atom.operand_slots[i]]) least = std::min(least, cardinalities->readers(atom.op, i));
  }
  return class_known || operands > 0 ? least : 1e9 + least;
}

}  // namespace

Plan make_plan(const Query& query, std::vector<uint32_t> order) {
  Plan plan;
  std::vector<uint32_t> place(query.slots(), kUnbound), attr_place(query.attr_places().size(), kUnbound);
  Bound bound(query);
  for (const uint32_t a : order) {
    const Query::Atom& atom = query.atoms()[a];
    Step step;
    step.head = atom.head;
    step.arity = atom.arity;
    const bool class_known = bound.slots[atom.class_slot];
    if (!plan.steps.empty()) {
      step.source = bound.key(atom)                                          ? Step::Source::kProbe
                    : class_known || bound.operands(atom) > 0 ? Step::Source::kJoin
                                                              : Step::Source::kScan;
    }
    if (step.source == Step::Source::kJoin || step.source == Step::Source::kProbe) {
      for (const uint32_t slot : atom.operand_slots) {
        const bool seen = bound.slots[slot] && std::find(step.bound.begin(), step.bound.end(), place[slot]) != step.bound.end();
        if (bound.slots[slot] && !seen) step.bound.push_back(place[slot]);
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
    plan.steps.push_back(std::move(step));
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

std::vector<uint32_t> cheapest_order(const Query& query, uint32_t start, const Cardinalities* cardinalities) {
  const std::span<const Query::Atom> atoms = query.atoms();
  std::vector<uint32_t> order{start};
  std::vector<bool> placed(atoms.size());
  Bound bound(query);
  for (;;) {
    placed[order.back()] = true;
    bound.add(atoms[order.back()]);
    if (order.size() == atoms.size()) return order;
    uint32_t chosen = kUnbound;
    double least = 0;
    for (uint32_t a = 0; a < atoms.size(); ++a) {
      if (placed[a]) continue;
      const double price = cost(atoms[a], bound, cardinalities);
      if (chosen != kUnbound && price >= least) continue;
      chosen = a;
      least = price;
    }
    order.push_back(chosen);
  }
}

}  // namespace egret::egraph
