// Checker: what a rule's text must obey beyond its grammar; and the concrete rules that a written one stands for.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rules/lang/syntax.h"

namespace egret::rules {

// Operators, arity, attributes, classes, bound variables.  Errors name file:line:column and give a hint.
Status check_rule(const RuleSyntax& rule, const std::string& file);

// Faults that only types or roles show: axes that cannot be told apart, a left side that never has a type.
Status check_types(const Rule& rule);
bool is_licence_word(std::string_view word);

// Operators of a class ("map", "map.unary", ..., or one operator); nothing where there is no such class.
std::span<const OpDef* const> operators_of_class(std::string_view name);
std::vector<std::string> operator_classes();

// One rule an operator of `for` and a direction of `<=>`, with their names: "rule[relu]", "rule/rev".
struct ConcreteRule {
  std::string name;
  std::shared_ptr<const RuleSyntax> syntax;
};
std::vector<ConcreteRule> concrete_rules(RuleSyntax rule);

// Maps without attributes of the same dtypes: where one stands another could, in types and in roles of axes.
bool typed_alike(const OpDef& a, const OpDef& b);

}  // namespace egret::rules
