#include "egraph/lang/program.h"

namespace egret::egraph::lang {
namespace {

void print_equations(const std::vector<Equation>& equations, const Program& program, const Rule& rule, std::string& out) {
  out += " (";
  for (size_t i = 0; i < equations.size(); ++i) {
    out += i == 0 ? "(= " : " (= ";
    print_term(equations[i].left, program.symbols, rule.variables, out);
    out += ' ';
    print_term(equations[i].right, program.symbols, rule.variables, out);
    out += ')';
  }
  out += ')';
}

void print_rule(const Rule& rule, const Program& program, std::string& out) {
  static const char* const kHeads[] = {"(rule ", "(birule ", "(multi "};
  out += kHeads[static_cast<int>(rule.kind)] + rule.name;
  if (rule.kind == Rule::Kind::kMulti) {
    print_equations(rule.left, program, rule, out);
    print_equations(rule.right, program, rule, out);
  } else {
    for (const Term* side : {&rule.left[0].right, &rule.right[0].right}) {
      out += ' ';
      print_term(*side, program.symbols, rule.variables, out);
    }
  }
  if (!rule.conditions.empty()) {
    out += " (when";
    for (const Condition& condition : rule.conditions) {
      out += std::string(" (") + to_string(condition.kind);
      for (const Term& operand : condition.operands) {
        out += ' ';
        print_term(operand, program.symbols, rule.variables, out);
      }
      out += ')';
    }
    out += ')';
  }
  out += ")\n";
}

}  // namespace

void print_term(const Term& term, const SymbolTable& symbols, const std::vector<std::string>& variables, std::string& out) {
  std::vector<uint32_t> left;  // operands still to come of each open list
  for (size_t i = 0; i < term.size(); ++i) {
    if (i > 0) out += ' ';
    const TermNode& node = term[i];
    if (!node.is_variable() && node.operands > 0) {
      out += '(';
      out += symbols.name(node.value);
      left.push_back(node.operands);
      continue;
    }
    out += node.is_variable() ? variables[node.value] : symbols.name(node.value);
    while (!left.empty() && --left.back() == 0) {
      out += ')';
      left.pop_back();
    }
  }
}

std::string print(const Program& program) {
  std::string out;
  for (const Program::Statement& statement : program.statements) {
    switch (statement.kind) {
      case Program::Statement::Kind::kConstFold:
        out += "(analysis const-fold)\n";
        break;
      case Program::Statement::Kind::kRule:
        print_rule(program.rules[statement.index], program, out);
        break;
      case Program::Statement::Kind::kStart:
        out += "(start ";
        print_term(program.starts[statement.index], program.symbols, {}, out);
        out += ")\n";
        break;
      case Program::Statement::Kind::kGoal: {
        const Goal& goal = program.goals[statement.index];
        out += "(goal ";
        print_term(goal.left, program.symbols, {}, out);
        out += ' ';
        print_term(goal.right, program.symbols, {}, out);
        out += ")\n";
        break;
      }
    }
  }
  return out;
}

}  // namespace egret::egraph::lang
