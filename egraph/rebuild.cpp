// Rebuild: congruence, then the index, then facts.
//
// A union leaves the keys of the readers of its younger class stale.  The first rounds scan all e-nodes, which streams
// and wins where much changed; long chains of consequences would make that quadratic, so later rounds go by the
// uses of each displaced class (Willsey et al., "egg", POPL 2021, section 3; Downey, Sethi and Tarjan, 1980).
#include <algorithm>

#include "egraph/store.h"

namespace egret::egraph {
namespace {

constexpr int kScans = 3;  // rounds by scan; building the index of uses costs about as much as two of them

}  // namespace

bool EGraph::Store::reads_displaced(Id n) const {
  const Id* operands = enodes.canonical_of_live(n);
  for (uint32_t i = 0, count = enodes.arity(n); i < count; ++i) {
    if (!sets.canonical(operands[i])) return true;
  }
  return false;
}

void EGraph::Store::repair(Id n) {
  const uint32_t count = enodes.arity(n);
  Id* operands = enodes.canonical_of_live(n);
  table.erase(enode_tag(enodes.op(n), enodes.attr(n), operands, count), n);
  for (uint32_t i = 0; i < count; ++i) operands[i] = sets.find_and_shorten(operands[i]);
  const uint32_t tag = enode_tag(enodes.op(n), enodes.attr(n), operands, count);
  Id* known = table.find(tag, same_key(enodes.op(n), enodes.attr(n), operands, count));
  if (!known) {
    table.insert(tag, n);
    return;
  }
  const Id kept = std::min(*known, n), buried = std::max(*known, n);
  *known = kept;
  unite(kept, buried, {Justification::Kind::kCongruence, 0, 0});
  enodes.bury(buried, kept);
  --live_count;
}

void EGraph::Store::repair_by_scan() {
  displaced.clear();
  for (Id n = 0; n < enodes.size(); ++n) {
    if (enodes.live(n) && reads_displaced(n)) repair(n);
  }
}

void EGraph::Store::repair_by_uses() {
  struct Use {  // of a class that became an operand after the index was built
    Id node;
    uint32_t next;
  };
  std::vector<uint32_t> start, nodes;
  index_uses(enodes, enodes.size(), start, nodes);
  std::vector<uint32_t> first_later(enodes.size(), kNoId);
  std::vector<Use> later;
  std::vector<uint32_t> changed;  // operand positions
  const auto visit = [&](Id n) {
    if (!enodes.live(n)) return;
    const Id* operands = enodes.canonical_of_live(n);
    changed.clear();
    for (uint32_t i = 0, count = enodes.arity(n); i < count; ++i) {
      if (!sets.canonical(operands[i])) changed.push_back(i);
    }
    if (changed.empty()) return;
    repair(n);
    if (!enodes.live(n)) return;
    for (const uint32_t i : changed) {
      later.push_back({n, first_later[operands[i]]});
      first_later[operands[i]] = static_cast<uint32_t>(later.size() - 1);
    }
  };
  for (size_t at = 0; at < displaced.size(); ++at) {
    const Id cls = displaced[at];
    for (uint32_t i = start[cls]; i < start[cls + 1]; ++i) visit(nodes[i]);
    for (uint32_t i = first_later[cls]; i != kNoId; i = later[i].next) visit(later[i].node);
  }
  displaced.clear();
}

size_t EGraph::Store::restore_congruence() {
  const size_t before = class_count;
  for (int round = 0; !displaced.empty(); ++round) {
    if (round < kScans) {
      repair_by_scan();
    } else {
      repair_by_uses();
    }
  }
  sets.flatten();
  return before - class_count;
}

size_t EGraph::rebuild() {
  Store& s = *store_;
  if (s.clean) return 0;
  const size_t unions = s.restore_congruence();
  s.index.build(s.enodes, s.sets, s.op_names.size());
  if (!s.facts.empty()) s.facts.propagate(*this, s.enodes, s.sets, s.index);
  s.clean = true;
  return unions;
}

}  // namespace egret::egraph
