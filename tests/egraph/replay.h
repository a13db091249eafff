// Replay: checks proofs of equality from terms, rules and steps alone.  It shares no code with the engine and includes
// none of it: what it is given are the plain tables below.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace replay {

struct Term {  // by number
  std::string op;
  uint32_t attr = 0;
  std::vector<uint32_t> operands;
};
struct Tree {  // a side of a rule
  bool is_variable = false;
  uint32_t variable = 0;
  std::string op;
  std::vector<Tree> operands;
};
struct Rule {
  Tree left, right;
};
struct Link {
  uint32_t step;
  bool forward;
};
struct Chain {
  uint32_t from, to;
  std::vector<Link> links;
};
struct Step {
  enum class Kind { kRule, kCongruence, kAsserted } kind;
  uint32_t left, right;
  uint32_t rule = 0;                  // kRule:
  std::vector<uint32_t> nodes, made;  // terms that the operators of the left side stand for, in pre-order; terms made
  std::vector<Chain> premises;
};
struct Proof {
  std::vector<Step> steps;
  Chain goal;
};

class Checker {
 public:
  Checker(const std::vector<Term>& terms, const std::vector<Rule>& rules, const std::set<std::pair<uint32_t, uint32_t>>& asserted)
      : terms_(terms), rules_(rules), asserted_(asserted) {}

  bool holds(const Proof& proof, uint32_t from, uint32_t to) {
    for (size_t i = 0; i < proof.steps.size(); ++i) {
      if (!step_holds(proof, i)) return false;
    }
    return proof.goal.from == from && proof.goal.to == to && chain_holds(proof, proof.goal, proof.steps.size());
  }

 private:
  bool chain_holds(const Proof& proof, const Chain& chain, size_t steps) const {
    uint32_t at = chain.from;
    for (const Link& link : chain.links) {
      if (link.step >= steps) return false;
      const Step& step = proof.steps[link.step];
      if (at != (link.forward ? step.left : step.right)) return false;
      at = link.forward ? step.right : step.left;
    }
    return at == chain.to;
  }
  bool step_holds(const Proof& proof, size_t number) {
    const Step& step = proof.steps[number];
    known_.clear();
    for (const Chain& chain : step.premises) {
      if (!chain_holds(proof, chain, number)) return false;
      known_.insert({chain.from, chain.to});
    }
    if (step.kind == Step::Kind::kAsserted) return asserted_.count({step.left, step.right}) > 0;
    if (step.kind == Step::Kind::kCongruence) {
      const Term &x = terms_.at(step.left), &y = terms_.at(step.right);
      bool good = x.op == y.op && x.attr == y.attr && x.operands.size() == y.operands.size() && !x.operands.empty();
      for (size_t i = 0; good && i < x.operands.size(); ++i) good = equal(x.operands[i], y.operands[i]);
      return good;
    }
    const Rule& rule = rules_.at(step.rule);
    bound_.assign(16, ~uint32_t{0});
    size_t at = 0;
    if (!matches(rule.left, step.nodes, at) || at != step.nodes.size() || step.left != step.nodes[0]) return false;
    return is_made(rule.right, step.right, step.made);
  }
  bool equal(uint32_t a, uint32_t b) const { return a == b || known_.count({a, b}) > 0 || known_.count({b, a}) > 0; }

  bool matches(const Tree& tree, const std::vector<uint32_t>& nodes, size_t& at) {
    if (at >= nodes.size()) return false;
    const Term& term = terms_.at(nodes[at++]);
    if (term.op != tree.op || term.operands.size() != tree.operands.size()) return false;
    for (size_t i = 0; i < tree.operands.size(); ++i) {
      if (!tree.operands[i].is_variable) continue;
      uint32_t& value = bound_.at(tree.operands[i].variable);
      if (value == ~uint32_t{0}) value = term.operands[i];
      if (!equal(term.operands[i], value)) return false;
    }
    for (size_t i = 0; i < tree.operands.size(); ++i) {
      if (tree.operands[i].is_variable) continue;
      if (at >= nodes.size() || !equal(term.operands[i], nodes[at]) || !matches(tree.operands[i], nodes, at)) return false;
    }
    return true;
  }
  bool is_made(const Tree& tree, uint32_t number, const std::vector<uint32_t>& made) const {
    if (tree.is_variable) return equal(number, bound_.at(tree.variable));
    const Term& term = terms_.at(number);
    if (term.op != tree.op || term.operands.size() != tree.operands.size()) return false;
    for (size_t i = 0; i < tree.operands.size(); ++i) {
      const uint32_t operand = term.operands[i];
      if (tree.operands[i].is_variable ? equal(operand, bound_.at(tree.operands[i].variable)) : is_made(tree.operands[i], operand, made)) continue;
      const bool other = std::any_of(made.begin(), made.end(), [&](uint32_t m) { return equal(operand, m) && is_made(tree.operands[i], m, made); });
      if (tree.operands[i].is_variable || !other) return false;
    }
    return true;
  }

  const std::vector<Term>& terms_;
  const std::vector<Rule>& rules_;
  const std::set<std::pair<uint32_t, uint32_t>>& asserted_;
  std::set<std::pair<uint32_t, uint32_t>> known_;
  std::vector<uint32_t> bound_;
};

}  // namespace replay
