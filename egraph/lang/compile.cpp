#include "egraph/lang/compile.h"

#include <algorithm>

#include "egraph/lang/conditions.h"

namespace egret::egraph::lang {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr uint32_t kMaxDepth = 250;  // of a pattern with others inside; the engine takes less than 256

// A pattern as a tree.
struct Tree {
  TermNode node;
  std::vector<Tree> operands;
  uint32_t root = kNone;  // of a whole pattern its number among the left sides
};

Tree tree_of(const Term& term, size_t& at) {
  Tree tree{term[at++], {}, kNone};
  if (tree.node.is_variable()) return tree;
  tree.operands.reserve(tree.node.operands);
  for (uint32_t i = 0; i < tree.node.operands; ++i) tree.operands.push_back(tree_of(term, at));
  return tree;
}

uint32_t depth(const Tree& tree) {
  uint32_t deepest = 0;
  for (const Tree& operand : tree.operands) deepest = std::max(deepest, depth(operand));
  return deepest + 1;
}

// The first place in `tree`, with its distance from the top, that is the variable.
Tree* find_variable(Tree& tree, uint32_t variable, uint32_t& distance) {
  if (tree.node.is_variable()) return tree.node.value == variable ? &tree : nullptr;
  for (Tree& operand : tree.operands) {
    if (Tree* found = find_variable(operand, variable, distance)) {
      ++distance;
      return found;
    }
  }
  return nullptr;
}

bool shares_variable(const Tree& tree, const std::vector<bool>& bound) {
  if (tree.node.is_variable()) return bound[tree.node.value];
  return std::any_of(tree.operands.begin(), tree.operands.end(), [&](const Tree& t) { return shares_variable(t, bound); });
}

void bind(const Tree& tree, std::vector<bool>& bound) {
  if (tree.node.is_variable()) bound[tree.node.value] = true;
  for (const Tree& operand : tree.operands) bind(operand, bound);
}

// Where a match holds the value of a variable of the rule: among its class variables or its e-nodes.
struct Place {
  bool is_node = false;
  uint32_t index = kNone;
  Id of(const Match& match) const { return is_node ? match.nodes[index] : match.classes[index]; }
};

// One direction of one rule.
struct Direction {
  const Rule* rule = nullptr;
  std::vector<Equation> left, right;
};

class Compiler {
 public:
  Compiler(const Language& language, const Direction& direction) : language_(language), direction_(direction) {}

  Rewrite compile() {
    const Rule& rule = *direction_.rule;
    places_.resize(rule.variables.size());
    Rewrite rewrite;
    rewrite.name = rule.name;
    const Term& first = direction_.left[0].right;
    if (direction_.left.size() == 1 && first[0].is_variable()) {
      places_[first[0].value] = {false, 0};
      root_occurrences_ = {0};
      rewrite.searcher = each_class;
      rewrite.condition = condition();
    } else {
      rewrite.pattern = pattern();
      rewrite.condition = condition();
      rewrite.local = local();
    }
    if (direction_.left.size() == 1 && !rewrite.searcher) {
      size_t at = 0;
      rewrite.right = {right_term(tree_of(direction_.right[0].right, at))};
    } else {
      rewrite.applier = applier();
    }
    return rewrite;
  }

 private:
  static void each_class(const EGraph& graph, const std::function<bool(const Match&)>& emit) {
    for (const Id cls : graph.classes()) {
      if (!emit({{cls}, {cls}, {}})) return;
    }
  }

  Pattern pattern() {
    std::vector<Tree> trees;
    for (const Equation& equation : direction_.left) {
      size_t at = 0;
      trees.push_back(tree_of(equation.right, at));
      trees.back().root = static_cast<uint32_t>(trees.size() - 1);
    }
    nest(trees);
    in_joining_order(trees);
    root_occurrences_.assign(direction_.left.size(), 0);
    std::vector<PatternTerm> roots;
    for (const Tree& tree : trees) roots.push_back(pattern_term(tree));
    for (size_t r = 0; r < direction_.left.size(); ++r) {
      if (direction_.left[r].left.empty()) continue;  // the one pattern of a rule
      Place& place = places_[direction_.left[r].left[0].value];
      const Place node{true, root_occurrences_[r]};
      if (place.index == kNone) {
        place = node;
      } else {
        equal_.emplace_back(place, node);
      }
    }
    return Pattern(std::move(roots), class_variables_);
  }

  // A root whose name is an operand in another pattern is matched there, below it, instead of on its own.
  void nest(std::vector<Tree>& trees) const {
    for (size_t i = 0; i < trees.size() && trees.size() > 1;) {
      const Term& name = direction_.left[trees[i].root].left;
      bool nested = false;
      for (size_t j = 0; j < trees.size() && !nested; ++j) {
        uint32_t distance = 0;
        Tree* place = j == i || name.empty() ? nullptr : find_variable(trees[j], name[0].value, distance);
        if (!place || distance + depth(trees[i]) > kMaxDepth) continue;
        *place = std::move(trees[i]);
        nested = true;
      }
      if (nested) {
        trees.erase(trees.begin() + static_cast<std::ptrdiff_t>(i));
        i = 0;
      } else {
        ++i;
      }
    }
  }

  // Every root after the first shares a variable with one before it, where that can be.
  void in_joining_order(std::vector<Tree>& trees) const {
    std::vector<bool> bound(direction_.rule->variables.size(), false);
    for (size_t i = 0; i < trees.size(); ++i) {
      const auto next = std::find_if(trees.begin() + static_cast<std::ptrdiff_t>(i), trees.end(),
                                     [&](const Tree& tree) { return shares_variable(tree, bound); });
      if (i > 0 && next != trees.end()) std::rotate(trees.begin() + static_cast<std::ptrdiff_t>(i), next, next + 1);
      bind(trees[i], bound);
    }
  }

  // Numbers occurrences and class variables in pre-order, as the engine does.
  PatternTerm pattern_term(const Tree& tree) {
    if (tree.node.is_variable()) {
      Place& place = places_[tree.node.value];
      if (place.index == kNone) place = {false, class_variables_++};
      return PatternTerm::variable_of(place.index);
    }
    if (tree.root != kNone) root_occurrences_[tree.root] = occurrences_;
    ++occurrences_;
    std::vector<PatternTerm> operands;
    for (const Tree& operand : tree.operands) operands.push_back(pattern_term(operand));
    return PatternTerm::operator_of(language_.op(tree.node.value), std::move(operands));
  }

  PatternTerm right_term(const Tree& tree) const {
    if (tree.node.is_variable()) return PatternTerm::variable_of(places_[tree.node.value].index);
    std::vector<PatternTerm> operands;
    for (const Tree& operand : tree.operands) operands.push_back(right_term(operand));
    return PatternTerm::operator_of(language_.op(tree.node.value), std::move(operands));
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
    if (conditions.empty() && equal_.empty()) return nullptr;
    return [&language = language_, conditions, equal = equal_, places = places_](const EGraph& graph, const Match& match) {
      for (const auto& [a, b] : equal) {
        if (graph.find(a.of(match)) != graph.find(b.of(match))) return false;
      }
      if (conditions.empty()) return true;
      const std::function<Id(uint32_t)> value = [&](uint32_t variable) { return places[variable].of(match); };
      return std::all_of(conditions.begin(), conditions.end(),
                         [&](const Condition& c) { return holds(c, language, graph, value); });
    };
  }

  std::function<bool(const EGraph&, const Match&, RightSide&)> applier() const {
    struct Union {
      Place left;
      Term right;
    };
    std::vector<Union> unions;
    for (size_t i = 0; i < direction_.right.size(); ++i) {
      const Equation& equation = direction_.right[i];
      if (equation.left.empty()) {
        unions.push_back({{true, root_occurrences_[i]}, equation.right});
      } else if (equation.left[0].is_variable()) {
        unions.push_back({places_[equation.left[0].value], equation.right});
      } else {
        unions.push_back({places_[equation.right[0].value], equation.left});
      }
    }
    return [&language = language_, unions = std::move(unions), places = places_](const EGraph&, const Match& match, RightSide& side) {
      std::vector<RightSide::Operand> made;  // from the last node back: the first operand is on top
      for (const Union& u : unions) {
        made.clear();
        for (size_t i = u.right.size(); i-- > 0;) {
          const TermNode& node = u.right[i];
          if (node.is_variable()) {
            made.push_back({false, places[node.value].of(match)});
            continue;
          }
          RightSide::Node planned{language.op(node.value), 0, {made.rbegin(), made.rbegin() + node.operands}};
          made.resize(made.size() - node.operands);
          made.push_back({true, static_cast<uint32_t>(side.nodes.size())});
          side.nodes.push_back(std::move(planned));
        }
        side.equations.emplace_back(u.left.of(match), made.back());
      }
      return true;
    };
  }

  const Language& language_;
  const Direction& direction_;
  std::vector<Place> places_;                   // of each variable of the rule
  std::vector<std::pair<Place, Place>> equal_;  // what must be in one class: several roots of one name
  std::vector<uint32_t> root_occurrences_;      // of each left side
  uint32_t occurrences_ = 0, class_variables_ = 0;
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
