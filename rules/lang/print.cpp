// Printer: RuleSyntax to canonical text; the inverse of the reader up to blanks and comments.
#include <algorithm>

#include <fmt/format.h>

#include "ir/text/scan.h"
#include "rules/lang/syntax.h"

namespace egret::rules {
namespace {

constexpr size_t kUsualText = 400;  // bytes of a rule of the library with its examples

// Everything is appended to one text: a library is printed whenever it is loaded.
template <typename List, typename Print>
void separated(std::string& text, const List& list, const Print& print) {
  bool first = true;
  for (const auto& item : list) {
    if (!first) text += ", ";
    first = false;
    print(item);
  }
}

void append(std::string& text, const Term& t);

void append(std::string& text, const std::string& name, bool many) {
  text += name;
  if (many) text += "..";
}

void append(std::string& text, const std::vector<std::string>& words) {
  separated(text, words, [&](const std::string& w) { text += w; });
}

void arguments(std::string& text, const Term& t) {
  separated(text, t.args, [&](const Term& a) { append(text, a); });
  if (!t.args.empty() && !t.attrs.empty()) text += ", ";
  separated(text, t.attrs, [&](const auto& a) {
    text += a.first;
    text += '=';
    append(text, a.second);
  });
}

void bare(std::string& text, const Term& t) {
  switch (t.kind) {
    case Term::Kind::kNumber: text += print_number(t.number); return;
    case Term::Kind::kCall:
      text += t.name;
      text += '(';
      arguments(text, t);
      text += ')';
      return;
    case Term::Kind::kInfix:
    case Term::Kind::kCompare:
      append(text, t.args[0]);
      text += ' ';
      text += t.name;
      text += ' ';
      append(text, t.args[1]);
      return;
    case Term::Kind::kNegate:
      text += '-';
      append(text, t.args[0]);
      return;
    case Term::Kind::kList:
      text += '[';
      arguments(text, t);
      text += ']';
      return;
    case Term::Kind::kName: break;
  }
  append(text, t.name, t.many);
  if (!t.has_axes) return;
  text += '[';
  separated(text, t.axes, [&](const AxisName& a) { append(text, a.name, a.many); });
  text += ']';
}

void append(std::string& text, const Term& t) {
  if (t.parenthesized) text += '(';
  bare(text, t);
  if (t.parenthesized) text += ')';
}

void append(std::string& text, const std::vector<Binding>& all) {
  separated(text, all, [&](const Binding& b) {
    append(text, b.name, b.many);
    text += " = ";
    append(text, b.term);
  });
}

void append(std::string& text, const std::vector<Term>& all) {
  separated(text, all, [&](const Term& t) { append(text, t); });
}

void append(std::string& text, const Example::Item& item) {
  append(text, item.name, item.many);
  text += ": ";
  if (item.value) {
    text += to_string(*item.value);
    return;
  }
  if (!item.dependence.empty()) text += item.dependence + " ";
  if (item.bare_dtype) {
    text += name(item.types[0].dtype);
  } else {
    separated(text, item.types, [&](const Type& t) { text += t.to_string(); });
  }
  if (item.splat) text += " = " + print_number(*item.splat);
}

void append(std::string& text, const Example& example) {
  separated(text, example.items, [&](const Example::Item& item) { append(text, item); });
}

std::string fusion_text(const RuleSyntax& rule) {
  std::string text;
  if (rule.each) {
    text = "for " + rule.each->variable + " in ";
    append(text, rule.each->classes);
    text += "  ";
  }
  switch (rule.fusion) {
    case FusionForm::kBegin: text += print_term(rule.left) + " starts kernel"; break;
    case FusionForm::kAbsorbAfter:
    case FusionForm::kAbsorbReduction:
    case FusionForm::kAbsorbContraction: text += print_term(rule.left); break;
    case FusionForm::kAbsorbBefore: text += "kernel reads " + print_term(rule.left); break;
    case FusionForm::kSideBySide: text += "kernel, kernel"; break;
  }
  if (!rule.fusion_conditions.empty()) {
    text += "  where ";
    append(text, rule.fusion_conditions);
  }
  return fmt::format("fuse {}: {}\n", rule.name, text);
}

}  // namespace

std::string print_term(const Term& term) {
  std::string text;
  append(text, term);
  return text;
}

std::string print_rule(const RuleSyntax& rule) {
  if (rule.kind == RuleKind::kFusion) return fusion_text(rule);
  std::string text;
  text.reserve(kUsualText);
  text += "rule ";
  text += rule.name;
  text += ':';
  const auto clause = [&](std::string_view word, const auto& body) {
    text += "\n  ";
    text += word;
    text.append(std::max<size_t>(word.size(), 6) - word.size() + 1, ' ');
    append(text, body);
  };
  if (rule.each) {
    clause("for", std::vector<std::string>{rule.each->variable + " in "});
    append(text, rule.each->classes);
  }
  if (rule.is_short) {
    text += "\n  ";
    append(text, rule.left);
    text += rule.both_ways ? " <=> " : " => ";
    append(text, rule.right);
  } else {
    text += rule.find_all ? "\n  find   all " : "\n  find   ";
    append(text, rule.find);
  }
  if (!rule.where.empty()) clause("where", rule.where);
  if (!rule.when.empty()) clause("when", rule.when);
  if (!rule.lets.empty()) clause("let", rule.lets);
  if (!rule.unites.empty()) clause("unite", rule.unites);
  if (!rule.needs.empty()) clause("needs", rule.needs);
  if (!rule.proof_method.empty()) {
    clause("proof", std::vector<std::string>{rule.proof_method + (rule.proof_hint.empty() ? "" : " " + quote(rule.proof_hint))});
  }
  if (rule.subsume) text += "\n  subsume";
  for (const Example& e : rule.accepts()) clause("accept", e);
  for (const Example& e : rule.rejects()) clause("reject", e);
  text += '\n';
  return text;
}

std::string print_rules(const RuleFile& file) {
  std::string text = "ruleset " + file.ruleset + (file.off ? " off\n" : "\n");
  for (const RuleSyntax& rule : file.rules) text += "\n" + print_rule(rule);
  return text;
}

std::vector<Equation> equations_of(const RuleSyntax& rule) {
  if (rule.is_short) return {{&rule.left, &rule.right}};
  std::vector<Equation> out;
  for (const Binding& find : rule.find) {
    for (const Binding& unite : rule.unites) {
      if (unite.name == find.name) out.push_back({&find.term, &unite.term});
    }
  }
  return out;
}

Result<std::string> reprint(std::string_view text, const std::string& file) {
  EGRET_TRY(RuleFile parsed, read_rules(text, file));
  return print_rules(parsed);
}

}  // namespace egret::rules
