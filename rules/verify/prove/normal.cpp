#include "rules/verify/prove/normal.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "rules/verify/prove/prover.h"

namespace egret::rules {
namespace {

constexpr int64_t kMostParts = 4;  // positions whose parts are added one by one
constexpr size_t kMaxTerms = 200;  // of a normal form
constexpr int kMaxPower = 8;

const Rational kOne = Rational::of(1), kZero = Rational::of(0);

bool is_one(const Rational& r) { return r == kOne; }

NormalForm constant(const Rational& r) {
  NormalForm out;
  if (!(r == kZero)) out[{}] = r;
  return out;
}

bool is_number(const NormalForm& f, Rational* value = nullptr) {
  if (f.size() > 1 || (f.size() == 1 && !f.begin()->first.empty())) return false;
  if (value) *value = f.empty() ? kZero : f.begin()->second;
  return true;
}

}  // namespace

Normalizer::Form Normalizer::number(const Rational& value) {
  if (value.overflowed() || !value.is_finite()) return std::nullopt;
  return constant(value);
}

std::optional<CondId> Normalizer::indicator_of(ScalarId atom) const {
  const ScalarNode& n = p_.s_.node(atom);
  if (n.kind != ScalarNode::Kind::kSelect || !p_.about_indices(n.cond)) return std::nullopt;
  const ScalarNode &yes = p_.s_.node(n.args[0]), &no = p_.s_.node(n.args[1]);
  if (yes.kind != ScalarNode::Kind::kNumber || no.kind != ScalarNode::Kind::kNumber || yes.value() != 1 || no.value() != 0) {
    return std::nullopt;
  }
  return n.cond;
}

Normalizer::Form Normalizer::sum(const NormalForm& a, const NormalForm& b, const Rational& scale) {
  NormalForm out = a;
  for (const auto& [m, c] : b) {
    auto [it, fresh] = out.try_emplace(m, kZero);
    it->second = it->second + c * scale;
    if (it->second.overflowed()) return std::nullopt;
    if (it->second == kZero) out.erase(it);
  }
  if (out.size() > kMaxTerms) return std::nullopt;
  return out;
}

// |x| is x or -x, of the lowest integer too: its square is that of x.
void Normalizer::square_magnitudes(Monomial& m) const {
  if (!is_integer(dtype_)) return;
  for (ScalarId known : atoms_) {
    auto it = m.find(known);
    const ScalarNode& n = p_.s_.node(known);
    if (it == m.end() || it->second < 2 || n.kind != ScalarNode::Kind::kCall || n.fn != ScalarFn::kAbs) continue;
    if (std::find(atoms_.begin(), atoms_.end(), n.args[0]) == atoms_.end()) continue;
    m[n.args[0]] += it->second - it->second % 2;
    it->second %= 2;
    if (it->second == 0) m.erase(it);
  }
}

Normalizer::Form Normalizer::product(const NormalForm& a, const NormalForm& b) {
  if (!p_.laws_.field && is_float(dtype_) && a.size() > 1 && b.size() > 1) return std::nullopt;
  NormalForm out;
  for (const auto& [m, c] : a) {
    for (const auto& [n, d] : b) {
      Monomial both = m;
      for (const auto& [atom, exponent] : n) {
        int& e = both[atom];
        // x * (1/x) = 1 is algebra, no matter of order.
        if (!p_.laws_.field && is_float(dtype_) && e * exponent < 0) return std::nullopt;
        e += exponent;
        if (e != 0 && indicator_of(atom)) e = 1;
        if (std::abs(e) > 64) return std::nullopt;
        if (e == 0) both.erase(atom);
      }
      const Rational value = c * d;
      if (value.overflowed()) return std::nullopt;
      square_magnitudes(both);
      auto term = sum(out, {{both, value}}, kOne);
      if (!term) return std::nullopt;
      out = std::move(*term);
    }
  }
  return out;
}

Normalizer::Form Normalizer::atom(ScalarId id, const Context& context, int exponent) {
  for (ScalarId known : atoms_) {
    if (known == id) return NormalForm{{{{id, exponent}}, kOne}};
  }
  const ScalarNode n = p_.s_.node(id);
  for (ScalarId known : atoms_) {
    const ScalarNode m = p_.s_.node(known);
    if (m.kind != n.kind || m.dtype != n.dtype) continue;
    bool same = false;
    if (n.kind == ScalarNode::Kind::kCall || n.kind == ScalarNode::Kind::kSelect) {
      if (m.fn != n.fn || m.args.size() != n.args.size() || m.cond != n.cond) continue;
      same = true;
      for (size_t k = 0; same && k < n.args.size(); ++k) same = p_.equal(m.args[k], n.args[k], context);
    } else {
      same = p_.same_leaf(known, id, context);
    }
    if (same) return NormalForm{{{{known, exponent}}, kOne}};
  }
  atoms_.push_back(id);
  return NormalForm{{{{id, exponent}}, kOne}};
}

// A sum with more than one term is inverted as a whole, after what all its terms share.
Normalizer::Form Normalizer::power(const NormalForm& a, int exponent, const Context& context) {
  if (exponent == 0) return constant(kOne);
  if (a.empty()) return std::nullopt;
  if (a.size() == 1) {
    NormalForm out;
    Monomial m;
    for (const auto& [atom, e] : a.begin()->first) m[atom] = indicator_of(atom) ? 1 : e * exponent;
    if (exponent < 0) {
      for (const auto& [atom, e] : a.begin()->first) {
        if (indicator_of(atom)) return std::nullopt;
      }
    }
    if (!p_.laws_.field && is_float(dtype_) && exponent < 0) {
      for (const auto& [atom, e] : a.begin()->first) {
        if (e < 0) return std::nullopt;
      }
    }
    Rational c = kOne;
    for (int k = 0; k < std::abs(exponent); ++k) c = exponent > 0 ? c * a.begin()->second : c / a.begin()->second;
    if (c.overflowed() || !c.is_finite()) return std::nullopt;
    out[m] = c;
    return out;
  }
  if (exponent > 0) {
    if (exponent > kMaxPower) return std::nullopt;
    Form out = a;
    for (int k = 1; out && k < exponent; ++k) out = product(*out, a);
    return out;
  }
  Monomial shared = a.begin()->first;
  for (const auto& [m, c] : a) {
    std::erase_if(shared, [&](const auto& s) {
      auto it = m.find(s.first);
      return it == m.end() || (it->second < 0) != (s.second < 0);
    });
    for (auto& [atom, e] : shared) {
      const int other = m.at(atom);
      e = e < 0 ? std::max(e, other) : std::min(e, other);
    }
  }
  const Rational lead = a.begin()->second;
  Monomial inverse;
  for (const auto& [atom, e] : shared) {
    if (indicator_of(atom)) return std::nullopt;
    inverse[atom] = -e;
  }
  auto rest = product(a, {{inverse, kOne / lead}});
  auto whole = rest ? atom(emit(*rest), context, exponent) : std::nullopt;
  if (!whole) return std::nullopt;
  Monomial front;
  for (const auto& [atom, e] : shared) front[atom] = e * exponent;
  Rational c = kOne;
  for (int k = 0; k < -exponent; ++k) c = c / lead;
  if (c.overflowed()) return std::nullopt;
  return product(*whole, {{front, c}});
}

ScalarId Normalizer::emit_monomial(const Monomial& m, const Rational& coefficient) {
  Scalars& s = p_.s_;
  std::vector<CondId> conditions;
  std::optional<ScalarId> over, under;
  auto times = [&](std::optional<ScalarId>& at, ScalarId by) { at = at ? s.call(ScalarFn::kMul, dtype_, {*at, by}) : by; };
  for (const auto& [atom, exponent] : m) {
    if (auto c = indicator_of(atom)) {
      conditions.push_back(*c);
      continue;
    }
    for (int k = 0; k < std::abs(exponent); ++k) times(exponent > 0 ? over : under, atom);
  }
  auto integer = [&](Rational::Int v) { return s.number(static_cast<double>(v), dtype_); };
  if (!is_one(coefficient) || !over) {
    if (coefficient.numerator() != 1 || !over) times(over, integer(coefficient.numerator()));
    if (coefficient.denominator() != 1) times(under, integer(coefficient.denominator()));
  }
  ScalarId out = under ? s.call(ScalarFn::kDiv, dtype_, {*over, *under}) : *over;
  if (!conditions.empty()) out = s.select(p_.i_.all(std::move(conditions)), out, s.number(0, dtype_));
  return out;
}

ScalarId Normalizer::emit(const NormalForm& form) {
  std::optional<ScalarId> out;
  for (const auto& [m, c] : form) {
    const ScalarId term = emit_monomial(m, c);
    out = out ? p_.s_.call(ScalarFn::kAdd, dtype_, {*out, term}) : term;
  }
  return out ? *out : p_.s_.number(0, dtype_);
}

Normalizer::Form Normalizer::size(IntId value, const Context& context) {
  const Polynomial p = p_.i_.polynomial(value);
  NormalForm out;
  for (const IntTerm& t : p) {
    Form term = number(Rational::of(t.coefficient));
    for (size_t k = 0; term && k < t.atoms.size(); ++k) {
      auto leaf = atom(p_.s_.size(p_.i_.atom_as_term(t.atoms[k]), dtype_), context);
      term = leaf ? product(*term, *leaf) : std::nullopt;
    }
    if (!term) return std::nullopt;
    auto next = sum(out, *term, kOne);
    if (!next) return std::nullopt;
    out = std::move(*next);
  }
  return out;
}

std::optional<NormalForm> Normalizer::normal(ScalarId id, const Context& context) {
  const ScalarNode n = p_.s_.node(id);
  if (p_.exhausted_) return std::nullopt;
  switch (n.kind) {
    case ScalarNode::Kind::kNumber:
      if (!std::isfinite(n.value()) || (is_integer(n.dtype) && std::abs(n.value()) >= kExactIntegers)) return atom(id, context);
      return number(Rational::exactly(n.value()));
    case ScalarNode::Kind::kSize: return size(n.ints[0], context);
    case ScalarNode::Kind::kRead: return atom(id, context);
    case ScalarNode::Kind::kSelect: {
      if (!p_.about_indices(n.cond)) return atom(id, context);
      if (auto known = p_.decided(context, n.cond)) return normal(n.args[*known ? 0 : 1], context);
      const ScalarId one = p_.s_.number(1, dtype_), zero = p_.s_.number(0, dtype_);
      Form out = NormalForm{};
      for (size_t k = 0; out && k < 2; ++k) {
        const CondId c = k == 0 ? n.cond : p_.i_.negate(n.cond);
        Context inner = context;
        inner.push_back(c);
        auto value = normal(n.args[k], inner);
        if (!value) return std::nullopt;
        if (value->empty()) continue;
        auto flag = atom(p_.s_.select(c, one, zero), context);
        auto term = flag ? product(*value, *flag) : std::nullopt;
        out = term ? sum(*out, *term, kOne) : std::nullopt;
      }
      return out;
    }
    case ScalarNode::Kind::kCall: return call(n, context);
    case ScalarNode::Kind::kFold: return fold(n, context);
  }
  return std::nullopt;
}

// --- functions ---------------------------------------------------------------------------------------------------------

Normalizer::Form Normalizer::call(const ScalarNode& n, const Context& context) {
  const bool integers = is_integer(n.dtype);
  const Laws& laws = p_.laws_;
  auto opaque = [&](std::vector<ScalarId> args) { return atom(p_.s_.rebuilt(n, std::move(args)), context); };
  // What a condition on indices selects is selected after the function.
  for (size_t k = 0; k < n.args.size(); ++k) {
    const ScalarNode arg = p_.s_.node(n.args[k]);
    if (arg.kind != ScalarNode::Kind::kSelect || !p_.about_indices(arg.cond)) continue;
    std::vector<ScalarId> yes = n.args, no = n.args;
    yes[k] = arg.args[0];
    no[k] = arg.args[1];
    const ScalarId then = p_.s_.rebuilt(n, std::move(yes));
    return normal(p_.s_.select(arg.cond, then, p_.s_.rebuilt(n, std::move(no))), context);
  }
  if (n.fn == ScalarFn::kCast) {
    // Where roundings may be left out a conversion between floats is nothing.
    const DType from = p_.s_.node(n.args[0]).dtype;
    if (laws.contract && is_float(from) && is_float(n.dtype)) return normal(n.args[0], context);
    return atom(p_.s_.rebuilt(n, n.args), context);
  }
  // Arguments of another dtype have no normal form here.
  for (ScalarId a : n.args) {
    const DType of = p_.s_.node(a).dtype;
    if (of != n.dtype && !(is_float(of) && is_float(n.dtype))) return atom(p_.s_.rebuilt(n, n.args), context);
  }
  std::vector<NormalForm> args;
  for (ScalarId a : n.args) {
    auto f = normal(a, context);
    if (!f) return std::nullopt;
    args.push_back(std::move(*f));
  }
  auto emitted = [&] {
    std::vector<ScalarId> out;
    for (const NormalForm& f : args) out.push_back(emit(f));
    return opaque(std::move(out));
  };
  // A product whose order alone is open.
  auto commuting = [&](ScalarId a, ScalarId b) {
    return atom(p_.s_.call(ScalarFn::kMul, dtype_, {std::min(a, b), std::max(a, b)}), context);
  };
  const bool ring = integers || laws.field;
  switch (n.fn) {
    case ScalarFn::kAdd: return ring || laws.reassoc ? sum(args[0], args[1], kOne) : emitted();
    case ScalarFn::kSub:
      if (ring || (laws.reassoc && (args[1].size() == 1 || laws.nsz))) return sum(args[0], args[1], Rational::of(-1));
      return emitted();
    case ScalarFn::kNeg:
      if (ring || args[0].size() == 1 || laws.nsz) return sum({}, args[0], Rational::of(-1));
      return emitted();
    case ScalarFn::kMul:
      if (ring || (laws.reassoc && args[0].size() == 1 && args[1].size() == 1)) return product(args[0], args[1]);
      return commuting(emit(args[0]), emit(args[1]));
    default: break;
  }
  if (integers || !(laws.field || laws.reciprocal)) return emitted();
  if (n.fn == ScalarFn::kDiv) {
    auto inverse = power(args[1], -1, context);
    if (!inverse) return emitted();
    if (laws.field || (laws.reassoc && args[0].size() == 1)) return product(args[0], *inverse);
    return is_number(args[0]) ? product(args[0], *inverse) : commuting(emit(args[0]), emit(*inverse));
  }
  if (!laws.field) return emitted();
  switch (n.fn) {
    case ScalarFn::kExp: return exponential(args[0], context);
    case ScalarFn::kExpm1: {
      auto e = exponential(args[0], context);
      return e ? sum(*e, constant(kOne), Rational::of(-1)) : std::nullopt;
    }
    case ScalarFn::kLogistic: {
      auto minus = sum({}, args[0], Rational::of(-1));
      auto e = minus ? exponential(*minus, context) : std::nullopt;
      auto under = e ? sum(*e, constant(kOne), kOne) : std::nullopt;
      return under ? power(*under, -1, context) : std::nullopt;
    }
    case ScalarFn::kLog: return logarithm(args[0], context);
    // Odd and even functions: the argument's first term has no sign.
    case ScalarFn::kSin:
    case ScalarFn::kTanh:
    case ScalarFn::kErf:
    case ScalarFn::kCos:
    case ScalarFn::kAbs: {
      if (args[0].empty() || kZero < args[0].begin()->second) return emitted();
      const auto turned = sum({}, args[0], Rational::of(-1));
      const auto of_turned = turned ? opaque({emit(*turned)}) : std::nullopt;
      const bool even = n.fn == ScalarFn::kCos || n.fn == ScalarFn::kAbs;
      return of_turned && !even ? sum({}, *of_turned, Rational::of(-1)) : of_turned;
    }
    case ScalarFn::kLog1p: {
      auto x = sum(args[0], constant(kOne), kOne);
      return x ? logarithm(*x, context) : std::nullopt;
    }
    case ScalarFn::kSqrt:
    case ScalarFn::kRsqrt: {
      ScalarNode root = n;
      root.fn = ScalarFn::kSqrt;
      return atom(p_.s_.rebuilt(root, {emit(args[0])}), context, n.fn == ScalarFn::kSqrt ? 1 : -1);
    }
    case ScalarFn::kPow: {
      Rational p;
      if (is_number(args[1], &p) && p.is_integer() && p.numerator() >= -kMaxPower && p.numerator() <= kMaxPower) {
        return power(args[0], static_cast<int>(p.numerator()), context);
      }
      return emitted();
    }
    default: return emitted();
  }
}

// exp of a sum is a product: exp(2a - b + log q) = exp(a)^2 exp(b)^-1 q.
Normalizer::Form Normalizer::exponential(const NormalForm& a, const Context& context) {
  Form out = constant(kOne);
  for (const auto& [m, c] : a) {
    const bool whole = c.is_integer() && c.numerator() >= -kMaxPower && c.numerator() <= kMaxPower;
    const int exponent = whole ? static_cast<int>(c.numerator()) : 1;
    const NormalForm term{{m, whole ? kOne : c}};
    Form factor;
    const ScalarId only = m.size() == 1 && m.begin()->second == 1 && whole ? m.begin()->first : 0;
    const ScalarNode inner = p_.s_.node(only);
    if (m.size() == 1 && m.begin()->second == 1 && whole && inner.kind == ScalarNode::Kind::kCall && inner.fn == ScalarFn::kLog) {
      auto under = normal(inner.args[0], context);
      factor = under ? power(*under, exponent, context) : std::nullopt;
    } else {
      factor = atom(p_.s_.call(ScalarFn::kExp, dtype_, {emit(term)}), context, exponent);
    }
    out = out && factor ? product(*out, *factor) : std::nullopt;
  }
  return out;
}

// Factors that are exponentials leave a logarithm: they are positive whatever the rest is.
Normalizer::Form Normalizer::logarithm(const NormalForm& a, const Context& context) {
  if (a.size() != 1) return atom(p_.s_.call(ScalarFn::kLog, dtype_, {emit(a)}), context);
  Monomial rest;
  Form out = NormalForm{};
  for (const auto& [id, exponent] : a.begin()->first) {
    const ScalarNode n = p_.s_.node(id);
    if (n.kind == ScalarNode::Kind::kCall && n.fn == ScalarFn::kExp) {
      auto x = normal(n.args[0], context);
      out = x && out ? sum(*out, *x, Rational::of(exponent)) : std::nullopt;
    } else {
      rest[id] = exponent;
    }
  }
  if (!out) return std::nullopt;
  if (rest.empty() && is_one(a.begin()->second)) return out;
  auto log = atom(p_.s_.call(ScalarFn::kLog, dtype_, {emit({{rest, a.begin()->second}})}), context);
  return log ? sum(*out, *log, kOne) : std::nullopt;
}

// --- folds -------------------------------------------------------------------------------------------------------------

Normalizer::Form Normalizer::fold(const ScalarNode& n, const Context& context) {
  const Laws& laws = p_.laws_;
  const bool ring = is_integer(n.dtype) || laws.field;
  auto whole = [&](ScalarId body) { return atom(p_.s_.rebuilt(n, {body}), context); };
  if (n.fold == FoldKind::kProd && (ring || laws.reassoc)) return prod_fold(n, context);
  if (n.fold != FoldKind::kSum && n.fold != FoldKind::kMax && n.fold != FoldKind::kMin) return whole(n.args[0]);
  if (n.fold == FoldKind::kSum ? !(ring || laws.reassoc) : !laws.field) return whole(n.args[0]);
  if (n.fold == FoldKind::kSum) {
    if (auto parts = few_parts(n)) return normal(*parts, context);
  }
  const DType saved = dtype_;
  dtype_ = n.dtype;
  const Context inner = p_.with_ranges(context, n);
  auto body = normal(n.args[0], inner);
  Form out;
  if (body) out = n.fold == FoldKind::kSum ? sum_fold(n, *body, context) : max_fold(n, *body, context);
  dtype_ = saved;
  return out;
}

// A sum over a few positions that chooses among parts by the position (as over a concatenation of slabs): the sum of these.
std::optional<ScalarId> Normalizer::few_parts(const ScalarNode& n) {
  Scalars& s = p_.s_;
  const ScalarNode body = s.node(n.args[0]);
  if (body.kind != ScalarNode::Kind::kSelect || !p_.about_indices(body.cond)) return std::nullopt;
  for (ScalarId part : body.args) {
    if (s.node(part).kind == ScalarNode::Kind::kNumber) return std::nullopt;  // of padding
  }
  std::vector<VariableId> variables;
  std::vector<ScalarId> inside;
  p_.i_.variables_of_cond(body.cond, variables, inside);
  for (size_t k = 0; k < n.binders.size(); ++k) {
    int64_t count = 0;
    if (!p_.i_.is_constant(n.ints[k], &count) || count < 1 || count > kMostParts) continue;
    if (std::find(variables.begin(), variables.end(), n.binders[k]) == variables.end()) continue;
    ScalarNode rest = n;
    rest.binders.erase(rest.binders.begin() + static_cast<std::ptrdiff_t>(k));
    rest.ints.erase(rest.ints.begin() + static_cast<std::ptrdiff_t>(k));
    std::optional<ScalarId> sum;
    for (int64_t at = 0; at < count; ++at) {
      const ScalarId item = s.substitute(n.args[0], {{n.binders[k], p_.i_.constant(at)}});
      const ScalarId part = rest.binders.empty() ? item : s.rebuilt(rest, {item});
      sum = sum ? s.call(ScalarFn::kAdd, n.dtype, {*sum, part}) : part;
    }
    return sum;
  }
  return std::nullopt;
}

Normalizer::Form Normalizer::sum_fold(const ScalarNode& n, const NormalForm& body, const Context& context) {
  Scalars& s = p_.s_;
  Indices& i = p_.i_;
  const bool ring = is_integer(n.dtype) || p_.laws_.field;
  Form out = NormalForm{};
  for (const auto& [monomial, coefficient] : body) {
    std::vector<VariableId> binders = n.binders;
    std::vector<IntId> sizes = n.ints;
    Monomial outside, inside;
    for (const auto& [a, e] : monomial) (ring && !s.depends_on(a, binders) ? outside : inside)[a] = e;
    // A sum among the factors: one sum over both, under variables of its own.
    for (bool again = true; again;) {
      again = false;
      for (const auto& [a, e] : inside) {
        const ScalarNode f = s.node(a);
        if (e != 1 || f.kind != ScalarNode::Kind::kFold || f.fold != FoldKind::kSum) continue;
        const auto factors = std::count_if(inside.begin(), inside.end(), [&](const auto& x) { return !indicator_of(x.first); });
        if (!ring && factors > 1) continue;
        Indices::Substitution rename;
        for (size_t k = 0; k < f.binders.size(); ++k) {
          const VariableId v = i.fresh(i.name(f.binders[k]) + "*");
          i.set_size(v, f.ints[k]);
          rename[f.binders[k]] = i.variable(v);
          binders.push_back(v);
          sizes.push_back(f.ints[k]);
        }
        ScalarNode range = n;
        range.binders = binders;
        range.ints = sizes;
        auto under = normal(s.substitute(f.args[0], rename), p_.with_ranges(context, range));
        if (!under || under->size() != 1) return std::nullopt;
        Monomial rest = inside;
        rest.erase(a);
        auto joined = product({{rest, kOne}}, *under);
        if (!joined || joined->size() != 1) return std::nullopt;
        inside = joined->begin()->first;
        if (!is_one(joined->begin()->second)) return std::nullopt;
        again = true;
        break;
      }
    }
    // Where products do not distribute, a factor stays inside.
    Form term = NormalForm{{outside, ring ? coefficient : kOne}};
    auto sum_over = [&](const std::vector<size_t>& over, const Monomial& of) {
      ScalarNode f = n;
      f.binders.clear();
      f.ints.clear();
      for (size_t k : over) {
        f.binders.push_back(binders[k]);
        f.ints.push_back(sizes[k]);
      }
      return s.rebuilt(f, {emit_monomial(of, ring ? kOne : coefficient)});
    };
    if (!ring) {
      std::vector<size_t> every(binders.size());
      std::iota(every.begin(), every.end(), size_t{0});
      auto a = atom(sum_over(every, inside), context);
      term = term && a ? product(*term, *a) : std::nullopt;
    } else {
      // Variables that no factor ties together are sums of their own: sum over i, j of x(i) y(j) = (sum of x) (sum of y).
      std::vector<size_t> left(binders.size());
      std::iota(left.begin(), left.end(), size_t{0});
      while (!left.empty() && term) {
        std::vector<size_t> part{left.back()};
        left.pop_back();
        Monomial of;
        for (bool grew = true; grew;) {
          grew = false;
          for (const auto& [a, e] : inside) {
            if (of.contains(a) || std::none_of(part.begin(), part.end(), [&](size_t k) { return s.depends_on(a, {binders[k]}); })) continue;
            of[a] = e;
            grew = true;
            for (size_t k = left.size(); k-- > 0;) {
              if (!s.depends_on(a, {binders[left[k]]})) continue;
              part.push_back(left[k]);
              left.erase(left.begin() + static_cast<std::ptrdiff_t>(k));
            }
          }
        }
        std::sort(part.begin(), part.end());
        auto factor = of.empty() ? size(sizes[part[0]], context) : atom(sum_over(part, of), context);
        term = factor ? product(*term, *factor) : std::nullopt;
      }
      std::erase_if(inside, [&](const auto& x) { return s.depends_on(x.first, binders); });
      term = term ? product(*term, {{inside, kOne}}) : std::nullopt;
    }
    out = out && term ? sum(*out, *term, kOne) : std::nullopt;
    if (!out) return std::nullopt;
  }
  return out;
}

// A product over items of two kinds is that of one times that of the other; one of products is a product of them.
Normalizer::Form Normalizer::prod_fold(const ScalarNode& n, const Context& context) {
  auto over = [&](ScalarId body) { return p_.s_.rebuilt(n, {body}); };
  auto times = [&](const Form& a, const Form& b) { return a && b ? product(*a, *b) : std::nullopt; };
  const ScalarNode body = p_.s_.node(n.args[0]);
  if (body.kind == ScalarNode::Kind::kCall && body.fn == ScalarFn::kMul) {
    return times(prod_fold(p_.s_.node(over(body.args[0])), context), prod_fold(p_.s_.node(over(body.args[1])), context));
  }
  const ScalarId one = p_.s_.number(1, n.dtype);
  if (body.kind == ScalarNode::Kind::kSelect && p_.about_indices(body.cond) && body.args[1] != one) {
    const ScalarId first = p_.s_.select(body.cond, body.args[0], one), second = p_.s_.select(p_.i_.negate(body.cond), body.args[1], one);
    return times(prod_fold(p_.s_.node(over(first)), context), prod_fold(p_.s_.node(over(second)), context));
  }
  return atom(over(n.args[0]), context);
}

// An addend that the fold's variables do not touch leaves a maximum over at least one element.
Normalizer::Form Normalizer::max_fold(const ScalarNode& n, const NormalForm& body, const Context& context) {
  NormalForm outside, inside;
  for (const auto& [m, c] : body) {
    bool bound = false;
    for (const auto& [a, e] : m) bound |= p_.s_.depends_on(a, n.binders);
    (bound ? inside : outside)[m] = c;
  }
  std::vector<CondId> inhabited;
  for (IntId size : n.ints) inhabited.push_back(p_.i_.less_equal(p_.i_.constant(1), size));
  if (outside.empty() || inside.empty() || !p_.entails(context, p_.i_.all(std::move(inhabited)))) {
    return atom(p_.s_.rebuilt(n, {emit(body)}), context);
  }
  auto rest = atom(p_.s_.rebuilt(n, {emit(inside)}), context);
  return rest ? sum(outside, *rest, kOne) : std::nullopt;
}

}  // namespace egret::rules
