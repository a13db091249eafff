// Terms as text for the tests of the engine: (Add ?a (Mul x 2)).  Each atom that does not begin with ? is an operator.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "egraph/runner.h"

namespace egret::egraph::testing {

struct Sexp {
  std::string head;  // of an atom its text
  std::vector<Sexp> operands;
};

inline Sexp read_sexp(const std::string& text, size_t& at) {
  const auto skip_space = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
  };
  const auto read_word = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] != ' ' && text[at] != '(' && text[at] != ')') ++at;
    return text.substr(begin, at - begin);
  };
  skip_space();
  if (text[at] != '(') return {read_word(), {}};
  ++at;
  Sexp term{read_word(), {}};
  for (skip_space(); text[at] != ')'; skip_space()) term.operands.push_back(read_sexp(text, at));
  ++at;
  return term;
}

inline Sexp sexp(const std::string& text) {
  size_t at = 0;
  return read_sexp(text, at);
}

inline Id insert(EGraph& graph, const Sexp& term) {
  std::vector<Id> operands;
  for (const Sexp& operand : term.operands) operands.push_back(insert(graph, operand));
  return graph.add(graph.intern_op(term.head), 0, operands);
}
inline Id insert(EGraph& graph, const std::string& text) { return insert(graph, sexp(text)); }

using Variables = std::map<std::string, uint32_t>;

inline PatternTerm pattern_term(EGraph& graph, const Sexp& term, Variables& variables) {
  if (term.head[0] == '?') {
    return PatternTerm::variable_of(
        variables.try_emplace(term.head, static_cast<uint32_t>(variables.size())).first->second);
  }
  std::vector<PatternTerm> operands;
  for (const Sexp& operand : term.operands) operands.push_back(pattern_term(graph, operand, variables));
  return PatternTerm::operator_of(graph.intern_op(term.head), std::move(operands)).with_attr(0);
}

inline Pattern pattern(EGraph& graph, const std::vector<std::string>& roots, Variables& variables) {
  std::vector<PatternTerm> terms;
  for (const std::string& root : roots) terms.push_back(pattern_term(graph, sexp(root), variables));
  return Pattern(std::move(terms), static_cast<uint32_t>(variables.size()));
}
inline Pattern pattern(EGraph& graph, const std::vector<std::string>& roots) {
  Variables variables;
  return pattern(graph, roots, variables);
}

inline Rewrite rewrite(EGraph& graph, const std::string& name, const std::vector<std::string>& left,
                       const std::vector<std::string>& right) {
  Variables variables;
  Rewrite made;
  made.name = name;
  made.pattern = pattern(graph, left, variables);
  std::vector<PatternTerm> terms;
  for (const std::string& term : right) terms.push_back(pattern_term(graph, sexp(term), variables));
  made.right = std::move(terms);
  return made;
}

// The 24 rules of math-microbenchmark (egglog's tests) and its 7 start terms.
inline std::vector<Rewrite> math_rules(EGraph& graph) {
  static const char* const kRules[][2] = {
      {"(Add ?a ?b)", "(Add ?b ?a)"},
      {"(Mul ?a ?b)", "(Mul ?b ?a)"},
      {"(Add ?a (Add ?b ?c))", "(Add (Add ?a ?b) ?c)"},
      {"(Mul ?a (Mul ?b ?c))", "(Mul (Mul ?a ?b) ?c)"},
      {"(Sub ?a ?b)", "(Add ?a (Mul -1 ?b))"},
      {"(Add ?a 0)", "?a"},
      {"(Mul ?a 0)", "0"},
      {"(Mul ?a 1)", "?a"},
      {"(Sub ?a ?a)", "0"},
      {"(Mul ?a (Add ?b ?c))", "(Add (Mul ?a ?b) (Mul ?a ?c))"},
      {"(Add (Mul ?a ?b) (Mul ?a ?c))", "(Mul ?a (Add ?b ?c))"},
      {"(Mul (Pow ?a ?b) (Pow ?a ?c))", "(Pow ?a (Add ?b ?c))"},
      {"(Pow ?x 1)", "?x"},
      {"(Pow ?x 2)", "(Mul ?x ?x)"},
      {"(Diff ?x (Add ?a ?b))", "(Add (Diff ?x ?a) (Diff ?x ?b))"},
      {"(Diff ?x (Mul ?a ?b))", "(Add (Mul ?a (Diff ?x ?b)) (Mul ?b (Diff ?x ?a)))"},
      {"(Diff ?x (Sin ?x))", "(Cos ?x)"},
      {"(Diff ?x (Cos ?x))", "(Mul -1 (Sin ?x))"},
      {"(Integral 1 ?x)", "?x"},
      {"(Integral (Cos ?x) ?x)", "(Sin ?x)"},
      {"(Integral (Sin ?x) ?x)", "(Mul -1 (Cos ?x))"},
      {"(Integral (Add ?f ?g) ?x)", "(Add (Integral ?f ?x) (Integral ?g ?x))"},
      {"(Integral (Sub ?f ?g) ?x)", "(Sub (Integral ?f ?x) (Integral ?g ?x))"},
      {"(Integral (Mul ?a ?b) ?x)",
       "(Sub (Mul ?a (Integral ?b ?x)) (Integral (Mul (Diff ?x ?a) (Integral ?b ?x)) ?x))"},
  };
  std::vector<Rewrite> rules;
  for (const auto& [left, right] : kRules) {
    rules.push_back(rewrite(graph, "r" + std::to_string(rules.size() + 1), {left}, {right}));
  }
  return rules;
}

inline void insert_math_terms(EGraph& graph) {
  for (const char* term : {
           "(Integral (Ln x) x)",
           "(Integral (Add x (Cos x)) x)",
           "(Integral (Mul (Cos x) x) x)",
           "(Diff x (Add 1 (Mul 2 x)))",
           "(Diff x (Sub (Pow x 3) (Mul 7 (Pow x 2))))",
           "(Add (Mul y (Add x y)) (Sub (Add x 2) (Add x x)))",
           "(Div 1 (Sub (Div (Add 1 (Sqrt five)) 2) (Div (Sub 1 (Sqrt five)) 2)))",
       }) {
    insert(graph, term);
  }
}

inline RunOptions unlimited(uint64_t iterations, int threads = 1) {
  RunOptions options;
  options.limits.enodes = options.limits.matches = uint64_t{1} << 40;
  options.limits.iterations = iterations;
  options.threads = threads;
  return options;
}

}  // namespace egret::egraph::testing
