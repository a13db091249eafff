#include "rules/mutate.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "rules/lang/check.h"

namespace egret::rules {
namespace {

enum class Part { kLeft, kRight, kGuard };

struct Site {
  Term* term = nullptr;
  Term* parent = nullptr;      // null: a whole side or condition
  std::string attr;            // of the parent, whose value it is (or lies in); empty: a tensor term
  const OpDef* op = nullptr;   // that has the attribute
};

void sites_in(Term& t, Site from, std::vector<Site>& out) {
  from.term = &t;
  out.push_back(from);
  for (Term& a : t.args) sites_in(a, {nullptr, &t, from.attr, from.op}, out);
  for (auto& [name, value] : t.attrs) sites_in(value, {nullptr, &t, name, t.op}, out);
}

std::vector<Site> sites_of(RuleSyntax& rule, Part part) {
  std::vector<Site> out;
  if (part == Part::kGuard) {
    for (Term& c : rule.where) sites_in(c, {nullptr, nullptr, "where", nullptr}, out);
  } else if (rule.is_short) {
    sites_in(part == Part::kLeft ? rule.left : rule.right, {}, out);
  } else if (part == Part::kLeft) {
    for (Binding& b : rule.find) sites_in(b.term, {}, out);
  } else {
    for (Binding& b : rule.lets) sites_in(b.term, {}, out);
    for (Binding& b : rule.unites) sites_in(b.term, {}, out);
  }
  return out;
}

// The v-th edit of a kind at a place; false where there is none.
using Edit = std::function<bool(RuleSyntax& rule, const Site& site, size_t v)>;
struct Kind {
  const char* name;
  Part part;
  Edit edit;
};

bool is_tensor(const Site& s) { return s.attr.empty(); }

// Operators that a slip of the pen or of the mind confuses.
const std::vector<std::vector<std::string>>& families() {
  static const std::vector<std::vector<std::string>> all = {
      {"neg", "abs", "relu", "square", "sign"}, {"exp", "log", "sqrt", "tanh", "logistic", "erf"}, {"floor", "ceil", "round"},
      {"add", "sub", "mul", "div", "max", "min"}, {"+", "-", "*", "/"}, {"lt", "le", "gt", "ge", "eq", "ne"},
      {"and", "or", "xor"}, {"reciprocal", "rsqrt"}, {"softmax", "log_softmax"}, {"mean", "variance"}};
  return all;
}
const std::vector<std::vector<std::string>>& folds() {
  static const std::vector<std::vector<std::string>> all = {
      {"reduce_sum", "reduce_prod", "reduce_max", "reduce_min"}, {"reduce_any", "reduce_all"}, {"argmax", "argmin"},
      {"window_sum", "window_max"}, {"cumsum", "cumprod"}};
  return all;
}

bool rename(Term& t, const std::vector<std::vector<std::string>>& table, size_t v) {
  if (t.kind != Term::Kind::kCall && t.kind != Term::Kind::kInfix) return false;
  for (const auto& family : table) {
    auto it = std::find(family.begin(), family.end(), t.name);
    if (it == family.end()) continue;
    if (v + 1 >= family.size()) return false;
    t.name = family[(static_cast<size_t>(it - family.begin()) + v + 1) % family.size()];
    return true;
  }
  return false;
}

// Names of tensor variables, as they stand first; of axis groups; of attribute variables.
void names_in(const Term& t, bool attribute, std::vector<std::string>& tensors, std::vector<AxisName>& axes, std::vector<std::string>& values) {
  auto add = [](std::vector<std::string>& to, const std::string& n) { if (std::find(to.begin(), to.end(), n) == to.end()) to.push_back(n); };
  if (t.kind == Term::Kind::kName) add(attribute ? values : tensors, t.name);
  for (const AxisName& a : t.axes) {
    if (std::find(axes.begin(), axes.end(), a) == axes.end()) axes.push_back(a);
  }
  for (const Term& a : t.args) names_in(a, attribute, tensors, axes, values);
  for (const auto& [name, value] : t.attrs) names_in(value, true, tensors, axes, values);
}

struct Names {
  std::vector<std::string> tensors, values;
  std::vector<AxisName> axes;
  explicit Names(RuleSyntax& rule) {
    for (const Site& s : sites_of(rule, Part::kLeft)) {
      if (!s.parent) names_in(*s.term, false, tensors, axes, values);
    }
  }
};

bool other_name(std::string& name, const std::vector<std::string>& all, size_t v) {
  auto it = std::find(all.begin(), all.end(), name);
  if (it == all.end() || v + 1 >= all.size()) return false;
  name = all[(static_cast<size_t>(it - all.begin()) + v + 1) % all.size()];
  return true;
}

Term call(const std::string& name, Term arg) {
  Term t;
  t.kind = Term::Kind::kCall;
  t.name = name;
  t.args.push_back(std::move(arg));
  return t;
}

Term infix(const std::string& name, Term a, double number) {
  Term n, t;
  n.kind = Term::Kind::kNumber;
  n.number = number;
  t.kind = Term::Kind::kInfix;
  t.name = name;
  if (a.kind == Term::Kind::kInfix) a.parenthesized = true;
  t.args = {std::move(a), std::move(n)};
  return t;
}

bool list_attr(const Site& s) { return s.op && s.op->attr(s.attr) && s.op->attr(s.attr)->kind == AttrKind::kInts; }
bool axes_attr(const Site& s) { return s.attr == "over" || s.attr == "axes" || s.attr == "axis" || s.attr == "new"; }

bool swap_args(Term& t) {
  if (t.args.size() < 2) return false;
  std::swap(t.args[0], t.args[1]);
  return true;
}

// A name of axes becomes any number of axes, or one, everywhere.
bool change_axes(RuleSyntax& rule, size_t v, bool many) {
  std::vector<AxisName> axes = Names(rule).axes;
  std::erase_if(axes, [&](const AxisName& a) { return a.many == many; });
  if (v >= axes.size()) return false;
  for (Part part : {Part::kLeft, Part::kRight, Part::kGuard}) {
    for (const Site& s : sites_of(rule, part)) {
      for (AxisName& a : s.term->axes) {
        if (a.name == axes[v].name) a.many = many;
      }
      if (!s.attr.empty() && s.term->kind == Term::Kind::kName && s.term->name == axes[v].name) s.term->many = many && s.term->many;
    }
  }
  return true;
}

bool compare(Term& t, const std::map<std::string, std::string>& to) {
  auto it = t.kind == Term::Kind::kCompare ? to.find(t.name) : to.end();
  if (it == to.end()) return false;
  t.name = it->second;
  return true;
}

bool once(size_t v) { return v == 0; }

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"swap-operands", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) { return once(v) && is_tensor(s) && s.term->name != "concat" && swap_args(*s.term); }},
      {"swap-left-operands", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) { return once(v) && is_tensor(s) && swap_args(*s.term); }},
      {"concat-order", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) { return once(v) && s.term->name == "concat" && swap_args(*s.term); }},
      {"operator", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) { return is_tensor(s) && rename(*s.term, families(), v); }},
      {"left-operator", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) { return is_tensor(s) && rename(*s.term, families(), v); }},
      {"fold", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) { return rename(*s.term, folds(), v); }},
      {"left-fold", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) { return rename(*s.term, folds(), v); }},
      {"constant", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || s.term->kind != Term::Kind::kNumber || v > 1) return false;
         s.term->number = v == 0 ? s.term->number + 1 : -s.term->number;
         return true;
       }},
      {"left-constant", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || s.term->kind != Term::Kind::kNumber || v > 1) return false;
         s.term->number = v == 0 ? s.term->number + 1 : 1 - s.term->number;
         return true;
       }},
      {"drop-operator", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || s.term->kind != Term::Kind::kCall || v >= s.term->args.size()) return false;
         *s.term = Term(s.term->args[v]);
         return true;
       }},
      {"drop-left-operator", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || s.term->kind != Term::Kind::kCall || !s.parent || v >= s.term->args.size()) return false;
         *s.term = Term(s.term->args[v]);
         return true;
       }},
      {"insert-operator", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || v > 1 || s.term->kind == Term::Kind::kNumber) return false;
         *s.term = call(v == 0 ? "neg" : "abs", Term(*s.term));
         return true;
       }},
      {"variable", Part::kRight, [](RuleSyntax& rule, const Site& s, size_t v) {
         return is_tensor(s) && s.term->kind == Term::Kind::kName && other_name(s.term->name, Names(rule).tensors, v);
       }},
      {"axis", Part::kRight, [](RuleSyntax& rule, const Site& s, size_t v) {
         std::vector<std::string> names;
         for (const AxisName& a : Names(rule).axes) names.push_back(a.name);
         return axes_attr(s) && s.term->kind == Term::Kind::kName && other_name(s.term->name, names, v);
       }},
      {"attribute-variable", Part::kRight, [](RuleSyntax& rule, const Site& s, size_t v) {
         return !is_tensor(s) && !axes_attr(s) && s.term->kind == Term::Kind::kName && other_name(s.term->name, Names(rule).values, v);
       }},
      {"attribute-plus-one", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!list_attr(s) || s.term->kind == Term::Kind::kList || s.parent->kind != Term::Kind::kCall || s.parent->op != s.op || v > 1) return false;
         *s.term = infix(v == 0 ? "+" : "-", Term(*s.term), 1);
         return true;
       }},
      {"attribute-number", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (is_tensor(s) || s.term->kind != Term::Kind::kNumber || v > 0) return false;
         s.term->number += 1;
         return true;
       }},
      {"attributes-exchanged", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || s.term->attrs.size() < v + 2) return false;
         std::swap(s.term->attrs[v].second, s.term->attrs[v + 1].second);
         return true;
       }},
      {"drop-attribute", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || v >= s.term->attrs.size()) return false;
         s.term->attrs.erase(s.term->attrs.begin() + static_cast<ptrdiff_t>(v));
         return true;
       }},
      {"native-arguments", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) { return once(v) && !is_tensor(s) && s.term->kind == Term::Kind::kCall && swap_args(*s.term); }},
      {"native-dropped", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (is_tensor(s) || s.term->kind != Term::Kind::kCall || v >= s.term->args.size()) return false;
         *s.term = Term(s.term->args[v]);
         return true;
       }},
      {"attribute-sign", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (is_tensor(s) || s.term->kind != Term::Kind::kInfix || v > 0) return false;
         return rename(*s.term, {{"+", "-"}, {"*", "+"}}, 0);
       }},
      {"fewer-axes", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!axes_attr(s) || s.term->kind != Term::Kind::kList || v >= s.term->args.size()) return false;
         s.term->args.erase(s.term->args.begin() + static_cast<ptrdiff_t>(v));
         return true;
       }},
      {"rotated", Part::kRight, [](RuleSyntax&, const Site& s, size_t v) {
         if (!is_tensor(s) || v > 0 || s.term->kind != Term::Kind::kInfix || s.term->args[0].kind != Term::Kind::kInfix) return false;
         Term inner = s.term->args[0];  // (a . b) o c  as  a . (b o c)
         Term outer = *s.term;
         outer.args[0] = inner.args[1];
         outer.parenthesized = true;
         inner.args[1] = std::move(outer);
         inner.parenthesized = s.term->parenthesized;
         *s.term = std::move(inner);
         return true;
       }},
      {"dtype", Part::kRight, [](RuleSyntax& rule, const Site& s, size_t v) {
         return s.attr == "to" && s.term->kind == Term::Kind::kName && other_name(s.term->name, Names(rule).values, v);
       }},
      {"widen-group", Part::kLeft, [](RuleSyntax& rule, const Site& s, size_t v) { return !s.parent && change_axes(rule, v, true); }},
      {"narrow-group", Part::kLeft, [](RuleSyntax& rule, const Site& s, size_t v) { return !s.parent && change_axes(rule, v, false); }},
      {"fewer-axes-of-variable", Part::kLeft, [](RuleSyntax&, const Site& s, size_t v) {
         if (v >= s.term->axes.size()) return false;
         s.term->axes.erase(s.term->axes.begin() + static_cast<ptrdiff_t>(v));
         return true;
       }},
      {"more-axes-of-variable", Part::kLeft, [](RuleSyntax& rule, const Site& s, size_t v) {
         if (!s.term->has_axes) return false;
         std::vector<AxisName> axes = Names(rule).axes;
         std::erase_if(axes, [&](const AxisName& a) { return std::find(s.term->axes.begin(), s.term->axes.end(), a) != s.term->axes.end(); });
         if (v >= axes.size()) return false;
         s.term->axes.push_back(axes[v]);
         return true;
       }},
      {"drop-guard", Part::kGuard, [](RuleSyntax& rule, const Site& s, size_t v) {
         if (s.parent || v > 0) return false;
         rule.where.erase(rule.where.begin() + (s.term - rule.where.data()));
         return true;
       }},
      {"weaken-guard", Part::kGuard, [](RuleSyntax&, const Site& s, size_t v) {
         static const std::map<std::string, std::string> to = {{"==", ">="}, {">", ">="}, {"<", "<="}, {">=", "!="}, {"<=", "!="}};
         return once(v) && compare(*s.term, to);
       }},
      {"guard-turned", Part::kGuard, [](RuleSyntax&, const Site& s, size_t v) {
         static const std::map<std::string, std::string> to = {{"==", "!="}, {">", "<"}, {"<", ">"}, {">=", "<="}, {"<=", ">="}, {"!=", "=="}};
         return once(v) && compare(*s.term, to);
       }},
      {"guard-bound", Part::kGuard, [](RuleSyntax&, const Site& s, size_t v) {
         if (s.term->kind != Term::Kind::kNumber || v > 1) return false;
         s.term->number += v == 0 ? -1 : 1;
         return true;
       }},
      {"guard-of-another", Part::kGuard, [](RuleSyntax& rule, const Site& s, size_t v) {
         return s.term->kind == Term::Kind::kName && (other_name(s.term->name, Names(rule).tensors, v) || other_name(s.term->name, Names(rule).values, v));
       }},
      {"turned-round", Part::kLeft, [](RuleSyntax& rule, const Site& s, size_t v) {
         if (s.parent || v > 0 || !rule.is_short || rule.both_ways) return false;
         std::swap(rule.left, rule.right);
         return true;
       }},
  };
  return all;
}

}  // namespace

std::vector<std::string> mutant_kinds() {
  std::vector<std::string> out;
  for (const Kind& k : kinds()) out.push_back(k.name);
  return out;
}

std::vector<Mutant> mutants_of(const RuleSyntax& given, const std::string& kind) {
  std::vector<Mutant> out;
  RuleSyntax rule = given;
  if (rule.each) {
    const auto ops = operators_of_class(rule.each->classes.at(0));
    if (!ops.empty()) rule.each = std::make_shared<const ForClause>(ForClause{rule.each->variable, {ops[0]->name}, rule.each->at});
  }
  std::set<std::string> seen{print_rule(rule)};
  for (const Kind& k : kinds()) {
    if (k.name != kind) continue;
    const size_t sites = sites_of(rule, k.part).size();
    for (size_t i = 0; i < sites; ++i) {
      for (size_t v = 0;; ++v) {
        RuleSyntax one = rule;
        if (!k.edit(one, sites_of(one, k.part)[i], v)) break;
        std::string text = print_rule(one);
        if (seen.insert(text).second) out.push_back({kind, given.name, std::move(text)});
      }
    }
  }
  return out;
}

}  // namespace egret::rules
