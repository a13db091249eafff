#include "rules/domains/fractions.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "rules/verify/terms/index.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxTerms = 400;

struct Fraction {
  IntId above = 0, below = 0;
};

class Fractions {
 public:
  explicit Fractions(const DomainRule& rule) : rule_(rule) {
    for (const std::string& name : rule.variables) variables_.push_back(i_.variable(i_.fresh(name)));
    one_ = i_.constant(1);
    for (const DomainNode& n : rule.nodes) made_.push_back(make(n));
  }

  bool known(uint32_t node) const { return made_[node].has_value(); }
  bool equal() {
    if (!known(rule_.left) || !known(rule_.right)) return false;
    const Fraction a = *made_[rule_.left], b = *made_[rule_.right];
    const IntId x = product(a.above, b.below), y = product(b.above, a.below);
    return x == y && !i_.overflowed() && !large_;
  }

  // Divisors that stand under a node, each divided by its content.
  std::optional<std::set<IntId>> divisors(uint32_t root) {
    std::vector<bool> under(root + 1, false);
    under[root] = true;
    std::set<IntId> out;
    for (uint32_t k = root + 1; k-- > 0;) {
      if (!under[k]) continue;
      const DomainNode& n = rule_.nodes[k];
      if (n.op == DomainOp::kSelect) return std::nullopt;
      for (uint32_t a : n.args) under[a] = true;
      if (n.op != DomainOp::kDiv) continue;
      if (!known(n.args[1])) return std::nullopt;
      int64_t value = 0;
      const IntId p = made_[n.args[1]]->above;
      if (i_.is_constant(p, &value) && value != 0) continue;
      out.insert(primitive(p));
    }
    if (i_.overflowed() || large_) return std::nullopt;
    return out;
  }

 private:
  // Signs are variables whose squares are 1.
  IntId product(IntId a, IntId b) {
    if (i_.polynomial(a).size() * i_.polynomial(b).size() > kMaxTerms) large_ = true;
    if (large_) return a;
    const Polynomial p = i_.polynomial(i_.mul(a, b));
    if (signs_.empty()) return i_.mul(a, b);
    IntId out = i_.constant(0);
    for (const IntTerm& t : p) {
      IntId term = i_.constant(t.coefficient);
      std::map<uint32_t, int> powers;
      for (uint32_t atom : t.atoms) ++powers[atom];
      for (auto [atom, power] : powers) {
        const VariableId v = i_.atom(atom).number;
        const bool sign = std::find(signs_.begin(), signs_.end(), v) != signs_.end();
        for (int k = 0; k < (sign ? power % 2 : power); ++k) term = i_.mul(term, i_.variable(v));
      }
      out = i_.add(out, term);
    }
    return out;
  }

  // Divided by its content, the first coefficient positive.
  IntId primitive(IntId p) {
    const Polynomial terms = i_.polynomial(p);
    if (terms.empty()) return p;
    int64_t content = 0;
    for (const IntTerm& t : terms) content = std::gcd(content, t.coefficient);
    if (terms.front().coefficient < 0) content = -content;
    IntId out = i_.constant(0);
    for (const IntTerm& t : terms) {
      IntId term = i_.constant(t.coefficient / content);
      for (uint32_t atom : t.atoms) term = i_.mul(term, i_.variable(i_.atom(atom).number));
      out = i_.add(out, term);
    }
    return out;
  }

  // |p| as sign * p: of a product of variables, a sign for each.
  IntId magnitude(IntId p) {
    const Polynomial terms = i_.polynomial(p);
    if (terms.empty()) return p;
    if (terms.size() == 1) {
      IntId out = i_.constant(terms[0].coefficient < 0 ? -terms[0].coefficient : terms[0].coefficient);
      for (uint32_t atom : terms[0].atoms) {
        const VariableId v = i_.atom(atom).number;
        if (std::find(signs_.begin(), signs_.end(), v) == signs_.end()) out = product(out, product(i_.variable(v), sign_of(i_.variable(v))));
      }
      return out;
    }
    const IntId base = primitive(p);
    const bool opposite = terms.front().coefficient < 0;
    const IntId positive = opposite ? i_.sub(i_.constant(0), p) : p;
    return product(positive, sign_of(base));
  }
  IntId sign_of(IntId p) {
    auto it = sign_of_.find(p);
    if (it != sign_of_.end()) return it->second;
    const VariableId s = i_.fresh("s");
    signs_.push_back(s);
    return sign_of_[p] = i_.variable(s);
  }

  std::optional<Fraction> make(const DomainNode& n) {
    if (n.op == DomainOp::kVariable) return Fraction{variables_[static_cast<size_t>(n.number)], one_};
    if (n.op == DomainOp::kNumber) return Fraction{i_.constant(n.number), one_};
    std::vector<Fraction> a;
    for (uint32_t arg : n.args) {
      if (!made_[arg]) return std::nullopt;
      a.push_back(*made_[arg]);
    }
    switch (n.op) {
      case DomainOp::kAdd: return Fraction{i_.add(product(a[0].above, a[1].below), product(a[1].above, a[0].below)), product(a[0].below, a[1].below)};
      case DomainOp::kSub: return Fraction{i_.sub(product(a[0].above, a[1].below), product(a[1].above, a[0].below)), product(a[0].below, a[1].below)};
      case DomainOp::kMul: return Fraction{product(a[0].above, a[1].above), product(a[0].below, a[1].below)};
      case DomainOp::kDiv: return Fraction{product(a[0].above, a[1].below), product(a[0].below, a[1].above)};
      case DomainOp::kNeg: return Fraction{i_.sub(i_.constant(0), a[0].above), a[0].below};
      case DomainOp::kAbs: return Fraction{magnitude(a[0].above), magnitude(a[0].below)};
      default: return std::nullopt;
    }
  }

  const DomainRule& rule_;
  Indices i_;
  IntId one_ = 0;
  bool large_ = false;
  std::vector<IntId> variables_;
  std::vector<VariableId> signs_;
  std::map<IntId, IntId> sign_of_;
  std::vector<std::optional<Fraction>> made_;
};

}  // namespace

bool same_fraction(const DomainRule& rule) { return Fractions(rule).equal(); }

bool same_divisors(const DomainRule& rule) {
  Fractions fractions(rule);
  const auto left = fractions.divisors(rule.left), right = fractions.divisors(rule.right);
  return left && right && std::includes(left->begin(), left->end(), right->begin(), right->end());
}

}  // namespace egret::rules
