#include "rules/verify/prove/rounding.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace egret::rules {
namespace {

constexpr size_t kMaxTerms = 400;  // of one side

using Form = std::optional<NormalForm>;
using Forms = std::vector<NormalForm>;
using Context = Prover::Context;

// Normal forms as text, up to the indices of reads: both sides are equal, so what has the same factors corresponds.
class Shown {
 public:
  Shown(const Scalars& s, const Normalizer& normal) : s_(s), normal_(normal) {}

  // `scaled`: up to a factor of all.
  std::string form(const NormalForm& f, bool scaled) {
    std::map<std::string, Rational> parts;
    for (const auto& [m, c] : f) {
      auto [it, fresh] = parts.try_emplace(monomial(m), Rational::of(0));
      it->second = it->second + c;
    }
    if (parts.empty()) return "0";
    const Rational lead = parts.begin()->second;
    std::string out;
    for (const auto& [text, c] : parts) {
      const bool ratio = scaled && !(lead == Rational::of(0));
      out += fmt::format("{}{}*{}", out.empty() ? "" : " + ", (ratio ? c / lead : c).to_double(), text);
    }
    return out;
  }

  std::string term(ScalarId id) {
    if (auto it = done_.find(id); it != done_.end()) return it->second;
    const ScalarNode& n = s_.node(id);
    std::vector<std::string> args;
    std::string out;
    switch (n.kind) {
      case ScalarNode::Kind::kNumber: out = fmt::format("{}", n.value()); break;
      case ScalarNode::Kind::kSize: out = "size"; break;
      case ScalarNode::Kind::kRead: out = fmt::format("x{}", n.number); break;
      case ScalarNode::Kind::kSelect: out = fmt::format("({}|{})", term(n.args[0]), term(n.args[1])); break;
      case ScalarNode::Kind::kFold: out = fmt::format("{}({})", egret::name(n.fold), term(n.args[0])); break;
      case ScalarNode::Kind::kCall:
        for (ScalarId a : n.args) args.push_back(term(a));
        if (n.fn == ScalarFn::kAdd || n.fn == ScalarFn::kMul || n.fn == ScalarFn::kMax || n.fn == ScalarFn::kMin) std::sort(args.begin(), args.end());
        out = egret::name(n.fn);
        for (const std::string& a : args) out += (&a == args.data() ? "(" : ", ") + a;
        out += ")";
        break;
    }
    return done_.emplace(id, std::move(out)).first->second;
  }

 private:
  // Sizes and indicators of conditions are positive numbers.
  std::string monomial(const Monomial& m) {
    std::map<std::string, int> factors;
    for (const auto& [atom, e] : m) {
      if (s_.node(atom).kind == ScalarNode::Kind::kSize || normal_.indicator_of(atom)) continue;
      factors[term(atom)] += e;
    }
    std::string out;
    for (const auto& [text, e] : factors) out += e == 0 ? "" : fmt::format("{}{}^{}", out.empty() ? "" : " ", text, e);
    return out.empty() ? "1" : out;
  }

  const Scalars& s_;
  const Normalizer& normal_;
  std::map<ScalarId, std::string> done_;
};

// The error terms of one side, and what it computes on the way.
class Side {
 public:
  // `open_order`: sums are those of the original, whose order is open; else as they stand.
  Side(Prover& prover, Normalizer& normal, Shown& shown, const std::set<uint32_t>& fixed, bool open_order)
      : p_(prover), s_(prover.scalars()), normal_(normal), shown_(shown), fixed_(fixed), open_order_(open_order) {}

  Forms errors(ScalarId id, const Context& context) {
    if (auto it = errors_.find(id); it != errors_.end()) return it->second;
    const ScalarNode n = s_.node(id);
    Forms out;
    if (is_float(n.dtype)) {
      value(id, context);
      out = made(id, n, context);
    }
    count_ += out.size();
    failed |= count_ > kMaxTerms;
    return errors_[id] = failed ? Forms{} : out;
  }

  // Only of numbers, sizes and inputs that are fixed.
  bool is_fixed(ScalarId id) const {
    const ScalarNode& n = s_.node(id);
    if (n.kind == ScalarNode::Kind::kRead) return fixed_.contains(n.number);
    return std::all_of(n.args.begin(), n.args.end(), [&](ScalarId a) { return is_fixed(a); });
  }

  Form value(ScalarId id, const Context& context) {
    auto [it, fresh] = values_.try_emplace(id);
    if (!fresh) return it->second;
    Form f = normal_.normal(id, context);
    failed |= !f;
    if (f) computed.insert(shown_.form(*f, true));
    return values_[id] = f;
  }

  bool failed = false;
  std::set<std::string> computed;              // values of its terms
  std::map<std::string, bool> functions;       // exp, log, pow of an argument; true: an exp of what is at most 0
  std::map<std::string, std::string> quotients;  // value -> as it stands

 private:
  Forms made(ScalarId id, const ScalarNode& n, const Context& context) {
    Forms out;
    auto add = [&](const Form& f) {
      if (f && !f->empty()) out.push_back(*f);
      failed |= !f;
    };
    auto add_all = [&](const Forms& forms) { out.insert(out.end(), forms.begin(), forms.end()); };
    auto add_times = [&](const Forms& forms, const Form& by) {
      for (const NormalForm& f : forms) add(by ? normal_.product(f, *by) : std::nullopt);
    };
    switch (n.kind) {
      case ScalarNode::Kind::kNumber:
      case ScalarNode::Kind::kSize:
      case ScalarNode::Kind::kRead: return out;
      case ScalarNode::Kind::kSelect:
        for (ScalarId a : n.args) add_all(errors(a, context));
        return out;
      case ScalarNode::Kind::kFold: {
        const Context inner = p_.with_ranges(context, n);
        add_all(errors(n.args[0], inner));
        if (n.fold == FoldKind::kSum) {
          for (const NormalForm& part : cases(value(n.args[0], inner))) add(part);
        }
        if (n.fold == FoldKind::kProd) add(value(id, context));
        return out;
      }
      case ScalarNode::Kind::kCall: break;
    }
    auto power = [&](ScalarId of, int e) {
      const Form f = value(of, context);
      return f ? normal_.power(*f, e, context) : std::nullopt;
    };
    // Errors of an argument other than its last rounding, which a function carries over as one of its own size.
    auto carried = [&](ScalarId arg) {
      Forms all = errors(arg, context);
      const Form own = value(arg, context);
      std::erase_if(all, [&](const NormalForm& f) { return own && f == *own; });
      return all;
    };
    switch (n.fn) {
      case ScalarFn::kAdd:
      case ScalarFn::kSub: {
        std::vector<ScalarId> leaves;
        addends(id, leaves);
        // A sum of three or more may be made in any order, so what it rounds is as large as its addends.
        if (open_order_ && leaves.size() > 2) {
          for (ScalarId a : leaves) add(value(a, context));
        }
        for (ScalarId a : n.args) add_all(errors(a, context));
        add(value(id, context));
        return out;
      }
      case ScalarFn::kNeg:
      case ScalarFn::kAbs:
      case ScalarFn::kSign:
      case ScalarFn::kMax:
      case ScalarFn::kMin:
      case ScalarFn::kFloor:
      case ScalarFn::kCeil:
      case ScalarFn::kRoundEven:
        for (ScalarId a : n.args) add_all(errors(a, context));
        return out;
      case ScalarFn::kCast:
        add_all(errors(n.args[0], context));
        add(value(id, context));
        return out;
      case ScalarFn::kMul:
        for (size_t k = 0; k < 2; ++k) {
          add_times(errors(n.args[k], context), value(n.args[1 - k], context));
          multiply_out(n.args[k], n.args[1 - k], 1, context, out);
        }
        break;
      case ScalarFn::kDiv: {
        const Form under = power(n.args[1], -1);
        add_times(errors(n.args[0], context), under);
        const Form whole = value(id, context);
        add_times(errors(n.args[1], context), whole && under ? normal_.product(*whole, *under) : std::nullopt);
        multiply_out(n.args[0], n.args[1], -1, context, out);
        note_quotient(id, n.args[1], context);
        break;
      }
      case ScalarFn::kExp:
      case ScalarFn::kExpm1:
        add_times(carried(n.args[0]), value(id, context));
        note_function("exp", n.args[0], 0, context);
        break;
      case ScalarFn::kLog:
      case ScalarFn::kLog1p:
        add_times(carried(n.args[0]), n.fn == ScalarFn::kLog ? power(n.args[0], -1) : NormalForm{{{}, Rational::of(1)}});
        note_function("log", n.args[0], n.fn == ScalarFn::kLog1p, context);
        break;
      case ScalarFn::kSqrt:
      case ScalarFn::kRsqrt: {
        const Form whole = value(id, context), under = power(n.args[0], -1);
        add_times(errors(n.args[0], context), whole && under ? normal_.product(*whole, *under) : std::nullopt);
        // The root of a product is far from the ends of the range where the product may be beyond them.
        const Form inside = value(n.args[0], context);
        const bool one = inside && inside->size() == 1;
        if (one && degree(inside->begin()->first) > 1) note_function("root", n.args[0], 0, context);
        break;
      }
      case ScalarFn::kPow: {
        const ScalarNode& p = s_.node(n.args[1]);
        const bool whole = p.kind == ScalarNode::Kind::kNumber && p.value() == std::floor(p.value()) && std::abs(p.value()) <= 8;
        const Forms below = errors(n.args[0], context);
        if (whole) {
          if (!below.empty()) add_times(below, power(n.args[0], static_cast<int>(p.value()) - 1));
          if (p.value() < 0) note_quotient(id, n.args[0], context);
        } else {
          add_times(below, value(id, context));
          const bool root = p.kind == ScalarNode::Kind::kNumber && std::abs(p.value()) == 0.5;
          if (!root) note_function("pow " + shown_.term(n.args[1]), n.args[0], 0, context);
        }
        break;
      }
      default:  // of a bounded slope
        for (ScalarId a : n.args) add_all(carried(a));
        break;
    }
    add(value(id, context));
    return out;
  }

  int degree(const Monomial& m) const {
    int out = 0;
    for (const auto& [atom, e] : m) out += s_.node(atom).kind == ScalarNode::Kind::kSize || normal_.indicator_of(atom) ? 0 : std::abs(e);
    return out;
  }

  // The parts of a value under one condition each: where conditions on the index choose among terms, each is an element.
  std::vector<NormalForm> cases(const Form& f) const {
    std::map<std::set<ScalarId>, NormalForm> parts;
    bool chosen = f.has_value();
    for (const auto& [m, c] : f ? *f : NormalForm{}) {
      std::set<ScalarId> under;
      for (const auto& [atom, e] : m) {
        if (normal_.indicator_of(atom)) under.insert(atom);
      }
      chosen = chosen && !under.empty();
      parts[under][m] = c;
    }
    std::vector<NormalForm> out;
    if (f) out.push_back(*f);
    for (const auto& [under, part] : parts) {
      if (chosen) out.push_back(part);
    }
    return out;
  }

  void addends(ScalarId id, std::vector<ScalarId>& out) const {
    const ScalarNode& n = s_.node(id);
    if (n.kind == ScalarNode::Kind::kCall && (n.fn == ScalarFn::kAdd || n.fn == ScalarFn::kSub || n.fn == ScalarFn::kNeg)) {
      for (ScalarId a : n.args) addends(a, out);
    } else {
      out.push_back(id);
    }
  }

  // A fixed factor of a sum may be given to its addends.
  void multiply_out(ScalarId sum, ScalarId factor, int exponent, const Context& context, Forms& out) {
    std::vector<ScalarId> leaves;
    addends(sum, leaves);
    if (leaves.size() < 2 || !is_fixed(factor)) return;
    const Form f = value(factor, context);
    const Form by = f ? normal_.power(*f, exponent, context) : std::nullopt;
    for (ScalarId a : leaves) {
      const Form one = value(a, context);
      const Form term = one && by ? normal_.product(*one, *by) : std::nullopt;
      if (term) out.push_back(*term);
    }
  }

  void note_quotient(ScalarId whole, ScalarId divisor, const Context& context) {
    const ScalarNode& d = s_.node(divisor);
    // The root of a number is far from both ends of its range.
    const bool root = d.kind == ScalarNode::Kind::kCall && (d.fn == ScalarFn::kSqrt || d.fn == ScalarFn::kRsqrt);
    if (is_fixed(divisor) || root) return;
    if (const Form f = value(whole, context)) quotients.emplace(shown_.form(*f, true), shown_.term(whole));
  }

  void note_function(const std::string& name, ScalarId arg, int plus, const Context& context) {
    Form f = value(arg, context);
    if (!f || is_fixed(arg)) return;
    if (plus) {
      Rational& c = f->try_emplace(Monomial{}, Rational::of(0)).first->second;
      c = c + Rational::of(plus);
      if (c == Rational::of(0)) f->erase(Monomial{});
    }
    functions.emplace(name + " " + shown_.form(*f, false), name == "exp" && at_most_zero(*f, context));
  }

  bool is_sum_of_exp(ScalarId id) const {
    const ScalarNode& f = s_.node(id);
    if (f.kind != ScalarNode::Kind::kFold || f.fold != FoldKind::kSum) return false;
    const ScalarNode& e = s_.node(f.args[0]);
    return e.kind == ScalarNode::Kind::kCall && e.fn == ScalarFn::kExp;
  }

  // x - max(.., x, ..), up to indices: what is below its own maximum.
  bool at_most_zero(const NormalForm& f, const Context& context) {
    for (const auto& [m, c] : f) {
      if (m.size() != 1 || m.begin()->second != 1 || !(c == Rational::of(-1))) continue;
      NormalForm rest = f;
      rest.erase(m);
      std::vector<ScalarId> items{m.begin()->first};
      bool maximum = false;
      for (size_t k = 0; k < items.size(); ++k) {
        const ScalarNode n = s_.node(items[k]);
        const bool fold = n.kind == ScalarNode::Kind::kFold && n.fold == FoldKind::kMax;
        // (A maximum over nothing may be replaced by a number.)
        const bool chosen = n.kind == ScalarNode::Kind::kSelect && k == 0;
        if (fold || chosen || (n.kind == ScalarNode::Kind::kCall && n.fn == ScalarFn::kMax)) {
          maximum |= !chosen;
          items.insert(items.end(), n.args.begin(), n.args.end());
        } else if (n.kind == ScalarNode::Kind::kCall && n.fn == ScalarFn::kLog && is_sum_of_exp(n.args[0])) {
          maximum = true;  // the logarithm of a sum of exponentials is above each exponent
          items.push_back(s_.node(s_.node(n.args[0]).args[0]).args[0]);
        } else if (maximum) {
          const Form item = normal_.normal(items[k], context);
          if (item && shown_.form(*item, false) == shown_.form(rest, false)) return true;
        }
      }
    }
    return false;
  }

  Prover& p_;
  Scalars& s_;
  Normalizer& normal_;
  Shown& shown_;
  const std::set<uint32_t>& fixed_;
  bool open_order_;
  std::map<ScalarId, Forms> errors_;
  std::map<ScalarId, Form> values_;
  size_t count_ = 0;
};

// Is an error term of the right bounded by those of the left?
class Bounds {
 public:
  Bounds(Scalars& s, Normalizer& normal, Shown& shown, const Side& side, const Forms& terms, const Context& context)
      : s_(s), normal_(normal), shown_(shown), side_(side), terms_(terms), context_(context) {
    for (const NormalForm& f : terms) known_.insert(shown_.form(f, true));
  }

  bool covers(const NormalForm& t, int depth = 0) {
    if (t.empty() || known_.contains(shown_.form(t, true))) return true;
    if (depth > 6) return false;
    if (t.size() > 1) {
      return std::all_of(t.begin(), t.end(), [&](const auto& part) { return covers({part}, depth + 1); });
    }
    const auto& [monomial, c] = *t.begin();
    for (const auto& [atom, e] : monomial) {
      const ScalarNode n = s_.node(atom);
      if (n.kind != ScalarNode::Kind::kSize && !normal_.indicator_of(atom) && side_.is_fixed(atom)) return true;
      if (n.kind != ScalarNode::Kind::kFold || n.fold != FoldKind::kSum || e != 1) continue;
      Monomial rest = monomial;
      rest.erase(atom);
      const Form body = normal_.normal(n.args[0], context_);
      const Form opened = body ? normal_.product({{rest, c}}, *body) : std::nullopt;
      if (opened && covers(*opened, depth + 1)) return true;
    }
    // |a| <= |a + b| + |b|
    for (const NormalForm& f : terms_) {
      if (depth > 1 || f.size() < 2) continue;
      bool here = false, others = true;
      for (const auto& part : f) {
        if (!here && shown_.form({part}, true) == shown_.form(t, true)) here = true;
        else others = others && covers({part}, depth + 2);
      }
      if (here && others) return true;
    }
    return false;
  }

 private:
  Scalars& s_;
  Normalizer& normal_;
  Shown& shown_;
  const Side& side_;
  const Forms& terms_;
  const Context& context_;
  std::set<std::string> known_;
};

// Inputs of floats that a term reads.
void reads_of(Scalars& s, ScalarId id, std::set<uint32_t>& out, std::set<ScalarId>& seen) {
  if (!seen.insert(id).second) return;
  const ScalarNode& n = s.node(id);
  if (n.kind == ScalarNode::Kind::kRead && is_float(n.dtype)) out.insert(n.number);
  std::vector<ScalarId> inside = n.args;
  std::vector<VariableId> variables;
  if (n.kind == ScalarNode::Kind::kSelect) s.indices().variables_of_cond(n.cond, variables, inside);
  for (IntId i : n.ints) s.indices().variables_of(i, variables, inside);
  for (ScalarId a : inside) reads_of(s, a, out, seen);
}

// Inputs of floats that stand below an exp or a maximum.
void masks_of(Scalars& s, ScalarId id, std::set<uint32_t>& out, std::set<ScalarId>& seen) {
  if (!seen.insert(id).second) return;
  const ScalarNode& n = s.node(id);
  const bool maximum = n.kind == ScalarNode::Kind::kFold && n.fold == FoldKind::kMax;
  if (maximum || (n.kind == ScalarNode::Kind::kCall && (n.fn == ScalarFn::kExp || n.fn == ScalarFn::kMax))) {
    std::set<ScalarId> below;
    for (ScalarId a : n.args) reads_of(s, a, out, below);
  }
  for (ScalarId a : n.args) masks_of(s, a, out, seen);
}

}  // namespace

void Needs::join(const Needs& other) {
  if (cancel.empty()) cancel = other.cancel;
  if (range.empty()) range = other.range;
  if (drop.empty()) drop = other.drop;
  masks.insert(other.masks.begin(), other.masks.end());
}

Needs needs_of(Prover& prover, ScalarId left, ScalarId right, const Context& context, const std::set<uint32_t>& fixed) {
  Needs out;
  Scalars& s = prover.scalars();
  if (!is_float(s.node(left).dtype)) return out;
  std::set<uint32_t> of_one, of_other;
  std::set<ScalarId> seen;
  reads_of(s, left, of_one, seen);
  seen.clear();
  reads_of(s, right, of_other, seen);
  std::vector<uint32_t> dropped;
  std::set_symmetric_difference(of_one.begin(), of_one.end(), of_other.begin(), of_other.end(), std::back_inserter(dropped));
  if (!dropped.empty()) out.drop = fmt::format("x{} stands on one side alone", dropped[0]);
  seen.clear();
  masks_of(s, left, out.masks, seen);
  masks_of(s, right, out.masks, seen);
  if (!prover.laws().field) return out;
  Normalizer normal(prover, s.node(left).dtype);
  Shown shown(s, normal);
  Side of_left(prover, normal, shown, fixed, true), of_right(prover, normal, shown, fixed, false);
  Forms before = of_left.errors(left, context);
  const Forms after = of_right.errors(right, context);
  // Both sides are one value, however their normal forms may write it.
  for (const auto& whole : {of_left.value(left, context), of_right.value(right, context)}) {
    if (whole) before.push_back(*whole);
    if (whole) of_left.computed.insert(shown.form(*whole, true));
  }
  for (const auto* sides : {&of_left, &of_right}) {
    const Side& other = sides == &of_left ? of_right : of_left;
    for (const auto& [f, below_one] : sides->functions) {
      // A logarithm or power that goes leaves no place for an overflow; an exp may have been one that the other side has not.
      const bool matters = sides == &of_right || f.starts_with("exp") || f.starts_with("root");
      if (matters && !below_one && !other.functions.contains(f) && out.range.empty()) out.range = f + " stands on one side alone";
    }
  }
  for (const auto& [value, text] : of_right.quotients) {
    if (!of_left.computed.contains(value) && out.range.empty()) out.range = text + " is made on the right";
  }
  if (of_left.failed || of_right.failed) {
    out.cancel = "the rounding of a term is not known";
    return out;
  }
  Bounds bounds(s, normal, shown, of_right, before, context);
  for (const NormalForm& t : after) {
    if (bounds.covers(t)) continue;
    out.cancel = fmt::format("the right side rounds {}, which nothing on the left bounds", shown.form(t, true));
    break;
  }
  return out;
}

}  // namespace egret::rules
