#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "ir/evaluate/scalar_functions.h"
#include "ir/evaluate/strip.h"

namespace egret::strip {
namespace {

constexpr int64_t kFar = int64_t{1} << 62;  // bounds saturate here
constexpr int kMaxSplits = 16;

int64_t saturate(__int128 x) { return static_cast<int64_t>(std::clamp<__int128>(x, -kFar, kFar)); }

class Lowering {
 public:
  Lowering(const Comprehension& c, std::span<const TensorRef> operands)
      : c_(c),
        operands_(operands),
        index_memo_(c.exprs.size()),
        condition_memo_(c.exprs.size()),
        scalar_memo_(c.exprs.size()) {}

  // `radix[v]`: variable v of the comprehension as digits, outermost first (their product is its size).
  std::optional<Program> run(const std::vector<std::vector<int64_t>>& radix) {
    p_.dtype = c_.result.dtype;
    for (const TensorRef& operand : operands_) p_.operand_sizes.push_back(operand->sizes());
    digits_.resize(radix.size());
    for (size_t v = 0; v < radix.size(); ++v) {
      Affine& value = values_.emplace_back();
      for (int64_t size : radix[v]) {
        scale(value, size);
        if (size == 1) continue;
        digits_[v].push_back(static_cast<Var>(p_.sizes.size()));
        p_.sizes.push_back(size);
        if (p_.sizes.size() > kMaxVars) return std::nullopt;
        value.terms.push_back({false, digits_[v].back(), 1});
      }
      finish(value);
    }
    for (int axis = 0; axis < c_.result.rank(); ++axis) {
      p_.result.insert(p_.result.end(), digits_[axis].begin(), digits_[axis].end());
    }
    p_.body = scalar(c_.body);
    return std::move(p_);
  }

  // Divisors by which variables (of the program) stand under div or mod, and which divide their sizes.
  const std::map<Var, int64_t>& wanted_splits() const { return wanted_splits_; }
  // The comprehension's variable and the place among its digits of a program variable.
  std::pair<size_t, size_t> digit(Var var) const {
    for (size_t v = 0; v < digits_.size(); ++v) {
      const auto it = std::find(digits_[v].begin(), digits_[v].end(), var);
      if (it != digits_[v].end()) return {v, static_cast<size_t>(it - digits_[v].begin())};
    }
    return {0, 0};
  }

 private:
  static void scale(Affine& a, int64_t factor) {
    a.base *= factor;
    for (Term& term : a.terms) term.coef *= factor;
    if (factor == 0) a.terms.clear();
  }

  void finish(Affine& a) const {  // sorts terms, computes what is derived
    const auto key = [](const Term& t) { return std::pair(t.is_atom, t.id); };
    std::sort(a.terms.begin(), a.terms.end(), [&](const Term& x, const Term& y) { return key(x) < key(y); });
    std::vector<Term> merged;
    for (const Term& term : a.terms) {
      if (!merged.empty() && key(merged.back()) == key(term)) {
        merged.back().coef += term.coef;
      } else {
        merged.push_back(term);
      }
    }
    std::erase_if(merged, [](const Term& t) { return t.coef == 0; });
    a.terms = std::move(merged);
    a.depends = a.bent = 0;
    a.low = a.high = a.base;
    for (const Term& term : a.terms) {
      const auto [low, high] = bounds(term);
      a.low = saturate(__int128{a.low} + (term.coef > 0 ? __int128{low} : __int128{high}) * term.coef);
      a.high = saturate(__int128{a.high} + (term.coef > 0 ? __int128{high} : __int128{low}) * term.coef);
      const VarSet vars = term.is_atom ? p_.atoms[term.id].depends : VarSet{1} << term.id;
      a.depends |= vars;
      if (term.is_atom) a.bent |= vars;
    }
  }

  std::pair<int64_t, int64_t> bounds(const Term& term) const {
    if (term.is_atom) return atom_bounds_[term.id];
    return {0, p_.sizes[term.id] - 1};
  }

  Affine sum(const Affine& a, const Affine& b, int64_t factor = 1) const {
    Affine result = b;
    scale(result, factor);
    result.base += a.base;
    result.terms.insert(result.terms.end(), a.terms.begin(), a.terms.end());
    finish(result);
    return result;
  }

  Affine constant(int64_t value) const {
    Affine a;
    a.base = value;
    finish(a);
    return a;
  }

  Affine atom(Atom atom, int64_t low, int64_t high) {
    atom.depends |= atom.a.depends | atom.b.depends;
    p_.atoms.push_back(std::move(atom));
    atom_bounds_.push_back({low, high});
    Affine a;
    a.terms = {{true, static_cast<uint32_t>(p_.atoms.size() - 1), 1}};
    finish(a);
    return a;
  }

  // a = divisor * whole + rest, with what divides evenly in `whole`.
  void part(const Affine& a, int64_t divisor, Affine* whole, Affine* rest) {
    whole->base = floor_div(a.base, divisor);
    rest->base = floor_mod(a.base, divisor);
    for (const Term& term : a.terms) {
      if (term.coef % divisor == 0) {
        whole->terms.push_back({term.is_atom, term.id, term.coef / divisor});
      } else {
        rest->terms.push_back(term);
      }
    }
    finish(*whole);
    finish(*rest);
    // With v = divisor * v1 + v0, v1 moves to `whole`: what is left is decided by v0, one value a strip.
    for (const Term& term : rest->terms) {
      if (term.is_atom || (term.coef != 1 && term.coef != -1)) continue;
      const int64_t size = p_.sizes[term.id];
      if (size % divisor == 0 && size > divisor) wanted_splits_.emplace(term.id, divisor);
    }
  }

  Affine quotient(const Affine& a, int64_t divisor) {
    Affine whole, rest;
    part(a, divisor, &whole, &rest);
    if (rest.low >= 0 && rest.high < divisor) return whole;
    const int64_t low = floor_div(rest.low, divisor), high = floor_div(rest.high, divisor);
    return sum(whole, atom({ExprKind::kDiv, rest, {}, divisor, 0, 0}, low, high));
  }

  Affine remainder(const Affine& a, int64_t divisor) {
    Affine whole, rest;
    part(a, divisor, &whole, &rest);
    if (rest.low >= 0 && rest.high < divisor) return rest;
    return atom({ExprKind::kMod, rest, {}, divisor, 0, 0}, 0, divisor - 1);
  }

  Affine product(const Affine& a, const Affine& b) {
    if (b.terms.empty()) return sum(constant(0), a, b.base);
    if (a.terms.empty()) return sum(constant(0), b, a.base);
    std::array<__int128, 4> corners = {__int128{a.low} * b.low, __int128{a.low} * b.high, __int128{a.high} * b.low,
                                       __int128{a.high} * b.high};
    const auto [low, high] = std::minmax_element(corners.begin(), corners.end());
    return atom({ExprKind::kMul, a, b, 1, 0, 0}, saturate(*low), saturate(*high));
  }

  Affine extreme(ExprKind kind, const Affine& a, const Affine& b) {
    const Affine difference = sum(b, a, -1);
    const bool is_min = kind == ExprKind::kMin;
    if (difference.low >= 0) return is_min ? a : b;
    if (difference.high <= 0) return is_min ? b : a;
    return atom({kind, a, b, 1, 0, 0}, is_min ? std::min(a.low, b.low) : std::max(a.low, b.low),
                is_min ? std::min(a.high, b.high) : std::max(a.high, b.high));
  }

  // What `make` gives, asked once.
  template <class T, class Make>
  static const T& once(std::optional<T>& known, const Make& make) {
    if (!known) known = make();
    return *known;
  }

  Affine index(ExprId id) {
    return once(index_memo_[id], [&] { return new_index(c_.exprs[id]); });
  }

  Affine new_index(const Expr& e) {
    switch (e.kind) {
      case ExprKind::kIndex:
        return values_[e.number];
      case ExprKind::kInt:
        return constant(e.integer);
      case ExprKind::kAdd:
        return sum(index(e.args[0]), index(e.args[1]));
      case ExprKind::kSub:
        return sum(index(e.args[0]), index(e.args[1]), -1);
      case ExprKind::kMul:
        return product(index(e.args[0]), index(e.args[1]));
      case ExprKind::kDiv:
        return quotient(index(e.args[0]), c_.exprs[e.args[1]].integer);
      case ExprKind::kMod:
        return remainder(index(e.args[0]), c_.exprs[e.args[1]].integer);
      case ExprKind::kMin:
      case ExprKind::kMax:
        return extreme(e.kind, index(e.args[0]), index(e.args[1]));
      default:
        break;
    }
    Atom data{ExprKind::kToIndex, {}, {}, 1, scalar(e.args[0]), 0};
    data.depends = p_.nodes[data.scalar].depends;
    return atom(std::move(data), -kFar, kFar);
  }

  Id add_condition(Condition condition) {
    p_.conditions.push_back(std::move(condition));
    return static_cast<Id>(p_.conditions.size() - 1);
  }

  Id truth(bool value) {
    return add_condition({value ? Condition::Kind::kTrue : Condition::Kind::kFalse, {}, {}, 0, 0});
  }

  Id condition(ExprId id) {
    return once(condition_memo_[id], [&] { return new_condition(c_.exprs[id]); });
  }

  Id new_condition(const Expr& e) {
    using Kind = Condition::Kind;
    switch (e.kind) {
      case ExprKind::kLess:
      case ExprKind::kLessEqual:
      case ExprKind::kEqual: {
        Affine d = sum(index(e.args[1]), index(e.args[0]), -1);
        if (e.kind == ExprKind::kLess) d = sum(d, constant(-1));
        const bool equal = e.kind == ExprKind::kEqual;
        if (equal ? d.low == 0 && d.high == 0 : d.low >= 0) return truth(true);
        if (d.high < 0 || (equal && d.low > 0)) return truth(false);
        const VarSet depends = d.depends;
        return add_condition({equal ? Kind::kZero : Kind::kNotNegative, std::move(d), {}, 0, depends});
      }
      case ExprKind::kAnd:
      case ExprKind::kOr:
        return junction(e);
      case ExprKind::kNot: {
        const Id arg = condition(e.args[0]);
        const Kind kind = p_.conditions[arg].kind;
        if (kind == Kind::kTrue || kind == Kind::kFalse) return truth(kind == Kind::kFalse);
        return add_condition({Kind::kNot, {}, {arg}, 0, p_.conditions[arg].depends});
      }
      default:
        break;
    }
    const Id arg = scalar(e.args[0]);
    return add_condition({Kind::kTruth, {}, {}, arg, p_.nodes[arg].depends});
  }

  Id junction(const Expr& e) {
    using Kind = Condition::Kind;
    const bool all = e.kind == ExprKind::kAnd;
    Condition result{all ? Kind::kAnd : Kind::kOr, {}, {}, 0, 0};
    for (ExprId arg_expr : e.args) {
      const Id arg = condition(arg_expr);
      const Kind kind = p_.conditions[arg].kind;
      if (kind == (all ? Kind::kFalse : Kind::kTrue)) return truth(!all);
      if (kind == (all ? Kind::kTrue : Kind::kFalse)) continue;
      result.args.push_back(arg);
      result.depends |= p_.conditions[arg].depends;
    }
    if (result.args.empty()) return truth(all);
    if (result.args.size() == 1) return result.args[0];
    return add_condition(std::move(result));
  }

  Id scalar(ExprId id) {
    return once(scalar_memo_[id], [&] { return new_scalar(c_.exprs[id]); });
  }

  Id new_scalar(const Expr& e) {
    if (e.kind == ExprKind::kSelect) {
      const Id chosen = condition(e.args[0]);
      const Condition::Kind kind = p_.conditions[chosen].kind;
      if (kind == Condition::Kind::kTrue) return scalar(e.args[1]);
      if (kind == Condition::Kind::kFalse) return scalar(e.args[2]);
    }
    Node node;
    node.kind = e.kind;
    node.fn = e.fn;
    node.fold = e.fold;
    node.dtype = e.dtype;
    node.value = e.value;
    if (e.kind == ExprKind::kRead) {
      read(e, &node);
    } else if (e.kind == ExprKind::kValue) {
      node.offset = index(e.args[0]);
      node.depends = node.offset.depends;
    } else {
      const size_t first = e.kind == ExprKind::kSelect ? 1 : 0;
      for (size_t k = first; k < e.args.size(); ++k) node.args.push_back(scalar(e.args[k]));
      for (Id arg : node.args) {
        node.depends |= p_.nodes[arg].depends;
        node.safe = node.safe && p_.nodes[arg].safe;
      }
    }
    if (e.kind == ExprKind::kSelect) {
      node.condition = condition(e.args[0]);
      node.depends |= p_.conditions[node.condition].depends;
      node.safe = false;
    } else if (e.kind == ExprKind::kFold) {
      for (uint32_t v : e.variables) {
        node.variables.insert(node.variables.end(), digits_[v].begin(), digits_[v].end());
        for (Var digit : digits_[v]) node.depends &= ~(VarSet{1} << digit);
      }
      node.safe = false;
    }
    p_.nodes.push_back(std::move(node));
    return static_cast<Id>(p_.nodes.size() - 1);
  }

  void read(const Expr& e, Node* node) {
    node->operand = e.number;
    const std::vector<int64_t>& sizes = p_.operand_sizes[e.number];
    bool in_range = true;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      node->axes.push_back(index(e.args[axis]));
      in_range = in_range && node->axes[axis].low >= 0 && node->axes[axis].high < sizes[axis];
      scale(node->offset, sizes[axis]);
      node->offset = sum(node->offset, node->axes[axis]);
    }
    finish(node->offset);
    node->depends = node->offset.depends;
    for (const Affine& axis : node->axes) node->depends |= axis.depends;
    if (in_range) node->axes.clear();
    node->safe = in_range && node->offset.bent == 0;
  }

  const Comprehension& c_;
  std::span<const TensorRef> operands_;
  Program p_;
  std::vector<Affine> values_;  // of each variable of the comprehension
  std::vector<std::vector<Var>> digits_;
  std::vector<std::pair<int64_t, int64_t>> atom_bounds_;
  std::map<Var, int64_t> wanted_splits_;
  std::vector<std::optional<Affine>> index_memo_;
  std::vector<std::optional<Id>> condition_memo_, scalar_memo_;
};

template <class Visit>
void for_each_affine(Program& p, const Visit& visit) {
  for (Atom& atom : p.atoms) visit(atom.a), visit(atom.b);
  for (Condition& condition : p.conditions) visit(condition.affine);
  for (Node& node : p.nodes) {
    visit(node.offset);
    for (Affine& axis : node.axes) visit(axis);
  }
}

// Empties what the body does not use, so that it does not forbid a merge.
void forget_unreachable(Program& p) {
  std::vector<bool> node_used(p.nodes.size()), condition_used(p.conditions.size()), atom_used(p.atoms.size());
  std::vector<Id> nodes{p.body}, conditions;
  std::vector<uint32_t> atoms;
  const auto visit_affine = [&](const Affine& a) {
    for (const Term& term : a.terms) {
      if (term.is_atom) atoms.push_back(term.id);
    }
  };
  while (!nodes.empty() || !conditions.empty() || !atoms.empty()) {
    if (!nodes.empty()) {
      const Id id = nodes.back();
      nodes.pop_back();
      if (node_used[id]) continue;
      node_used[id] = true;
      const Node& node = p.nodes[id];
      visit_affine(node.offset);
      for (const Affine& axis : node.axes) visit_affine(axis);
      nodes.insert(nodes.end(), node.args.begin(), node.args.end());
      if (node.kind == ExprKind::kSelect) conditions.push_back(node.condition);
    } else if (!conditions.empty()) {
      const Id id = conditions.back();
      conditions.pop_back();
      if (condition_used[id]) continue;
      condition_used[id] = true;
      const Condition& condition = p.conditions[id];
      visit_affine(condition.affine);
      conditions.insert(conditions.end(), condition.args.begin(), condition.args.end());
      if (condition.kind == Condition::Kind::kTruth) nodes.push_back(condition.scalar);
    } else {
      const uint32_t id = atoms.back();
      atoms.pop_back();
      if (atom_used[id]) continue;
      atom_used[id] = true;
      visit_affine(p.atoms[id].a);
      visit_affine(p.atoms[id].b);
      if (p.atoms[id].kind == ExprKind::kToIndex) nodes.push_back(p.atoms[id].scalar);
    }
  }
  for (size_t i = 0; i < p.nodes.size(); ++i) {
    if (!node_used[i]) p.nodes[i] = Node{};
  }
  for (size_t i = 0; i < p.conditions.size(); ++i) {
    if (!condition_used[i]) p.conditions[i] = Condition{};
  }
  for (size_t i = 0; i < p.atoms.size(); ++i) {
    if (!atom_used[i]) p.atoms[i] = Atom{};
  }
}

// Whether `outer` and `inner` stand side by side in every list that has one of them.
bool neighbours(const Program& p, Var outer, Var inner) {
  const auto side_by_side = [&](const std::vector<Var>& list) {
    const auto it = std::find(list.begin(), list.end(), outer);
    if (it == list.end()) return std::find(list.begin(), list.end(), inner) == list.end();
    return it + 1 != list.end() && it[1] == inner;
  };
  if (!side_by_side(p.result)) return false;
  return std::all_of(p.nodes.begin(), p.nodes.end(), [&](const Node& node) { return side_by_side(node.variables); });
}

bool merge(Program& p, Var outer, Var inner) {
  if (!neighbours(p, outer, inner)) return false;
  bool together = true;
  for_each_affine(p, [&](const Affine& a) { together = together && a.coef(outer) == a.coef(inner) * p.sizes[inner]; });
  if (!together) return false;
  const auto drop = [&](VarSet& set) { set &= ~(VarSet{1} << outer); };
  for_each_affine(p, [&](Affine& a) {
    std::erase_if(a.terms, [&](const Term& t) { return !t.is_atom && t.id == outer; });
    drop(a.depends);
    drop(a.bent);
  });
  for (Atom& atom : p.atoms) drop(atom.depends);
  for (Condition& condition : p.conditions) drop(condition.depends);
  for (Node& node : p.nodes) {
    drop(node.depends);
    std::erase(node.variables, outer);
  }
  std::erase(p.result, outer);
  p.sizes[inner] *= p.sizes[outer];
  p.sizes[outer] = 1;
  return true;
}

void merge_list(Program& p, std::vector<Var> list) {
  for (size_t i = list.size(); i-- > 1;) {
    if (merge(p, list[i - 1], list[i])) list[i - 1] = list[i];
  }
}

}  // namespace

int64_t Affine::coef(Var v) const {
  for (const Term& term : terms) {
    if (!term.is_atom && term.id == v) return term.coef;
  }
  return 0;
}

int64_t Program::count() const {
  int64_t product = 1;
  for (Var v : result) product *= sizes[v];
  return product;
}

void merge_variables(Program& program) {
  forget_unreachable(program);
  merge_list(program, program.result);
  for (size_t i = 0; i < program.nodes.size(); ++i) merge_list(program, program.nodes[i].variables);
}

Result<Program> lower(const Comprehension& comprehension, std::span<const TensorRef> operands) {
  std::vector<std::vector<int64_t>> radix;
  for (int64_t size : comprehension.sizes) radix.push_back({size});
  for (int splits = 0;; ++splits) {
    Lowering lowering(comprehension, operands);
    std::optional<Program> program = lowering.run(radix);
    if (!program) return unsupported_error("an operator over more than 64 axes cannot be evaluated");
    if (lowering.wanted_splits().empty() || splits == kMaxSplits) return *std::move(program);
    const auto [var, divisor] = *lowering.wanted_splits().begin();
    const auto [v, place] = lowering.digit(var);
    // Digits of size 1 are not variables: count only the others to find the place in the radix.
    size_t at = 0;
    for (size_t seen = 0;; ++at) {
      if (radix[v][at] != 1 && seen++ == place) break;
    }
    radix[v][at] /= divisor;
    radix[v].insert(radix[v].begin() + static_cast<int64_t>(at) + 1, divisor);
  }
}

}  // namespace egret::strip
