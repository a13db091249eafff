// Changes: which e-nodes are new, or have another key, another class or another fact nearby, since the last search.
//
// Every match that was not there before contains at least one of them: that is what makes searching only around them
// (semi-naive evaluation) exact.  A bit an id; while they are few, a list too, so that few cost little in a large graph.
#pragma once

#include "egraph/egraph.h"
#include "egraph/store/array.h"

namespace egret::egraph {

class Changes {
 public:
  // Requires: n < the number of ids.
  bool test(Id n) const { return n >= first_new_ || marked_.test(n); }
  void mark(Id n) {
    if (test(n)) return;
    marked_.set(n);
    ++count_;
    if (!listed_) return;
    list_.push_back(n);
    if (list_.size() > kFew && list_.size() * kListed > first_new_) drop_list();
  }
  // From now on marks are bits alone, so that threads may call `mark_bit`, each for ids of words of its own; `marked` is to
  // be told how many new ones there were.
  void drop_list() {
    listed_ = false;
    list_.clear();
  }
  bool mark_bit(Id n) {
    if (test(n)) return false;
    marked_.set(n);
    return true;
  }
  void marked(size_t count) { count_ += count; }
  // Forgets all of it: from here on only ids from `ids` on are new.
  void reset(size_t ids) {
    for_each_older([&](Id n) { marked_.clear(n); });
    list_.clear();
    listed_ = true;
    count_ = 0;
    first_new_ = static_cast<Id>(ids);
    marked_.cover(ids);
  }
  void mark_all() {
    reset(0);
  }
  Id first_new() const { return first_new_; }
  // Calls visit(id) for those below first_new, in no order.
  template <class Visit>
  void for_each_older(const Visit& visit) const {
    if (listed_) {
      for (const Id n : list_) visit(n);
      return;
    }
    for (size_t w = 0; w < marked_.words().size(); ++w) {
      for (uint64_t left = marked_.words()[w]; left != 0; left &= left - 1) {
        visit(static_cast<Id>(w * 64 + static_cast<size_t>(__builtin_ctzll(left))));
      }
    }
  }
  size_t count(size_t ids) const { return count_ + (ids - first_new_); }
  uint64_t bytes() const { return marked_.bytes() + list_.bytes(); }

 private:
  static constexpr size_t kFew = 1024, kListed = 32;  // a list of at most the thirty-second part of the ids

  Id first_new_ = 0;
  Bits marked_;
  bool listed_ = true;
  size_t count_ = 0;
  Array<Id> list_;
};

}  // namespace egret::egraph
