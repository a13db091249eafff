#include "egraph/store/class_index.h"

#include <algorithm>

namespace egret::egraph {
namespace {

constexpr size_t kSamples = 1024;  // of e-nodes, to share them out by class

// Turns counts into ends: start[i] is where row i ends, for i in [begin, end).  A fill from the last entry to the first
// moves each back to where its row starts.
uint32_t accumulate_counts(Array<uint32_t>& start, size_t begin, size_t end, uint32_t total) {
  for (size_t i = begin; i < end; ++i) start[i] = total += start[i];
  return total;
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

void ClassIndex::build_nodes(const Workers& workers) const {
  zero(class_start_, ids_ + 1);
  zero(op_start_, ops_ + 1);
  // Each thread takes a range of classes, which a sample says to have as many members as the others'; members are no older than
  // their class.  One more task takes the operators.
  const size_t parts = static_cast<size_t>(workers.threads());
  std::vector<uint32_t> counts(parts + 1, 0);
  const auto for_each_member = [&](Id first, Id last, const auto& visit) {  // last to first
    for (Id n = static_cast<Id>(ids_); n-- > first;) {
      if (!enodes_.live(n)) continue;
      const Id cls = sets_.find(n);
      if (cls >= first && cls < last) visit(n, cls);
    }
  };
  std::vector<Id> sample;
  for (size_t i = 0; i < kSamples && parts > 1 && ids_ > 0; ++i) sample.push_back(sets_.find(static_cast<Id>(ids_ * i / kSamples)));
  std::sort(sample.begin(), sample.end());
  const auto begin_of = [&](size_t part) {
    return part == 0 ? 0 : part == parts ? static_cast<Id>(ids_) : sample.empty() ? 0 : sample[kSamples * part / parts];
  };
  workers.for_each(parts + 1, [&](size_t part) {
    if (part == parts) return build_ops();
    for_each_member(begin_of(part), begin_of(part + 1), [&](Id, Id cls) { ++class_start_[cls], ++counts[part]; });
  });
  for (size_t part = 0, total = 0; part <= parts; ++part) {
    const uint32_t count = counts[part];
    counts[part] = static_cast<uint32_t>(total);
    total += count;
  }
  class_start_[ids_] = counts[parts];
  class_nodes_.reshape(counts[parts]);
  class_heads_.reshape(counts[parts]);
  workers.for_each(parts, [&](size_t part) {
    accumulate_counts(class_start_, begin_of(part), begin_of(part + 1), counts[part]);
    for_each_member(begin_of(part), begin_of(part + 1), [&](Id n, Id cls) {
      const uint32_t at = --class_start_[cls];
      class_nodes_[at] = n;
      class_heads_[at] = enodes_.row(n).head;
    });
  });
}

void ClassIndex::build_ops() const {
  for (Id n = 0; n < ids_; ++n) op_start_[enodes_.op(n)] += enodes_.live(n);
  op_start_[ops_] = accumulate_counts(op_start_, 0, ops_, 0);
  op_nodes_.reshape(op_start_[ops_]);
  for (Id n = static_cast<Id>(ids_); n-- > 0;) {
    if (enodes_.live(n)) op_nodes_[--op_start_[enodes_.op(n)]] = n;
  }
}

void ClassIndex::build_parents(const Workers&) const {
  zero(parent_start_, ids_ + 1);
  Array<uint32_t> last;  // the e-node seen last at each id: an e-node is listed once
  last.resize(ids_, kNoId);
  const auto for_each_use = [&](const auto& visit) {
    for (Id n = static_cast<Id>(ids_); n-- > 0;) {
      if (!enodes_.live(n)) continue;
      for (const Id operand : enodes_.of_live(n)) {
        if (last[operand] == n) continue;
        last[operand] = n;
        visit(operand, n);
      }
    }
  };
  for_each_use([&](Id read, Id) { ++parent_start_[read]; });
  parent_start_[ids_] = accumulate_counts(parent_start_, 0, ids_, 0);
  parent_nodes_.reshape(parent_start_[ids_]);
  for (uint32_t& entry : last) entry = kNoId;
  for_each_use([&](Id read, Id n) { parent_nodes_[--parent_start_[read]] = n; });
}

void ClassIndex::release() {
  invalidate(ids_, ops_);
  for (Table* table : {&class_start_, &class_nodes_, &class_heads_, &op_start_, &op_nodes_, &parent_start_, &parent_nodes_}) table->release();
}

uint64_t ClassIndex::growth(size_t live) const {
  if (nodes_ready_.load(std::memory_order_relaxed)) return 0;
  return class_start_.growth_to(ids_ + 1) + class_nodes_.growth_to(live) + class_heads_.growth_to(live) + op_start_.growth_to(ops_ + 1) +
         op_nodes_.growth_to(live);
}

uint64_t ClassIndex::bytes() const {
  return class_start_.bytes() + class_nodes_.bytes() + class_heads_.bytes() + op_start_.bytes() + op_nodes_.bytes() +
         parent_start_.bytes() + parent_nodes_.bytes();
}

}  // namespace egret::egraph
