#include "egraph/proof_forest.h"

namespace egret::egraph {

void ProofForest::make_root(Id id) {
  Link previous{kNoId, 0};
  while (id != kNoId) {
    const Link link = links_[id];
    links_[id] = previous;
    previous = {id, link.edge};
    id = link.parent;
  }
}

void ProofForest::connect(Id a, Id b, Id root_a, Id root_b, Id older, Justification why) {
  const uint32_t edge = static_cast<uint32_t>(edges_.size());
  edges_.push_back({a, b, why});
  if (tree_size_[root_a] <= tree_size_[root_b]) {
    make_root(a);
    links_[a] = {b, edge};
  } else {
    make_root(b);
    links_[b] = {a, edge};
  }
  tree_size_[older] = tree_size_[root_a] + tree_size_[root_b];
}

EGraph::Edge ProofForest::step(Id from, Id to, uint32_t edge) const {
  return {from, to, edges_[edge].why, edges_[edge].from == from, edge};
}

std::vector<EGraph::Edge> ProofForest::path(Id a, Id b) const {
  const auto chain = [&](Id id) {
    std::vector<Id> ids;
    for (; id != kNoId; id = links_[id].parent) ids.push_back(id);
    return ids;
  };
  std::vector<Id> up = chain(a), down = chain(b);
  while (up.size() > 1 && down.size() > 1 && up[up.size() - 2] == down[down.size() - 2]) {
    up.pop_back();
    down.pop_back();
  }
  EGRET_CHECK(up.back() == down.back(), "explaining ids that are not equal");
  std::vector<EGraph::Edge> steps;
  for (size_t i = 0; i + 1 < up.size(); ++i) steps.push_back(step(up[i], up[i + 1], links_[up[i]].edge));
  for (size_t i = down.size() - 1; i > 0; --i) steps.push_back(step(down[i], down[i - 1], links_[down[i - 1]].edge));
  return steps;
}

}  // namespace egret::egraph
