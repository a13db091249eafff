// Links: members and readers of each class as circular lists, kept while deltas are small.
//
// Adding an e-node and uniting two classes cost a few writes each, so an iteration that changes little costs little,
// however large the graph.  Lists are in no order and keep buried e-nodes, which their readers skip; when these are
// many the lists are made anew.
// Invariant (active, no union outstanding): every id stands among the members of its canonical id once, and a live
// e-node among the uses of each of its operands once an operand place.
#pragma once

#include <algorithm>

#include "egraph/store/enodes.h"
#include "egraph/store/union_find.h"

namespace egret::egraph {

class Links {
 public:
  bool active() const { return active_; }
  size_t size() const { return next_member_.size(); }

  // Lists of all live e-nodes.  Requires: parents in `sets` are canonical.
  void build(const ENodes& enodes, const UnionFind& sets);
  void drop();
  void release() { *this = {}; }  // the memory, too
  // Bytes that lists of so many ids take, but for wide e-nodes.
  static uint64_t bytes_of(size_t ids) { return 4 * Array<Id>::bytes_of(ids) + Array<Use>::bytes_of(2 * ids); }
  uint64_t growth(size_t ids) const { return 4 * next_member_.growth(ids) + next_use_.growth(2 * ids); }

  // Appends the lists of the next id, a member of the class whose list stands at `container` (itself: a new class).
  void add(const ENodes& enodes, Id container);
  // Joins the lists of two classes that became one.
  void splice(Id older, Id younger);
  void note_buried() { ++buried_; }
  bool stale() const { return buried_ * 2 > size(); }

  uint32_t member_count(Id cls) const { return member_count_[cls]; }  // buried ones included
  uint32_t use_count(Id cls) const { return use_count_[cls]; }
  // Calls visit(e-node) for each member; buried ones included.
  template <class Visit>
  void for_each_member(Id cls, Visit&& visit) const {
    Id n = cls;
    do {
      const Id next = next_member_[n];
      visit(n);
      n = next;
    } while (n != cls);
  }
  // Calls visit(e-node) for each operand place that reads the class; buried ones included.
  template <class Visit>
  void for_each_use(Id cls, Visit&& visit) const {
    const Use first = first_use_[cls];
    if (first == kNone) return;
    Use use = first;
    do {
      const Use next = use & kWide ? next_wide_[use & ~kWide] : next_use_[use];
      visit(use & kWide ? wide_owner_[use & ~kWide] : use >> 1);
      use = next;
    } while (use != first);
  }
  // Calls visit(e-node) once for each live e-node that reads the class.
  template <class Visit>
  void for_each_reader(const ENodes& enodes, Id cls, Visit&& visit) const {
    Use use = first_use_[cls];
    if (use == kNone) return;
    const Use first = use;
    do {
      const Id n = use & kWide ? wide_owner_[use & ~kWide] : use >> 1;
      const Use next = use & kWide ? next_wide_[use & ~kWide] : next_use_[use];
      if (enodes.live(n)) {
        const Row& row = enodes.row(n);
        const Id* const operands = enodes.operands_of(row);
        const uint32_t position = use & kWide ? (use & ~kWide) - row.operand[0] : use & 1;
        if (std::find(operands, operands + position, cls) == operands + position) visit(n);
      }
      use = next;
    } while (use != first);
  }
  uint64_t bytes() const;

 private:
  // An operand place: 2 * e-node + position, or a place in the pool of wide rows with the high bit set.
  using Use = uint32_t;
  static constexpr Use kNone = ~Use{0}, kWide = Use{1} << 31;
  static constexpr size_t kMaxIds = size_t{1} << 30;

  void add_use(Use use, Id cls);
  Use& next_of(Use use) { return use & kWide ? next_wide_[use & ~kWide] : next_use_[use]; }

  bool active_ = false;
  size_t buried_ = 0;
  Array<Id> next_member_;
  Array<uint32_t> member_count_, use_count_;  // at canonical ids
  Array<Use> first_use_, next_use_, next_wide_;
  Array<Id> wide_owner_;
};

}  // namespace egret::egraph
