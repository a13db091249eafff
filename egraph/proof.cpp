#include "egraph/proof.h"

#include <algorithm>
#include <map>

#include "egraph/plan/query.h"
#include "egraph/plan/right_plan.h"

namespace egret::egraph {
namespace {

constexpr size_t kLongestShortened = 64;  // edges of a path; looking for shortcuts is quadratic

// Walks from the goal to what it rests on.  What explains an edge has smaller numbers, so ranks by number order the steps:
// 2 * number for an edge of the forest, and 2 * the largest number below it plus 1 for a congruence put in as a shortcut.
class Prover {
 public:
  Prover(const EGraph& graph, std::span<const Rewrite> rewrites, uint32_t rule_base, bool shorten)
      : graph_(graph), rewrites_(rewrites), rule_base_(rule_base), shorten_(shorten) {}

  Proof prove(Id a, Id b) {
    Proof proof;
    proof.goal = chain(a, b);
    for (size_t at = 0; at < steps_.size(); ++at) {
      std::vector<ProofChain> premises = premises_of(steps_[at].step);
      steps_[at].step.premises = std::move(premises);
    }
    std::vector<uint32_t> order(steps_.size()), place(steps_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) { return steps_[x].rank < steps_[y].rank; });
    for (uint32_t i = 0; i < order.size(); ++i) place[order[i]] = i;
    const auto renumber = [&](ProofChain& c) {
      for (ProofChain::Link& link : c.links) link.step = place[link.step];
    };
    for (const uint32_t i : order) {
      for (ProofChain& c : steps_[i].step.premises) renumber(c);
      proof.steps.push_back(std::move(steps_[i].step));
    }
    renumber(proof.goal);
    return proof;
  }

 private:
  struct Ranked {
    ProofStep step;
    uint64_t rank;
  };

  uint32_t step_of(Id left, Id right, const Justification& why, uint64_t rank) {
    const auto [known, is_new] = numbers_.try_emplace({rank, left, right}, static_cast<uint32_t>(steps_.size()));
    if (is_new) steps_.push_back({{why, left, right, {}}, rank});
    return known->second;
  }

  ProofChain chain(Id a, Id b) {
    ProofChain made{a, b, {}};
    if (a == b) return made;
    const std::vector<EGraph::Edge> path = graph_.explain(a, b);
    std::vector<size_t> jump(path.size() + 1);  // from each place of the path, where the next step leads
    std::vector<uint64_t> rank(path.size() + 1, 0);
    for (size_t i = 0; i < path.size(); ++i) jump[i] = i + 1;
    if (shorten_ && path.size() > 1 && path.size() <= kLongestShortened) find_shortcuts(path, jump, rank);
    for (size_t i = 0; i < path.size(); i = jump[i]) {
      const EGraph::Edge& edge = path[i];
      if (jump[i] > i + 1) {
        const Id to = path[jump[i] - 1].to;
        made.links.push_back({step_of(edge.from, to, {Justification::Kind::kCongruence, 0, 0}, rank[i]), true});
        continue;
      }
      const Id left = edge.forward ? edge.from : edge.to, right = edge.forward ? edge.to : edge.from;
      made.links.push_back({step_of(left, right, edge.why, uint64_t{edge.number} * 2), edge.forward});
    }
    return made;
  }

  // Shortest way over the path where a congruence may stand for several edges; all that it rests on is older than the
  // youngest of these edges.
  void find_shortcuts(const std::vector<EGraph::Edge>& path, std::vector<size_t>& jump, std::vector<uint64_t>& rank) const {
    std::vector<size_t> cost(path.size() + 1, 0);
    for (size_t i = path.size(); i-- > 0;) {
      cost[i] = cost[i + 1] + 1;
      uint64_t youngest = path[i].number;
      for (size_t j = i + 2; j <= path.size(); ++j) {
        youngest = std::max<uint64_t>(youngest, path[j - 1].number);
        const Id x = path[i].from, y = path[j - 1].to;
        const auto xs = graph_.operands(x), ys = graph_.operands(y);
        if (graph_.op(x) != graph_.op(y) || graph_.attr(x) != graph_.attr(y) || xs.size() != ys.size() || xs.empty()) continue;
        size_t steps = 1;
        uint64_t below = 0;
        for (size_t k = 0; k < xs.size() && steps < j - i && below < youngest; ++k) {
          if (graph_.find(xs[k]) != graph_.find(ys[k])) steps = SIZE_MAX / 2;
          if (xs[k] == ys[k] || steps >= j - i) continue;
          for (const EGraph::Edge& e : graph_.explain(xs[k], ys[k])) ++steps, below = std::max<uint64_t>(below, e.number);
        }
        if (steps >= j - i || below >= youngest || steps + cost[j] >= cost[i]) continue;
        cost[i] = steps + cost[j];
        jump[i] = j;
        rank[i] = below * 2 + 1;
      }
    }
  }

  std::vector<ProofChain> premises_of(const ProofStep& step) {
    std::vector<ProofChain> premises;
    const Id left = step.left, right = step.right;  // `steps_` grows below
    if (step.why.kind == Justification::Kind::kRule) return premises_of_rule(step.why.index);
    if (step.why.kind != Justification::Kind::kCongruence) return premises;
    for (size_t k = 0; k < graph_.operands(left).size(); ++k) {
      premises.push_back(chain(graph_.operands(left)[k], graph_.operands(right)[k]));
    }
    return premises;
  }

  std::vector<ProofChain> premises_of_rule(uint32_t number) {
    std::vector<ProofChain> premises;
    const Application a = graph_.application(number);
    if (a.rule < rule_base_ || a.rule - rule_base_ >= rewrites_.size()) return premises;
    const Rewrite& rewrite = rewrites_[a.rule - rule_base_];
    if (rewrite.searcher) return premises;
    const auto need = [&](Id x, Id y) {
      if (x != y) premises.push_back(chain(x, y));
    };
    const Query& query = rewrite.pattern.query();
    const std::span<const Query::Atom> atoms = query.atoms();
    const uint32_t variables = static_cast<uint32_t>(query.class_places().size());
    for (size_t i = 0; i < atoms.size(); ++i) {
      if (atoms[i].class_slot < variables) need(a.nodes[i], a.classes[atoms[i].class_slot]);
      for (size_t k = 0; k < atoms[i].arity; ++k) {
        const uint32_t slot = atoms[i].operand_slots[k];
        need(graph_.operands(a.nodes[i])[k], slot < variables ? a.classes[slot] : a.nodes[slot - variables]);
      }
    }
    if (rewrite.right.empty()) return premises;
    const RightPlan plan(query, rewrite.right, rewrite.united);
    for (size_t m = 0; m < plan.nodes.size(); ++m) {
      for (size_t k = 0; k < plan.nodes[m].operands.size(); ++k) {
        const RightPlan::Operand& operand = plan.nodes[m].operands[k];
        need(graph_.operands(a.made[m])[k], operand.made ? a.made[operand.index] : a.classes[operand.index]);
      }
    }
    return premises;
  }

  const EGraph& graph_;
  std::span<const Rewrite> rewrites_;
  const uint32_t rule_base_;
  const bool shorten_;
  std::vector<Ranked> steps_;
  std::map<std::tuple<uint64_t, Id, Id>, uint32_t> numbers_;
};

}  // namespace

Proof prove(const EGraph& graph, std::span<const Rewrite> rewrites, Id a, Id b, uint32_t rule_base, bool shorten) {
  return Prover(graph, rewrites, rule_base, shorten).prove(a, b);
}

}  // namespace egret::egraph
