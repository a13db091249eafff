// Changes: which e-nodes are new, or have another key, another class or another fact nearby, since the last search.
//
// Every match that was not there before contains at least one of them: that is what makes searching only around them
// (semi-naive evaluation) exact.
#pragma once

#include "egraph/array.h"
#include "egraph/egraph.h"

namespace egret::egraph {

class Changes {
 public:
  // Requires: n < the number of ids.
  bool test(Id n) const { return n >= first_new_ || marked_.test(n); }
  void mark(Id n) {
    if (test(n)) return;
    marked_.set(n);
    list_.push_back(n);
  }
  // Forgets all of it: from here on only ids from `ids` on are new.
  void reset(size_t ids) {
    for (const Id n : list_) marked_.clear(n);
    list_.clear();
    first_new_ = static_cast<Id>(ids);
    marked_.cover(ids);
  }
  void mark_all() {
    reset(0);
  }
  Id first_new() const { return first_new_; }
  std::span<const Id> older() const { return list_.span(); }  // those below first_new, in no order
  size_t count(size_t ids) const { return list_.size() + (ids - first_new_); }
  uint64_t bytes() const { return marked_.bytes() + list_.bytes(); }

 private:
  Id first_new_ = 0;
  Bits marked_;
  Array<Id> list_;
};

}  // namespace egret::egraph
