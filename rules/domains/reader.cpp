#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "egraph/lang/sexp.h"
#include "rules/domains/domain.h"

namespace egret::rules {
namespace {

using egraph::lang::SexpNode;
using egraph::lang::SexpReader;
using Kind = Domain::Kind;

constexpr size_t kMaxNodes = size_t{1} << 16;

// Sorts of arguments and result: n number, t truth, = one sort for all that are so marked.
struct Operator {
  Kind kind;
  std::string_view name;
  DomainOp op;
  std::string_view sorts;
};

constexpr std::array kOperators = {
    Operator{Kind::kBits, "+", DomainOp::kAdd, "nnn"},
    Operator{Kind::kBits, "--", DomainOp::kSub, "nnn"},
    Operator{Kind::kBits, "*", DomainOp::kMul, "nnn"},
    Operator{Kind::kBits, "-", DomainOp::kNeg, "nn"},
    Operator{Kind::kBits, "~", DomainOp::kNot, "nn"},
    Operator{Kind::kBits, "&", DomainOp::kAnd, "nnn"},
    Operator{Kind::kBits, "|", DomainOp::kOr, "nnn"},
    Operator{Kind::kBits, "^", DomainOp::kXor, "nnn"},
    Operator{Kind::kBits, "<<", DomainOp::kShiftLeft, "nnn"},
    Operator{Kind::kBits, ">>", DomainOp::kShiftRight, "nnn"},
    Operator{Kind::kRational, "+", DomainOp::kAdd, "nnn"},
    Operator{Kind::kRational, "-", DomainOp::kSub, "nnn"},
    Operator{Kind::kRational, "*", DomainOp::kMul, "nnn"},
    Operator{Kind::kRational, "/", DomainOp::kDiv, "nnn"},
    Operator{Kind::kRational, "~", DomainOp::kNeg, "nn"},
    Operator{Kind::kRational, "fabs", DomainOp::kAbs, "nn"},
    Operator{Kind::kRational, "if", DomainOp::kSelect, "tnnn"},
    Operator{Kind::kInteger, "+", DomainOp::kAdd, "nnn"},
    Operator{Kind::kInteger, "-", DomainOp::kSub, "nnn"},
    Operator{Kind::kInteger, "-", DomainOp::kNeg, "nn"},
    Operator{Kind::kInteger, "*", DomainOp::kMul, "nnn"},
    Operator{Kind::kInteger, "/", DomainOp::kDiv, "nnn"},
    Operator{Kind::kInteger, "%", DomainOp::kMod, "nnn"},
    Operator{Kind::kInteger, "abs", DomainOp::kAbs, "nn"},
    Operator{Kind::kInteger, "min", DomainOp::kMin, "nnn"},
    Operator{Kind::kInteger, "max", DomainOp::kMax, "nnn"},
    Operator{Kind::kInteger, "<", DomainOp::kLess, "nnt"},
    Operator{Kind::kInteger, "<=", DomainOp::kLessEqual, "nnt"},
    Operator{Kind::kInteger, ">", DomainOp::kLess, "nnt"},       // operands exchanged
    Operator{Kind::kInteger, ">=", DomainOp::kLessEqual, "nnt"},  // operands exchanged
    Operator{Kind::kInteger, "==", DomainOp::kEqual, "==t"},
    Operator{Kind::kInteger, "!=", DomainOp::kEqual, "==t"},  // negated
    Operator{Kind::kInteger, "&&", DomainOp::kAnd, "ttt"},
    Operator{Kind::kInteger, "||", DomainOp::kOr, "ttt"},
    Operator{Kind::kInteger, "^", DomainOp::kXor, "ttt"},
    Operator{Kind::kInteger, "!", DomainOp::kNot, "tt"},
    Operator{Kind::kInteger, "select", DomainOp::kSelect, "t==="},
    Operator{Kind::kInteger, "if", DomainOp::kSelect, "t==="},
};

// Sorts that are not known yet are joined; what nothing says is a number.
class Sorts {
 public:
  uint32_t fresh() {
    parent_.push_back(static_cast<uint32_t>(parent_.size()));
    known_.emplace_back();
    return parent_.back();
  }
  uint32_t of(DomainSort s) {
    const uint32_t id = fresh();
    known_[id] = s;
    return id;
  }
  bool join(uint32_t a, uint32_t b) {
    a = find(a);
    b = find(b);
    if (a == b) return true;
    if (known_[a] && known_[b] && known_[a] != known_[b]) return false;
    if (!known_[a]) std::swap(a, b);
    parent_[b] = a;
    return true;
  }
  DomainSort sort(uint32_t id) { return known_[find(id)].value_or(DomainSort::kNumber); }

 private:
  uint32_t find(uint32_t id) {
    while (parent_[id] != id) id = parent_[id] = parent_[parent_[id]];
    return id;
  }
  std::vector<uint32_t> parent_;
  std::vector<std::optional<DomainSort>> known_;
};

class RuleReader {
 public:
  RuleReader(std::string_view text, const std::string& file, const Domain& domain)
      : text_(text), file_(file), stem_(std::filesystem::path(file).stem().string()), domain_(domain), in_(text, file) {}

  Result<std::vector<DomainRule>> read() {
    std::vector<DomainRule> out;
    EGRET_TRY(bool more, in_.next());
    while (more) {
      begin();
      const size_t start = in_.offset(in_.nodes()[0]);
      EGRET_TRY(uint32_t left, term());
      EGRET_TRY(more, in_.next());
      if (!more || in_.nodes()[0].is_list() || in_.atom(in_.nodes()[0]) != "==>") return wrong(here(), "expected `==>` after the left side", "a rule is LEFT ==> RIGHT");
      EGRET_TRY(more, in_.next());
      if (!more) return wrong(text_.size(), "expected the right side of a rule", "a rule is LEFT ==> RIGHT");
      EGRET_TRY(uint32_t right, term());
      size_t end = end_;
      if (!sorts_.join(node_sorts_[left], node_sorts_[right])) {
        left = as(left, sorts_.of(DomainSort::kNumber));
        right = as(right, sorts_.of(DomainSort::kNumber));
      }
      EGRET_TRY(more, in_.next());
      if (more && !in_.nodes()[0].is_list() && in_.atom(in_.nodes()[0]) == "if") {
        EGRET_TRY(more, in_.next());
        if (!more) return wrong(text_.size(), "expected a condition after `if`", "a rule is LEFT ==> RIGHT if CONDITION");
        if (domain_.kind != Kind::kInteger) return wrong(here(), "conditions belong to the domain int", "write the rule without `if`, or use --domain int");
        EGRET_TRY(const uint32_t condition, term());
        rule_.condition = as(condition, sorts_.of(DomainSort::kTruth));
        end = end_;
        EGRET_TRY(more, in_.next());
      }
      rule_.left = left;
      rule_.right = right;
      rule_.name = fmt::format("{}-{}", stem_, in_.where(start).line);
      rule_.text = std::string(text_.substr(start, end - start));
      for (size_t k = 0; k < rule_.nodes.size(); ++k) rule_.nodes[k].sort = sorts_.sort(node_sorts_[k]);
      for (uint32_t s : variable_sorts_) rule_.sorts.push_back(sorts_.sort(s));
      out.push_back(std::move(rule_));
    }
    return out;
  }

 private:
  size_t here() const { return in_.nodes().empty() ? text_.size() : in_.offset(in_.nodes()[0]); }
  Error wrong(size_t offset, std::string what, std::string hint = {}) const { return input_error(std::move(what), std::move(hint), in_.where(offset)); }

  void begin() {
    rule_ = {};
    rule_.domain = domain_;
    sorts_ = {};
    node_sorts_.clear();
    variable_sorts_.clear();
  }

  uint32_t add(DomainNode node, uint32_t sort) {
    rule_.nodes.push_back(std::move(node));
    node_sorts_.push_back(sort);
    return static_cast<uint32_t>(rule_.nodes.size() - 1);
  }

  // A node as a value of a sort: a truth value counts 1 or 0 as a number, a number is true unless it is 0.
  uint32_t as(uint32_t node, uint32_t sort) {
    if (sorts_.join(node_sorts_[node], sort)) return node;
    const uint32_t zero = add({DomainOp::kNumber, {}, 0, {}}, sorts_.of(DomainSort::kNumber));
    if (sorts_.sort(sort) == DomainSort::kNumber) {
      const uint32_t one = add({DomainOp::kNumber, {}, 1, {}}, sorts_.of(DomainSort::kNumber));
      return add({DomainOp::kSelect, {}, 0, {node, one, zero}}, sorts_.of(DomainSort::kNumber));
    }
    const uint32_t is_zero = add({DomainOp::kEqual, {}, 0, {node, zero}}, sorts_.of(DomainSort::kTruth));
    return add({DomainOp::kNot, {}, 0, {is_zero}}, sorts_.of(DomainSort::kTruth));
  }

  // The form that was read, from its last node to its first: operands before what uses them.
  Result<uint32_t> term() {
    const auto nodes = in_.nodes();
    if (nodes.size() + rule_.nodes.size() > kMaxNodes) return wrong(here(), fmt::format("a rule of more than {} operators", kMaxNodes));
    std::vector<uint32_t> made(nodes.size());
    end_ = in_.offset(nodes.back()) + std::max(nodes.back().length, uint32_t{1});
    while (end_ < text_.size() && (text_[end_] == ')' || text_[end_] == ' ') && text_.find(')', end_) == text_.find_first_not_of(' ', end_)) ++end_;
    for (size_t k = nodes.size(); k-- > 0;) {
      if (!nodes[k].is_list()) {
        if (k > 0 && nodes[k - 1].is_list()) continue;  // an operator
        EGRET_TRY(made[k], atom(nodes[k]));
        continue;
      }
      std::vector<size_t> inside;
      for (size_t c = k + 1; c < nodes[k].end; c = nodes[c].end) inside.push_back(c);
      EGRET_TRY(made[k], call(nodes, k, inside, made));
    }
    return made[0];
  }

  Result<uint32_t> atom(const SexpNode& node) {
    const std::string_view word = in_.atom(node);
    if (word.starts_with("?") && word.size() > 1) {
      auto it = std::find(rule_.variables.begin(), rule_.variables.end(), word.substr(1));
      const auto k = static_cast<size_t>(it - rule_.variables.begin());
      if (it == rule_.variables.end()) {
        rule_.variables.emplace_back(word.substr(1));
        variable_sorts_.push_back(domain_.kind == Kind::kInteger ? sorts_.fresh() : sorts_.of(DomainSort::kNumber));
      }
      return add({DomainOp::kVariable, {}, static_cast<int64_t>(k), {}}, variable_sorts_[k]);
    }
    int64_t value = 0;
    const bool digits = std::from_chars(word.data(), word.data() + word.size(), value).ptr == word.data() + word.size();
    const bool truth = word == "true" || word == "false";
    if (truth && (domain_.boolean || domain_.kind == Kind::kInteger)) {
      return add({DomainOp::kNumber, {}, word == "true", {}}, sorts_.of(domain_.boolean ? DomainSort::kNumber : DomainSort::kTruth));
    }
    if (!digits) return wrong(in_.offset(node), fmt::format("`{}` is no number of the domain {}", word, domain_.to_string()), "variables begin with `?`");
    const bool either = domain_.kind == Kind::kInteger && (value == 0 || value == 1);
    return add({DomainOp::kNumber, {}, value, {}}, either ? sorts_.fresh() : sorts_.of(DomainSort::kNumber));
  }

  Result<uint32_t> call(std::span<const SexpNode> nodes, size_t list, const std::vector<size_t>& inside, const std::vector<uint32_t>& made) {
    if (inside.empty() || nodes[inside[0]].is_list()) return wrong(in_.offset(nodes[list]), "expected an operator after `(`");
    std::string_view word = in_.atom(nodes[inside[0]]);
    if (word.size() > 2 && word.front() == '"' && word.back() == '"') word = word.substr(1, word.size() - 2);
    const size_t at = in_.offset(nodes[inside[0]]);
    const Operator* found = nullptr;
    std::string names;
    for (const Operator& o : kOperators) {
      if (o.kind != domain_.kind || (domain_.boolean && o.op != DomainOp::kAnd && o.op != DomainOp::kOr && o.op != DomainOp::kXor && o.op != DomainOp::kNot)) continue;
      names += fmt::format(" {}", o.name);
      if (o.name == word && (!found || o.sorts.size() == inside.size())) found = &o;
    }
    if (!found) return wrong(at, fmt::format("`{}` is no operator of the domain {}", word, domain_.to_string()), "its operators are" + names);
    const size_t arity = found->sorts.size() - 1;
    if (inside.size() - 1 != arity) return wrong(at, fmt::format("`{}` takes {} operand{}, not {}", word, arity, arity == 1 ? "" : "s", inside.size() - 1), "is a parenthesis in the wrong place?");
    // Of one sort; where a number meets a truth value both are numbers.
    uint32_t shared = sorts_.fresh();
    bool clash = false;
    for (size_t k = 0; k < arity; ++k) clash |= found->sorts[k] == '=' && !sorts_.join(node_sorts_[made[inside[k + 1]]], shared);
    if (clash) shared = sorts_.of(DomainSort::kNumber);
    auto sort_of = [&](char c) { return c == '=' ? shared : sorts_.of(c == 't' ? DomainSort::kTruth : DomainSort::kNumber); };
    std::vector<uint32_t> args;
    for (size_t k = 0; k < arity; ++k) args.push_back(as(made[inside[k + 1]], sort_of(found->sorts[k])));
    if (word.starts_with(">") && domain_.kind == Kind::kInteger) std::swap(args[0], args[1]);
    const uint32_t out = add({found->op, {}, 0, std::move(args)}, sort_of(found->sorts[arity]));
    return word == "!=" ? add({DomainOp::kNot, {}, 0, {out}}, sorts_.of(DomainSort::kTruth)) : out;
  }

  std::string_view text_;
  std::string file_, stem_;
  Domain domain_;
  SexpReader in_;
  DomainRule rule_;
  Sorts sorts_;
  std::vector<uint32_t> node_sorts_, variable_sorts_;
  size_t end_ = 0;  // of the last form, in the text
};

std::optional<Domain> domain_named(std::string_view name) {
  if (name == "bool") return Domain{Kind::kBits, 1, true};
  if (name == "int") return Domain{Kind::kInteger};
  if (name == "rational") return Domain{Kind::kRational};
  unsigned bits = 0;
  if (!name.starts_with("bv") || name.size() < 3 || name.size() > 5) return std::nullopt;
  const bool digits = std::from_chars(name.data() + 2, name.data() + name.size(), bits).ptr == name.data() + name.size();
  if (!digits || bits < 1 || bits > 128) return std::nullopt;
  return Domain{Kind::kBits, bits};
}

}  // namespace

Result<Domain> Domain::parse(std::string_view name) {
  if (auto found = domain_named(name)) return *found;
  return input_error(fmt::format("`{}` is no domain", name), "domains are bool, bv1 to bv128, int and rational");
}

std::optional<Domain> Domain::of_file(std::string_view path) {
  const std::string stem = std::filesystem::path(path).stem().string();
  for (size_t from = 0; from < stem.size();) {
    const size_t to = std::min(stem.find_first_of("-_.", from), stem.size());
    const std::string_view word = std::string_view(stem).substr(from, to - from);
    if (auto found = domain_named(word)) return found;
    if (word == "halide" || word == "chompy" || word == "caviar") return Domain{Kind::kInteger};
    from = to + 1;
  }
  return std::nullopt;
}

std::string Domain::to_string() const {
  switch (kind) {
    case Kind::kBits: return boolean ? "bool" : fmt::format("bv{}", bits);
    case Kind::kInteger: return "int";
    case Kind::kRational: return "rational";
  }
  return {};
}

bool looks_like_domain_rules(std::string_view text) {
  SexpReader in(text, "");
  const auto more = in.next();
  if (!more.ok()) return text.find("==>") != std::string_view::npos;
  return *more && (in.nodes()[0].is_list() || in.atom(in.nodes()[0]).starts_with("?"));
}

Result<std::vector<DomainRule>> parse_domain_rules(std::string_view text, const std::string& file, const Domain& domain) {
  return RuleReader(text, file, domain).read();
}

}  // namespace egret::rules
