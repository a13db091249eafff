#include "extract/fusion/term.h"

#include <algorithm>

namespace egret::extract {

std::vector<Choice> term_of(const FusionGraph& graph, const FusionProblem& problem, const Solution& solution) {
  std::vector<Id> node(graph.ids(), egraph::kNoId);
  std::vector<Choice> out;
  for (uint32_t c : order(problem.problem, solution)) {
    if (problem.body_of[c] < 0) continue;
    const Body& body = problem.bodies[static_cast<size_t>(problem.body_of[c])];
    // Inside a body, operands first: by repeated passes over the few that are left.
    std::vector<Choice> left;
    for (const Choice& choice : body.inside) {
      if (node[choice.cls] == egraph::kNoId && !graph.operands(choice.node).empty()) left.push_back(choice);
    }
    while (!left.empty()) {
      const size_t before = left.size();
      std::erase_if(left, [&](const Choice& choice) {
        for (Id o : graph.operands(choice.node)) {
          if (std::any_of(left.begin(), left.end(), [&](const Choice& other) { return other.cls == graph.find(o); })) return false;
        }
        node[choice.cls] = choice.node;
        out.push_back(choice);
        return true;
      });
      EGRET_CHECK(left.size() < before, "a chosen body is cyclic");
    }
  }
  return out;
}

Body single(const FusionGraph& graph, const Choice& choice) {
  Body body;
  body.inside = {choice};
  body.outputs = {choice.cls};
  for (Id o : graph.operands(choice.node)) {
    Id leaf;
    const Id c = graph.find(o);
    if (graph.absorbed_leaf(c, &leaf) && !body.find(c)) {
      body.inside.push_back({c, leaf});
      std::sort(body.inside.begin(), body.inside.end());
    }
  }
  return body;
}

std::optional<Solution> solution_of(const FusionProblem& problem, std::vector<uint32_t> candidates, std::string method) {
  const Problem& p = problem.problem;
  std::vector<uint8_t> made(p.items, 0), needed(p.items, 0);
  for (uint32_t r : p.roots) needed[r] = 1;
  for (uint32_t c : candidates) {
    for (uint32_t r : p.candidates[c].results) made[r] = 1;
    for (uint32_t o : p.candidates[c].operands) needed[o] = 1;
  }
  for (uint32_t c = 0; c < p.candidates.size(); ++c) {
    if (problem.body_of[c] >= 0) continue;
    const uint32_t item = p.candidates[c].results[0];
    if (needed[item] && !made[item]) candidates.push_back(c);
  }
  Solution out;
  std::sort(candidates.begin(), candidates.end());
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  out.chosen = std::move(candidates);
  for (uint32_t c : out.chosen) out.cost += p.candidates[c].cost;
  out.method = std::move(method);
  if (!check_solution(p, out).ok()) return std::nullopt;
  return out;
}

}  // namespace egret::extract
