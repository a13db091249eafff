// A language with binders through the engine's public interface: the lambda calculus with let, fix, if, + and =, after
// egg's test of the same name (17 rules).  One analysis keeps the free variables and the constant of each class; one
// rule renames a bound variable to avoid capture.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "tests/egraph/terms.h"

namespace egret::egraph::testing {

class LambdaLanguage {
 public:
  explicit LambdaLanguage(EGraph& graph) : facts_(std::make_shared<Facts>(graph)) {
    Analysis analysis;
    analysis.name = "lambda";
    analysis.make = [facts = facts_](const EGraph& g, std::span<const Id> nodes, std::span<Fact> out) {
      for (size_t i = 0; i < nodes.size(); ++i) out[i] = facts->make(g, nodes[i]);
    };
    analysis.join = [facts = facts_](Fact a, Fact b) { return facts->join(a, b); };
    facts_->analysis = graph.add_analysis(std::move(analysis));
  }

  std::vector<Rewrite> rules(EGraph& graph) const {
    static const char* const kRules[][3] = {
        {"if-true", "(if true ?then ?else)", "?then"},
        {"if-false", "(if false ?then ?else)", "?else"},
        {"add-comm", "(+ ?a ?b)", "(+ ?b ?a)"},
        {"add-assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))"},
        {"eq-comm", "(= ?a ?b)", "(= ?b ?a)"},
        {"fix", "(fix ?v ?e)", "(let ?v (fix ?v ?e) ?e)"},
        {"beta", "(app (lam ?v ?body) ?e)", "(let ?v ?e ?body)"},
        {"let-app", "(let ?v ?e (app ?a ?b))", "(app (let ?v ?e ?a) (let ?v ?e ?b))"},
        {"let-add", "(let ?v ?e (+ ?a ?b))", "(+ (let ?v ?e ?a) (let ?v ?e ?b))"},
        {"let-eq", "(let ?v ?e (= ?a ?b))", "(= (let ?v ?e ?a) (let ?v ?e ?b))"},
        {"let-if", "(let ?v ?e (if ?cond ?then ?else))", "(if (let ?v ?e ?cond) (let ?v ?e ?then) (let ?v ?e ?else))"},
        {"let-var-same", "(let ?v1 ?e (var ?v1))", "?e"},
        {"let-lam-same", "(let ?v1 ?e (lam ?v1 ?body))", "(lam ?v1 ?body)"},
    };
    std::vector<Rewrite> rules;
    for (const auto& [name, left, right] : kRules) rules.push_back(rewrite(graph, name, {left}, {right}));
    rules.push_back(rewrite(graph, "let-const", {"(let ?v ?e ?c)"}, {"?c"}));
    rules.back().condition = [facts = facts_](const EGraph& g, const Match& m) { return facts->of(g, m.classes[2]).constant.has_value(); };
    rules.back().local = true;
    rules.push_back(rewrite(graph, "let-var-diff", {"(let ?v1 ?e (var ?v2))"}, {"(var ?v2)"}));
    rules.back().condition = [](const EGraph& g, const Match& m) { return g.find(m.classes[0]) != g.find(m.classes[2]); };
    rules.back().local = true;
    rules.push_back(rewrite(graph, "if-elim", {"(if (= (var ?x) ?e) ?then ?else)"}, {"?else"}));
    rules.back().condition = [let = graph.intern_op("let")](const EGraph& g, const Match& m) {
      const auto then = g.lookup(let, 0, {{m.classes[0], m.classes[1], m.classes[2]}});
      const auto otherwise = g.lookup(let, 0, {{m.classes[0], m.classes[1], m.classes[3]}});
      return then && otherwise && g.find(*then) == g.find(*otherwise);
    };
    // The terms that if-elim compares are made first, united with nothing.
    rules.push_back(rules.back());
    rules.back().name = "if-elim-terms";
    rules.back().condition = nullptr;
    rules.back().right.clear();
    rules.back().local = true;
    rules.back().applier = [let = graph.intern_op("let")](const EGraph&, const Match& m, RightSide& side) {
      for (const Id branch : {m.classes[2], m.classes[3]}) {
        side.nodes.push_back({let, 0, {{false, m.classes[0]}, {false, m.classes[1]}, {false, branch}}});
      }
      return true;
    };
    rules.push_back(let_lam_diff(graph));
    return rules;
  }

  // Gives each class with a constant the constant's leaf; for RunOptions::after_iteration.
  void settle(EGraph& graph) const {
    for (graph.rebuild(); !facts_->folded.empty(); graph.rebuild()) {
      for (const auto& [node, text] : std::exchange(facts_->folded, {})) {
        graph.unite(graph.add(graph.intern_op(text), 0, {}), node, {Justification::Kind::kFact, facts_->analysis, 0});
      }
    }
  }

 private:
  struct Known {
    std::vector<Id> free;                 // classes of symbols, ascending
    std::optional<std::string> constant;  // a number, true or false
    auto operator<=>(const Known&) const = default;
  };
  struct Facts {
    explicit Facts(EGraph& g)
        : var(g.intern_op("var")), add(g.intern_op("+")), eq(g.intern_op("=")), lam(g.intern_op("lam")), let(g.intern_op("let")), fix(g.intern_op("fix")) {}

    const Known& of(const EGraph& g, Id id) const { return known[g.fact(analysis, id)]; }
    Fact intern(Known fact) {
      const auto [entry, is_new] = numbers.try_emplace(fact, static_cast<Fact>(known.size()));
      if (is_new) known.push_back(std::move(fact));
      return entry->second;
    }

    Fact join(Fact a, Fact b) {
      Known joined;
      std::set_intersection(known[a].free.begin(), known[a].free.end(), known[b].free.begin(), known[b].free.end(), std::back_inserter(joined.free));
      if (known[a].constant && known[b].constant && known[a].constant != known[b].constant) return kConflict;
      joined.constant = known[a].constant ? known[a].constant : known[b].constant;
      return intern(std::move(joined));
    }

    Fact make(const EGraph& g, Id node) {
      const OpKind op = g.op(node);
      const std::span<const Id> operands = g.canonical_operands(node);
      if (op == var) return intern({{g.find(operands[0])}, std::nullopt});
      std::vector<Known> parts;
      for (const Id operand : operands) {
        const Fact fact = g.fact(analysis, operand);
        if (fact == kNoFact) return kNoFact;
        parts.push_back(known[fact]);
      }
      Known made;
      if (op == lam || op == fix || op == let) {
        made.free = parts.back().free;  // of the body, without the variable that is bound
        std::erase(made.free, g.find(operands[0]));
        if (op == let) merge(parts[1].free, made.free);
      } else {
        for (const Known& part : parts) merge(part.free, made.free);
      }
      made.constant = constant(g, op, parts);
      if (made.constant && !operands.empty()) folded.emplace_back(node, *made.constant);
      return intern(std::move(made));
    }

    static void merge(const std::vector<Id>& from, std::vector<Id>& into) {
      std::vector<Id> all;
      std::set_union(from.begin(), from.end(), into.begin(), into.end(), std::back_inserter(all));
      into = std::move(all);
    }

    std::optional<std::string> constant(const EGraph& g, OpKind op, const std::vector<Known>& parts) const {
      const std::string name(g.op_name(op));
      if (parts.empty()) return name == "true" || name == "false" || number(name) ? std::optional(name) : std::nullopt;
      if ((op != add && op != eq) || !parts[0].constant || !parts[1].constant) return std::nullopt;
      if (op == eq) return parts[0].constant == parts[1].constant ? "true" : "false";
      const auto a = number(*parts[0].constant), b = number(*parts[1].constant);
      int32_t sum = 0;
      if (!a || !b || __builtin_add_overflow(*a, *b, &sum)) return std::nullopt;
      return std::to_string(sum);
    }

    static std::optional<int32_t> number(const std::string& text) {
      int32_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
    }

    const OpKind var, add, eq, lam, let, fix;
    uint32_t analysis = 0;
    std::vector<Known> known;  // by Fact
    std::map<Known, Fact> numbers;
    std::vector<std::pair<Id, std::string>> folded;  // e-nodes found to be constants
  };

  // (let v1 e (lam v2 body)): v2 is renamed where it is free in e.  The fresh variable is a leaf whose attribute is the
  // class that was matched, so the same match makes the same variable again.
  Rewrite let_lam_diff(EGraph& graph) const {
    Rewrite made;
    made.name = "let-lam-diff";
    made.pattern = pattern(graph, {"(let ?v1 ?e (lam ?v2 ?body))"});
    made.condition = [](const EGraph& g, const Match& m) { return g.find(m.classes[0]) != g.find(m.classes[2]); };
    made.applier = [facts = facts_, fresh = graph.intern_op("fresh")](const EGraph& g, const Match& m, RightSide& side) {
      const RightSide::Operand v1{false, m.classes[0]}, e{false, m.classes[1]}, v2{false, m.classes[2]}, body{false, m.classes[3]};
      const auto plan = [&side](OpKind op, AttrId attr, std::vector<RightSide::Operand> operands) {
        side.nodes.push_back({op, attr, std::move(operands)});
        return RightSide::Operand{true, static_cast<uint32_t>(side.nodes.size() - 1)};
      };
      const std::vector<Id>& free = facts->of(g, m.classes[1]).free;
      const bool captures = std::binary_search(free.begin(), free.end(), g.find(m.classes[2]));
      const RightSide::Operand name = captures ? plan(fresh, 1 + g.find(m.nodes[0]), {}) : v2;
      const RightSide::Operand renamed = captures ? plan(facts->let, 0, {v2, plan(facts->var, 0, {name}), body}) : body;
      side.equations.emplace_back(m.nodes[0], plan(facts->lam, 0, {name, plan(facts->let, 0, {v1, e, renamed})}));
      return true;
    };
    return made;
  }

  std::shared_ptr<Facts> facts_;
};

}  // namespace egret::egraph::testing
