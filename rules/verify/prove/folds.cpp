// Folds: what holds of them bit for bit, and when two of them are one.
#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/evaluate/scalar_functions.h"
#include "rules/verify/prove/prover.h"
#include "rules/verify/terms/unify.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxPairings = 120;  // ways to pair binders up
constexpr size_t kMaxMaps = 24;       // bijections tried

bool located(FoldKind k) { return k == FoldKind::kArgMax || k == FoldKind::kArgMin; }

// Under nothing, sums and products of floats run in index order.
bool ordered(const ScalarNode& f, const Laws& laws) {
  return (f.fold == FoldKind::kSum || f.fold == FoldKind::kProd) && is_float(f.dtype) && !laws.reassoc;
}

}  // namespace

// Bit for bit, under the laws granted.
ScalarId Prover::simplify(ScalarId id, const Context& context) {
  const auto key = std::make_pair(context, id);
  if (auto it = simplified_.find(key); it != simplified_.end()) return it->second;
  const ScalarNode n = s_.node(id);
  ScalarId out = id;
  if (n.kind == ScalarNode::Kind::kFold) {
    const Context inner = with_ranges(context, n);
    ScalarNode fold = n;
    fold.args = {simplify(n.args[0], inner)};
    out = located(n.fold) ? simplify_located(std::move(fold), context) : simplify_fold(std::move(fold), context);
  } else if (n.kind == ScalarNode::Kind::kSelect) {
    const auto known = about_indices(n.cond) ? decided(context, n.cond) : std::nullopt;
    if (known) {
      out = simplify(n.args[*known ? 0 : 1], context);
    } else {
      Context yes = context, no = context;
      if (about_indices(n.cond)) {
        yes.push_back(n.cond);
        no.push_back(i_.negate(n.cond));
      }
      const ScalarId then = simplify(n.args[0], yes);
      out = s_.select(n.cond, then, simplify(n.args[1], no));
    }
  } else if (!n.args.empty()) {
    std::vector<ScalarId> args;
    for (ScalarId a : n.args) args.push_back(simplify(a, context));
    out = s_.rebuilt(n, std::move(args));
    if (const auto folded = of_positions(s_.node(out), context)) out = *folded;
  }
  simplified_[key] = out;
  return out;
}

// Arithmetic of numbers that index terms give: a ring modulo 2^n, and remainders where no number leaves its range.
std::optional<ScalarId> Prover::of_positions(const ScalarNode& n, const Context& context) {
  if (n.kind != ScalarNode::Kind::kCall || n.args.size() != 2 || !is_integer(n.dtype)) return std::nullopt;
  std::vector<IntId> at;
  bool all_numbers = true;
  for (ScalarId a : n.args) {
    const ScalarNode& arg = s_.node(a);
    if (arg.dtype != n.dtype || (arg.kind != ScalarNode::Kind::kSize && arg.kind != ScalarNode::Kind::kNumber)) return std::nullopt;
    all_numbers &= arg.kind == ScalarNode::Kind::kNumber;
    at.push_back(arg.kind == ScalarNode::Kind::kSize ? arg.ints[0] : i_.constant(static_cast<int64_t>(arg.value())));
  }
  if (all_numbers) return std::nullopt;
  switch (n.fn) {
    case ScalarFn::kAdd: return s_.size(i_.add(at[0], at[1]), n.dtype);
    case ScalarFn::kSub: return s_.size(i_.sub(at[0], at[1]), n.dtype);
    case ScalarFn::kMul: return s_.size(i_.mul(at[0], at[1]), n.dtype);
    case ScalarFn::kRem: return remainder(at[0], at[1], n.dtype, context);
    default: return std::nullopt;
  }
}

// Truncated: of the sign of `a`, whatever that of `b`.  Nothing where the signs are not known, or a number may leave its range.
std::optional<ScalarId> Prover::remainder(IntId a, IntId b, DType dtype, const Context& context) {
  const IntId most = i_.constant((int64_t{1} << std::min<int>(row(dtype).mantissa, 62)) - 1), zero = i_.constant(0);
  const auto magnitude = [&](IntId x, bool& below) -> std::optional<IntId> {
    below = !entails(context, i_.non_negative(x));
    if (below && !entails(context, i_.less(x, zero))) return std::nullopt;
    const IntId size = below ? i_.sub(zero, x) : x;
    const IntId bound = below ? i_.add(most, i_.constant(1)) : most;
    // (No number that a name stands for is near the ends of 64 bits.)
    return row(dtype).bits == 64 || entails(context, i_.less_equal(size, bound)) ? std::optional(size) : std::nullopt;
  };
  bool below_a = false, below_b = false;
  const auto of = magnitude(a, below_a), by = magnitude(b, below_b);
  if (!of || !by || !entails(context, i_.less(zero, *by))) return std::nullopt;
  const IntId rest = i_.mod(*of, *by);
  return s_.size(below_a ? i_.sub(zero, rest) : rest, dtype);
}

// The variable of a fold, by its place, and the position at which alone the condition can hold.
std::optional<std::pair<size_t, IntId>> Prover::only_position(const ScalarNode& f, CondId c) {
  const CondNode n = i_.cond(c);
  if (n.kind == CondNode::Kind::kAnd) {
    for (CondId a : n.args) {
      if (auto found = only_position(f, a)) return found;
    }
  }
  if (n.kind != CondNode::Kind::kZero) return std::nullopt;
  for (size_t k = 0; k < f.binders.size(); ++k) {
    std::vector<VariableId> open{f.binders[k]};
    Indices::Substitution found;
    // (Not where an index that was read depends on the variable, or a size of the others does.)
    if (!solve_for(i_, n.value, open, found)) continue;
    bool apart = true;
    for (IntId size : f.ints) {
      std::vector<VariableId> variables;
      std::vector<ScalarId> scalars;
      i_.variables_of(size, variables, scalars);
      apart &= std::find(variables.begin(), variables.end(), f.binders[k]) == variables.end();
    }
    if (apart) return std::pair{k, found.at(f.binders[k])};
  }
  return std::nullopt;
}

ScalarId Prover::simplify_fold(ScalarNode f, const Context& context) {
  const bool one_is_enough = idempotent(f.fold);
  // A fold of a fold of its kind.
  if (const ScalarNode inner = s_.node(f.args[0]); inner.kind == ScalarNode::Kind::kFold && inner.fold == f.fold &&
                                                   inner.dtype == f.dtype && (one_is_enough || laws_.reassoc || is_integer(f.dtype))) {
    bool independent = true;  // its sizes do not depend on the outer variables
    for (IntId size : inner.ints) {
      std::vector<VariableId> variables;
      std::vector<ScalarId> scalars;
      i_.variables_of(size, variables, scalars);
      for (VariableId v : f.binders) independent &= std::find(variables.begin(), variables.end(), v) == variables.end();
    }
    if (independent) {
      f.binders.insert(f.binders.end(), inner.binders.begin(), inner.binders.end());
      f.ints.insert(f.ints.end(), inner.ints.begin(), inner.ints.end());
      f.args = inner.args;
    }
  }
  // Nothing to fold.
  for (IntId size : f.ints) {
    int64_t count = 0;
    if (i_.is_constant(size, &count) ? count <= 0 : entails(context, i_.less_equal(size, i_.constant(0)))) return s_.number(identity(f.fold, f.dtype), f.dtype);
  }
  // (Of the identity alone it is the identity.)
  const double nothing = identity(f.fold, f.dtype);
  const auto is_nothing = [&](ScalarId id) {
    const ScalarNode& n = s_.node(id);
    return n.kind == ScalarNode::Kind::kNumber && n.value() == nothing && std::signbit(n.value()) == std::signbit(nothing);
  };
  if (is_nothing(f.args[0])) return f.args[0];
  // Where a condition leaves a variable one position, the others fold nothing.
  if (one_is_enough || laws_.nsz || !is_float(f.dtype)) {
    const ScalarNode body = s_.node(f.args[0]);
    if (body.kind == ScalarNode::Kind::kSelect && is_nothing(body.args[1])) {
      if (const auto at = only_position(f, body.cond)) {
        const auto [k, position] = *at;
        const CondId inside = i_.all({i_.non_negative(position), i_.less(position, f.ints[k])});
        const ScalarId there = s_.substitute(f.args[0], {{f.binders[k], position}});
        f.binders.erase(f.binders.begin() + static_cast<std::ptrdiff_t>(k));
        f.ints.erase(f.ints.begin() + static_cast<std::ptrdiff_t>(k));
        f.args[0] = s_.select(inside, there, body.args[1]);
        return simplify_fold(std::move(f), context);
      }
    }
  }
  for (size_t k = f.binders.size(); k-- > 0;) {
    const bool used = s_.depends_on(f.args[0], {f.binders[k]});
    const IntId size = f.ints[k];
    // (Among others, one position is one whatever else holds.)
    const bool single = (one_is_enough || laws_.nsz || !is_float(f.dtype) || f.binders.size() > 1) && entails(context, i_.equal(size, i_.constant(1)));
    const bool repeated = !used && one_is_enough && entails(context, i_.less_equal(i_.constant(1), size));
    if (!single && !repeated) continue;
    if (used) f.args[0] = s_.substitute(f.args[0], {{f.binders[k], i_.constant(0)}});
    f.binders.erase(f.binders.begin() + static_cast<std::ptrdiff_t>(k));
    f.ints.erase(f.ints.begin() + static_cast<std::ptrdiff_t>(k));
  }
  // The sum of one element may still turn -0 into +0.
  if (f.binders.empty() && (one_is_enough || laws_.nsz || !is_float(f.dtype))) return f.args[0];

  const ScalarNode body = s_.node(f.args[0]);
  auto refold = [&](FoldKind kind, ScalarId of) {
    ScalarNode g = f;
    g.fold = kind;
    g.args = {of};
    return simplify_fold(std::move(g), context);
  };
  // The sign of every item is the sign of the sum, where that of zero does not count.
  if (f.fold == FoldKind::kSum && laws_.nsz && is_float(f.dtype)) {
    if (const auto plain = without_sign(f.args[0]); plain && plain->signs) return s_.call(ScalarFn::kNeg, f.dtype, {refold(f.fold, plain->value)});
  }
  if (body.kind != ScalarNode::Kind::kCall) return s_.rebuilt(f, f.args);
  // A sign comes out of an extremum (of integers it does not: the negation of the lowest is itself), a negation out of any and all.
  const bool sign = body.fn == ScalarFn::kNeg && is_float(f.dtype), negation = body.fn == ScalarFn::kNot && f.dtype == DType::boolean;
  for (const auto& [kind, other] : {std::pair{FoldKind::kMax, FoldKind::kMin}, {FoldKind::kMin, FoldKind::kMax},
                                    {FoldKind::kAny, FoldKind::kAll}, {FoldKind::kAll, FoldKind::kAny}}) {
    const bool truth = kind == FoldKind::kAny || kind == FoldKind::kAll;
    if (f.fold == kind && (truth ? negation : sign)) return s_.call(body.fn, f.dtype, {refold(other, body.args[0])});
  }
  // Lattices: what all items are bounded by bounds their extremum; over nothing only where the bound gives way.
  struct Law {
    FoldKind fold;
    ScalarFn fn;
    bool of_nothing;
  };
  for (const Law& law : {Law{FoldKind::kMax, ScalarFn::kMax, false}, {FoldKind::kMin, ScalarFn::kMin, false}, {FoldKind::kMax, ScalarFn::kMin, false},
                         {FoldKind::kMin, ScalarFn::kMax, false}, {FoldKind::kAny, ScalarFn::kOr, false}, {FoldKind::kAll, ScalarFn::kAnd, false},
                         {FoldKind::kAny, ScalarFn::kAnd, true}, {FoldKind::kAll, ScalarFn::kOr, true}}) {
    if (f.fold != law.fold || body.fn != law.fn) continue;
    for (size_t k = 0; k < 2; ++k) {
      if (s_.depends_on(body.args[k], f.binders)) continue;
      std::vector<CondId> inhabited;
      for (IntId size : f.ints) inhabited.push_back(i_.less_equal(i_.constant(1), size));
      // The extremum of nothing gives way to every bound but NaN.
      const bool gives_way = (law.fold == FoldKind::kMin && law.fn == ScalarFn::kMax) || (law.fold == FoldKind::kMax && law.fn == ScalarFn::kMin);
      if (!law.of_nothing && !(gives_way && is_no_nan(body.args[k])) && !entails(context, i_.all(std::move(inhabited)))) break;
      return s_.call(law.fn, f.dtype, {refold(f.fold, body.args[1 - k]), body.args[k]});
    }
  }
  return s_.rebuilt(f, f.args);
}

// The position of an extremum: among one it is the first, and the greatest of negated floats stands where the least of them does.
ScalarId Prover::simplify_located(ScalarNode f, const Context& context) {
  std::vector<CondId> alone;
  for (IntId size : f.ints) alone.push_back(i_.equal(size, i_.constant(1)));
  if (entails(context, i_.all(std::move(alone)))) return s_.number(0, f.dtype);
  const ScalarNode body = s_.node(f.args[0]);
  if (body.kind == ScalarNode::Kind::kCall && body.fn == ScalarFn::kNeg && is_float(body.dtype)) {
    f.fold = f.fold == FoldKind::kArgMax ? FoldKind::kArgMin : FoldKind::kArgMax;
    f.args = body.args;
  }
  return s_.rebuilt(f, f.args);
}

bool Prover::is_no_nan(ScalarId id) const {
  const ScalarNode& n = s_.node(id);
  return !is_float(n.dtype) || laws_.nnan || (n.kind == ScalarNode::Kind::kNumber && !std::isnan(n.value()));
}

// The term of which this one is the negation, but for signs of zeros; nothing where it is none.
std::optional<Prover::Unsigned> Prover::without_sign(ScalarId id) {
  const ScalarNode n = s_.node(id);
  if (!is_float(n.dtype)) return std::nullopt;
  if (n.kind == ScalarNode::Kind::kNumber && n.value() == 0) return Unsigned{id, false};
  if (n.kind == ScalarNode::Kind::kCall && n.fn == ScalarFn::kNeg) return Unsigned{n.args[0], true};
  const bool factors = n.kind == ScalarNode::Kind::kCall && (n.fn == ScalarFn::kMul || n.fn == ScalarFn::kDiv);
  const bool linear = n.kind == ScalarNode::Kind::kSelect ||
                      (n.kind == ScalarNode::Kind::kCall && (n.fn == ScalarFn::kAdd || n.fn == ScalarFn::kSub || n.fn == ScalarFn::kCast));
  if (!factors && !linear) return std::nullopt;
  std::vector<ScalarId> args = n.args;
  bool signs = false;
  for (size_t k = 0; k < args.size(); ++k) {
    const auto plain = without_sign(args[k]);
    if (!plain && linear) return std::nullopt;
    if (!plain || (factors && (signs || !plain->signs))) continue;
    args[k] = plain->value;
    signs |= plain->signs;
  }
  return signs ? std::optional(Unsigned{s_.rebuilt(n, std::move(args)), true}) : std::nullopt;
}

bool Prover::about_indices(CondId c) const {
  const CondNode& n = i_.cond(c);
  if (n.kind == CondNode::Kind::kTruth) return false;
  return std::all_of(n.args.begin(), n.args.end(), [&](CondId a) { return about_indices(a); });
}

// --- leaves ------------------------------------------------------------------------------------------------------------

bool Prover::same_leaf(ScalarId a, ScalarId b, const Context& context) {
  if (a == b) return true;
  const ScalarNode &x = s_.node(a), &y = s_.node(b);
  if (x.kind != y.kind || x.dtype != y.dtype) return false;
  switch (x.kind) {
    case ScalarNode::Kind::kSize: return same_index(x.ints[0], y.ints[0], context);
    case ScalarNode::Kind::kRead: {
      if (x.number != y.number || x.ints.size() != y.ints.size()) return false;
      const std::vector<IntId> p = x.ints, q = y.ints;
      for (size_t k = 0; k < p.size(); ++k) {
        if (!same_index(p[k], q[k], context)) return false;
      }
      return true;
    }
    case ScalarNode::Kind::kFold: return equal_folds(a, b, context);
    default: return false;
  }
}

// The domain of a fold is where its body is no identity: ranges, and the condition that selects.
bool Prover::related(const ScalarNode& a, const ScalarNode& b, const Context& context, const Indices::Substitution& to_b,
                     const Indices::Substitution& to_a) {
  auto split = [&](const ScalarNode& fold, CondId& guard) {
    const ScalarNode body = s_.node(fold.args[0]);
    guard = Indices::kTrueCond;
    if (body.kind != ScalarNode::Kind::kSelect || !about_indices(body.cond)) return fold.args[0];
    const ScalarNode other = s_.node(body.args[1]);
    if (other.kind != ScalarNode::Kind::kNumber || other.value() != identity(fold.fold, fold.dtype) || std::signbit(other.value()) != std::signbit(identity(fold.fold, fold.dtype))) return fold.args[0];
    guard = body.cond;
    return body.args[0];
  };
  CondId guard_a = 0, guard_b = 0;
  const ScalarId body_a = split(a, guard_a), body_b = split(b, guard_b);
  auto inside = [&](const ScalarNode& fold, CondId guard) {
    Context out = with_ranges(context, fold);
    if (guard != Indices::kTrueCond) out.push_back(guard);
    return out;
  };
  auto domain = [&](const ScalarNode& fold, CondId guard, const Indices::Substitution& by) {
    std::vector<CondId> all;
    for (size_t k = 0; k < fold.binders.size(); ++k) {
      const IntId v = i_.substitute(i_.variable(fold.binders[k]), by);
      all.push_back(i_.non_negative(v));
      all.push_back(i_.less(v, fold.ints[k]));
    }
    all.push_back(s_.substitute_everywhere(guard, by));
    return i_.all(std::move(all));
  };
  const Context in_a = inside(a, guard_a), in_b = inside(b, guard_b);
  // to_b gives b's variables at a point of a, to_a the way back.
  if (!entails(in_a, domain(b, guard_b, to_b)) || !entails(in_b, domain(a, guard_a, to_a))) return false;
  for (VariableId v : a.binders) {
    const IntId there = i_.substitute(i_.variable(v), to_a);
    if (!same_index(i_.substitute(there, to_b), i_.variable(v), in_a)) return false;
  }
  for (VariableId v : b.binders) {
    const IntId there = i_.substitute(i_.variable(v), to_b);
    if (!same_index(i_.substitute(there, to_a), i_.variable(v), in_b)) return false;
  }
  return equal(body_a, s_.substitute(body_b, to_b), in_a);
}

bool Prover::equal_folds(ScalarId first, ScalarId second, const Context& context) {
  const auto key = std::make_tuple(context, first, second);
  if (auto it = folds_.find(key); it != folds_.end()) return it->second;
  const ScalarNode a = s_.node(first);
  // Variables of their own on both sides.
  ScalarNode b = s_.node(second);
  if (a.fold != b.fold || a.dtype != b.dtype || exhausted_ || depth_ > 20) return false;
  Indices::Substitution rename;
  for (size_t k = 0; k < b.binders.size(); ++k) {
    const VariableId v = i_.fresh(i_.name(b.binders[k]) + "'");
    i_.set_size(v, b.ints[k]);
    rename[b.binders[k]] = i_.variable(v);
    b.binders[k] = v;
  }
  b.args = {s_.substitute(b.args[0], rename)};
  folds_[key] = false;
  ++depth_;
  bool out = false;
  auto attempt = [&](const Indices::Substitution& to_b, const Indices::Substitution& to_a) {
    if (out) return true;
    ++matching_;
    out = related(a, b, context, to_b, to_a);
    --matching_;
    if (out && log_) log_->fold(context, {first, second}, b.binders, b.args[0], to_b, to_a);
    return out;
  };
  // Binder by binder, where the sizes agree.
  if (a.binders.size() == b.binders.size()) {
    std::vector<size_t> order(a.binders.size());
    for (size_t k = 0; k < order.size(); ++k) order[k] = k;
    size_t tried = 0;
    do {
      bool fits = true;
      if (ordered(a, laws_) && tried++ > 0) break;  // index order is the one in which they stand
      for (size_t k = 0; fits && k < order.size(); ++k) fits = same_index(a.ints[k], b.ints[order[k]], context);
      if (!fits) continue;
      Indices::Substitution to_b, to_a;
      for (size_t k = 0; k < order.size(); ++k) {
        to_b[b.binders[order[k]]] = i_.variable(a.binders[k]);
        to_a[a.binders[k]] = i_.variable(b.binders[order[k]]);
      }
      if (attempt(to_b, to_a) || ++tried > kMaxPairings || located(a.fold) || ordered(a, laws_)) break;
    } while (std::next_permutation(order.begin(), order.end()));
  }
  if (out || located(a.fold) || (ordered(a, laws_) && a.binders.size() != b.binders.size())) {
    --depth_;
    folds_[key] = out;
    return out;
  }
  // From the reads: index terms of two reads of one tensor are equated and solved for the variables of either side.
  std::vector<ScalarId> reads_a, reads_b;
  collect_reads(s_, a.args[0], reads_a);
  collect_reads(s_, b.args[0], reads_b);
  std::vector<std::pair<ScalarId, ScalarId>> pairs;
  for (ScalarId p : reads_a) {
    for (ScalarId q : reads_b) {
      if (s_.node(p).number == s_.node(q).number && s_.node(p).ints.size() == s_.node(q).ints.size()) pairs.emplace_back(p, q);
    }
  }
  std::vector<IntId> zeros_a, zeros_b;
  zeros_in(s_, i_, a.args[0], zeros_a);
  zeros_in(s_, i_, b.args[0], zeros_b);
  size_t maps = 0;
  for (size_t start = 0; start < pairs.size() && !out && maps < kMaxMaps; ++start, ++maps) {
    Indices::Substitution to_b, to_a;
    std::vector<VariableId> open_b = b.binders, open_a = a.binders;
    for (size_t k = 0; k < pairs.size(); ++k) {
      const auto& [p, q] = pairs[(start + k) % pairs.size()];
      const ScalarNode x = s_.node(p), y = s_.node(q);
      for (int round = 0; round < 2; ++round) {
        for (size_t axis = 0; axis < x.ints.size(); ++axis) {
          const IntId equation = i_.sub(x.ints[axis], y.ints[axis]);
          solve_for(i_, equation, open_b, to_b);
          solve_for(i_, equation, open_a, to_a);
          if (!open_b.empty()) solve_through_quotient(i_, equation, zeros_b, open_b, to_b);
          if (!open_a.empty()) solve_through_quotient(i_, equation, zeros_a, open_a, to_a);
        }
      }
    }
    // What no read tells pairs up by size.
    for (size_t k = open_b.size(); k-- > 0;) {
      const auto size_of = [](const ScalarNode& f, VariableId v) {
        return f.ints[static_cast<size_t>(std::find(f.binders.begin(), f.binders.end(), v) - f.binders.begin())];
      };
      auto same = std::find_if(open_a.begin(), open_a.end(), [&](VariableId v) {
        return same_index(size_of(a, v), size_of(b, open_b[k]), context);
      });
      if (same == open_a.end()) continue;
      to_b[open_b[k]] = i_.variable(*same);
      to_a[*same] = i_.variable(open_b[k]);
      open_a.erase(same);
      open_b.erase(open_b.begin() + static_cast<std::ptrdiff_t>(k));
    }
    if (!open_a.empty() || !open_b.empty()) continue;
    if (ordered(a, laws_)) {
      // Variable by variable, all positions moved alike: the order stays.
      std::vector<VariableId> inside;
      std::vector<ScalarId> scalars;
      for (size_t k = 0; k < a.binders.size(); ++k) {
        i_.variables_of(i_.sub(to_b.at(b.binders[k]), i_.variable(a.binders[k])), inside, scalars);
      }
      const bool mixed = std::any_of(a.binders.begin(), a.binders.end(), [&](VariableId v) { return std::find(inside.begin(), inside.end(), v) != inside.end(); });
      if (mixed) continue;
    }
    attempt(to_b, to_a);
  }
  out = out || (idempotent(a.fold) && by_cover(first, second, context));
  --depth_;
  folds_[key] = out;
  return out;
}

}  // namespace egret::rules
