// Readers: which live e-nodes read each class, as a row table for what asks for them once.
//
// A round of the rebuild asks for the readers of the classes that the round before displaced, and analyses for those of the
// classes whose fact changed.  A scan of all e-nodes finds them with no memory; where rounds go on, this table does, which
// costs what a few scans cost and then only what is read.  No e-node with operands comes while it stands: a class' readers are
// those of its row and of the classes it took in since.
#pragma once

#include <unordered_map>

#include "egraph/store/enodes.h"
#include "egraph/store/union_find.h"

namespace egret::egraph {

class Readers {
 public:
  void make(const ENodes& enodes);
  static uint64_t bytes_of(size_t ids, size_t live) {  // but for wide e-nodes
    return Array<uint32_t>::bytes_of(ids + 1) + Array<Id>::bytes_of(2 * live) + ids / 8;
  }

  bool ready() const { return !start_.empty(); }
  void release() {
    if (ready()) *this = {};
  }
  // Calls visit(e-node) for each e-node that reads the class, perhaps more than once, or was live and did when the table
  // was made.
  template <class Visit>
  void for_each(Id cls, const Visit& visit) const {
    Id member = cls;
    do {
      for (const Id n : row(member)) visit(n);
      const auto next = next_.find(member);
      member = next == next_.end() ? member : next->second;
    } while (member != cls);
  }
  uint64_t bytes() const { return start_.bytes() + rows_.bytes() + found_.bytes(); }

  // Appends the live e-nodes that read one of the classes, ascending, each once; then counts these classes to those that
  // took them in.  Requires: `displaced` are no longer canonical, and no class is displaced twice.
  void take(const ENodes& enodes, const UnionFind& sets, std::span<const Id> displaced, Array<Id>& readers);

 private:
  std::span<const Id> row(Id cls) const {
    if (size_t{cls} + 1 >= start_.size()) return {};
    return {rows_.data() + start_[cls], start_[cls + 1] - start_[cls]};
  }
  Id& next_of(Id cls) { return next_.try_emplace(cls, cls).first->second; }

  Array<uint32_t> start_;
  Array<Id> rows_;
  std::unordered_map<Id, Id> next_;  // circular lists: a class and those it took in
  Bits found_;
};

}  // namespace egret::egraph
