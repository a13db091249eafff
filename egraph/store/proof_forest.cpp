#include "egraph/store/proof_forest.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr uint32_t kUpwardBit = 1u << 2;
constexpr uint32_t kDetailShift = 3, kElsewhere = 31;

}  // namespace

void ProofForest::make_root(Id id) {
  Link previous{kNoId, 0};
  while (id != kNoId) {
    const Link link = links_[id];
    links_[id] = previous;
    previous = {id, link.edge};
    id = link.parent;
  }
}

Id ProofForest::root_of(Id id) const {
  while (links_[id].parent != kNoId) id = links_[id].parent;
  return id;
}

uint32_t ProofForest::record(Id from, Id to, Justification why) {
  const uint32_t edge = static_cast<uint32_t>(indices_.size());
  if (why.detail >= kElsewhere) details_.push_back({edge, why.detail});
  indices_.push_back(why.index);
  bits_.push_back(static_cast<uint8_t>(static_cast<uint32_t>(why.kind) | (from < to ? kUpwardBit : 0) |
                                       std::min(why.detail, kElsewhere) << kDetailShift));
  return edge;
}

void ProofForest::connect(Id a, Id b, Justification why) {
  const uint32_t edge = record(a, b, why);
  const Id root_a = root_of(a), root_b = root_of(b);
  const uint32_t rank_a = links_[root_a].edge, rank_b = links_[root_b].edge;
  if (rank_a <= rank_b) {
    make_root(a);
    links_[a] = {b, edge};
    if (rank_a == rank_b) ++links_[root_b].edge;
  } else {
    make_root(b);
    links_[b] = {a, edge};
  }
}

void ProofForest::connect_new(Id fresh, Id node, bool from_fresh, Justification why) {
  links_[fresh] = {node, from_fresh ? record(fresh, node, why) : record(node, fresh, why)};
}

std::string ProofForest::check(const UnionFind& sets, size_t applications) const {
  const size_t ids = sets.size();
  if (links_.size() != ids || bits_.size() != indices_.size()) return "its arrays differ in length";
  const Detail* detail = details_.begin();
  for (uint32_t edge = 0; edge < indices_.size(); ++edge) {
    const bool by_rule = static_cast<Justification::Kind>(bits_[edge] & 3) == Justification::Kind::kRule;
    if (by_rule && indices_[edge] >= applications) return "a reason names no application";
    if (bits_[edge] >> kDetailShift < kElsewhere) continue;
    if (detail == details_.end() || detail->edge != edge) return "a reason is missing";
    ++detail;
  }
  if (detail != details_.end()) return "a reason is missing";
  std::vector<Id> seen_from(ids, kNoId);  // the walk that came through each id
  for (Id n = 0; n < ids; ++n) {
    for (Id at = n; seen_from[at] == kNoId; at = links_[at].parent) {
      seen_from[at] = n;
      const Id parent = links_[at].parent;
      if (parent == kNoId) break;
      if (parent >= ids || links_[at].edge >= indices_.size()) return "a reason is missing";
      if (sets.parent(parent) != sets.parent(at)) return "a reason joins two classes";
      if (seen_from[parent] == n) return "the reasons go in a circle";
    }
  }
  std::vector<Id> root_of(ids, kNoId);  // of each class, the root of its tree
  for (Id n = 0; n < ids; ++n) {
    if (links_[n].parent != kNoId) continue;
    Id& root = root_of[sets.parent(n)];
    if (root != kNoId) return "a class has two trees of reasons";
    root = n;
  }
  return {};
}

EGraph::Edge ProofForest::step(Id from, Id to, uint32_t edge) const {
  uint32_t detail = bits_[edge] >> kDetailShift;
  if (detail == kElsewhere) {
    const auto before = [](const Detail& d, uint32_t e) { return d.edge < e; };
    detail = std::lower_bound(details_.begin(), details_.end(), edge, before)->detail;
  }
  const Justification why{static_cast<Justification::Kind>(bits_[edge] & 3), indices_[edge], detail};
  return {from, to, why, (from < to) == ((bits_[edge] & kUpwardBit) != 0), edge};
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
