// Named sizes as index terms, under the facts that typing assumed.
#include <algorithm>

#include <fmt/format.h>

#include "ir/dim_expr.h"
#include "rules/verify/prove/elaborate.h"

namespace egret::rules {

IntId Sizes::named(const std::string& name, Dim d) {
  auto it = variables_.find(name);
  if (it == variables_.end()) {
    it = variables_.emplace(name, indices_.fresh(name)).first;
    ranges_[name] = {d.low(), d.high()};
  }
  const IntId v = indices_.variable(it->second);
  return solved_.empty() ? v : indices_.substitute(v, solved_);
}

IntId Sizes::term(Dim d) {
  using Kind = DimExpr::Kind;
  if (d.is_const()) return indices_.constant(d.value());
  const DimExpr* e = DimAccess::expr(d);
  switch (e->kind) {
    case Kind::kName: return named(e->name, d);
    case Kind::kDiv: return indices_.div(term(e->a), term(e->b));
    case Kind::kMod: return indices_.mod(term(e->a), term(e->b));
    case Kind::kMin: return indices_.min(term(e->a), term(e->b));
    case Kind::kMax: return indices_.max(term(e->a), term(e->b));
    case Kind::kSum: break;
  }
  IntId sum = indices_.constant(e->sum.constant);
  for (const DimTerm& t : e->sum.terms) {
    IntId product = indices_.constant(t.coefficient);
    for (const DimExpr* f : t.factors) product = indices_.mul(product, term(DimAccess::dim(f)));
    sum = indices_.add(sum, product);
  }
  return sum;
}

// zero == 0: a name with coefficient 1 or -1 that stands nowhere else in it is the rest.
bool Sizes::solve(IntId zero) {
  zero = indices_.substitute(zero, solved_);
  const Polynomial p = indices_.polynomial(zero);
  for (const IntTerm& t : p) {
    if (t.atoms.size() != 1 || (t.coefficient != 1 && t.coefficient != -1)) continue;
    const IntAtom& a = indices_.atom(t.atoms[0]);
    if (a.kind != IntAtom::Kind::kVariable) continue;
    const IntId v = indices_.variable(a.number);
    const IntId rest = t.coefficient == 1 ? indices_.sub(v, zero) : indices_.add(v, zero);
    std::vector<VariableId> inside;
    std::vector<ScalarId> scalars;
    indices_.variables_of(rest, inside, scalars);
    if (std::find(inside.begin(), inside.end(), a.number) != inside.end()) continue;
    const Indices::Substitution one{{a.number, rest}};
    for (auto& [name, value] : solved_) value = indices_.substitute(value, one);
    solved_[a.number] = rest;
    return true;
  }
  return false;
}

void Sizes::take(const std::vector<SizeFact>& facts) {
  // Names that are one first, so that the rest is said in few names.
  for (const SizeFact& f : facts) {
    VariableId v = 0;
    if (f.kind != SizeFact::Kind::kEqual) continue;
    const IntId a = term(f.a), b = term(f.b);
    const bool names = (indices_.is_variable(a, &v) || indices_.is_constant(a)) && (indices_.is_variable(b, &v) || indices_.is_constant(b));
    if (names && a != b) solve(indices_.sub(a, b));
  }
  for (const SizeFact& f : facts) {
    if (f.kind == SizeFact::Kind::kEqual && term(f.a) == term(f.b)) continue;
    const bool solved = f.kind == SizeFact::Kind::kEqual && solve(indices_.sub(term(f.a), term(f.b)));
    if (!solved) left_.push_back(f);
  }
}

bool Sizes::all_free() const {
  VariableId v = 0;
  return left_.empty() && std::all_of(solved_.begin(), solved_.end(), [&](const auto& s) { return indices_.is_variable(s.second, &v); });
}

std::vector<std::pair<std::string, IntId>> Sizes::names() {
  std::vector<std::pair<std::string, IntId>> out;
  for (const auto& [name, v] : variables_) out.emplace_back(name, indices_.substitute(indices_.variable(v), solved_));
  return out;
}

std::vector<CondId> Sizes::hypotheses() {
  std::vector<CondId> out;
  for (const SizeFact& f : left_) {
    const IntId a = term(f.a), b = term(f.b);
    switch (f.kind) {
      case SizeFact::Kind::kEqual: out.push_back(indices_.equal(a, b)); break;
      case SizeFact::Kind::kNotEqual: out.push_back(indices_.negate(indices_.equal(a, b))); break;
      case SizeFact::Kind::kLess: out.push_back(indices_.less(a, b)); break;
      case SizeFact::Kind::kLessEqual: out.push_back(indices_.less_equal(a, b)); break;
    }
  }
  // The upper ends of ranges are no part of a claim about all sizes; those of numbers of few bits are.
  for (const auto& [name, range] : ranges_) {
    const IntId v = indices_.substitute(indices_.variable(variables_.at(name)), solved_);
    if (range.second < (int64_t{1} << 39)) out.push_back(indices_.less_equal(v, indices_.constant(range.second)));
    if (range.first > -(int64_t{1} << 39)) out.push_back(indices_.less_equal(indices_.constant(range.first), v));
  }
  return out;
}

}  // namespace egret::rules
