// Workloads that other engines publish exact counts for: the boolean adder and the fuel-bounded calculus of oatlog's
// benchmarks, and sums under associativity and commutativity.
#pragma once

#include "tests/egraph/terms.h"

namespace egret::egraph::testing {

inline std::vector<Rewrite> rules_of(EGraph& graph, const std::vector<std::pair<const char*, const char*>>& sides) {
  std::vector<Rewrite> rules;
  for (const auto& [left, right] : sides) {
    rules.push_back(rewrite(graph, "r" + std::to_string(rules.size() + 1), {left}, {right}));
  }
  return rules;
}

inline std::vector<Rewrite> adder_rules(EGraph& graph) {
  return rules_of(graph, {
                             {"(And ?x True)", "?x"},
                             {"(And ?x False)", "False"},
                             {"(Or ?x False)", "?x"},
                             {"(Or ?x True)", "True"},
                             {"(Xor ?x False)", "?x"},
                             {"(Xor ?x True)", "(Not ?x)"},
                             {"(And ?x (Not ?x))", "False"},
                             {"(Or ?x (Not ?x))", "True"},
                             {"(Xor ?x (Not ?x))", "True"},
                             {"(And ?x ?y)", "(And ?y ?x)"},
                             {"(Or ?x ?y)", "(Or ?y ?x)"},
                             {"(Xor ?x ?y)", "(Xor ?y ?x)"},
                             {"(And ?x (Or ?y ?z))", "(Or (And ?x ?y) (And ?x ?z))"},
                             {"(Or (And ?x ?y) (And ?x ?z))", "(And ?x (Or ?y ?z))"},
                             {"(And ?x (Or ?x ?y))", "?x"},
                             {"(Or ?x (And ?x ?y))", "?x"},
                             {"(Not (Not ?x))", "?x"},
                             {"(Not (And ?x ?y))", "(Or (Not ?x) (Not ?y))"},
                             {"(Or (Not ?x) (Not ?y))", "(Not (And ?x ?y))"},
                             {"(Not (Or ?x ?y))", "(And (Not ?x) (Not ?y))"},
                             {"(And (Not ?x) (Not ?y))", "(Not (Or ?x ?y))"},
                             {"(Not (Xor ?x ?y))", "(Xor ?x (Not ?y))"},
                             {"(Xor ?x (Not ?y))", "(Not (Xor ?x ?y))"},
                             {"(Xor ?x ?y)", "(Xor (Not ?x) (Not ?y))"},
                             {"(Xor (Not ?x) (Not ?y))", "(Xor ?x ?y)"},
                             {"(And True True)", "True"},
                             {"(And False True)", "False"},
                             {"(And True False)", "False"},
                             {"(And False False)", "False"},
                             {"(Or True True)", "True"},
                             {"(Or False True)", "True"},
                             {"(Or True False)", "True"},
                             {"(Or False False)", "False"},
                             {"(Xor True True)", "False"},
                             {"(Xor False True)", "True"},
                             {"(Xor True False)", "True"},
                             {"(Xor False False)", "False"},
                             {"(FullAddSum ?x ?y ?z)", "(Xor ?x (Xor ?y ?z))"},
                             {"(FullAddCarry ?a ?b ?c)", "(Or (And ?c (Xor ?a ?b)) (And ?a ?b))"},
                             {"(HalfAddSum ?x ?y)", "(Xor ?x ?y)"},
                             {"(HalfAddCarry ?x ?y)", "(And ?x ?y)"},
                         });
}

inline void insert_adder(EGraph& graph) {
  std::string carry = "(HalfAddCarry x0 y0)";
  insert(graph, "(HalfAddSum x0 y0)");
  insert(graph, carry);
  for (int bit = 1; bit <= 10; ++bit) {
    const std::string operands = " x" + std::to_string(bit) + " y" + std::to_string(bit) + ")";
    insert(graph, "(FullAddSum " + carry + operands);
    carry = "(FullAddCarry " + carry + operands;
    insert(graph, carry);
  }
}

inline std::vector<Rewrite> fuel_rules(EGraph& graph) {
  return rules_of(
      graph,
      {
          {"(Integral ?fuel (Sin ?x) ?x)", "(Mul -1 (Cos ?x))"},
          {"(Sub ?a ?b)", "(Add ?a (Mul -1 ?b))"},
          {"(Diff ?x (Cos ?x))", "(Mul -1 (Sin ?x))"},
          {"(Add ?a ?b)", "(Add ?b ?a)"},
          {"(Mul ?a ?b)", "(Mul ?b ?a)"},
          {"(Add ?a (Add ?b ?c))", "(Add (Add ?a ?b) ?c)"},
          {"(Mul ?a (Mul ?b ?c))", "(Mul (Mul ?a ?b) ?c)"},
          {"(Add ?a 0)", "?a"},
          {"(Mul ?a 0)", "0"},
          {"(Mul ?a 1)", "?a"},
          {"(Mul ?a (Add ?b ?c))", "(Add (Mul ?a ?b) (Mul ?a ?c))"},
          {"(Add (Mul ?a ?b) (Mul ?a ?c))", "(Mul ?a (Add ?b ?c))"},
          {"(Mul (Pow ?a ?b) (Pow ?a ?c))", "(Pow ?a (Add ?b ?c))"},
          {"(Pow ?x 1)", "?x"},
          {"(Pow ?x 2)", "(Mul ?x ?x)"},
          {"(Diff ?x (Add ?a ?b))", "(Add (Diff ?x ?a) (Diff ?x ?b))"},
          {"(Diff ?x (Mul ?a ?b))", "(Add (Mul ?a (Diff ?x ?b)) (Mul ?b (Diff ?x ?a)))"},
          {"(Diff ?x (Sin ?x))", "(Cos ?x)"},
          {"(Integral (Fuel ?fuel) 1 ?x)", "?x"},
          {"(Integral (Fuel ?fuel) (Cos ?x) ?x)", "(Sin ?x)"},
          {"(Integral (Fuel ?fuel) (Add ?f ?g) ?x)", "(Add (Integral ?fuel ?f ?x) (Integral ?fuel ?g ?x))"},
          {"(Integral (Fuel ?fuel) (Sub ?f ?g) ?x)", "(Sub (Integral ?fuel ?f ?x) (Integral ?fuel ?g ?x))"},
          {"(Integral (Fuel ?fuel) (Mul ?a ?b) ?x)",
           "(Sub (Mul ?a (Integral ?fuel ?b ?x)) (Integral ?fuel (Mul (Diff ?x ?a) (Integral ?fuel ?b ?x)) ?x))"},
      });
}

inline void insert_fuel(EGraph& graph, int units) {
  std::string fuel = "ZeroFuel";
  for (int i = 0; i < units; ++i) fuel = "(Fuel " + fuel + ")";
  for (const char* integrand : {"(Ln x)", "(Add x (Cos x))", "(Mul (Cos x) x)"}) {
    insert(graph, "(Integral " + fuel + " " + integrand + " x)");
  }
  insert(graph, "(Diff x (Add 1 (Mul 2 x)))");
  insert(graph, "(Diff x (Sub (Pow x 3) (Mul 7 (Pow x 2))))");
  insert(graph, "(Add (Mul y (Add x y)) (Sub (Add x 2) (Add x x)))");
  insert(graph, "(Div 1 (Sub (Div (Add 1 (Sqrt z)) 2) (Div (Sub 1 (Sqrt z)) 2)))");
}

inline std::vector<Rewrite> ac_rules(EGraph& graph) {
  return rules_of(graph, {{"(Add ?a ?b)", "(Add ?b ?a)"}, {"(Add ?a (Add ?b ?c))", "(Add (Add ?a ?b) ?c)"}});
}

// 1 + (2 + (... + n))
inline Id insert_sum(EGraph& graph, int n) {
  Id sum = insert(graph, std::to_string(n));
  const OpKind add = graph.intern_op("Add");
  for (int i = n - 1; i > 0; --i) sum = graph.add(add, 0, {{insert(graph, std::to_string(i)), sum}});
  return sum;
}

// Several roots, which join on a class.
inline std::vector<Rewrite> joined_rules(EGraph& graph) {
  std::vector<Rewrite> rules = ac_rules(graph);
  rules.push_back(rewrite(graph, "pair", {"(Add ?a ?b)", "(Mul ?a ?c)"}, {"(Add ?b ?a)", "(Mul ?c ?a)"}));
  rules.push_back(rewrite(graph, "square", {"(Mul ?a ?a)", "(Add ?a (Mul ?b ?c))"}, {"(Pow ?a 2)", "(Add (Mul ?c ?b) ?a)"}));
  return rules;
}

inline void insert_joined(EGraph& graph) {
  insert(graph, "(Add x (Add y (Mul x (Mul x x))))");
  insert(graph, "(Mul y (Add z (Mul y y)))");
  insert(graph, "(Add (Mul z z) (Mul x y))");
}

}  // namespace egret::egraph::testing
