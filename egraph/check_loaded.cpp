// What a snapshot must satisfy before any loop of this folder may trust its arrays; and the tables made from them.
#include "egraph/store/store.h"

namespace egret::egraph {
namespace {

std::string check_rows(const ENodes& enodes, size_t ops) {
  for (Id n = 0; n < enodes.size(); ++n) {
    const Row& row = enodes.row(n);
    if (row.op() >= ops) return "an e-node has an unknown operator";
    if (!enodes.live(n)) {
      if (row.head >> 24 == 0 || row.operand[0] >= n) return "a buried e-node names no older one";
      continue;
    }
    if (row.wide()) {
      const uint64_t end = uint64_t{row.operand[0]} + row.operand[1];
      if (end > enodes.pool_size() || row_head(row.op(), row.operand[1]) != row.head) return "an e-node's operands are wrong";
    }
    const uint32_t arity = row.arity();
    if ((arity < 1 && row.operand[0] != 0) || (arity < 2 && row.operand[1] != 0)) return "an e-node's operands are wrong";
    for (const Id operand : enodes.of_live(n)) {
      if (operand >= enodes.size()) return "an operand is no e-node";
    }
  }
  return {};
}

}  // namespace

std::string EGraph::Store::check_loaded() {
  const size_t ids = enodes.size();
  if (ids >= size_t{1} << 31 || sets.size() != ids) return "its arrays differ in length";
  if (std::string wrong = enodes.check_lengths(); !wrong.empty()) return wrong;
  if (std::string wrong = check_rows(enodes, op_names.size()); !wrong.empty()) return wrong;
  for (Id n = 0; n < ids; ++n) {
    const Id parent = sets.parent(n);
    if (parent > n || sets.parent(parent) != parent) return "a class has no oldest e-node";
    if (parent == n && !enodes.live(n)) return "a class has no oldest e-node";
    class_count += parent == n;
    live_count += enodes.live(n);
  }
  table.reserve(live_count);
  for (Id n = 0; n < ids; ++n) {
    if (!enodes.live(n)) {
      if (sets.parent(enodes.live_form(n)) != sets.parent(n)) return "a buried e-node is of another class";
      continue;
    }
    for (const Id operand : enodes.of_live(n)) {
      if (!sets.canonical(operand)) return "an operand is not canonical";
    }
    const uint32_t tag = tag_of_node(n);
    if (table.find(tag, [&](Id other) { return same_node(other, n); }) != kNoId) return "two e-nodes are congruent";
    table.insert(tag, n);
  }
  displaced_bits.cover(ids);
  if (any_subsumed && subsumed.words().size() != (ids + 63) / 64) subsumed.cover(ids);
  if (options.explanations) {
    if (std::string wrong = applications.check(enodes); !wrong.empty()) return wrong;
    if (std::string wrong = proof.check(sets, applications.size()); !wrong.empty()) return wrong;
  }
  if (!facts.restored_for(ids)) return "the facts differ in length";
  index.invalidate(ids, op_names.size());
  clean = true;
  return {};
}

}  // namespace egret::egraph
