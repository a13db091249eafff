// A program chosen before saturation, in the problem of the saturated graph: its kernels are candidates there, so that what
// fusion alone found is never lost.
#include <algorithm>
#include <map>
#include <set>

#include "extract/fusion/term.h"

namespace egret::extract {

// A seed in the saturated graph: canonical classes, and the e-nodes that now stand for its own.  A class that it read and
// that has become one with a class that it makes is still read: another kernel makes it.  Nothing is left (no output) where
// all that it makes is there already.  nullopt where it may not be one kernel any more.
std::optional<Body> reseated(const FusionGraph& graph, BodyTable& table, const Body& seed) {
  const egraph::EGraph& g = graph.tensors().graph();
  std::set<Id> read;
  for (Id p : seed.ports) read.insert(g.find(p));
  std::map<Id, Id> choice;  // the first e-node of a class where two classes became one
  for (const Choice& c : seed.inside) {
    auto node = g.lookup(g.op(c.node), g.attr(c.node), g.operands(c.node));
    if (!node || g.find(*node) != g.find(c.cls)) return std::nullopt;
    if (!read.contains(g.find(c.cls))) choice.try_emplace(g.find(c.cls), *node);
  }
  Body body;
  for (Id o : seed.outputs) {
    const Id c = g.find(o);
    const bool there = read.contains(c) || graph.given(c) || std::ranges::count(body.outputs, c) > 0;
    if (!there) body.outputs.push_back(c);
  }
  std::set<Id> reached;
  std::vector<Id> work(body.outputs);
  while (!work.empty()) {
    const Id c = work.back();
    work.pop_back();
    auto it = choice.find(c);
    if (it == choice.end() || !reached.insert(c).second) continue;
    body.inside.push_back({c, it->second});
    for (Id o : g.canonical_operands(it->second)) work.push_back(g.find(o));
  }
  std::sort(body.inside.begin(), body.inside.end());
  if (!body.outputs.empty() && table.complete(body) != Legality::kAlone) return std::nullopt;
  return body;
}

std::optional<Solution> carry_over(const FusionProblem& before, const Solution& choice, const FusionProblem& problem) {
  std::vector<uint32_t> chosen;
  for (uint32_t c : choice.chosen) {
    const int body = before.body_of[c];
    if (body < 0) continue;
    const int now = problem.seed_candidate.at(static_cast<size_t>(body));
    if (now == FusionProblem::kNothingLeft) continue;
    if (now < 0) return std::nullopt;
    chosen.push_back(static_cast<uint32_t>(now));
  }
  return solution_of(problem, std::move(chosen), "before saturation");
}

}  // namespace egret::extract
