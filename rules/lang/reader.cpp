// Reader: the text of a rule file to RuleSyntax.  Recursive descent over ir's scanner with four tokens of look-ahead.
#include <fmt/format.h>

#include "ir/text/scan.h"
#include "rules/lang/check.h"
#include "rules/lang/syntax.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxText = size_t{4} << 20;
constexpr size_t kMaxItems = kMaxRules;  // arguments, items of a line

using Kind = Token::Kind;

// Words that start a clause or a rule; no variable may have such a name.
constexpr std::string_view kReserved[] = {"rule",  "fuse",   "ruleset", "for",    "in",     "find",    "all",
                                          "where", "when",   "let",     "unite",  "needs",  "proof",   "accept",
                                          "reject", "subsume"};

bool reserved(std::string_view name) {
  if (name.size() < 2 || name.size() > 7) return false;
  for (std::string_view r : kReserved) {
    if (r == name) return true;
  }
  return false;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file, int first_line) : scan_(text, file, first_line) {}

  Result<RuleFile> file() {
    RuleFile out;
    EGRET_TRY_VOID(scan_.expect("ruleset", "at the start of a rule file"));
    EGRET_TRY_VOID(dotted(out.ruleset, "the name of the rule set"));
    out.off = scan_.accept("off");
    return rules(std::move(out));
  }

  Result<RuleFile> rules(RuleFile out) {
    while (!scan_.at_end()) {
      if (out.rules.size() >= kMaxItems) return too_many("rules");
      if (scan_.accept("rule")) {
        EGRET_TRY_VOID(read_rule(out.rules.emplace_back()));
      } else if (scan_.accept("fuse")) {
        EGRET_TRY_VOID(read_fusion(out.rules.emplace_back()));
      } else {
        return scan_.expected("'rule', 'fuse' or a clause",
                              "clauses are where, when, let, unite, needs, proof, subsume, accept and reject");
      }
    }
    return out;
  }

 private:
  Position here() { return {scan_.peek().line, scan_.peek().column}; }
  Error too_many(const char* what) { return input_error(fmt::format("more than {} {}", kMaxItems, what), {}, scan_.here()); }

  // name {"." name}, and a hyphen within.
  Status dotted(std::string& out, std::string_view what) {
    EGRET_TRY_VOID(kebab(out, what));
    while (scan_.accept(".")) {
      std::string part;
      EGRET_TRY_VOID(kebab(part, what));
      out += "." + part;
    }
    return {};
  }

  Status kebab(std::string& out, std::string_view what) {
    EGRET_TRY_VOID(name(out, what));
    while (scan_.accept("-")) {
      if (scan_.peek().kind != Kind::kName && scan_.peek().kind != Kind::kNumber) return scan_.expected(what);
      out += '-';
      out += scan_.next().text;
    }
    return {};
  }

  Status name(std::string& out, std::string_view what) {
    if (scan_.peek().kind != Kind::kName) return scan_.expected(what);
    out = scan_.next().text;
    return {};
  }

  Status variable(std::string& out, std::string_view what) {
    if (scan_.peek().kind == Kind::kName && reserved(scan_.peek().text)) {
      return input_error(fmt::format("'{}' is a word of the language, not a name", scan_.peek().text), {}, scan_.here());
    }
    return name(out, what);
  }

  Status read_rule(RuleSyntax& rule) {
    rule.at = here();
    EGRET_TRY_VOID(kebab(rule.name, "the name of the rule"));
    EGRET_TRY_VOID(scan_.expect(":", "after the name of a rule"));
    EGRET_TRY_VOID(read_for(rule));
    if (scan_.accept("find")) {
      rule.is_short = false;
      rule.find_all = scan_.accept("all");
      EGRET_TRY_VOID(read_bindings(rule.find));
    } else {
      EGRET_TRY_VOID(term(rule.left, 0));
      if (scan_.peek().is("<=") && scan_.peek(1).is(">")) {
        scan_.next();
        scan_.next();
        rule.both_ways = true;
      } else if (!scan_.accept("=>")) {
        return scan_.expected("'=>' or '<=>'", "a short rule is LEFT => RIGHT; 'find' starts a long one");
      }
      EGRET_TRY_VOID(term(rule.right, 0));
    }
    return read_clauses(rule);
  }

  Status read_for(RuleSyntax& rule) {
    if (!scan_.peek().is("for")) return {};
    ForClause each;
    each.at = here();
    scan_.next();
    EGRET_TRY_VOID(variable(each.variable, "the name that stands for an operator"));
    EGRET_TRY_VOID(scan_.expect("in", "in 'for NAME in CLASS'"));
    do {
      EGRET_TRY_VOID(dotted(each.classes.emplace_back(), "an operator class"));
      if (each.classes.size() > kMaxItems) return too_many("classes");
    } while (scan_.accept(","));
    rule.each = std::make_shared<const ForClause>(std::move(each));
    return {};
  }

  Status read_bindings(std::vector<Binding>& out) {
    do {
      Binding& b = out.emplace_back();
      b.at = here();
      EGRET_TRY_VOID(variable(b.name, "a name"));
      b.many = scan_.accept("..");
      EGRET_TRY_VOID(scan_.expect("=", "in NAME = TERM"));
      EGRET_TRY_VOID(term(b.term, 0));
      if (out.size() > kMaxItems) return too_many("terms");
    } while (scan_.accept(","));
    return {};
  }

  Status read_clauses(RuleSyntax& rule) {
    std::shared_ptr<Examples> examples;
    for (;;) {
      if (scan_.accept("where")) {
        EGRET_TRY_VOID(read_conditions(rule.where));
      } else if (scan_.accept("when")) {
        EGRET_TRY_VOID(read_conditions(rule.when));
      } else if (scan_.accept("let")) {
        EGRET_TRY_VOID(read_bindings(rule.lets));
      } else if (scan_.accept("unite")) {
        EGRET_TRY_VOID(read_bindings(rule.unites));
      } else if (scan_.accept("needs")) {
        EGRET_TRY_VOID(read_needs(rule));
      } else if (scan_.accept("proof")) {
        EGRET_TRY_VOID(kebab(rule.proof_method, "a method of proof"));
        if (scan_.peek().kind == Kind::kString) rule.proof_hint = unescape(scan_.next().text);
      } else if (scan_.accept("subsume")) {
        rule.subsume = true;
      } else if (scan_.peek().is("accept") || scan_.peek().is("reject")) {
        const bool accepts = scan_.next().is("accept");
        if (!examples) rule.examples = examples = std::make_shared<Examples>();
        EGRET_TRY_VOID(read_example((accepts ? examples->accepts : examples->rejects).emplace_back()));
      } else {
        return {};
      }
    }
  }

  Status read_conditions(std::vector<Term>& out) {
    do {
      EGRET_TRY_VOID(condition(out.emplace_back()));
      if (out.size() > kMaxItems) return too_many("conditions");
    } while (scan_.accept(","));
    return {};
  }

  Status read_needs(RuleSyntax& rule) {
    do {
      const SourceSpan at = scan_.here();
      std::string word;
      EGRET_TRY_VOID(name(word, "a word of the licence"));
      if (scan_.accept("(")) {
        EGRET_TRY(std::string type, scan_.name("a dtype"));
        EGRET_TRY_VOID(scan_.expect(")", "after the dtype"));
        word += "(" + type + ")";
      }
      if (!is_licence_word(word)) {
        return input_error(fmt::format("rule {}: '{}' is no word of the licence", rule.name, word),
                           "words are nnan ninf nsz arcp contract afn reassoc field cancel range narrow(DTYPE)", at);
      }
      rule.needs.push_back(std::move(word));
      if (rule.needs.size() > kMaxItems) return too_many("words");
    } while (scan_.accept(","));
    return {};
  }

  Status condition(Term& out) {
    EGRET_TRY_VOID(term(out, 0));
    for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (!scan_.peek().is(op)) continue;
      wrap(out, Term::Kind::kCompare);
      return term(out.args.emplace_back(), 0);
    }
    return {};
  }

  // Makes `t` the first argument of the operator that is next.
  void wrap(Term& t, Term::Kind kind) {
    Term outer;
    outer.kind = kind;
    outer.at = here();
    outer.name = scan_.next().text;
    if (kind == Term::Kind::kInfix) outer.op = infix(outer.name[0]);
    outer.args.reserve(2);
    outer.args.push_back(std::move(t));
    t = std::move(outer);
  }

  static const OpDef* infix(char symbol) {
    static const OpDef &add = op_named("add"), &sub = op_named("sub"), &mul = op_named("mul"), &div = op_named("div");
    return symbol == '+' ? &add : symbol == '-' ? &sub : symbol == '*' ? &mul : &div;
  }

  static int precedence(const Token& t) {
    if (t.kind != Kind::kPunct) return 0;
    return t.text == "+" || t.text == "-" ? 1 : t.text == "*" || t.text == "/" ? 2 : 0;
  }

  Status term(Term& out, int depth, int least = 1) {
    if (depth > kMaxTextDepth) return input_error("a term nested too deeply", {}, scan_.here());
    EGRET_TRY_VOID(unary(out, depth));
    int chain = 0;
    for (int p = precedence(scan_.peek()); p >= least; p = precedence(scan_.peek())) {
      wrap(out, Term::Kind::kInfix);
      EGRET_TRY_VOID(term(out.args.emplace_back(), depth + 1, p + 1));
      if (++chain > kMaxTextDepth) return input_error("a chain of more than 64 operators", {}, scan_.here());
    }
    return {};
  }

  Status unary(Term& out, int depth) {
    const Position at = here();
    if (!scan_.accept("-")) return primary(out, depth);
    if (depth >= kMaxTextDepth) return input_error("a term nested too deeply", {}, scan_.here());
    EGRET_TRY_VOID(primary(out, depth + 1));
    if (out.kind == Term::Kind::kNumber && !out.parenthesized) {
      out.number = -out.number;
      out.at = at;
      return {};
    }
    static const OpDef& neg = op_named("neg");
    Term outer;
    outer.kind = Term::Kind::kNegate;
    outer.op = &neg;
    outer.at = at;
    outer.args.push_back(std::move(out));
    out = std::move(outer);
    return {};
  }

  Status primary(Term& t, int depth) {
    t.at = here();
    const Token& token = scan_.peek();
    if (token.kind == Kind::kNumber || token.is("inf") || token.is("nan")) {
      t.kind = Term::Kind::kNumber;
      EGRET_TRY(t.number, parse_number(scan_));
      return {};
    }
    if (scan_.accept("(")) {
      EGRET_TRY_VOID(term(t, depth + 1));
      EGRET_TRY_VOID(scan_.expect(")", "after a term"));
      t.parenthesized = true;
      return {};
    }
    if (scan_.accept("[")) {
      t.kind = Term::Kind::kList;
      return arguments(t, "]", depth);
    }
    EGRET_TRY_VOID(variable(t.name, "a term"));
    if (scan_.accept("(")) {
      t.kind = Term::Kind::kCall;
      t.op = find_op(t.name);
      return arguments(t, ")", depth);
    }
    if (scan_.accept(".")) {
      EGRET_TRY(std::string field, scan_.name("the name of an attribute"));
      t.name += "." + field;
    }
    t.many = scan_.accept("..");
    if (scan_.accept("[")) {
      t.has_axes = true;
      return axis_names(t.axes);
    }
    return {};
  }

  Status arguments(Term& t, std::string_view close, int depth) {
    if (scan_.accept(close)) return {};
    t.args.reserve(2);
    do {
      if (t.args.size() + t.attrs.size() > kMaxItems) return too_many("arguments");
      if (scan_.peek().kind == Kind::kName && scan_.peek(1).is("=") && close == ")") {
        auto& [name, value] = t.attrs.emplace_back();
        name = scan_.next().text;
        scan_.next();
        EGRET_TRY_VOID(term(value, depth + 1));
      } else {
        EGRET_TRY_VOID(term(t.args.emplace_back(), depth + 1));
      }
    } while (scan_.accept(","));
    return scan_.expect(close, "or ',' after an argument");
  }

  Status axis_names(std::vector<AxisName>& axes) {
    if (scan_.accept("]")) return {};
    do {
      AxisName& axis = axes.emplace_back();
      EGRET_TRY_VOID(variable(axis.name, "the name of an axis"));
      axis.many = scan_.accept("..");
      if (axes.size() > kMaxItems) return too_many("axes");
    } while (scan_.accept(","));
    return scan_.expect("]", "or ',' after the name of an axis");
  }

  // Whether the next tokens are "name:", "name..:" or "name.name:".
  bool starts_item() {
    if (scan_.peek().kind != Kind::kName) return false;
    return scan_.peek(1).is(":") || (scan_.peek(1).is("..") && scan_.peek(2).is(":")) ||
           (scan_.peek(1).is(".") && scan_.peek(2).kind == Kind::kName && scan_.peek(3).is(":"));
  }

  Status read_example(Example& example) {
    example.at = here();
    example.items.reserve(4);
    for (;;) {
      Example::Item& item = example.items.emplace_back();
      item.at = here();
      EGRET_TRY_VOID(variable(item.name, "a variable"));
      if (scan_.accept(".")) {
        EGRET_TRY(std::string field, scan_.name("the name of an attribute"));
        item.name += "." + field;
      }
      item.many = scan_.accept("..");
      EGRET_TRY_VOID(scan_.expect(":", "after the variable of an example"));
      EGRET_TRY_VOID(read_item(item));
      if (example.items.size() > kMaxItems) return too_many("items");
      if (!scan_.accept(",")) return {};
    }
  }

  Status read_item(Example::Item& item) {
    if (scan_.peek().is("[")) return read_value(item, AttrKind::kInts);
    if (scan_.peek().kind == Kind::kNumber || scan_.peek().is("-")) return read_value(item, AttrKind::kNumber);
    if (scan_.peek().is("frozen") || scan_.peek().is("constant")) item.dependence = scan_.next().text;
    if (scan_.peek().kind == Kind::kName && !dtype_from_name(scan_.peek().text)) {
      if (scan_.peek(1).is("[")) return scan_.expected("a type", "types are written f32[2,3]; `egret ops` shows dtypes in use, as f32, bf16, i64, bool");
      return read_value(item, AttrKind::kWord);
    }
    for (;;) {
      auto dtype = scan_.peek().kind == Kind::kName ? dtype_from_name(scan_.peek().text) : std::nullopt;
      if (!dtype) return scan_.expected("a type", "types are written f32[2,3]");
      if (scan_.peek(1).is("[")) {
        EGRET_TRY(Type type, parse_type(scan_));
        item.types.push_back(std::move(type));
      } else {
        scan_.next();
        item.types.push_back(Type::tensor(*dtype, {}));
        item.bare_dtype = true;
      }
      if (!scan_.peek().is(",") || item.types.size() > kMaxItems) break;
      const Token& next = scan_.peek(1);
      if (next.kind != Kind::kName || !dtype_from_name(next.text) || !scan_.peek(2).is("[")) break;
      scan_.next();
    }
    if (!scan_.accept("=")) return {};
    EGRET_TRY(double value, parse_number(scan_));
    item.splat = value;
    return {};
  }

  Status read_value(Example::Item& item, AttrKind kind) {
    EGRET_TRY(AttrValue value, parse_attr_value(scan_, kind));
    item.value = std::move(value);
    return {};
  }

  // --- fusion rules --------------------------------------------------------------------------------------------------

  Status read_fusion(RuleSyntax& rule) {
    rule.kind = RuleKind::kFusion;
    rule.at = here();
    EGRET_TRY_VOID(kebab(rule.name, "the name of the fusion rule"));
    EGRET_TRY_VOID(scan_.expect(":", "after the name of a rule"));
    EGRET_TRY_VOID(read_for(rule));
    if (scan_.peek().is("kernel") && scan_.peek(1).is("reads")) {
      scan_.next();
      scan_.next();
      rule.fusion = FusionForm::kAbsorbBefore;
      EGRET_TRY_VOID(term(rule.left, 0));
    } else if (scan_.peek().is("kernel") && scan_.peek(1).is(",")) {
      scan_.next();
      scan_.next();
      EGRET_TRY_VOID(scan_.expect("kernel", "after 'kernel,'"));
      rule.fusion = FusionForm::kSideBySide;
    } else {
      EGRET_TRY_VOID(term(rule.left, 0));
      if (scan_.accept("starts")) {
        EGRET_TRY_VOID(scan_.expect("kernel", "after 'starts'"));
      } else {
        bool over = !rule.left.attrs.empty();
        rule.fusion = !over                        ? FusionForm::kAbsorbAfter
                      : rule.left.args.size() > 1 ? FusionForm::kAbsorbContraction
                                                  : FusionForm::kAbsorbReduction;
      }
    }
    if (rule.left.kind != Term::Kind::kCall && rule.fusion != FusionForm::kSideBySide) {
      return scan_.expected("an operator applied to 'kernel', or 'starts kernel'");
    }
    if (scan_.accept("where")) return read_fusion_conditions(rule);
    return {};
  }

  Status read_fusion_conditions(RuleSyntax& rule) {
    do {
      std::string words;
      while (scan_.peek().kind == Kind::kName && !reserved(scan_.peek().text)) {
        words += (words.empty() ? "" : " ") + std::string(scan_.next().text);
      }
      if (words.empty()) return scan_.expected("a condition on kernels");
      rule.fusion_conditions.push_back(std::move(words));
      if (rule.fusion_conditions.size() > kMaxItems) return too_many("conditions");
    } while (scan_.accept(","));
    return {};
  }

  Scanner scan_;
};

}  // namespace

Result<RuleFile> read_rules(std::string_view text, const std::string& file) {
  if (text.size() > kMaxText) return input_error("a rule file of more than 4 MiB", {}, {file, 0, 0, {}});
  return Reader(text, file, 1).file();
}

Result<RuleFile> read_further_rules(std::string_view text, const std::string& file, int first_line) {
  return Reader(text, file, first_line).rules({});
}

}  // namespace egret::rules
