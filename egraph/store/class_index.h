// ClassIndex: live e-nodes by class, by operator and by class they read, each ascending by id.
//
// Compressed row tables, built whole on first use after a rebuild: saturation with large deltas and hosts that read
// the graph need them, saturation with small deltas does not (links.h).
// Thread safety: any number of readers, the first of which builds; `invalidate` alone.
#pragma once

#include <atomic>
#include <mutex>
#include <span>

#include "egraph/store/enodes.h"
#include "egraph/store/union_find.h"
#include "support/workers.h"

namespace egret::egraph {

class ClassIndex {
 public:
  ClassIndex(const ENodes& enodes, const UnionFind& sets) : enodes_(enodes), sets_(sets) {}

  // From now on the tables are those of the ids below `ids` and the operators below `ops`.
  void invalidate(size_t ids, size_t ops);

  // Builds in these threads what nodes_of and nodes_with read, which else build it in one.
  void prepare(const Workers& workers) const { ensure(nodes_ready_, &ClassIndex::build_nodes, workers); }

  // Rows of ids or operators younger than the index are empty.
  std::span<const Id> nodes_of(Id cls) const {
    ensure(nodes_ready_, &ClassIndex::build_nodes);
    return row(class_start_, class_nodes_, cls);
  }
  // Row::head of each e-node of nodes_of, in the same order.
  std::span<const uint32_t> heads_of(Id cls) const { return row(class_start_, class_heads_, cls); }
  std::span<const Id> nodes_with(OpKind op) const {
    ensure(nodes_ready_, &ClassIndex::build_nodes);
    return row(op_start_, op_nodes_, op);
  }
  std::span<const Id> parents_of(Id cls) const {
    ensure(parents_ready_, &ClassIndex::build_parents);
    return row(parent_start_, parent_nodes_, cls);
  }
  // Fetches into the cache what nodes_of(cls) reads first, and what it then gives.  Requires: nodes_of was called.
  void prefetch_start(Id cls) const { __builtin_prefetch(class_start_.data() + cls); }
  void prefetch_nodes(Id cls) const {
    __builtin_prefetch(class_nodes_.data() + class_start_[cls]);
    __builtin_prefetch(class_heads_.data() + class_start_[cls]);
  }

  void release();  // the memory; what asks for it builds it anew
  uint64_t bytes() const;
  // Bytes that the first nodes_of after a rebuild adds, of `live` e-nodes.
  uint64_t growth(size_t live) const;

 private:
  using Table = Array<uint32_t>;
  static std::span<const uint32_t> row(const Table& start, const Table& values, uint32_t i) {
    if (size_t{i} + 1 >= start.size()) return {};
    return {values.data() + start[i], start[i + 1] - start[i]};
  }
  void ensure(std::atomic<bool>& ready, void (ClassIndex::*build)(const Workers&) const,
              const Workers& workers = Workers()) const {
    if (ready.load(std::memory_order_acquire)) return;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ready.load(std::memory_order_relaxed)) return;
    (this->*build)(workers);
    ready.store(true, std::memory_order_release);
  }
  void build_nodes(const Workers& workers) const;
  void build_ops() const;
  void build_parents(const Workers& workers) const;

  const ENodes& enodes_;
  const UnionFind& sets_;
  size_t ids_ = 0, ops_ = 0;
  mutable std::mutex mutex_;
  mutable std::atomic<bool> nodes_ready_{false}, parents_ready_{false};
  mutable Table class_start_, class_nodes_, class_heads_, op_start_, op_nodes_;  // valid when nodes_ready_
  mutable Table parent_start_, parent_nodes_;                                    // valid when parents_ready_
};

}  // namespace egret::egraph
