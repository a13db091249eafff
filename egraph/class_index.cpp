#include "egraph/class_index.h"

namespace egret::egraph {
namespace {

// Turns counts (count of row i at i + 1) into starts, and returns the total.
uint32_t accumulate_counts(std::vector<uint32_t>& start) {
  uint32_t total = 0;
  for (uint32_t& entry : start) {
    total += entry;
    entry = total;
  }
  return total;
}

// After a fill that advanced start[i] to the end of row i: moves the entries back by one row.
void restore_starts(std::vector<uint32_t>& start) {
  for (size_t i = start.size() - 1; i > 0; --i) start[i] = start[i - 1];
  start[0] = 0;
}

}  // namespace

void ClassIndex::build(const ENodes& enodes, const UnionFind& sets, size_t op_count) {
  indexed_ = enodes.size();
  parents_ready_.store(false, std::memory_order_relaxed);
  class_start_.assign(indexed_ + 1, 0);
  op_start_.assign(op_count + 1, 0);
  for (Id n = 0; n < indexed_; ++n) {
    if (!enodes.live(n)) continue;
    ++class_start_[sets.find(n) + 1];
    ++op_start_[enodes.op(n) + 1];
  }
  const uint32_t live = accumulate_counts(class_start_);
  accumulate_counts(op_start_);
  class_nodes_.resize(live);
  class_ops_.resize(live);
  op_nodes_.resize(live);
  for (Id n = 0; n < indexed_; ++n) {
    if (!enodes.live(n)) continue;
    const OpKind op = enodes.op(n);
    const uint32_t at = class_start_[sets.find(n)]++;
    class_nodes_[at] = n;
    class_ops_[at] = op;
    op_nodes_[op_start_[op]++] = n;
  }
  restore_starts(class_start_);
  restore_starts(op_start_);
}

void index_uses(const ENodes& enodes, size_t ids, std::vector<uint32_t>& start, std::vector<uint32_t>& nodes) {
  start.assign(ids + 1, 0);
  std::vector<Id> last(ids, kNoId);  // the e-node seen last at each id: an e-node is listed once
  const auto for_each_use = [&](const auto& visit) {
    for (Id n = 0; n < enodes.size(); ++n) {
      if (!enodes.live(n)) continue;
      const Id* operands = enodes.canonical_of_live(n);
      for (uint32_t i = 0, count = enodes.arity(n); i < count; ++i) {
        if (last[operands[i]] == n) continue;
        last[operands[i]] = n;
        visit(operands[i], n);
      }
    }
  };
  for_each_use([&](Id read, Id) { ++start[read + 1]; });
  nodes.resize(accumulate_counts(start));
  last.assign(ids, kNoId);
  for_each_use([&](Id read, Id n) { nodes[start[read]++] = n; });
  restore_starts(start);
}

void ClassIndex::build_parents(const ENodes& enodes) const {
  const std::lock_guard<std::mutex> lock(parents_mutex_);
  if (parents_ready_.load(std::memory_order_relaxed)) return;
  index_uses(enodes, enodes.size(), parent_start_, parent_nodes_);
  parents_ready_.store(true, std::memory_order_release);
}

std::span<const Id> ClassIndex::parents_of(const ENodes& enodes, Id cls) const {
  if (!parents_ready_.load(std::memory_order_acquire)) build_parents(enodes);
  return row(parent_start_, parent_nodes_, cls);
}

uint64_t ClassIndex::bytes() const {
  return (class_start_.capacity() + class_nodes_.capacity() + class_ops_.capacity() + op_start_.capacity() +
          op_nodes_.capacity() + parent_start_.capacity() + parent_nodes_.capacity()) *
         sizeof(uint32_t);
}

}  // namespace egret::egraph
