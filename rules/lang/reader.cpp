// Reader: the text of a rule file to RuleSyntax.  Recursive descent over ir's scanner with four tokens of look-ahead.
#include <fmt/format.h>

#include "ir/scan.h"
#include "rules/lang/syntax.h"

namespace egret::rules {
namespace {

constexpr size_t kMaxText = size_t{4} << 20;
constexpr size_t kMaxItems = 4096;  // rules of a file, arguments, items of a line

using Kind = Token::Kind;

// Words that start a clause or a rule; no variable may have such a name.
constexpr std::string_view kReserved[] = {"rule",  "fuse",   "ruleset", "for",    "in",     "find",    "all",
                                          "where", "when",   "let",     "unite",  "needs",  "proof",   "accept",
                                          "reject", "subsume"};

bool reserved(std::string_view name) {
  for (std::string_view r : kReserved) {
    if (r == name) return true;
  }
  return false;
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : scan_(text, file) {}

  Result<RuleFile> run() {
    RuleFile out;
    EGRET_TRY_VOID(scan_.expect("ruleset", "at the start of a rule file"));
    EGRET_TRY(out.ruleset, dotted("the name of the rule set"));
    out.off = scan_.accept("off");
    while (!scan_.at_end()) {
      if (out.rules.size() >= kMaxItems) return too_many("rules");
      if (scan_.accept("rule")) {
        EGRET_TRY(RuleSyntax rule, read_rule());
        out.rules.push_back(std::move(rule));
      } else if (scan_.accept("fuse")) {
        EGRET_TRY(RuleSyntax rule, read_fusion());
        out.rules.push_back(std::move(rule));
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
  Result<std::string> dotted(std::string_view what) {
    EGRET_TRY(std::string name, kebab(what));
    while (scan_.accept(".")) {
      EGRET_TRY(std::string part, kebab(what));
      name += "." + part;
    }
    return name;
  }

  Result<std::string> kebab(std::string_view what) {
    EGRET_TRY(std::string name, scan_.name(what));
    while (scan_.accept("-")) {
      if (scan_.peek().kind != Kind::kName && scan_.peek().kind != Kind::kNumber) return scan_.expected(what);
      name += "-" + std::string(scan_.next().text);
    }
    return name;
  }

  Result<std::string> variable(std::string_view what) {
    if (scan_.peek().kind == Kind::kName && reserved(scan_.peek().text)) {
      return input_error(fmt::format("'{}' is a word of the language, not a name", scan_.peek().text), {}, scan_.here());
    }
    return scan_.name(what);
  }

  Result<RuleSyntax> read_rule() {
    RuleSyntax rule;
    rule.at = here();
    EGRET_TRY(rule.name, kebab("the name of the rule"));
    EGRET_TRY_VOID(scan_.expect(":", "after the name of a rule"));
    EGRET_TRY_VOID(read_for(rule));
    if (scan_.accept("find")) {
      rule.is_short = false;
      rule.find_all = scan_.accept("all");
      EGRET_TRY_VOID(read_bindings(rule.find));
    } else {
      EGRET_TRY(rule.left, term(0));
      if (scan_.peek().is("<=") && scan_.peek(1).is(">")) {
        scan_.next();
        scan_.next();
        rule.both_ways = true;
      } else if (!scan_.accept("=>")) {
        return scan_.expected("'=>' or '<=>'", "a short rule is LEFT => RIGHT; 'find' starts a long one");
      }
      EGRET_TRY(rule.right, term(0));
    }
    EGRET_TRY_VOID(read_clauses(rule));
    return rule;
  }

  Status read_for(RuleSyntax& rule) {
    if (!scan_.peek().is("for")) return {};
    ForClause each;
    each.at = here();
    scan_.next();
    EGRET_TRY(each.variable, variable("the name that stands for an operator"));
    EGRET_TRY_VOID(scan_.expect("in", "in 'for NAME in CLASS'"));
    do {
      EGRET_TRY(std::string name, dotted("an operator class"));
      each.classes.push_back(std::move(name));
      if (each.classes.size() > kMaxItems) return too_many("classes");
    } while (scan_.accept(","));
    rule.each = std::move(each);
    return {};
  }

  Status read_bindings(std::vector<Binding>& out) {
    do {
      Binding b;
      b.at = here();
      EGRET_TRY(b.name, variable("a name"));
      b.many = scan_.accept("..");
      EGRET_TRY_VOID(scan_.expect("=", "in NAME = TERM"));
      EGRET_TRY(b.term, term(0));
      out.push_back(std::move(b));
      if (out.size() > kMaxItems) return too_many("terms");
    } while (scan_.accept(","));
    return {};
  }

  Status read_clauses(RuleSyntax& rule) {
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
        EGRET_TRY(rule.proof_method, kebab("a method of proof"));
        if (scan_.peek().kind == Kind::kString) rule.proof_hint = unescape(scan_.next().text);
      } else if (scan_.accept("subsume")) {
        rule.subsume = true;
      } else if (scan_.peek().is("accept") || scan_.peek().is("reject")) {
        bool accepts = scan_.next().text == "accept";
        EGRET_TRY(Example example, read_example());
        (accepts ? rule.accepts : rule.rejects).push_back(std::move(example));
      } else {
        return {};
      }
    }
  }

  Status read_conditions(std::vector<Term>& out) {
    do {
      EGRET_TRY(Term c, condition());
      out.push_back(std::move(c));
      if (out.size() > kMaxItems) return too_many("conditions");
    } while (scan_.accept(","));
    return {};
  }

  Status read_needs(RuleSyntax& rule) {
    do {
      EGRET_TRY(std::string word, scan_.name("a word of the licence"));
      if (scan_.accept("(")) {
        EGRET_TRY(std::string type, scan_.name("a dtype"));
        EGRET_TRY_VOID(scan_.expect(")", "after the dtype"));
        word += "(" + type + ")";
      }
      rule.needs.push_back(std::move(word));
      if (rule.needs.size() > kMaxItems) return too_many("words");
    } while (scan_.accept(","));
    return {};
  }

  Result<Term> condition() {
    EGRET_TRY(Term left, term(0));
    for (std::string_view op : {"==", "!=", "<=", ">=", "<", ">"}) {
      Position at = here();
      if (!scan_.accept(op)) continue;
      Term t;
      t.kind = Term::Kind::kCompare;
      t.name = op;
      t.at = at;
      EGRET_TRY(Term right, term(0));
      t.args.push_back(std::move(left));
      t.args.push_back(std::move(right));
      return t;
    }
    return left;
  }

  static int precedence(const Token& t) {
    if (t.kind != Kind::kPunct) return 0;
    return t.text == "+" || t.text == "-" ? 1 : t.text == "*" || t.text == "/" ? 2 : 0;
  }

  Result<Term> term(int depth, int least = 1) {
    if (depth > kMaxTextDepth) return input_error("a term nested too deeply", {}, scan_.here());
    EGRET_TRY(Term left, unary(depth));
    int chain = 0;
    for (int p = precedence(scan_.peek()); p >= least; p = precedence(scan_.peek())) {
      Term t;
      t.kind = Term::Kind::kInfix;
      t.at = here();
      t.name = scan_.next().text;
      EGRET_TRY(Term right, term(depth + 1, p + 1));
      if (++chain > kMaxTextDepth) return input_error("a chain of more than 64 operators", {}, scan_.here());
      t.args.push_back(std::move(left));
      t.args.push_back(std::move(right));
      left = std::move(t);
    }
    return left;
  }

  Result<Term> unary(int depth) {
    Position at = here();
    if (!scan_.accept("-")) return primary(depth);
    EGRET_TRY(Term inner, unary_operand(depth + 1));
    if (inner.kind == Term::Kind::kNumber && !inner.parenthesized) {
      inner.number = -inner.number;
      inner.at = at;
      return inner;
    }
    Term t;
    t.kind = Term::Kind::kNegate;
    t.at = at;
    t.args.push_back(std::move(inner));
    return t;
  }

  Result<Term> unary_operand(int depth) {
    if (depth > kMaxTextDepth) return input_error("a term nested too deeply", {}, scan_.here());
    return primary(depth);
  }

  Result<Term> primary(int depth) {
    Term t;
    t.at = here();
    const Token& token = scan_.peek();
    if (token.kind == Kind::kNumber || token.is("inf") || token.is("nan")) {
      t.kind = Term::Kind::kNumber;
      EGRET_TRY(t.number, parse_number(scan_));
      return t;
    }
    if (scan_.accept("(")) {
      EGRET_TRY(t, term(depth + 1));
      EGRET_TRY_VOID(scan_.expect(")", "after a term"));
      t.parenthesized = true;
      return t;
    }
    if (scan_.accept("[")) {
      t.kind = Term::Kind::kList;
      EGRET_TRY_VOID(arguments(t, "]", depth));
      return t;
    }
    EGRET_TRY(t.name, variable("a term"));
    if (scan_.accept("(")) {
      t.kind = Term::Kind::kCall;
      EGRET_TRY_VOID(arguments(t, ")", depth));
      return t;
    }
    if (scan_.accept(".")) {
      EGRET_TRY(std::string field, scan_.name("the name of an attribute"));
      t.name += "." + field;
    }
    t.many = scan_.accept("..");
    if (scan_.accept("[")) {
      t.has_axes = true;
      EGRET_TRY_VOID(axis_names(t.axes));
    }
    return t;
  }

  Status arguments(Term& t, std::string_view close, int depth) {
    if (scan_.accept(close)) return {};
    do {
      if (t.args.size() + t.attrs.size() > kMaxItems) return too_many("arguments");
      if (scan_.peek().kind == Kind::kName && scan_.peek(1).is("=") && close == ")") {
        EGRET_TRY(std::string name, scan_.name("an attribute"));
        scan_.next();
        EGRET_TRY(Term value, term(depth + 1));
        t.attrs.emplace_back(std::move(name), std::move(value));
      } else {
        EGRET_TRY(Term argument, term(depth + 1));
        t.args.push_back(std::move(argument));
      }
    } while (scan_.accept(","));
    return scan_.expect(close, "or ',' after an argument");
  }

  Status axis_names(std::vector<AxisName>& axes) {
    if (scan_.accept("]")) return {};
    do {
      AxisName axis;
      EGRET_TRY(axis.name, variable("the name of an axis"));
      axis.many = scan_.accept("..");
      axes.push_back(std::move(axis));
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

  Result<Example> read_example() {
    Example example;
    example.at = here();
    for (;;) {
      Example::Item item;
      item.at = here();
      EGRET_TRY(item.name, variable("a variable"));
      if (scan_.accept(".")) {
        EGRET_TRY(std::string field, scan_.name("the name of an attribute"));
        item.name += "." + field;
      }
      item.many = scan_.accept("..");
      EGRET_TRY_VOID(scan_.expect(":", "after the variable of an example"));
      EGRET_TRY_VOID(read_item(item));
      example.items.push_back(std::move(item));
      if (example.items.size() > kMaxItems) return too_many("items");
      if (!scan_.accept(",")) return example;
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

  Result<RuleSyntax> read_fusion() {
    RuleSyntax rule;
    rule.kind = RuleKind::kFusion;
    rule.at = here();
    EGRET_TRY(rule.name, kebab("the name of the fusion rule"));
    EGRET_TRY_VOID(scan_.expect(":", "after the name of a rule"));
    EGRET_TRY_VOID(read_for(rule));
    if (scan_.peek().is("kernel") && scan_.peek(1).is("reads")) {
      scan_.next();
      scan_.next();
      rule.fusion = FusionForm::kAbsorbBefore;
      EGRET_TRY(rule.left, term(0));
    } else if (scan_.peek().is("kernel") && scan_.peek(1).is(",")) {
      scan_.next();
      scan_.next();
      EGRET_TRY_VOID(scan_.expect("kernel", "after 'kernel,'"));
      rule.fusion = FusionForm::kSideBySide;
    } else {
      EGRET_TRY(rule.left, term(0));
      if (scan_.accept("starts")) {
        EGRET_TRY_VOID(scan_.expect("kernel", "after 'starts'"));
      } else {
        bool over = !rule.left.attrs.empty();
        rule.fusion = over ? FusionForm::kAbsorbReduction : FusionForm::kAbsorbAfter;
      }
    }
    if (rule.left.kind != Term::Kind::kCall && rule.fusion != FusionForm::kSideBySide) {
      return scan_.expected("an operator applied to 'kernel', or 'starts kernel'");
    }
    if (scan_.accept("where")) EGRET_TRY_VOID(read_fusion_conditions(rule));
    return rule;
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
  return Reader(text, file).run();
}

}  // namespace egret::rules
