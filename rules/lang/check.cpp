#include "rules/lang/check.h"

#include <algorithm>

#include <fmt/format.h>

#include "rules/lang/natives.h"

namespace egret::rules {
namespace {

// A few names of one rule.
class NameSet {
 public:
  bool has(std::string_view name) const { return std::find(names_.begin(), names_.end(), name) != names_.end(); }
  bool insert(std::string_view name) {  // false: it was there
    if (has(name)) return false;
    names_.push_back(name);
    return true;
  }
  void clear() { names_.clear(); }
  auto begin() const { return names_.begin(); }
  auto end() const { return names_.end(); }

 private:
  std::vector<std::string_view> names_;
};

class Checker {
 public:
  Checker(const RuleSyntax& rule, const std::string& file) : rule_(rule), file_(file), equations_(equations_of(rule)) {}

  Status run() {
    if (rule_.each) EGRET_TRY_VOID(check_for());
    EGRET_TRY_VOID(check_shape());
    for (const Equation& e : equations_) EGRET_TRY_VOID(left(*e.left));
    // Of a two-way rule each side must bind what the other reads.
    const NameSet of_left = bound_;
    for (const Term* list : listed_) {
      if (tensors_.has(list->name)) return error(*list, fmt::format("'{}' is a tensor in one place and an attribute in another", list->name), "give the two different names");
    }
    for (const Term* over : over_) {
      if (tracked() && !axes_.has(over->name)) return error(*over, fmt::format("'{}' names no axes", over->name), "over= names axes that both operands list, as k in dot(a[m.., k..], b[k.., n..], over=k)");
    }
    for (const Binding& b : rule_.lets) {
      EGRET_TRY_VOID(right(b.term));
      bound_.insert(b.name);
    }
    for (const Term& c : rule_.where) EGRET_TRY_VOID(value(c));
    for (const Term& c : rule_.when) EGRET_TRY_VOID(value(c));
    for (const Equation& e : equations_) EGRET_TRY_VOID(right(*e.right));
    if (rule_.both_ways) {
      bound_.clear();
      lists_.clear();
      EGRET_TRY_VOID(left(rule_.right));
      const NameSet& of_right = bound_;
      for (std::string_view name : of_left) {
        if (!of_right.has(name) && !axes_.has(name)) {
          return error(rule_.right, fmt::format("'{}' stands on the left of '<=>' alone", name),
                       "write '=>', or use it on both sides");
        }
      }
    }
    EGRET_TRY_VOID(check_examples(of_left));
    return {};
  }

 private:
  Error error_at(Position at, std::string text, std::string hint) const {
    return input_error(fmt::format("rule {}: {}", rule_.name, text), std::move(hint), {file_, at.line, at.column, {}});
  }
  Error error(const Term& t, std::string text, std::string hint) const { return error_at(t.at, std::move(text), std::move(hint)); }

  Status check_for() {
    for (const std::string& c : rule_.each->classes) {
      if (!operators_of_class(c).empty()) continue;
      std::string known;
      for (const std::string& k : operator_classes()) known += (known.empty() ? "" : ", ") + k;
      return error_at(rule_.each->at, fmt::format("no operator or class '{}'", c), "classes are " + known);
    }
    return {};
  }

  Status check_shape() {
    if (rule_.is_short) {
      if (!rule_.unites.empty()) return error_at(rule_.at, "'unite' belongs to rules with 'find'", "a short rule is LEFT => RIGHT");
      return {};
    }
    if (rule_.unites.empty()) return error_at(rule_.at, "'find' without 'unite'", "say what the terms found are united with");
    for (const Binding& u : rule_.unites) {
      bool found = std::any_of(rule_.find.begin(), rule_.find.end(), [&](const Binding& f) { return f.name == u.name; });
      if (!found) return error_at(u.at, fmt::format("'{}' was not found", u.name), "unite the names that 'find' binds");
    }
    if (equations_.size() != rule_.find.size()) {
      return error_at(rule_.at, "a term that is found and not united", "unite each name once, or put the term into another");
    }
    if (!rule_.find_all) return {};
    const Term& member = rule_.find[0].term;
    bool group = member.args.size() == 2 && member.args[0].many != member.args[1].many && rule_.find.size() == 1;
    if (!rule_.find[0].many || !group || !member.op) {
      return error_at(rule_.at, "'find all' needs one term NAME.. = OP(a, b..) with one operand group",
                      "p.. = dot(a[..], b..[..], over=k)");
    }
    return {};
  }

  static std::string takes(const OpDef& op) {
    if (op.max_operands < 0) return fmt::format("{} takes at least {} operands", op.name, op.min_operands);
    if (op.min_operands != op.max_operands) return fmt::format("{} takes {} to {} operands", op.name, op.min_operands, op.max_operands);
    return fmt::format("{} takes {} operand{}", op.name, op.min_operands, op.min_operands == 1 ? "" : "s");
  }

  Status arity(const Term& t, const OpDef& op) {
    bool group = std::any_of(t.args.begin(), t.args.end(), [](const Term& a) { return a.many; });
    int n = static_cast<int>(t.args.size());
    if (group || (n >= op.min_operands && (op.max_operands < 0 || n <= op.max_operands))) return {};
    return error(t, fmt::format("{}, not {}", takes(op), n), "positional arguments are operands, named ones attributes");
  }

  Status each_arity(const Term& t) {
    for (const std::string& c : rule_.each->classes) {
      for (const OpDef* op : operators_of_class(c)) {
        if (arity(t, *op).ok()) continue;
        return error(t, fmt::format("{}, not {}", takes(*op), t.args.size()), rule_.each->variable + " stands for it");
      }
    }
    return {};
  }

  Status attributes(const Term& t, const OpDef& op, bool on_left) {
    NameSet given;
    for (const auto& [name, value] : t.attrs) {
      bool sugar = name == "all" || (name == "over" && op.name == "dot") || (name == "new" && op.name == "broadcast");
      if (!sugar && !op.attr(name)) {
        std::string known;
        for (const AttrSpec& a : op.attrs) known += (known.empty() ? "" : ", ") + a.name;
        return error(value, fmt::format("{} has no attribute '{}'", op.name, name),
                     known.empty() ? "it has none" : "its attributes are " + known);
      }
      if (!given.insert(name)) return error(value, fmt::format("'{}' is given twice", name), "give it once");
      const AttrSpec* spec = op.attr(name);
      const bool is_list = spec && (spec->kind == AttrKind::kAxes || spec->kind == AttrKind::kSizes || spec->kind == AttrKind::kInts);
      if (on_left && is_list && value.kind == Term::Kind::kName) {
        lists_.insert(value.name);
        listed_.push_back(&value);
      }
      if (on_left && name == "over" && value.kind == Term::Kind::kName) over_.push_back(&value);
      if (!on_left && value.kind == Term::Kind::kName && tensors_.has(value.name) && !axes_.has(value.name)) {
        return error(value, fmt::format("'{}' is a tensor, the attribute '{}' is none", value.name, name), "sizes(x), rank(x) and dtype(x) speak of a tensor");
      }
      if (on_left) bind(value);
    }
    return {};
  }

  // Some variable of the left has its axes written.
  bool tracked() const { return axes_.begin() != axes_.end(); }

  void bind(const Term& value) {
    if (value.kind == Term::Kind::kName) bound_.insert(value.name);
    for (const Term& a : value.args) bind(a);
  }

  // The hint of an unknown name: the operator most like it.
  static std::string meant(const std::string& name, const char* otherwise) {
    const std::string near = closest_op(name);
    return near.empty() ? otherwise : fmt::format("did you mean {}? {}", near, otherwise);
  }

  Status unknown(const Term& t) {
    return error(t, fmt::format("no operator '{}'", t.name), meant(t.name, "`egret ops` lists the operators, docs/rules.md the conditions"));
  }

  bool is_each(const Term& t) const { return rule_.each && t.kind == Term::Kind::kCall && t.name == rule_.each->variable; }

  Status left(const Term& t, bool root = true) {
    if (t.kind == Term::Kind::kName) {
      if (root) return error(t, "the left side is a variable", "it must apply an operator");
      bound_.insert(t.name);
      tensors_.insert(t.name);
      for (const AxisName& a : t.axes) {
        bound_.insert(a.name);
        axes_.insert(a.name);
      }
      return {};
    }
    if (t.kind == Term::Kind::kNumber) {
      return root ? Status(error(t, "the left side is a number", "it must apply an operator")) : Status();
    }
    if (is_each(t)) {
      EGRET_TRY_VOID(each_arity(t));
      for (const auto& [name, value] : t.attrs) bind(value);
    } else {
      const OpDef* op = t.op;
      if (!op && t.kind == Term::Kind::kCall) return unknown(t);
      if (!op) return error(t, "this cannot stand in a left side", "left sides are operators, variables and numbers");
      EGRET_TRY_VOID(arity(t, *op));
      EGRET_TRY_VOID(attributes(t, *op, true));
    }
    for (const Term& a : t.args) EGRET_TRY_VOID(left(a, false));
    return {};
  }

  Status name_bound(const Term& t) {
    std::string_view name = t.name;
    name = name.substr(0, name.find('.'));
    if (bound_.has(t.name) || bound_.has(name) || dtype_from_name(t.name)) return {};
    return error(t, fmt::format("'{}' is not bound", t.name), "the left side must name it, or 'let' define it");
  }

  // A term of the right side, or a value in it.
  Status right(const Term& t) {
    if (t.kind == Term::Kind::kName) {
      for (const AxisName& a : t.axes) {
        if (!bound_.has(a.name)) return error(t, fmt::format("the axes '{}' are not bound", a.name), "the left side must name them");
      }
      if (lists_.has(t.name) && !tensors_.has(t.name)) {
        return error(t, fmt::format("'{}' is an attribute, and stands where a tensor is wanted", t.name), "a list of integers is no tensor");
      }
      return name_bound(t);
    }
    if (t.kind == Term::Kind::kCall && !is_each(t)) {
      const OpDef* op = t.op;
      if (!op && t.name != "slices") return value(t);
      if (op) {
        EGRET_TRY_VOID(arity(t, *op));
        EGRET_TRY_VOID(attributes(t, *op, false));
      }
    }
    for (const Term& a : t.args) EGRET_TRY_VOID(right(a));
    for (const auto& [name, v] : t.attrs) EGRET_TRY_VOID(value(v));
    return {};
  }

  // A condition or the value of an attribute.
  Status value(const Term& t) {
    if (t.kind == Term::Kind::kName) return name_bound(t);
    if (t.kind == Term::Kind::kCall) {
      const Native* n = find_native(t.name);
      if (!n && t.op) return right(t);
      if (!n) return error(t, fmt::format("no operator, condition or computation '{}'", t.name), meant(t.name, "`egret ops` lists the operators, docs/rules.md the conditions and computations"));
      if (!fits(*n, t.args.size())) {
        return error(t, fmt::format("{} takes ({}), not {} arguments", n->name, n->sorts, t.args.size()), n->summary);
      }
      EGRET_TRY_VOID(sorts(t, *n));
    }
    if (t.kind == Term::Kind::kCompare) {
      for (const Term& a : t.args) {
        if (sort_of(a) == "tensor") return error(a, fmt::format("'{}' is a tensor, which no comparison takes", a.name), "compare sizes(x), rank(x) or dtype(x); conditions on elements are in docs/rules.md");
      }
    }
    for (const Term& a : t.args) EGRET_TRY_VOID(value(a));
    return {};
  }

  // "tensor", "list", "axes", "dtype" or "number" where the place of the name or the term says so; else empty.
  std::string_view sort_of(const Term& t) const {
    if (t.kind == Term::Kind::kNumber) return "number";
    if (t.kind == Term::Kind::kList) return "list";
    if (t.kind != Term::Kind::kName) return {};
    if (axes_.has(t.name)) return "axes";
    if (tensors_.has(t.name)) return "tensor";
    if (lists_.has(t.name)) return "list";
    return dtype_from_name(t.name) ? "dtype" : std::string_view();
  }

  // A tensor where none is wanted, or none where one is.
  Status sorts(const Term& t, const Native& native) {
    std::string_view wanted = native.sorts;
    std::string_view sort;
    for (const Term& a : t.args) {
      if (!wanted.empty() && !wanted.starts_with("..")) {
        const size_t end = wanted.find_first_of(",.");
        sort = wanted.substr(0, end);
        wanted = end == std::string_view::npos ? std::string_view() : wanted.substr(wanted[end] == ',' ? wanted.find_first_not_of(" ", end + 1) : end);
      }
      const std::string_view given = sort_of(a);
      if (given.empty() || sort == "any" || given == sort || (given == "tensor") == (sort == "tensor")) continue;
      return error(a, fmt::format("{} takes ({}), and this is a {}", native.name, native.sorts, given), native.summary);
    }
    return {};
  }

  Status check_examples(const NameSet& names) {
    for (const auto* examples : {&rule_.accepts(), &rule_.rejects()}) {
      for (const Example& e : *examples) {
        for (const Example::Item& item : e.items) {
          const std::string_view name = std::string_view(item.name).substr(0, item.name.find('.'));
          if (names.has(name) || (rule_.each && rule_.each->variable == name)) continue;
          return error_at(item.at, fmt::format("the rule has no variable '{}'", item.name), "an example gives types of variables");
        }
      }
    }
    return {};
  }

  const RuleSyntax& rule_;
  const std::string& file_;
  const std::vector<Equation> equations_;
  NameSet bound_, axes_;
  std::vector<const Term*> listed_, over_;  // attributes of the left where they stand: lists; what a product contracts
  NameSet tensors_, lists_;  // what names stand for on the left: operands; attributes that are lists
};

// f(x) becomes relu(x); the attributes that f has and the rule does not write go along.
void substitute(Term& t, const std::string& variable, const OpDef& op) {
  if (t.kind == Term::Kind::kCall && t.name == variable) {
    t.name = op.name;
    t.op = &op;
    bool all = std::any_of(t.attrs.begin(), t.attrs.end(), [](const auto& a) { return a.first == "all"; });
    if (!op.attrs.empty() && !all) {
      Term tuple;
      tuple.name = variable;
      tuple.at = t.at;
      t.attrs.emplace_back("all", std::move(tuple));
    }
  }
  for (Term& a : t.args) substitute(a, variable, op);
  for (auto& [name, value] : t.attrs) substitute(value, variable, op);
}

void substitute(RuleSyntax& rule, const OpDef& op) {
  const std::string variable = rule.each->variable;
  substitute(rule.left, variable, op);
  substitute(rule.right, variable, op);
  for (auto* bindings : {&rule.find, &rule.lets, &rule.unites}) {
    for (Binding& b : *bindings) substitute(b.term, variable, op);
  }
  for (auto* terms : {&rule.where, &rule.when}) {
    for (Term& t : *terms) substitute(t, variable, op);
  }
}

}  // namespace

Status check_rule(const RuleSyntax& rule, const std::string& file) {
  if (rule.kind == RuleKind::kFusion) {
    if (!rule.each) return {};
    for (const std::string& c : rule.each->classes) {
      if (operators_of_class(c).empty()) {
        return input_error(fmt::format("rule {}: no operator or class '{}'", rule.name, c), "classes are map, movement, reduction, ...",
                           {file, rule.each->at.line, rule.each->at.column, {}});
      }
    }
    return {};
  }
  return Checker(rule, file).run();
}

std::vector<ConcreteRule> concrete_rules(RuleSyntax rule) {
  std::vector<ConcreteRule> out;
  const auto add = [&](std::string name, RuleSyntax&& one) {
    one.prepared = std::make_shared<PreparedSlot>();
    out.push_back({std::move(name), std::make_shared<const RuleSyntax>(std::move(one))});
  };
  // `alike`: where the expansions of an operator that is typed alike begin in `out`.
  const auto both = [&](const std::string& name, RuleSyntax&& one, std::optional<size_t> alike = {}) {
    std::optional<RuleSyntax> back;
    if (one.both_ways) {
      back = one;
      std::swap(back->left, back->right);
      if (alike) back->alike = out[*alike + 1].syntax;
    }
    if (alike) one.alike = out[*alike].syntax;
    add(name, std::move(one));
    if (back) add(name + "/rev", std::move(*back));
  };
  if (!rule.each || rule.kind == RuleKind::kFusion) {
    const std::string name = rule.name;
    both(name, std::move(rule));
    return out;
  }
  std::vector<std::pair<const OpDef*, size_t>> begins;  // of each operator, its expansions in `out`
  for (const std::string& c : rule.each->classes) {
    for (const OpDef* op : operators_of_class(c)) {
      if (std::any_of(begins.begin(), begins.end(), [&](const auto& b) { return b.first == op; })) continue;
      const auto like = std::find_if(begins.begin(), begins.end(), [&](const auto& b) { return typed_alike(*b.first, *op); });
      const auto alike = like == begins.end() ? std::nullopt : std::optional(like->second);
      begins.emplace_back(op, out.size());
      RuleSyntax one = rule;
      substitute(one, *op);
      both(rule.name + "[" + op->name + "]", std::move(one), alike);
    }
  }
  return out;
}

}  // namespace egret::rules
