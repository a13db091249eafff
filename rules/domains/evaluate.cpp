#include "rules/domains/evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "support/result.h"

namespace egret::rules {
namespace {

Word mask_of(unsigned bits) { return bits >= 128 ? ~Word{0} : (Word{1} << bits) - 1; }

std::string digits(unsigned __int128 value) {
  std::string out;
  do {
    out += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value > 0);
  std::reverse(out.begin(), out.end());
  return out;
}

std::string signed_digits(__int128 value) {
  return value < 0 ? "-" + digits(static_cast<unsigned __int128>(-(value + 1)) + 1) : digits(static_cast<unsigned __int128>(value));
}

// Euclidean: the remainder is never negative.  By 0 the quotient is 0, and the remainder too.
Rational quotient(const Rational& a, const Rational& b) {
  if (b.sign() == 0) return {};
  const Rational q = a / b;
  return b.sign() > 0 ? q.floor() : -(-q).floor();
}

Rational truth(bool value) { return Rational::of(value); }

}  // namespace

void evaluate_words(const DomainRule& rule, const std::vector<Word>& values, std::vector<Word>& out) {
  const Word mask = mask_of(rule.domain.bits);
  out.resize(rule.nodes.size());
  for (size_t k = 0; k < rule.nodes.size(); ++k) {
    const DomainNode& n = rule.nodes[k];
    const Word a = n.args.empty() ? 0 : out[n.args[0]], b = n.args.size() < 2 ? 0 : out[n.args[1]];
    Word v = 0;
    switch (n.op) {
      case DomainOp::kVariable: v = values[static_cast<size_t>(n.number)]; break;
      case DomainOp::kNumber: v = static_cast<Word>(static_cast<__int128>(n.number)); break;
      case DomainOp::kAdd: v = a + b; break;
      case DomainOp::kSub: v = a - b; break;
      case DomainOp::kMul: v = a * b; break;
      case DomainOp::kNeg: v = -a; break;
      case DomainOp::kNot: v = ~a; break;
      case DomainOp::kAnd: v = a & b; break;
      case DomainOp::kOr: v = a | b; break;
      case DomainOp::kXor: v = a ^ b; break;
      case DomainOp::kShiftLeft: v = b >= rule.domain.bits ? 0 : a << static_cast<unsigned>(b); break;
      case DomainOp::kShiftRight: v = b >= rule.domain.bits ? 0 : a >> static_cast<unsigned>(b); break;
      default: EGRET_CHECK(false, "no operator of words");
    }
    out[k] = v & mask;
  }
}

std::optional<Rational> evaluate_exact(const DomainRule& rule, uint32_t node, const std::vector<Rational>& values) {
  // A branch that is not taken may have no value, so nodes keep "none"; who needs them has none either.
  std::vector<std::optional<Rational>> out(node + 1);
  const bool integer = rule.domain.kind == Domain::Kind::kInteger;
  for (uint32_t k = 0; k <= node; ++k) {
    const DomainNode& n = rule.nodes[k];
    if (n.op == DomainOp::kSelect) {
      const auto& c = out[n.args[0]];
      if (c) out[k] = c->overflowed() ? *c : out[n.args[c->sign() != 0 ? 1 : 2]];
      continue;
    }
    std::vector<Rational> a;
    bool none = false, overflow = false;
    for (uint32_t arg : n.args) {
      none |= !out[arg];
      overflow |= out[arg] && out[arg]->overflowed();
      a.push_back(out[arg].value_or(Rational{}));
    }
    if (none) continue;
    if (overflow) {
      out[k] = Rational::overflow();
      continue;
    }
    switch (n.op) {
      case DomainOp::kVariable: out[k] = values[static_cast<size_t>(n.number)]; break;
      case DomainOp::kNumber: out[k] = Rational::of(n.number); break;
      case DomainOp::kAdd: out[k] = a[0] + a[1]; break;
      case DomainOp::kSub: out[k] = a[0] - a[1]; break;
      case DomainOp::kMul: out[k] = a[0] * a[1]; break;
      case DomainOp::kDiv:
        if (integer) out[k] = quotient(a[0], a[1]);
        else if (a[1].sign() != 0) out[k] = a[0] / a[1];
        break;
      case DomainOp::kMod: out[k] = a[1].sign() == 0 ? Rational{} : a[0] - a[1] * quotient(a[0], a[1]); break;
      case DomainOp::kNeg: out[k] = -a[0]; break;
      case DomainOp::kAbs: out[k] = a[0].sign() < 0 ? -a[0] : a[0]; break;
      case DomainOp::kMin: out[k] = a[1] < a[0] ? a[1] : a[0]; break;
      case DomainOp::kMax: out[k] = a[0] < a[1] ? a[1] : a[0]; break;
      case DomainOp::kLess: out[k] = truth(a[0] < a[1]); break;
      case DomainOp::kLessEqual: out[k] = truth(!(a[1] < a[0])); break;
      case DomainOp::kEqual: out[k] = truth(a[0] == a[1]); break;
      case DomainOp::kAnd: out[k] = truth(a[0].sign() != 0 && a[1].sign() != 0); break;
      case DomainOp::kOr: out[k] = truth(a[0].sign() != 0 || a[1].sign() != 0); break;
      case DomainOp::kXor: out[k] = truth((a[0].sign() != 0) != (a[1].sign() != 0)); break;
      case DomainOp::kNot: out[k] = truth(a[0].sign() == 0); break;
      default: EGRET_CHECK(false, "no operator of numbers");
    }
  }
  return out[node];
}

std::string word_text(const DomainRule& rule, Word value) {
  return rule.domain.boolean ? value ? "true" : "false" : digits(value);
}

std::string exact_text(const Rational& value) {
  const std::string above = signed_digits(value.numerator());
  return value.is_integer() ? above : fmt::format("{}/{}", above, signed_digits(value.denominator()));
}

}  // namespace egret::rules
