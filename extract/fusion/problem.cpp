// From bodies to candidates: items are the classes that bodies make or read; covers name e-nodes of classes that must be
// computed at run time.
#include <algorithm>

#include "extract/fusion/pool.h"

namespace egret::extract {
namespace {

constexpr double kSmallWeights = 65'536;  // bytes of folded scalars and the like that the limit leaves out

void add_term_nodes(const FusionGraph& graph, FusionProblem& out) {
  for (Id c : out.item_class) {
    if (graph.given(c)) continue;
    for (Id n : graph.tensors().graph().nodes_of(c)) {
      if (!graph.usable(n)) continue;
      TermNode t{out.item(c), {}};
      bool known = true;
      for (Id o : graph.operands(n)) {
        const Id oc = graph.find(o);
        if (graph.given(oc)) continue;
        known &= std::binary_search(out.item_class.begin(), out.item_class.end(), oc);
        if (known) t.operands.push_back(out.item(oc));
      }
      if (!known) continue;
      std::sort(t.operands.begin(), t.operands.end());
      t.operands.erase(std::unique(t.operands.begin(), t.operands.end()), t.operands.end());
      out.term_enode.emplace_back(n, static_cast<uint32_t>(out.problem.term_nodes.size()));
      out.problem.term_nodes.push_back(std::move(t));
    }
  }
  std::sort(out.term_enode.begin(), out.term_enode.end());
}

}  // namespace

uint32_t FusionProblem::item(Id cls) const {
  auto it = std::lower_bound(item_class.begin(), item_class.end(), cls);
  EGRET_CHECK(it != item_class.end() && *it == cls, "not an item's class");
  return static_cast<uint32_t>(it - item_class.begin());
}

FusionProblem empty_problem(const FusionGraph& graph, std::vector<Id> classes, const std::vector<Id>& roots, double fold_limit) {
  FusionProblem out;
  std::sort(classes.begin(), classes.end());
  out.item_class = std::move(classes);
  out.problem.items = static_cast<uint32_t>(out.item_class.size());
  for (Id r : roots) out.problem.roots.push_back(out.item(graph.find(r)));
  out.problem.free_items.assign(out.item_class.size(), 0);
  add_term_nodes(graph, out);
  double source = 0;
  for (uint32_t i = 0; i < out.item_class.size(); ++i) {
    const Id c = out.item_class[i];
    if (!graph.given(c)) continue;
    if (graph.tensors().depends(c) == rules::Dependence::kData) {
      out.problem.free_items[i] = 1;
      continue;
    }
    Candidate ready;  // made before the run; the run plan then reads its bytes
    ready.results = {i};
    ready.fold_bytes = static_cast<double>(graph.tensors().type(c).bytes());
    out.problem.candidates.push_back(std::move(ready));
    out.body_of.push_back(-1);
    if (graph.is_input(c)) source += static_cast<double>(graph.tensors().type(c).bytes());
  }
  out.problem.fold_budget = source * fold_limit + kSmallWeights;
  return out;
}

void add_bodies(FusionProblem& out, std::vector<Body> bodies) {
  for (Body& body : bodies) {
    Candidate c;
    c.cost = body.estimate.seconds;
    for (Id o : body.outputs) c.results.push_back(out.item(o));
    for (Id p : body.ports) c.operands.push_back(out.item(p));
    for (const Choice& choice : body.inside) {
      auto it = std::lower_bound(out.term_enode.begin(), out.term_enode.end(), std::pair(choice.node, 0u));
      if (it != out.term_enode.end() && it->first == choice.node) c.covers.push_back(it->second);
    }
    std::sort(c.covers.begin(), c.covers.end());
    out.problem.candidates.push_back(std::move(c));
    out.body_of.push_back(static_cast<int>(out.bodies.size()));
    out.bodies.push_back(std::move(body));
  }
}

}  // namespace egret::extract
