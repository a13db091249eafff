#include "rules/verify/terms/quotients.h"

#include <algorithm>
#include <map>
#include <optional>

namespace egret::rules {
namespace {

constexpr int kMostReplaced = 12;

bool stands_in(const Indices& i, IntId term, VariableId v) {
  std::vector<VariableId> inside;
  std::vector<ScalarId> scalars;
  i.variables_of(term, inside, scalars);
  return std::find(inside.begin(), inside.end(), v) != inside.end();
}

void flatten(const Indices& i, CondId c, std::vector<CondId>& out) {
  const CondNode& n = i.cond(c);
  if (n.kind != CondNode::Kind::kAnd) {
    out.push_back(c);
    return;
  }
  for (CondId a : n.args) flatten(i, a, out);
}

// The quotient of which `zero` says that it leaves no rest; null where it says something else.
const IntAtom* exact_quotient(Indices& i, IntId zero) {
  const Polynomial p = i.polynomial(zero);
  for (const IntTerm& t : p) {
    for (uint32_t number : t.atoms) {
      const IntAtom& a = i.atom(number);
      if (a.kind != IntAtom::Kind::kDiv) continue;
      const IntId rest = i.sub(a.a, i.mul(a.b, i.atom_as_term(number)));
      if (rest == zero || i.sub(i.constant(0), rest) == zero) return &a;
    }
  }
  return nullptr;
}

// A variable of `a` with coefficient 1 or -1 that stands nowhere else in a and b, and in as few hypotheses as can be.
std::optional<std::pair<VariableId, IntId>> replacement(Indices& i, const IntAtom& quotient, const std::vector<CondId>& hypotheses) {
  std::map<VariableId, size_t> uses;
  for (CondId h : hypotheses) {
    std::vector<VariableId> inside;
    std::vector<ScalarId> scalars;
    i.variables_of_cond(h, inside, scalars);
    for (VariableId v : inside) ++uses[v];
  }
  std::optional<VariableId> best;
  IntId rest_of_best = 0;
  bool negative = false;
  const Polynomial p = i.polynomial(quotient.a);
  for (const IntTerm& t : p) {
    if (t.atoms.size() != 1 || (t.coefficient != 1 && t.coefficient != -1)) continue;
    const IntAtom& a = i.atom(t.atoms[0]);
    if (a.kind != IntAtom::Kind::kVariable || (best && uses[a.number] >= uses[*best])) continue;
    const IntId v = i.variable(a.number);
    const IntId rest = t.coefficient == 1 ? i.sub(quotient.a, v) : i.add(quotient.a, v);
    if (stands_in(i, rest, a.number) || stands_in(i, quotient.b, a.number)) continue;
    best = a.number;
    rest_of_best = rest;
    negative = t.coefficient == -1;
  }
  if (!best) return std::nullopt;
  const IntId multiple = i.mul(quotient.b, i.variable(i.fresh("q")));
  return std::pair(*best, negative ? i.sub(rest_of_best, multiple) : i.sub(multiple, rest_of_best));
}

// b*x >= 0 is x >= 0, and b*x == 0 is x == 0, where b is at least 1.
CondId without_factor(Indices& i, CondId c, IntId b) {
  const CondNode n = i.cond(c);
  IntId x = 0;
  switch (n.kind) {
    case CondNode::Kind::kNonNegative: return i.divide(n.value, b, x) ? i.non_negative(x) : c;
    case CondNode::Kind::kZero: return i.divide(n.value, b, x) ? i.zero(x) : c;
    case CondNode::Kind::kNot: return i.negate(without_factor(i, n.args[0], b));
    case CondNode::Kind::kAnd:
    case CondNode::Kind::kOr: {
      std::vector<CondId> args;
      for (CondId a : n.args) args.push_back(without_factor(i, a, b));
      return n.kind == CondNode::Kind::kAnd ? i.all(std::move(args)) : i.any(std::move(args));
    }
    default: return c;
  }
}

std::optional<int64_t> value_of(const Indices& i, IntId term, const std::map<VariableId, int64_t>& known) {
  int64_t sum = 0;
  for (const IntTerm& t : i.polynomial(term)) {
    int64_t product = t.coefficient;
    for (uint32_t number : t.atoms) {
      const IntAtom& a = i.atom(number);
      auto it = a.kind == IntAtom::Kind::kVariable ? known.find(a.number) : known.end();
      if (it == known.end() || __builtin_mul_overflow(product, it->second, &product)) return std::nullopt;
    }
    if (__builtin_add_overflow(sum, product, &sum)) return std::nullopt;
  }
  return sum;
}

}  // namespace

bool take_quotients_out(Indices& i, IntegerQuestion& q) {
  std::vector<CondId> flat;
  std::vector<IntId> divisors;
  for (CondId h : q.hypotheses) flatten(i, h, flat);
  for (bool found = true; found && static_cast<int>(q.replaced.size()) < kMostReplaced;) {
    found = false;
    for (CondId h : flat) {
      if (i.cond(h).kind != CondNode::Kind::kZero) continue;
      const IntAtom* quotient = exact_quotient(i, i.cond(h).value);
      const auto by = quotient ? replacement(i, *quotient, flat) : std::nullopt;
      if (!by) continue;
      const Indices::Substitution one{*by};
      divisors.push_back(quotient->b);
      for (IntId& d : divisors) d = i.substitute(d, one);
      for (CondId& c : flat) c = i.substitute_cond(c, one);
      q.goal = i.substitute_cond(q.goal, one);
      q.replaced.push_back(*by);
      found = true;
      break;
    }
  }
  for (IntId d : divisors) {
    flat.push_back(i.less_equal(i.constant(1), d));
    for (CondId& c : flat) c = without_factor(i, c, d);
    q.goal = without_factor(i, q.goal, d);
  }
  std::erase(flat, Indices::kTrueCond);
  q.hypotheses = std::move(flat);
  return !q.replaced.empty();
}

bool complete_model(const Indices& indices, const IntegerQuestion& question, std::vector<std::pair<VariableId, int64_t>>& model) {
  std::map<VariableId, int64_t> known(model.begin(), model.end());
  for (size_t k = question.replaced.size(); k-- > 0;) {
    const auto value = value_of(indices, question.replaced[k].second, known);
    if (!value) return false;
    known[question.replaced[k].first] = *value;
  }
  model.assign(known.begin(), known.end());
  return true;
}

}  // namespace egret::rules
