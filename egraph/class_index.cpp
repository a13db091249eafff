#include "egraph/class_index.h"

#include <algorithm>

namespace egret::egraph {
namespace {

// Turns counts (count of row i at i + 1) into starts, and returns the total.
uint32_t accumulate_counts(Array<uint32_t>& start) {
  uint32_t total = 0;
  for (uint32_t& entry : start) {
    total += entry;
    entry = total;
  }
  return total;
}

// After a fill that advanced start[i] to the end of row i: moves the entries back by one row.
void restore_starts(Array<uint32_t>& start) {
  for (size_t i = start.size() - 1; i > 0; --i) start[i] = start[i - 1];
  start[0] = 0;
}

void zero(Array<uint32_t>& values, size_t count) {
  values.clear();
  values.resize(count);
}

}  // namespace

void ClassIndex::invalidate(size_t ids, size_t ops) {
  ids_ = ids;
  ops_ = ops;
  nodes_ready_.store(false, std::memory_order_relaxed);
  parents_ready_.store(false, std::memory_order_relaxed);
}

void ClassIndex::build_nodes() const {
  zero(class_start_, ids_ + 1);
  zero(op_start_, ops_ + 1);
  for (Id n = 0; n < ids_; ++n) {
    if (!enodes_.live(n)) continue;
    ++class_start_[sets_.find(n) + 1];
    ++op_start_[enodes_.op(n) + 1];
  }
  const uint32_t live = accumulate_counts(class_start_);
  accumulate_counts(op_start_);
  class_nodes_.reshape(live);
  class_heads_.reshape(live);
  op_nodes_.reshape(live);
  for (Id n = 0; n < ids_; ++n) {
    if (!enodes_.live(n)) continue;
    const uint32_t head = enodes_.row(n).head;
    const uint32_t at = class_start_[sets_.find(n)]++;
    class_nodes_[at] = n;
    class_heads_[at] = head;
    op_nodes_[op_start_[head & kMaxOp]++] = n;
  }
  restore_starts(class_start_);
  restore_starts(op_start_);
}

void ClassIndex::build_parents() const {
  zero(parent_start_, ids_ + 1);
  Array<uint32_t> last;  // the e-node seen last at each id: an e-node is listed once
  last.resize(ids_, kNoId);
  const auto for_each_use = [&](const auto& visit) {
    for (Id n = 0; n < ids_; ++n) {
      if (!enodes_.live(n)) continue;
      for (const Id operand : enodes_.of_live(n)) {
        if (last[operand] == n) continue;
        last[operand] = n;
        visit(operand, n);
      }
    }
  };
  for_each_use([&](Id read, Id) { ++parent_start_[read + 1]; });
  parent_nodes_.reshape(accumulate_counts(parent_start_));
  for (uint32_t& entry : last) entry = kNoId;
  for_each_use([&](Id read, Id n) { parent_nodes_[parent_start_[read]++] = n; });
  restore_starts(parent_start_);
}

uint64_t ClassIndex::growth(size_t live) const {
  if (nodes_ready_.load(std::memory_order_relaxed)) return 0;
  const uint64_t known = class_start_.bytes() + class_nodes_.bytes() + class_heads_.bytes() + op_start_.bytes() + op_nodes_.bytes();
  return std::max(known, (ids_ + ops_ + 3 * live) * sizeof(uint32_t)) - known;
}

uint64_t ClassIndex::bytes() const {
  return class_start_.bytes() + class_nodes_.bytes() + class_heads_.bytes() + op_start_.bytes() + op_nodes_.bytes() +
         parent_start_.bytes() + parent_nodes_.bytes();
}

}  // namespace egret::egraph
