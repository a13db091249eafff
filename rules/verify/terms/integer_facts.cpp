#include "rules/verify/terms/integer_facts.h"

#include <algorithm>
#include <set>

namespace egret::rules {
namespace {

// What definitions say of the atoms of an index term: quotients, coordinates, minima and maxima.
class AtomFacts {
 public:
  explicit AtomFacts(Indices& indices) : i_(indices) {}

  void visit(CondId c) {
    const CondNode n = i_.cond(c);
    if (n.kind == CondNode::Kind::kNonNegative || n.kind == CondNode::Kind::kZero) term(n.value);
    for (CondId a : n.args) visit(a);
  }
  std::vector<CondId> facts;

 private:
  void note(CondId c) {
    facts.push_back(c);
    visit(c);
  }
  void term(IntId id) {
    if (!seen_.insert(id).second) return;
    const Polynomial p = i_.polynomial(id);
    for (const IntTerm& t : p) {
      for (uint32_t number : t.atoms) {
        if (done_.insert(number).second) atom(number);
      }
    }
  }
  void atom(uint32_t number) {
    const IntAtom a = i_.atom(number);
    switch (a.kind) {
      case IntAtom::Kind::kDiv: {
        const IntId rest = i_.sub(a.a, i_.mul(a.b, i_.div(a.a, a.b)));
        note(i_.less_equal(i_.constant(1), a.b));
        note(i_.non_negative(rest));
        note(i_.less(rest, a.b));
        if (i_.is_constant(a.b)) break;
        // Of a divisor that has no number, what products would have to show.
        const IntId quotient = i_.atom_as_term(number);
        const CondId low = i_.non_negative(a.a), high = i_.less_equal(a.b, a.a);
        note(i_.any({low, i_.less(quotient, i_.constant(0))}));
        note(i_.any({i_.negate(low), i_.non_negative(quotient)}));
        note(i_.any({i_.negate(high), i_.less_equal(i_.constant(1), quotient)}));
        note(i_.any({i_.negate(low), high, i_.all({i_.zero(quotient), i_.zero(i_.mul(a.b, quotient))})}));
        break;
      }
      case IntAtom::Kind::kMin:
      case IntAtom::Kind::kMax: {
        const bool low = a.kind == IntAtom::Kind::kMin;
        const IntId m = low ? i_.min(a.a, a.b) : i_.max(a.a, a.b);
        note(low ? i_.less_equal(m, a.a) : i_.less_equal(a.a, m));
        note(low ? i_.less_equal(m, a.b) : i_.less_equal(a.b, m));
        note(i_.any({i_.equal(m, a.a), i_.equal(m, a.b)}));
        break;
      }
      case IntAtom::Kind::kCoordinate: {
        IntId position = i_.constant(0);
        for (size_t k = 0; k < a.sizes.size(); ++k) {
          const IntId c = i_.coordinate(a.a, a.sizes, k);
          if (k == a.number) {
            note(i_.non_negative(c));
            note(i_.less(c, a.sizes[k]));
          }
          position = i_.add(i_.mul(position, a.sizes[k]), c);
        }
        note(i_.equal(position, a.a));
        break;
      }
      default: break;
    }
  }

  Indices& i_;
  std::set<IntId> seen_;
  std::set<uint32_t> done_;
};

void pairs_in(const Indices& indices, CondId c, std::set<std::vector<uint32_t>>& out) {
  const CondNode& n = indices.cond(c);
  for (CondId a : n.args) pairs_in(indices, a, out);
  if (n.kind != CondNode::Kind::kNonNegative && n.kind != CondNode::Kind::kZero) return;
  for (const IntTerm& t : indices.polynomial(n.value)) {
    if (t.atoms.size() == 2) out.insert(t.atoms);
  }
}

}  // namespace

std::vector<CondId> products(Indices& indices, const std::vector<CondId>& facts, bool far, size_t limit) {
  std::set<std::vector<uint32_t>> wanted;
  std::vector<IntId> linear;
  for (CondId c : facts) {
    const CondNode& n = indices.cond(c);
    pairs_in(indices, c, wanted);
    if (n.kind != CondNode::Kind::kNonNegative) continue;
    const Polynomial& p = indices.polynomial(n.value);
    const size_t degree = std::max_element(p.begin(), p.end(), [](const IntTerm& x, const IntTerm& y) { return x.atoms.size() < y.atoms.size(); })->atoms.size();
    if (degree == 1) linear.push_back(n.value);
  }
  std::vector<CondId> out;
  for (size_t x = 0; x < linear.size(); ++x) {
    for (size_t y = x; y < linear.size() && out.size() < limit; ++y) {
      const IntId p = indices.mul(linear[x], linear[y]);
      size_t high = 0, known = 0;
      for (const IntTerm& t : indices.polynomial(p)) {
        if (t.atoms.size() < 2) continue;
        ++high;
        known += wanted.contains(t.atoms);
      }
      if (high == 0 || known < (far ? 1 : high)) continue;
      out.push_back(indices.non_negative(p));
      for (const IntTerm& t : indices.polynomial(p)) {
        if (far && t.atoms.size() == 2) wanted.insert(t.atoms);
      }
    }
  }
  return out;
}

std::vector<CondId> connected(const Indices& indices, const std::vector<CondId>& context, CondId goal) {
  std::set<VariableId> reached;
  std::set<ScalarId> scalars;
  auto parts = [&](CondId c, std::vector<VariableId>& v, std::vector<ScalarId>& s) { indices.variables_of_cond(c, v, s); };
  std::vector<VariableId> v;
  std::vector<ScalarId> s;
  parts(goal, v, s);
  reached.insert(v.begin(), v.end());
  scalars.insert(s.begin(), s.end());
  std::vector<bool> in(context.size(), false);
  for (bool grew = true; grew;) {
    grew = false;
    for (size_t k = 0; k < context.size(); ++k) {
      if (in[k]) continue;
      v.clear();
      s.clear();
      parts(context[k], v, s);
      if (std::none_of(v.begin(), v.end(), [&](VariableId x) { return reached.contains(x); }) &&
          std::none_of(s.begin(), s.end(), [&](ScalarId x) { return scalars.contains(x); })) {
        continue;
      }
      in[k] = grew = true;
      reached.insert(v.begin(), v.end());
      scalars.insert(s.begin(), s.end());
    }
  }
  std::vector<CondId> out;
  for (size_t k = 0; k < context.size(); ++k) {
    if (in[k]) out.push_back(context[k]);
  }
  return out;
}

std::vector<CondId> atom_facts(Indices& indices, const std::vector<CondId>& hypotheses, CondId goal) {
  AtomFacts facts(indices);
  facts.visit(goal);
  for (CondId c : hypotheses) facts.visit(c);
  return facts.facts;
}

}  // namespace egret::rules
