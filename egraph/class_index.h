// ClassIndex: live e-nodes by class, by operator and by class they read, each ascending by id.
//
// Three compressed row tables, built whole after a rebuild that changed something.  The table of parents is built on
// first use, because only facts and joins of several roots need it.
// Thread safety: any number of readers; `build` alone.
#pragma once

#include <atomic>
#include <mutex>
#include <span>
#include <vector>

#include "egraph/enodes.h"
#include "egraph/union_find.h"

namespace egret::egraph {

class ClassIndex {
 public:
  // Requires: `sets` is flat and the canonical operands of live e-nodes are canonical.
  void build(const ENodes& enodes, const UnionFind& sets, size_t op_count);

  // Rows of ids or operators younger than the index are empty.
  std::span<const Id> nodes_of(Id cls) const { return row(class_start_, class_nodes_, cls); }
  // Operator of each e-node of nodes_of, in the same order.
  std::span<const OpKind> ops_of(Id cls) const { return row(class_start_, class_ops_, cls); }
  std::span<const Id> nodes_with(OpKind op) const { return row(op_start_, op_nodes_, op); }
  // `enodes` as they were given to `build`.
  std::span<const Id> parents_of(const ENodes& enodes, Id cls) const;

  uint64_t bytes() const;

 private:
  static std::span<const uint32_t> row(const std::vector<uint32_t>& start, const std::vector<uint32_t>& values,
                                       uint32_t i) {
    if (size_t{i} + 1 >= start.size()) return {};
    return {values.data() + start[i], start[i + 1] - start[i]};
  }
  void build_parents(const ENodes& enodes) const;

  size_t indexed_ = 0;  // ids below this are indexed
  std::vector<uint32_t> class_start_, class_nodes_, class_ops_;
  std::vector<uint32_t> op_start_, op_nodes_;
  mutable std::mutex parents_mutex_;
  mutable std::atomic<bool> parents_ready_{false};
  mutable std::vector<uint32_t> parent_start_, parent_nodes_;  // valid when parents_ready_
};

// For each id the live e-nodes whose canonical operands name it, ascending, each once: `start` has ids + 1 entries.
void index_uses(const ENodes& enodes, size_t ids, std::vector<uint32_t>& start, std::vector<uint32_t>& nodes);

}  // namespace egret::egraph
