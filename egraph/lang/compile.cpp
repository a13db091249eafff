#include "egraph/lang/compile.h"

#include <algorithm>

#include "egraph/lang/conditions.h"

namespace egret::egraph::lang {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

// One direction of one rule.
struct Direction {
  const Rule* rule = nullptr;
  std::vector<Equation> left, right;
};

class Compiler {
 public:
  Compiler(const Language& language, const Direction& direction)
      : language_(language), direction_(direction), numbers_(direction.rule->variables.size(), kNone) {}

  Rewrite compile() {
    Rewrite rewrite;
    rewrite.name = direction_.rule->name;
    const Term& first = direction_.left[0].right;
    if (direction_.left.size() == 1 && first[0].is_variable()) {
      numbers_[first[0].value] = 0;
      rewrite.searcher = each_class;
      rewrite.condition = condition();
      rewrite.applier = applier();
      return rewrite;
    }
    std::vector<PatternTerm> roots;
    for (const Equation& equation : direction_.left) {
      roots.push_back(term(equation.right));
      if (!equation.left.empty()) roots.back() = roots.back().named(number(equation.left[0].value));
    }
    rewrite.pattern = Pattern(std::move(roots), variables_);
    rewrite.condition = condition();
    rewrite.local = local();
    for (const Equation& equation : direction_.right) {
      const bool left = !equation.left.empty() && equation.left[0].is_variable();
      rewrite.right.push_back(term(left || equation.left.empty() ? equation.right : equation.left));
      if (!equation.left.empty()) rewrite.united.push_back(number((left ? equation.left : equation.right)[0].value));
    }
    return rewrite;
  }

 private:
  static void each_class(const EGraph& graph, const std::function<bool(const Match&)>& emit) {
    for (const Id cls : graph.classes()) {
      if (!emit({{cls}, {cls}, {}})) return;
    }
  }

  // Of the rule's variable among the pattern's class variables.
  uint32_t number(uint32_t variable) {
    if (numbers_[variable] == kNone) numbers_[variable] = variables_++;
    return numbers_[variable];
  }

  PatternTerm term(const Term& nodes) {
    std::vector<PatternTerm> made;  // from the last node back: the first operand is on top
    for (size_t i = nodes.size(); i-- > 0;) {
      const TermNode& node = nodes[i];
      if (node.is_variable()) {
        made.push_back(PatternTerm::variable_of(number(node.value)));
        continue;
      }
      std::vector<PatternTerm> operands(std::make_move_iterator(made.rbegin()), std::make_move_iterator(made.rbegin() + node.operands));
      made.resize(made.size() - node.operands);
      made.push_back(PatternTerm::operator_of(language_.op(node.value), std::move(operands)).with_attr(0));
    }
    return made.back();
  }

  // Whether conditions read facts of the matched classes alone: not the leaves of a class, nor terms that stand elsewhere.
  bool local() const {
    return std::all_of(direction_.rule->conditions.begin(), direction_.rule->conditions.end(), [&](const Condition& c) {
      const bool compares = c.kind == ConditionKind::kDiffer || c.kind == ConditionKind::kEqual;
      const bool leaves = c.kind == ConditionKind::kIsSymbol || c.kind == ConditionKind::kNotSymbol;
      const bool variables = std::all_of(c.operands.begin(), c.operands.end(), [](const Term& term) { return term[0].is_variable(); });
      return variables && (compares || (language_.fold() && !leaves));
    });
  }

  // Null where every match is kept.
  std::function<bool(const EGraph&, const Match&)> condition() const {
    const std::vector<Condition>& conditions = direction_.rule->conditions;
    if (conditions.empty()) return nullptr;
    return [&language = language_, conditions, numbers = numbers_](const EGraph& graph, const Match& match) {
      const std::function<Id(uint32_t)> value = [&](uint32_t variable) { return match.classes[numbers[variable]]; };
      return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& c) { return holds(c, language, graph, value); });
    };
  }

  // Of a rule whose left side is a variable.
  std::function<bool(const EGraph&, const Match&, RightSide&)> applier() const {
    return [&language = language_, right = direction_.right[0].right](const EGraph&, const Match& match, RightSide& side) {
      std::vector<RightSide::Operand> made;  // from the last node back: the first operand is on top
      for (size_t i = right.size(); i-- > 0;) {
        const TermNode& node = right[i];
        if (node.is_variable()) {
          made.push_back({false, match.classes[0]});
          continue;
        }
        RightSide::Node planned{language.op(node.value), 0, {made.rbegin(), made.rbegin() + node.operands}};
        made.resize(made.size() - node.operands);
        made.push_back({true, static_cast<uint32_t>(side.nodes.size())});
        side.nodes.push_back(std::move(planned));
      }
      side.equations.emplace_back(match.nodes[0], made.back());
      return true;
    };
  }

  const Language& language_;
  const Direction& direction_;
  std::vector<uint32_t> numbers_;  // of each variable of the rule
  uint32_t variables_ = 0;         // of the pattern
};

}  // namespace

CompiledRules compile(const Language& language) {
  CompiledRules compiled;
  const std::vector<Rule>& rules = language.program().rules;
  for (uint32_t r = 0; r < rules.size(); ++r) {
    const Rule& rule = rules[r];
    compiled.rewrites.push_back(Compiler(language, {&rule, rule.left, rule.right}).compile());
    compiled.rule.push_back(r);
    if (rule.kind == Rule::Kind::kBirule) {
      const Direction back{&rule, rule.right, rule.left};
      compiled.rewrites.push_back(Compiler(language, back).compile());
      compiled.rule.push_back(r);
    }
  }
  return compiled;
}

}  // namespace egret::egraph::lang
