#include "rules/verify/prove/prover.h"

#include <algorithm>
#include <ctime>
#include <set>

#include <fmt/format.h>

#include "rules/verify/terms/integer_facts.h"
#include "rules/verify/terms/quotients.h"
#include "rules/verify/terms/unify.h"

namespace egret::rules {
namespace {

constexpr int kMaxDepth = 24;  // of folds inside folds and of cases
constexpr uint32_t kSmallVariables = 12;  // that a float of 8 bits keeps apart, whatever their order

}  // namespace

double WorkClock::now() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

Laws Laws::of(const std::vector<std::string>& words) {
  auto has = [&](const char* w) { return std::find(words.begin(), words.end(), w) != words.end(); };
  Laws l;
  l.field = has("field") || has("range") || has("cancel");
  l.nsz = l.field || has("nsz");
  l.contract = l.field || has("contract");
  l.reassoc = l.field || has("reassoc");
  l.reciprocal = l.field || has("arcp");
  l.nnan = has("nnan");
  l.ninf = has("ninf");
  return l;
}

bool Prover::fail(std::string why) {
  if (reason_.empty()) reason_ = std::move(why);
  return false;
}

// --- conditions --------------------------------------------------------------------------------------------------------

IntegerAnswer Prover::ask(const IntegerQuestion& question, const std::vector<CondId>& hypotheses, bool nonlinear) {
  IntegerQuery query;
  query.indices = &i_;
  query.hypotheses = &hypotheses;
  query.goal = question.goal;
  query.nonlinear = nonlinear;
  query.print = log_ != nullptr;
  IntegerAnswer answer;
  integers_(&query, &answer);
  if (answer.entailed && log_) log_->entailed(answer.smt);
  if (!answer.model.empty() && complete_model(i_, question, answer.model)) witnesses_.add(answer.model);
  return answer;
}

// Linear arithmetic; with products of hypotheses; non-linear.  Exact quotients leave the question after the first.
bool Prover::by_integers(IntegerQuestion question, int stages) {
  std::vector<CondId> all;
  for (int stage = 0; stage < stages; ++stage) {
    if (++queries_ > limits_.queries || watch_.seconds() > limits_.seconds) {
      exhausted_ = true;
      return false;
    }
    if (stage <= 1) {
      all = question.hypotheses;
      const auto facts = atom_facts(i_, question.hypotheses, question.goal);
      all.insert(all.end(), facts.begin(), facts.end());
    }
    if (stage == 1) {
      // What is to be contradicted is a hypothesis, too.
      const bool zero = i_.cond(question.goal).kind == CondNode::Kind::kZero;
      std::vector<CondId> with_goal = all;
      with_goal.push_back(zero ? question.goal : i_.negate(question.goal));
      const auto more = products(i_, with_goal, false, 60), far = products(i_, with_goal, true, 80);
      if (far.empty() && question.replaced.empty()) continue;
      all.insert(all.end(), more.begin(), more.end());
      if (far.size() > more.size() && stages > 2) {
        std::vector<CondId> wide = all;
        wide.insert(wide.end(), far.begin(), far.end());
        if (ask(question, wide, false).entailed) return true;
        ++queries_;
      }
    }
    const IntegerAnswer answer = ask(question, all, stage == 2);
    if (answer.entailed) return true;
    if (answer.refuted || !answer.has_products) return false;
    if (stage == 0) take_quotients_out(i_, question);
    if (question.goal == Indices::kTrueCond) return true;
  }
  return false;
}

bool Prover::entails(const Context& context, CondId goal, int stages) {
  if (goal == Indices::kTrueCond) return true;
  if (std::find(context.begin(), context.end(), goal) != context.end()) return true;
  if (exhausted_) return false;
  const auto key = std::make_tuple(context, goal, stages);
  if (auto it = entailed_.find(key); it != entailed_.end()) return it->second;
  bool out = false;
  const CondNode node = i_.cond(goal);
  if (node.kind == CondNode::Kind::kAnd) {
    out = std::all_of(node.args.begin(), node.args.end(), [&](CondId c) { return entails(context, c, stages); });
  } else {
    // Hypotheses that share a variable with the goal, or with one that does.
    std::vector<CondId> all = goal == Indices::kFalseCond ? context : connected(i_, context, goal);
    if (witnesses_.refute(all, goal)) return entailed_[key] = false;
    out = by_integers({std::move(all), goal, {}}, stages);
    if (exhausted_) return out;
  }
  entailed_[key] = out;
  return out;
}

std::optional<bool> Prover::decided(const Context& context, CondId c) {
  if (entails(context, c)) return true;
  if (entails(context, i_.negate(c), 2)) return false;
  return std::nullopt;
}

bool Prover::mentions(ScalarId id, CondId c) const {
  const ScalarNode& n = s_.node(id);
  if (n.kind == ScalarNode::Kind::kSelect && n.cond == c) return true;
  std::vector<ScalarId> inside = n.args;
  std::vector<VariableId> variables;
  for (IntId i : n.ints) i_.variables_of(i, variables, inside);
  return std::any_of(inside.begin(), inside.end(), [&](ScalarId a) { return mentions(a, c); });
}

// A condition on indices alone that no fold around it binds; kTrueCond where there is none.
CondId Prover::first_condition(ScalarId id, std::vector<VariableId>& bound) {
  const ScalarNode& n = s_.node(id);
  if (n.kind == ScalarNode::Kind::kSelect && about_indices(n.cond)) {
    std::vector<VariableId> variables;
    std::vector<ScalarId> scalars;
    i_.variables_of_cond(n.cond, variables, scalars);
    bool is_free = std::none_of(variables.begin(), variables.end(), [&](VariableId v) {
      return std::find(bound.begin(), bound.end(), v) != bound.end();
    });
    std::vector<VariableId> sorted = bound;
    std::sort(sorted.begin(), sorted.end());
    for (ScalarId s : scalars) is_free &= !s_.depends_on(s, sorted);
    if (is_free) return n.cond;
  }
  std::vector<ScalarId> inside = n.args;
  std::vector<VariableId> variables;
  if (n.kind == ScalarNode::Kind::kSelect && !about_indices(n.cond)) i_.variables_of_cond(n.cond, variables, inside);
  for (IntId i : n.ints) i_.variables_of(i, variables, inside);
  const size_t before = bound.size();
  bound.insert(bound.end(), n.binders.begin(), n.binders.end());
  CondId found = Indices::kTrueCond;
  for (ScalarId a : inside) {
    if (found == Indices::kTrueCond) found = first_condition(a, bound);
  }
  bound.resize(before);
  return found;
}

Prover::Context Prover::with_ranges(const Context& context, const ScalarNode& fold) {
  Context out = context;
  for (size_t k = 0; k < fold.binders.size(); ++k) {
    const IntId v = i_.variable(fold.binders[k]);
    out.push_back(i_.non_negative(v));
    out.push_back(i_.less(v, fold.ints[k]));
  }
  return out;
}

bool Prover::same_index(IntId a, IntId b, const Context& context) {
  if (a == b) return true;
  // One coordinate of two positions under the same sizes.
  const IntAtom *x = i_.only_atom(a), *y = i_.only_atom(b);
  if (x && y && x->kind == IntAtom::Kind::kCoordinate && y->kind == x->kind && x->number == y->number && x->sizes == y->sizes) {
    return same_index(x->a, y->a, context);
  }
  return entails(context, i_.equal(a, b));
}

// --- equality ----------------------------------------------------------------------------------------------------------

bool Prover::equal(ScalarId left, ScalarId right, const Context& context) {
  if (left == right) return true;
  const auto key = std::make_tuple(context, left, right);
  if (auto it = compared_.find(key); it != compared_.end()) return it->second;
  if (depth_ > kMaxDepth || exhausted_ || i_.overflowed()) return fail("a limit was reached");
  ++depth_;
  std::vector<VariableId> bound;
  CondId c = first_condition(left, bound);
  if (c == Indices::kTrueCond) c = first_condition(right, bound);
  bool out = false;
  if (c == Indices::kTrueCond) {
    out = unconditional(left, right, context);
  } else if (auto known = mentions(left, c) && mentions(right, c) ? std::nullopt : decided(context, c)) {
    const ScalarId l = s_.assume(left, c, *known), r = s_.assume(right, c, *known);
    out = equal(l, r, context);
    if (out && log_) log_->decided(context, {left, right}, c, *known, {l, r});
  } else {
    out = true;
    for (bool truth : {true, false}) {
      Context inner = context;
      inner.push_back(truth ? c : i_.negate(c));
      out = out && equal(s_.assume(left, c, truth), s_.assume(right, c, truth), inner);
    }
    if (out && log_) {
      log_->split(context, {left, right}, c, {s_.assume(left, c, true), s_.assume(right, c, true)}, {s_.assume(left, c, false), s_.assume(right, c, false)});
    }
  }
  --depth_;
  compared_[key] = out;
  return out;
}

bool Prover::unconditional(ScalarId left, ScalarId right, const Context& context) {
  // Integers are a ring modulo 2^n: products of bit-vectors are hard, and the normal form knows them.
  auto by_normal_form = [&] {
    Normalizer normalizer(*this, s_.node(left).dtype);
    const auto a = normalizer.normal(left, context), b = normalizer.normal(right, context);
    const bool same = a && b && *a == *b;
    if (same && log_) log_->normal(context, {left, right}, *a);
    return same;
  };
  // Extrema of extrema are one first: then a bijection proves what else would be compared as sets.
  const auto is_set = [&](ScalarId id) { return s_.node(id).kind == ScalarNode::Kind::kFold && idempotent(s_.node(id).fold); };
  const bool sets = is_set(left) && is_set(right);
  if (!sets && is_integer(s_.node(left).dtype)) {
    if (by_normal_form()) return true;
    const ProofLog::Pair before{left, right};
    left = simplify(left, context);
    right = simplify(right, context);
    if (log_) log_->simplified(context, before, {left, right});
    if (left == right) return true;
  }
  if (!sets && by_template(left, right, context)) return true;
  const ScalarId plain_left = left, plain_right = right;
  left = simplify(left, context);
  right = simplify(right, context);
  if (log_) log_->simplified(context, {plain_left, plain_right}, {left, right});
  if (left == right) return true;
  std::vector<VariableId> bound;
  if (first_condition(left, bound) != Indices::kTrueCond || first_condition(right, bound) != Indices::kTrueCond) {
    return equal(left, right, context);
  }
  if ((sets || left != plain_left || right != plain_right) && by_template(left, right, context)) return true;
  if (by_cover(left, right, context)) return true;
  const DType dtype = s_.node(left).dtype;
  const bool ring = is_integer(dtype) || laws_.reassoc || laws_.reciprocal || laws_.field;
  if (ring && dtype != DType::boolean && !exhausted_ && by_normal_form()) return true;
  // A case that linear arithmetic did not see to be none.
  if (matching_ == 0 && depth_ > 1 && impossible(context)) {
    if (log_) log_->impossible(context, {left, right});
    return true;
  }
  return fail(fmt::format("{} against {}", s_.to_string(left), s_.to_string(right)));
}

// --- templates ---------------------------------------------------------------------------------------------------------

std::optional<FormulaId> Prover::condition_formula(CondId c, const Context& context, Formulas& formulas,
                                                   std::vector<ScalarId>& leaves, std::map<ScalarId, FormulaId>& done) {
  const CondNode n = i_.cond(c);
  switch (n.kind) {
    case CondNode::Kind::kTrue: return formulas.constant(1, DType::boolean);
    case CondNode::Kind::kFalse: return formulas.constant(0, DType::boolean);
    case CondNode::Kind::kTruth: return formula(n.scalar, context, formulas, leaves, done);
    case CondNode::Kind::kNot: {
      auto a = condition_formula(n.args[0], context, formulas, leaves, done);
      if (!a) return std::nullopt;
      return formulas.call(ScalarFn::kNot, DType::boolean, {*a});
    }
    case CondNode::Kind::kAnd:
    case CondNode::Kind::kOr: {
      std::optional<FormulaId> out;
      for (CondId arg : n.args) {
        auto a = condition_formula(arg, context, formulas, leaves, done);
        if (!a) return std::nullopt;
        out = out ? formulas.call(n.kind == CondNode::Kind::kAnd ? ScalarFn::kAnd : ScalarFn::kOr, DType::boolean, {*out, *a}) : *a;
      }
      return out;
    }
    default: return std::nullopt;
  }
}

std::optional<FormulaId> Prover::formula(ScalarId id, const Context& context, Formulas& formulas, std::vector<ScalarId>& leaves,
                                         std::map<ScalarId, FormulaId>& done) {
  if (auto it = done.find(id); it != done.end()) return it->second;
  const ScalarNode n = s_.node(id);
  std::optional<FormulaId> out;
  switch (n.kind) {
    case ScalarNode::Kind::kNumber: out = formulas.constant(n.value(), n.dtype); break;
    case ScalarNode::Kind::kSize: {
      if (entails(context, i_.zero(n.ints[0]))) {
        out = formulas.constant(0, n.dtype);
        break;
      }
      // Numbers keep their order as floats.
      const IntAtom* only = is_float(n.dtype) ? i_.only_atom(n.ints[0]) : nullptr;
      if (only && (only->kind == IntAtom::Kind::kMin || only->kind == IntAtom::Kind::kMax)) {
        const ScalarFn fn = only->kind == IntAtom::Kind::kMin ? ScalarFn::kMin : ScalarFn::kMax;
        const IntId x = only->a, y = only->b;
        const auto a = formula(s_.size(x, n.dtype), context, formulas, leaves, done);
        const auto b = formula(s_.size(y, n.dtype), context, formulas, leaves, done);
        if (!a || !b) return std::nullopt;
        out = formulas.call(fn, n.dtype, {*a, *b});
        break;
      }
      [[fallthrough]];
    }
    case ScalarNode::Kind::kRead:
    case ScalarNode::Kind::kFold: {
      size_t k = 0;
      while (k < leaves.size() && !same_leaf(leaves[k], id, context)) ++k;
      if (k == leaves.size()) leaves.push_back(id);
      out = formulas.variable(static_cast<uint32_t>(k), n.dtype);
      break;
    }
    case ScalarNode::Kind::kCall: {
      std::vector<FormulaId> args;
      for (ScalarId a : n.args) {
        auto f = formula(a, context, formulas, leaves, done);
        if (!f) return std::nullopt;
        args.push_back(*f);
      }
      out = formulas.call(n.fn, n.dtype, std::move(args));
      break;
    }
    case ScalarNode::Kind::kSelect: {
      auto c = condition_formula(n.cond, context, formulas, leaves, done);
      auto a = c ? formula(n.args[0], context, formulas, leaves, done) : std::nullopt;
      auto b = a ? formula(n.args[1], context, formulas, leaves, done) : std::nullopt;
      if (!b) return std::nullopt;
      out = formulas.select(*c, *a, *b);
      break;
    }
  }
  done[id] = *out;
  return out;
}

// The leaves of a template, those that are one together.
void Prover::note_classes(ScalarId id, const Context& context, std::vector<std::vector<ScalarId>>& classes) {
  const ScalarNode n = s_.node(id);
  if (n.kind == ScalarNode::Kind::kRead || n.kind == ScalarNode::Kind::kSize || n.kind == ScalarNode::Kind::kFold) {
    for (auto& c : classes) {
      if (!same_leaf(c[0], id, context)) continue;
      if (std::find(c.begin(), c.end(), id) == c.end()) c.push_back(id);
      return;
    }
    classes.push_back({id});
    return;
  }
  if (n.kind == ScalarNode::Kind::kSelect) {
    std::vector<VariableId> variables;
    std::vector<ScalarId> inside;
    i_.variables_of_cond(n.cond, variables, inside);
    for (ScalarId a : inside) note_classes(a, context, classes);
  }
  for (ScalarId a : n.args) note_classes(a, context, classes);
}

// A condition that may still stand in a term here mentions scalars: it is a part of the formula.
namespace {

bool has_integer_products(const Formulas& formulas, FormulaId id) {
  const FormulaNode& n = formulas.node(id);
  const bool product = n.kind == FormulaNode::Kind::kCall && (n.fn == ScalarFn::kMul || n.fn == ScalarFn::kDiv || n.fn == ScalarFn::kRem);
  if (product && is_integer(n.dtype)) return true;
  return std::any_of(n.args.begin(), n.args.end(), [&](FormulaId a) { return has_integer_products(formulas, a); });
}

// A formula that an odd increasing map of floats, one that keeps zeros, infinities and NaN, cannot tell from itself: what holds in one
// format that has values enough holds in every one.
bool of_order_alone(const Formulas& formulas, FormulaId id) {
  const FormulaNode& n = formulas.node(id);
  switch (n.kind) {
    case FormulaNode::Kind::kConstant:
      if (is_float(n.dtype) && std::isfinite(n.value) && n.value != 0) return false;
      break;
    case FormulaNode::Kind::kVariable:
      if (n.variable >= kSmallVariables) return false;
      break;
    case FormulaNode::Kind::kSelect: break;
    case FormulaNode::Kind::kCall: {
      constexpr ScalarFn kOfOrder[] = {ScalarFn::kMax, ScalarFn::kMin, ScalarFn::kNeg, ScalarFn::kAbs, ScalarFn::kEq, ScalarFn::kNe, ScalarFn::kLt, ScalarFn::kLe,
                                       ScalarFn::kGt, ScalarFn::kGe, ScalarFn::kAnd, ScalarFn::kOr, ScalarFn::kXor, ScalarFn::kNot, ScalarFn::kIsNan, ScalarFn::kIsFinite};
      if (std::ranges::find(kOfOrder, n.fn) == std::end(kOfOrder)) return false;
      break;
    }
  }
  return (is_float(n.dtype) || n.dtype == DType::boolean) && std::ranges::all_of(n.args, [&](FormulaId a) { return of_order_alone(formulas, a); });
}

}  // namespace

bool Prover::by_template(ScalarId left, ScalarId right, const Context& context) {
  Formulas formulas;
  std::vector<ScalarId> leaves;
  std::map<ScalarId, FormulaId> done;
  auto a = formula(left, context, formulas, leaves, done);
  auto b = a ? formula(right, context, formulas, leaves, done) : std::nullopt;
  if (!a || !b || exhausted_) return false;
  const auto proved = [&](const std::string& smt) {
    if (!log_) return true;
    std::vector<std::vector<ScalarId>> classes;
    note_classes(left, context, classes);
    note_classes(right, context, classes);
    log_->matched(context, {left, right}, classes, smt);
    return true;
  };
  if (*a == *b) return proved("");
  const std::vector<std::pair<FormulaId, FormulaId>> pairs{{*a, *b}};
  EqualityQuery query;
  query.formulas = &formulas;
  query.pairs = &pairs;
  std::vector<FormulaId> assumptions;
  for (size_t k = 0; k < leaves.size(); ++k) {
    const ScalarNode& leaf = s_.node(leaves[k]);
    if (leaf.kind != ScalarNode::Kind::kRead || std::find(nonzero_.begin(), nonzero_.end(), leaf.number) == nonzero_.end()) continue;
    const FormulaId x = formulas.variable(static_cast<uint32_t>(k), leaf.dtype);
    assumptions.push_back(formulas.call(ScalarFn::kNe, DType::boolean, {x, formulas.constant(0, leaf.dtype)}));
  }
  // What is known of the order of numbers that names stand for.
  for (size_t k = 0; k < leaves.size(); ++k) {
    for (size_t j = 0; j < leaves.size(); ++j) {
      const ScalarNode &x = s_.node(leaves[k]), &y = s_.node(leaves[j]);
      if (j == k || x.kind != ScalarNode::Kind::kSize || y.kind != x.kind || x.dtype != y.dtype || !is_float(x.dtype)) continue;
      if (!entails(context, i_.less_equal(x.ints[0], y.ints[0]))) continue;
      const FormulaId a = formulas.variable(static_cast<uint32_t>(k), x.dtype), b = formulas.variable(static_cast<uint32_t>(j), x.dtype);
      assumptions.push_back(formulas.call(ScalarFn::kLe, DType::boolean, {a, b}));
    }
  }
  query.assumptions = &assumptions;
  query.ignore_nan = laws_.nnan;
  query.ignore_infinity = laws_.ninf;
  query.ignore_sign_of_zero = laws_.nsz;
  query.ignore_rounding_casts = laws_.contract;
  using Theory = EqualityQuery::Theory;
  if (has_integer_products(formulas, *a) || has_integer_products(formulas, *b)) {
    query.theory = Theory::kUninterpreted;
    query.abstract_products = true;
    query.print = log_ != nullptr;
    EqualityAnswer answer;
    decide_(&query, &answer);
    if (answer.kind == EqualityAnswer::Kind::kEqual && !answer.vacuous) return proved(answer.smt);
    query.abstract_products = false;
  }
  std::vector<Theory> theories{Theory::kUninterpreted};
  // Over the reals products distribute: that is more than reassociation or inverses grant.
  if (laws_.field) {
    theories.push_back(Theory::kReal);
  } else if (!laws_.reassoc && !laws_.reciprocal && depth_ <= 2) {
    theories.push_back(Theory::kFloat);
  }
  bool different = false;  // in a small format, where IEEE arithmetic is decided at once
  for (Theory theory : theories) {
    if (theory == Theory::kFloat) {
      query.small = true;
      query.theory = theory;
      query.print = log_ != nullptr;
      EqualityAnswer answer;
      decide_(&query, &answer);
      query.small = false;
      const bool order = of_order_alone(formulas, *a) && of_order_alone(formulas, *b) && std::ranges::all_of(assumptions, [&](FormulaId f) { return of_order_alone(formulas, f); });
      if (order && answer.kind == EqualityAnswer::Kind::kEqual && !answer.vacuous) return proved(answer.smt);
      different = answer.kind == EqualityAnswer::Kind::kDifferent;
    }
    if (different) return false;
    query.theory = theory;
    query.timeout_ms = static_cast<unsigned>(std::clamp(limits_.seconds - watch_.seconds(), 0.05, 20.0) * 1000);
    query.print = log_ != nullptr;
    EqualityAnswer answer;
    decide_(&query, &answer);
    if (answer.kind == EqualityAnswer::Kind::kEqual && !answer.vacuous) return proved(answer.smt);
  }
  return false;
}

}  // namespace egret::rules
