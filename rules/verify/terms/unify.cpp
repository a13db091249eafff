#include "rules/verify/terms/unify.h"

#include <algorithm>

#include "ir/evaluate/scalar_functions.h"

namespace egret::rules {

void collect_reads(const Scalars& s, ScalarId id, std::vector<ScalarId>& out) {
  const ScalarNode& n = s.node(id);
  if (n.kind == ScalarNode::Kind::kRead && std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
  for (ScalarId a : n.args) collect_reads(s, a, out);
}

namespace {

// Without the atoms that all its terms have as factors: where none is 0 it is 0 at the same values.  (Who uses a solution checks it.)
IntId without_common_factor(Indices& i, IntId term) {
  const Polynomial p = i.polynomial(term);
  if (p.empty() || p[0].atoms.empty()) return term;
  for (uint32_t atom : p[0].atoms) {
    IntId quotient = 0;
    const bool common = std::ranges::all_of(p, [&](const IntTerm& t) { return std::ranges::find(t.atoms, atom) != t.atoms.end(); });
    if (common && i.divide(term, i.atom_as_term(atom), quotient)) return without_common_factor(i, quotient);
  }
  return term;
}

}  // namespace

bool solve_for(Indices& i, IntId equation, std::vector<VariableId>& open, Indices::Substitution& found) {
  equation = without_common_factor(i, i.substitute(equation, found));
  const Polynomial p = i.polynomial(equation);
  for (const IntTerm& t : p) {
    if (t.atoms.size() != 1 || (t.coefficient != 1 && t.coefficient != -1)) continue;
    const IntAtom a = i.atom(t.atoms[0]);
    auto it = a.kind == IntAtom::Kind::kVariable ? std::find(open.begin(), open.end(), a.number) : open.end();
    if (it == open.end()) continue;
    const IntId v = i.variable(a.number);
    const IntId rest = t.coefficient == 1 ? i.sub(v, equation) : i.add(v, equation);
    std::vector<VariableId> inside;
    std::vector<ScalarId> scalars;
    i.variables_of(rest, inside, scalars);
    bool clean = scalars.empty();
    for (VariableId o : open) clean &= std::find(inside.begin(), inside.end(), o) == inside.end();
    if (!clean) continue;
    found[a.number] = rest;
    open.erase(it);
    return true;
  }
  return false;
}

bool solve_through_quotient(Indices& i, IntId equation, const std::vector<IntId>& zeros, std::vector<VariableId>& open, Indices::Substitution& found) {
  equation = i.substitute(equation, found);
  const Polynomial p = i.polynomial(equation);
  for (const IntTerm& t : p) {
    if (t.atoms.size() != 1 || (t.coefficient != 1 && t.coefficient != -1) || i.atom(t.atoms[0]).kind != IntAtom::Kind::kDiv) continue;
    const IntId quotient = i.atom_as_term(t.atoms[0]);
    const IntId rest = t.coefficient == 1 ? i.sub(quotient, equation) : i.add(quotient, equation);
    for (IntId zero : zeros) {
      const IntId plain = i.replace_atom(i.substitute(zero, found), t.atoms[0], rest);
      if (plain != zero && solve_for(i, plain, open, found)) return true;
    }
  }
  return false;
}

void zeros_of(const Indices& i, CondId c, std::vector<IntId>& out) {
  const CondNode& n = i.cond(c);
  if (n.kind == CondNode::Kind::kZero) out.push_back(n.value);
  if (n.kind != CondNode::Kind::kAnd) return;
  for (CondId a : n.args) zeros_of(i, a, out);
}

void zeros_in(const Scalars& s, const Indices& i, ScalarId id, std::vector<IntId>& out) {
  const ScalarNode& n = s.node(id);
  if (n.kind == ScalarNode::Kind::kSelect) zeros_of(i, n.cond, out);
  for (ScalarId a : n.args) zeros_in(s, i, a, out);
}

double identity(FoldKind k, DType t) {
  return is_float(t) ? float_identity(k) : static_cast<double>(int_identity(k, t));
}

}  // namespace egret::rules
