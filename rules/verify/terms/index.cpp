#include "rules/verify/terms/index.h"

#include <algorithm>
#include <limits>

namespace egret::rules {
namespace {

int64_t floor_div(int64_t a, int64_t b) { return a / b - ((a % b != 0) && ((a < 0) != (b < 0))); }

bool multiply(int64_t a, int64_t b, int64_t& out) { return !__builtin_mul_overflow(a, b, &out); }

}  // namespace

Indices::Indices() {
  intern({});  // 0
  intern_cond({});
  CondNode no;
  no.kind = CondNode::Kind::kFalse;
  intern_cond(no);
}

IntId Indices::intern(Polynomial p) {
  auto [it, fresh] = polynomial_ids_.try_emplace(std::move(p), static_cast<IntId>(polynomials_.size()));
  if (fresh) polynomials_.push_back(&it->first);
  return it->second;
}

IntId Indices::atom_term(IntAtom atom) {
  auto [it, fresh] = atom_ids_.try_emplace(std::move(atom), static_cast<uint32_t>(atoms_.size()));
  if (fresh) atoms_.push_back(&it->first);
  return intern({{{it->second}, 1}});
}

CondId Indices::intern_cond(CondNode node) {
  auto [it, fresh] = cond_ids_.try_emplace(std::move(node), static_cast<CondId>(conds_.size()));
  if (fresh) conds_.push_back(&it->first);
  return it->second;
}

VariableId Indices::fresh(std::string name) {
  names_.push_back(std::move(name));
  return static_cast<VariableId>(names_.size() - 1);
}

IntId Indices::variable(VariableId v) { return atom_term({IntAtom::Kind::kVariable, v, 0, 0, {}}); }
IntId Indices::of_scalar(ScalarId s) { return atom_term({IntAtom::Kind::kScalar, s, 0, 0, {}}); }
IntId Indices::constant(int64_t value) { return value == 0 ? intern({}) : intern({{{}, value}}); }

bool Indices::is_constant(IntId id, int64_t* value) const {
  const Polynomial& p = polynomial(id);
  if (p.size() > 1 || (p.size() == 1 && !p[0].atoms.empty())) return false;
  if (value) *value = p.empty() ? 0 : p[0].coefficient;
  return true;
}

const IntAtom* Indices::only_atom(IntId id) const {
  const Polynomial& p = polynomial(id);
  return p.size() == 1 && p[0].coefficient == 1 && p[0].atoms.size() == 1 ? &atom(p[0].atoms[0]) : nullptr;
}

bool Indices::is_variable(IntId id, VariableId* v) const {
  const Polynomial& p = polynomial(id);
  if (p.size() != 1 || p[0].coefficient != 1 || p[0].atoms.size() != 1) return false;
  const IntAtom& a = atom(p[0].atoms[0]);
  if (a.kind != IntAtom::Kind::kVariable) return false;
  *v = a.number;
  return true;
}

IntId Indices::combine(IntId a, IntId b, int64_t scale) {
  const Polynomial &x = polynomial(a), &y = polynomial(b);
  Polynomial out;
  size_t i = 0, j = 0;
  while (i < x.size() || j < y.size()) {
    if (j == y.size() || (i < x.size() && x[i].atoms < y[j].atoms)) {
      out.push_back(x[i++]);
      continue;
    }
    int64_t c = 0;
    overflowed_ |= !multiply(y[j].coefficient, scale, c);
    if (i < x.size() && x[i].atoms == y[j].atoms) overflowed_ |= __builtin_add_overflow(c, x[i++].coefficient, &c);
    if (c != 0) out.push_back({y[j].atoms, c});
    ++j;
  }
  return intern(std::move(out));
}

IntId Indices::mul(IntId a, IntId b) {
  const Polynomial x = polynomial(a), y = polynomial(b);
  std::map<std::vector<uint32_t>, int64_t> sum;
  for (const IntTerm& s : x) {
    for (const IntTerm& t : y) {
      std::vector<uint32_t> atoms;
      std::merge(s.atoms.begin(), s.atoms.end(), t.atoms.begin(), t.atoms.end(), std::back_inserter(atoms));
      int64_t c = 0;
      overflowed_ |= !multiply(s.coefficient, t.coefficient, c);
      int64_t& at = sum[std::move(atoms)];
      overflowed_ |= __builtin_add_overflow(at, c, &at);
    }
  }
  Polynomial out;
  for (auto& [atoms, c] : sum) {
    if (c != 0) out.push_back({atoms, c});
  }
  return intern(std::move(out));
}

// a = divisor * quotient + rest.
bool Indices::split(IntId a, IntId divisor, IntId& quotient, IntId& rest) {
  const Polynomial& by = polynomial(divisor);
  if (by.size() > 1) return split_sum(a, divisor, quotient, rest);
  if (by.empty()) return false;
  const IntTerm d = by[0];
  if (d.coefficient < (d.atoms.empty() ? 1 : -1)) return false;
  Polynomial whole, left;
  for (const IntTerm& t : polynomial(a)) {
    std::vector<uint32_t> atoms;
    const bool divides = std::includes(t.atoms.begin(), t.atoms.end(), d.atoms.begin(), d.atoms.end());
    const int64_t q = divides ? floor_div(t.coefficient, d.coefficient) : 0;
    const int64_t r = t.coefficient - q * d.coefficient;
    if (q != 0) {
      std::set_difference(t.atoms.begin(), t.atoms.end(), d.atoms.begin(), d.atoms.end(), std::back_inserter(atoms));
      whole.push_back({std::move(atoms), q});
    }
    if (r != 0) left.push_back({t.atoms, r});
  }
  std::sort(whole.begin(), whole.end());
  quotient = intern(std::move(whole));
  rest = intern(std::move(left));
  return true;
}

// A divisor of several terms: multiples of it that stand in `a` whole, one multiplier after another by the divisor's last term.
bool Indices::split_sum(IntId a, IntId divisor, IntId& quotient, IntId& rest) {
  const Polynomial by = polynomial(divisor), all = polynomial(a);
  const IntTerm lead = by.back();
  quotient = constant(0);
  rest = a;
  for (const IntTerm& t : all) {
    if (!std::includes(t.atoms.begin(), t.atoms.end(), lead.atoms.begin(), lead.atoms.end())) continue;
    std::vector<uint32_t> atoms;
    std::set_difference(t.atoms.begin(), t.atoms.end(), lead.atoms.begin(), lead.atoms.end(), std::back_inserter(atoms));
    const IntId multiplier = intern({{std::move(atoms), 1}});
    // The most of it that every term of the product allows.
    std::map<std::vector<uint32_t>, int64_t> has;
    for (const IntTerm& r : polynomial(rest)) has[r.atoms] = r.coefficient;
    int64_t times = std::numeric_limits<int64_t>::max();
    bool fits = true, negative = false;
    const Polynomial product = polynomial(mul(divisor, multiplier));
    for (size_t k = 0; fits && k < product.size(); ++k) {
      auto it = has.find(product[k].atoms);
      const int64_t n = it == has.end() ? 0 : it->second / product[k].coefficient;  // towards 0
      fits = n != 0 && (k == 0 || (n < 0) == negative);
      negative = n < 0;
      times = std::min(times, n < 0 ? -n : n);
    }
    if (!fits) continue;
    const IntId taken = mul(constant(negative ? -times : times), multiplier);
    quotient = add(quotient, taken);
    rest = sub(rest, mul(divisor, taken));
  }
  return true;
}

IntId Indices::div(IntId a, IntId b) {
  IntId quotient = 0, rest = a;
  if (!split(a, b, quotient, rest)) quotient = constant(0);
  int64_t r = 0, d = 0;
  if (is_constant(rest, &r)) {
    if (r == 0) return quotient;
    if (is_constant(b, &d) && d >= 1) return add(quotient, constant(floor_div(r, d)));
  }
  return add(quotient, atom_term({IntAtom::Kind::kDiv, 0, rest, b, {}}));
}

IntId Indices::min(IntId a, IntId b) {
  int64_t d = 0;
  if (is_constant(sub(b, a), &d)) return d >= 0 ? a : b;
  return atom_term({IntAtom::Kind::kMin, 0, std::min(a, b), std::max(a, b), {}});
}

IntId Indices::max(IntId a, IntId b) {
  int64_t d = 0;
  if (is_constant(sub(b, a), &d)) return d >= 0 ? b : a;
  // max(0, -x) is max(0, x) - x: of the two one is an atom, so that terms of either kind cancel.
  const IntId other = a == constant(0) ? b : a;
  const Polynomial& p = polynomial(other);
  const bool has_zero = a == constant(0) || b == constant(0);
  if (has_zero && p.back().coefficient < 0) return add(max(constant(0), sub(constant(0), other)), other);
  return atom_term({IntAtom::Kind::kMax, 0, std::min(a, b), std::max(a, b), {}});
}

// --- reshapes ----------------------------------------------------------------------------------------------------------

IntId Indices::flatten(const std::vector<IntId>& coordinates, const std::vector<IntId>& sizes) {
  IntId position = constant(0);
  for (size_t k = 0; k < coordinates.size();) {
    // All coordinates of one position, in order: the position itself.
    const Polynomial& p = polynomial(coordinates[k]);
    const IntAtom* first = p.size() == 1 && p[0].coefficient == 1 && p[0].atoms.size() == 1 ? &atom(p[0].atoms[0]) : nullptr;
    size_t length = first && first->kind == IntAtom::Kind::kCoordinate && first->number == 0 ? first->sizes.size() : 0;
    bool whole = length > 0 && k + length <= coordinates.size();
    for (size_t t = 0; whole && t < length; ++t) {
      whole = sizes[k + t] == first->sizes[t] && coordinates[k + t] == coordinate(first->a, first->sizes, t);
    }
    if (!whole) length = 1;
    IntId size = constant(1);
    for (size_t t = 0; t < length; ++t) size = mul(size, sizes[k + t]);
    position = add(mul(position, size), whole ? first->a : coordinates[k]);
    k += length;
  }
  return position;
}

bool Indices::is_coordinate_below(IntId c, IntId size) const {
  const Polynomial& p = polynomial(c);
  if (p.size() != 1 || p[0].coefficient != 1 || p[0].atoms.size() != 1) return false;
  const IntAtom& a = atom(p[0].atoms[0]);
  if (a.kind == IntAtom::Kind::kCoordinate) return a.sizes[a.number] == size;
  auto it = a.kind == IntAtom::Kind::kVariable ? size_of_.find(a.number) : size_of_.end();
  return it != size_of_.end() && it->second == size;
}

IntId Indices::coordinate(IntId position, std::vector<IntId> sizes, size_t k) {
  while (sizes.size() > 1) {
    const IntId last = sizes.back();
    int64_t one = 0;
    IntId quotient = 0, rest = 0;
    if (is_constant(last, &one) && one == 1) {
      quotient = position;
      rest = constant(0);
    } else if (!split(position, last, quotient, rest) || !(polynomial(rest).empty() || is_coordinate_below(rest, last))) {
      break;
    }
    if (k + 1 == sizes.size()) return rest;
    sizes.pop_back();
    position = quotient;
  }
  // Leading sizes of 1 hold nothing.
  int64_t one = 0;
  while (sizes.size() > 1 && is_constant(sizes[0], &one) && one == 1) {
    if (k == 0) return constant(0);
    sizes.erase(sizes.begin());
    --k;
  }
  if (sizes.size() == 1) return position;
  return atom_term({IntAtom::Kind::kCoordinate, static_cast<uint32_t>(k), position, 0, std::move(sizes)});
}

// --- conditions --------------------------------------------------------------------------------------------------------

CondId Indices::non_negative(IntId a) {
  int64_t c = 0;
  if (is_constant(a, &c)) return truth(c >= 0);
  CondNode n;
  n.kind = CondNode::Kind::kNonNegative;
  n.value = a;
  return intern_cond(n);
}

CondId Indices::zero(IntId a) {
  int64_t c = 0;
  if (is_constant(a, &c)) return truth(c == 0);
  if (polynomial(a)[0].coefficient < 0) a = sub(constant(0), a);
  CondNode n;
  n.kind = CondNode::Kind::kZero;
  n.value = a;
  return intern_cond(n);
}

CondId Indices::of_truth(ScalarId s) {
  CondNode n;
  n.kind = CondNode::Kind::kTruth;
  n.scalar = s;
  return intern_cond(n);
}

CondId Indices::negate(CondId c) {
  const CondNode& n = cond(c);
  switch (n.kind) {
    case CondNode::Kind::kTrue: return kFalseCond;
    case CondNode::Kind::kFalse: return kTrueCond;
    case CondNode::Kind::kNot: return n.args[0];
    case CondNode::Kind::kNonNegative: return non_negative(sub(constant(-1), n.value));
    default: break;
  }
  CondNode out;
  out.kind = CondNode::Kind::kNot;
  out.args = {c};
  return intern_cond(out);
}

CondId Indices::junction(CondNode::Kind kind, std::vector<CondId> args) {
  const CondId neutral = kind == CondNode::Kind::kAnd ? kTrueCond : kFalseCond;
  const CondId absorbing = kind == CondNode::Kind::kAnd ? kFalseCond : kTrueCond;
  std::vector<CondId> flat;
  for (CondId a : args) {
    if (a == absorbing) return absorbing;
    if (a == neutral) continue;
    if (cond(a).kind == kind) {
      flat.insert(flat.end(), cond(a).args.begin(), cond(a).args.end());
    } else {
      flat.push_back(a);
    }
  }
  std::sort(flat.begin(), flat.end());
  flat.erase(std::unique(flat.begin(), flat.end()), flat.end());
  if (flat.empty()) return neutral;
  if (flat.size() == 1) return flat[0];
  CondNode n;
  n.kind = kind;
  n.args = std::move(flat);
  return intern_cond(n);
}

// --- variables ---------------------------------------------------------------------------------------------------------

IntId Indices::substitute(IntId id, const Substitution& by, const std::map<ScalarId, ScalarId>* scalars) {
  const Polynomial p = polynomial(id);
  IntId out = constant(0);
  for (const IntTerm& t : p) {
    IntId term = constant(t.coefficient);
    for (uint32_t number : t.atoms) {
      const IntAtom a = atom(number);
      IntId value = 0;
      switch (a.kind) {
        case IntAtom::Kind::kVariable: {
          auto it = by.find(a.number);
          value = it == by.end() ? variable(a.number) : it->second;
          break;
        }
        case IntAtom::Kind::kScalar: {
          auto it = scalars ? scalars->find(a.number) : std::map<ScalarId, ScalarId>::const_iterator{};
          value = of_scalar(scalars && it != scalars->end() ? it->second : a.number);
          break;
        }
        case IntAtom::Kind::kDiv: value = div(substitute(a.a, by, scalars), substitute(a.b, by, scalars)); break;
        case IntAtom::Kind::kMin: value = min(substitute(a.a, by, scalars), substitute(a.b, by, scalars)); break;
        case IntAtom::Kind::kMax: value = max(substitute(a.a, by, scalars), substitute(a.b, by, scalars)); break;
        case IntAtom::Kind::kCoordinate: {
          std::vector<IntId> sizes;
          for (IntId s : a.sizes) sizes.push_back(substitute(s, by, scalars));
          value = coordinate(substitute(a.a, by, scalars), std::move(sizes), a.number);
          break;
        }
      }
      term = mul(term, value);
    }
    out = add(out, term);
  }
  return out;
}

IntId Indices::replace_atom(IntId id, uint32_t atom, IntId by) {
  const Polynomial p = polynomial(id);
  IntId out = constant(0);
  for (const IntTerm& t : p) {
    IntId term = constant(t.coefficient);
    for (uint32_t number : t.atoms) term = mul(term, number == atom ? by : atom_as_term(number));
    out = add(out, term);
  }
  return out;
}

CondId Indices::substitute_cond(CondId id, const Substitution& by, const std::map<ScalarId, ScalarId>* scalars) {
  const CondNode n = cond(id);
  switch (n.kind) {
    case CondNode::Kind::kNonNegative: return non_negative(substitute(n.value, by, scalars));
    case CondNode::Kind::kZero: return zero(substitute(n.value, by, scalars));
    case CondNode::Kind::kTruth: {
      auto it = scalars ? scalars->find(n.scalar) : std::map<ScalarId, ScalarId>::const_iterator{};
      return scalars && it != scalars->end() ? of_truth(it->second) : id;
    }
    case CondNode::Kind::kNot: return negate(substitute_cond(n.args[0], by, scalars));
    case CondNode::Kind::kAnd:
    case CondNode::Kind::kOr: {
      std::vector<CondId> args;
      for (CondId a : n.args) args.push_back(substitute_cond(a, by, scalars));
      return junction(n.kind, std::move(args));
    }
    default: return id;
  }
}

void Indices::variables_of(IntId id, std::vector<VariableId>& out, std::vector<ScalarId>& scalars) const {
  for (const IntTerm& t : polynomial(id)) {
    for (uint32_t number : t.atoms) {
      const IntAtom& a = atom(number);
      if (a.kind == IntAtom::Kind::kVariable) {
        out.push_back(a.number);
      } else if (a.kind == IntAtom::Kind::kScalar) {
        scalars.push_back(a.number);
      } else {
        variables_of(a.a, out, scalars);
        variables_of(a.b, out, scalars);
        for (IntId s : a.sizes) variables_of(s, out, scalars);
      }
    }
  }
}

void Indices::variables_of_cond(CondId id, std::vector<VariableId>& out, std::vector<ScalarId>& scalars) const {
  const CondNode& n = cond(id);
  if (n.kind == CondNode::Kind::kNonNegative || n.kind == CondNode::Kind::kZero) variables_of(n.value, out, scalars);
  if (n.kind == CondNode::Kind::kTruth) scalars.push_back(n.scalar);
  for (CondId a : n.args) variables_of_cond(a, out, scalars);
}

}  // namespace egret::rules
