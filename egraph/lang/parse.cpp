// The reader of programs: every error names the place in the text, what was expected, and one hint.
#include <fmt/format.h>

#include "egraph/lang/number.h"
#include "egraph/lang/program.h"
#include "egraph/lang/sexp.h"

namespace egret::egraph::lang {
namespace {

struct ConditionForm {
  const char* name;
  ConditionKind kind;
  size_t operands;
};
constexpr ConditionForm kConditions[] = {
    {"not-zero", ConditionKind::kNotZero, 1},   {"is-zero", ConditionKind::kIsZero, 1},
    {"is-const", ConditionKind::kIsConst, 1},   {"not-const", ConditionKind::kNotConst, 1},
    {"is-symbol", ConditionKind::kIsSymbol, 1}, {"not-symbol", ConditionKind::kNotSymbol, 1},
    {"differ", ConditionKind::kDiffer, 2},      {"equal", ConditionKind::kEqual, 2},
};

// Variables of the rule being read.
enum class Variables { kNone, kBind, kBound };

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : reader_(text, file) {}

  Result<Program> parse() {
    for (;;) {
      EGRET_TRY(const bool more, reader_.next());
      if (!more) return std::move(program_);
      EGRET_TRY_VOID(parse_form());
    }
  }

 private:
  using Statement = Program::Statement;

  const SexpNode& node(uint32_t at) const { return reader_.nodes()[at]; }
  Error error_at(uint32_t at, std::string message, std::string hint = {}) const {
    return input_error(std::move(message), std::move(hint), reader_.where(reader_.offset(node(at))));
  }
  // The elements of the list at `at`.
  std::vector<uint32_t> elements(uint32_t at) const {
    std::vector<uint32_t> found;
    for (uint32_t i = at + 1; i < node(at).end; i = node(i).end) found.push_back(i);
    return found;
  }
  bool is_atom(uint32_t at, std::string_view text) const { return !node(at).is_list() && reader_.atom(node(at)) == text; }
  bool is_variable(uint32_t at) const { return !node(at).is_list() && reader_.atom(node(at)).starts_with('?'); }

  Status parse_form() {
    static const char* const kForms = "a form is (analysis ..), (rule ..), (birule ..), (multi ..), (start ..) or (goal ..)";
    if (!node(0).is_list()) return error_at(0, fmt::format("`{}` stands outside of a form", reader_.atom(node(0))), kForms);
    const std::vector<uint32_t> parts = elements(0);
    if (parts.empty() || node(parts[0]).is_list()) return error_at(0, "a form without a name", kForms);
    const std::string_view head = reader_.atom(node(parts[0]));
    variables_ = {};
    if (head == "analysis") return parse_analysis(parts);
    if (head == "rule") return parse_rule(parts, Rule::Kind::kRule);
    if (head == "birule") return parse_rule(parts, Rule::Kind::kBirule);
    if (head == "multi") return parse_multi(parts);
    if (head == "start") return parse_start(parts);
    if (head == "goal") return parse_goal(parts);
    return error_at(parts[0], fmt::format("unknown form `{}`", head), kForms);
  }

  Status parse_analysis(const std::vector<uint32_t>& parts) {
    static const char* const kHint = "the analysis there is: (analysis const-fold)";
    if (parts.size() != 2) return error_at(0, "`analysis` takes one name", kHint);
    if (!is_atom(parts[1], "const-fold")) return error_at(parts[1], "unknown analysis", kHint);
    program_.const_fold = true;
    program_.statements.push_back({Statement::Kind::kConstFold, 0});
    return {};
  }

  Status parse_start(const std::vector<uint32_t>& parts) {
    if (parts.size() != 2) return error_at(0, fmt::format("`start` takes one term, not {}", parts.size() - 1), "(start (f a))");
    Term term;
    EGRET_TRY_VOID(parse_term(parts[1], Variables::kNone, term));
    program_.statements.push_back({Statement::Kind::kStart, static_cast<uint32_t>(program_.starts.size())});
    program_.starts.push_back(std::move(term));
    return {};
  }

  Status parse_goal(const std::vector<uint32_t>& parts) {
    if (parts.size() != 3) return error_at(0, fmt::format("`goal` takes two terms, not {}", parts.size() - 1), "(goal (f a) b)");
    Goal goal;
    EGRET_TRY_VOID(parse_term(parts[1], Variables::kNone, goal.left));
    EGRET_TRY_VOID(parse_term(parts[2], Variables::kNone, goal.right));
    program_.statements.push_back({Statement::Kind::kGoal, static_cast<uint32_t>(program_.goals.size())});
    program_.goals.push_back(std::move(goal));
    return {};
  }

  Status parse_rule(const std::vector<uint32_t>& parts, Rule::Kind kind) {
    const char* const form = kind == Rule::Kind::kRule ? "rule" : "birule";
    const std::string hint = fmt::format("({} name (f ?a) (g ?a)), and (when ..) where it has conditions", form);
    if (parts.size() != 4 && parts.size() != 5) {
      return error_at(0, fmt::format("`{}` takes a name, two sides and perhaps conditions, not {} parts", form, parts.size() - 1), hint);
    }
    Rule rule;
    rule.kind = kind;
    EGRET_TRY_VOID(parse_name(parts[1], hint, rule));
    rule.left.resize(1);
    rule.right.resize(1);
    EGRET_TRY_VOID(parse_term(parts[2], Variables::kBind, rule.left[0].right));
    const size_t bound = variables_.size();
    if (kind == Rule::Kind::kBirule) {
      EGRET_TRY_VOID(parse_term(parts[3], Variables::kBound, rule.right[0].right, true));
      std::vector<bool> used(bound, false);
      for (const TermNode& n : rule.right[0].right) {
        if (n.is_variable()) used[n.value] = true;
      }
      for (uint32_t v = 0; v < bound; ++v) {
        if (used[v]) continue;
        return error_at(parts[2], fmt::format("read from right to left, `{}` is not bound", variables_.name(v)),
                        "both sides of a birule have the same variables; else write `rule`");
      }
    } else {
      EGRET_TRY_VOID(parse_term(parts[3], Variables::kBound, rule.right[0].right));
    }
    if (parts.size() == 5) EGRET_TRY_VOID(parse_conditions(parts[4], rule));
    return finish_rule(std::move(rule));
  }

  Status parse_multi(const std::vector<uint32_t>& parts) {
    static const char* const kHint = "(multi name ((= ?a (f ?x)) (= ?b (g ?x))) ((= ?a ?b)))";
    if (parts.size() != 4 && parts.size() != 5) {
      return error_at(0, fmt::format("`multi` takes a name, two lists of equations and perhaps conditions, not {} parts", parts.size() - 1), kHint);
    }
    Rule rule;
    rule.kind = Rule::Kind::kMulti;
    EGRET_TRY_VOID(parse_name(parts[1], kHint, rule));
    for (const bool is_left : {true, false}) {
      const uint32_t list = parts[is_left ? 2 : 3];
      if (!node(list).is_list() || elements(list).empty()) return error_at(list, "expected a list of equations", kHint);
      for (const uint32_t item : elements(list)) {
        const std::vector<uint32_t> sides = node(item).is_list() ? elements(item) : std::vector<uint32_t>{};
        if (sides.size() != 3 || !is_atom(sides[0], "=")) return error_at(item, "expected an equation (= ?a ..)", kHint);
        if (!is_left && !is_variable(sides[1]) && !is_variable(sides[2])) {
          return error_at(item, "expected a variable on one side of what is to be united", kHint);
        }
        if (is_left && !is_variable(sides[1])) return error_at(sides[1], "expected a variable that names the root", kHint);
        if (is_left && is_variable(sides[2])) return error_at(sides[2], "expected a pattern with an operator", kHint);
        Equation equation;
        EGRET_TRY_VOID(parse_term(sides[1], is_left ? Variables::kBind : Variables::kBound, equation.left));
        EGRET_TRY_VOID(parse_term(sides[2], is_left ? Variables::kBind : Variables::kBound, equation.right));
        (is_left ? rule.left : rule.right).push_back(std::move(equation));
      }
    }
    if (parts.size() == 5) EGRET_TRY_VOID(parse_conditions(parts[4], rule));
    return finish_rule(std::move(rule));
  }

  Status parse_name(uint32_t at, const std::string& hint, Rule& rule) {
    if (node(at).is_list() || is_variable(at)) return error_at(at, "expected the rule's name", hint);
    rule.name = reader_.atom(node(at));
    return {};
  }

  Status parse_conditions(uint32_t at, Rule& rule) {
    std::string names;
    for (const ConditionForm& form : kConditions) names += (names.empty() ? "" : ", ") + std::string(form.name);
    if (!node(at).is_list() || elements(at).size() < 2 || !is_atom(elements(at)[0], "when")) {
      return error_at(at, "expected conditions (when (not-zero ?a) ..)", "conditions: " + names);
    }
    const std::vector<uint32_t> items = elements(at);
    for (size_t i = 1; i < items.size(); ++i) {
      const std::vector<uint32_t> parts = node(items[i]).is_list() ? elements(items[i]) : std::vector<uint32_t>{};
      if (parts.empty() || node(parts[0]).is_list()) {
        return error_at(items[i], "expected a condition, (not-zero ?a) for one", "conditions: " + names);
      }
      const std::string_view name = reader_.atom(node(parts[0]));
      const ConditionForm* form = nullptr;
      for (const ConditionForm& known : kConditions) {
        if (name == known.name) form = &known;
      }
      if (!form) return error_at(parts[0], fmt::format("unknown condition `{}`", name), "conditions: " + names);
      if (parts.size() - 1 != form->operands) {
        return error_at(items[i], fmt::format("`{}` takes {} operand{}, not {}", name, form->operands,
                                              form->operands == 1 ? "" : "s", parts.size() - 1),
                        form->operands == 1 ? fmt::format("({} ?a)", name) : fmt::format("({} ?a ?b)", name));
      }
      Condition condition{form->kind, {}};
      for (size_t p = 1; p < parts.size(); ++p) {
        EGRET_TRY_VOID(parse_term(parts[p], Variables::kBound, condition.operands.emplace_back()));
      }
      rule.conditions.push_back(std::move(condition));
    }
    return {};
  }

  Status finish_rule(Rule rule) {
    for (uint32_t v = 0; v < variables_.size(); ++v) rule.variables.push_back(variables_.name(v));
    program_.statements.push_back({Statement::Kind::kRule, static_cast<uint32_t>(program_.rules.size())});
    program_.rules.push_back(std::move(rule));
    return {};
  }

  // A side that is matched nests at most kMaxPatternDepth deep: a binding one, or one that `is_pattern` says so of.
  Status parse_term(uint32_t at, Variables scope, Term& out, bool is_pattern = false) {
    const uint32_t end = node(at).end;
    std::vector<uint32_t> open;  // ends of the lists around the node
    for (uint32_t i = at; i < end; ++i) {
      while (!open.empty() && i >= open.back()) open.pop_back();
      if (!node(i).is_list()) {
        EGRET_TRY(const TermNode leaf, parse_atom(i, scope));
        out.push_back(leaf);
        continue;
      }
      open.push_back(node(i).end);
      if (scope != Variables::kNone && open.size() > kMaxPatternDepth) {
        return error_at(i, fmt::format("a side of a rule that nests more than {} deep", kMaxPatternDepth), "only terms of `start` and `goal` may");
      }
      if (i + 1 == node(i).end) return error_at(i, "an empty list is no term", "a term is an atom or (operator term ..)");
      if (node(i + 1).is_list()) return error_at(i + 1, "expected an operator's name", "a term is an atom or (operator term ..)");
      if (is_variable(i + 1)) return error_at(i + 1, "a variable cannot stand for an operator", "write a rule for each operator");
      uint32_t operands = 0;
      for (uint32_t c = i + 2; c < node(i).end; c = node(c).end) ++operands;
      EGRET_TRY(const SymbolId symbol, parse_symbol(i + 1, operands));
      out.push_back({symbol, operands});
      ++i;  // its name
    }
    return {};
  }

  Result<TermNode> parse_atom(uint32_t at, Variables scope) {
    if (!is_variable(at)) {
      EGRET_TRY(const SymbolId symbol, parse_symbol(at, 0));
      return TermNode{symbol, 0};
    }
    const std::string_view name = reader_.atom(node(at));
    if (scope == Variables::kNone) {
      return error_at(at, fmt::format("a variable `{}` in a term without variables", name), "only rules have variables");
    }
    const size_t known = variables_.size();
    const SymbolId variable = variables_.intern(name);
    if (scope == Variables::kBound && variable == known) {
      return error_at(at, fmt::format("`{}` is not bound by the left side", name), "every variable of a right side or a condition stands on the left");
    }
    return TermNode{variable, TermNode::kVariable};
  }

  Result<SymbolId> parse_symbol(uint32_t at, uint32_t operands) {
    const std::string_view name = reader_.atom(node(at));
    const SymbolId symbol = program_.symbols.intern(name);
    if (symbol == first_use_.size()) {
      if (operands > 0 && is_number(name)) return error_at(at, fmt::format("the number `{}` is given operands", name), "a number is a leaf");
      program_.arity.push_back(operands);
      first_use_.push_back(reader_.offset(node(at)));
    }
    if (program_.arity[symbol] != operands) {
      const SourceSpan first = reader_.where(first_use_[symbol]);
      return error_at(at, fmt::format("`{}` has {} operand{} here and {} at its first use", name, operands, operands == 1 ? "" : "s", program_.arity[symbol]),
                      fmt::format("its arity is fixed by its first use, line {}, column {}", first.line, first.column));
    }
    return symbol;
  }

  SexpReader reader_;
  Program program_;
  SymbolTable variables_;          // of the rule being read
  std::vector<size_t> first_use_;  // where in the text, by symbol
};

}  // namespace

SymbolId SymbolTable::intern(std::string_view name) {
  const auto known = numbers_.find(name);
  if (known != numbers_.end()) return known->second;
  const auto entry = numbers_.try_emplace(std::string(name), static_cast<SymbolId>(names_.size())).first;
  names_.push_back(&entry->first);
  return entry->second;
}

size_t end_of(const Term& term, size_t at) {
  for (size_t open = 1; open > 0; ++at) {
    if (!term[at].is_variable()) open += term[at].operands;
    --open;
  }
  return at;
}

const char* to_string(ConditionKind kind) {
  for (const ConditionForm& form : kConditions) {
    if (form.kind == kind) return form.name;
  }
  return "";
}

Result<Program> parse_program(std::string_view text, const std::string& file) { return Parser(text, file).parse(); }

}  // namespace egret::egraph::lang
