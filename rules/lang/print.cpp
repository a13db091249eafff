// Printer: RuleSyntax to canonical text; the inverse of the reader up to blanks and comments.
#include <fmt/format.h>

#include "ir/scan.h"
#include "rules/lang/syntax.h"

namespace egret::rules {
namespace {

std::string list_of(const std::vector<std::string>& parts, const char* separator = ", ") {
  std::string text;
  for (const std::string& p : parts) text += (text.empty() ? "" : separator) + p;
  return text;
}

std::string bare(const Term& t);

std::string arguments(const Term& t) {
  std::vector<std::string> parts;
  for (const Term& a : t.args) parts.push_back(print_term(a));
  for (const auto& [name, value] : t.attrs) parts.push_back(name + "=" + print_term(value));
  return list_of(parts);
}

std::string bare(const Term& t) {
  switch (t.kind) {
    case Term::Kind::kNumber: return print_number(t.number);
    case Term::Kind::kCall: return t.name + "(" + arguments(t) + ")";
    case Term::Kind::kInfix:
    case Term::Kind::kCompare: return print_term(t.args[0]) + " " + t.name + " " + print_term(t.args[1]);
    case Term::Kind::kNegate: return "-" + print_term(t.args[0]);
    case Term::Kind::kList: return "[" + arguments(t) + "]";
    case Term::Kind::kName: break;
  }
  std::string text = t.name + (t.many ? ".." : "");
  if (!t.has_axes) return text;
  std::vector<std::string> axes;
  for (const AxisName& a : t.axes) axes.push_back(a.name + (a.many ? ".." : ""));
  return text + "[" + list_of(axes) + "]";
}

std::string bindings(const std::vector<Binding>& all) {
  std::vector<std::string> parts;
  for (const Binding& b : all) parts.push_back(fmt::format("{}{} = {}", b.name, b.many ? ".." : "", print_term(b.term)));
  return list_of(parts);
}

std::string terms(const std::vector<Term>& all) {
  std::vector<std::string> parts;
  for (const Term& t : all) parts.push_back(print_term(t));
  return list_of(parts);
}

std::string item_text(const Example::Item& item) {
  std::string text = item.name + (item.many ? ".." : "") + ": ";
  if (item.value) return text + to_string(*item.value);
  if (!item.dependence.empty()) text += item.dependence + " ";
  if (item.bare_dtype) {
    text += name(item.types[0].dtype);
  } else {
    std::vector<std::string> types;
    for (const Type& t : item.types) types.push_back(t.to_string());
    text += list_of(types);
  }
  return item.splat ? text + " = " + print_number(*item.splat) : text;
}

std::string example_text(const Example& example) {
  std::vector<std::string> parts;
  for (const Example::Item& item : example.items) parts.push_back(item_text(item));
  return list_of(parts);
}

std::string fusion_text(const RuleSyntax& rule) {
  std::string text = rule.each ? fmt::format("for {} in {}  ", rule.each->variable, list_of(rule.each->classes)) : "";
  switch (rule.fusion) {
    case FusionForm::kBegin: text += print_term(rule.left) + " starts kernel"; break;
    case FusionForm::kAbsorbAfter:
    case FusionForm::kAbsorbReduction: text += print_term(rule.left); break;
    case FusionForm::kAbsorbBefore: text += "kernel reads " + print_term(rule.left); break;
    case FusionForm::kSideBySide: text += "kernel, kernel"; break;
  }
  if (!rule.fusion_conditions.empty()) text += "  where " + list_of(rule.fusion_conditions);
  return fmt::format("fuse {}: {}\n", rule.name, text);
}

}  // namespace

std::string print_term(const Term& term) { return term.parenthesized ? "(" + bare(term) + ")" : bare(term); }

std::string print_rule(const RuleSyntax& rule) {
  if (rule.kind == RuleKind::kFusion) return fusion_text(rule);
  std::string text = fmt::format("rule {}:", rule.name);
  auto clause = [&](const char* word, const std::string& body) { text += fmt::format("\n  {:<6} {}", word, body); };
  if (rule.each) clause("for", fmt::format("{} in {}", rule.each->variable, list_of(rule.each->classes)));
  if (rule.is_short) {
    std::string equation = fmt::format("{} {} {}", print_term(rule.left), rule.both_ways ? "<=>" : "=>", print_term(rule.right));
    text += "\n  " + equation;
  } else {
    clause("find", (rule.find_all ? "all " : "") + bindings(rule.find));
  }
  if (!rule.where.empty()) clause("where", terms(rule.where));
  if (!rule.when.empty()) clause("when", terms(rule.when));
  if (!rule.lets.empty()) clause("let", bindings(rule.lets));
  if (!rule.unites.empty()) clause("unite", bindings(rule.unites));
  if (!rule.needs.empty()) clause("needs", list_of(rule.needs));
  if (!rule.proof_method.empty()) {
    clause("proof", rule.proof_method + (rule.proof_hint.empty() ? "" : " " + quote(rule.proof_hint)));
  }
  if (rule.subsume) text += "\n  subsume";
  for (const Example& e : rule.accepts) clause("accept", example_text(e));
  for (const Example& e : rule.rejects) clause("reject", example_text(e));
  return text + "\n";
}

std::string print_rules(const RuleFile& file) {
  std::string text = "ruleset " + file.ruleset + (file.off ? " off\n" : "\n");
  for (const RuleSyntax& rule : file.rules) text += "\n" + print_rule(rule);
  return text;
}

std::vector<Equation> equations_of(const RuleSyntax& rule) {
  if (rule.is_short) return {{"", false, &rule.left, &rule.right}};
  std::vector<Equation> out;
  for (const Binding& find : rule.find) {
    for (const Binding& unite : rule.unites) {
      if (unite.name == find.name) out.push_back({find.name, find.many, &find.term, &unite.term});
    }
  }
  return out;
}

Result<std::string> reprint(std::string_view text, const std::string& file) {
  EGRET_TRY(RuleFile parsed, read_rules(text, file));
  return print_rules(parsed);
}

}  // namespace egret::rules
