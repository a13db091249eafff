// UnionFind: which ids are equal.  The canonical id of a set is its lowest (oldest), so canonical ids are stable and
// do not depend on the order of unions.
// Invariant: parent(id) <= id.  After a rebuild parent(id) is canonical for every id; a parent that is not is how
// rebuild sees that an id's class changed, so paths are shortened only through `shorten`, whose caller takes note.
#pragma once

#include "egraph/egraph.h"
#include "egraph/store/array.h"

namespace egret::egraph {

class UnionFind {
 public:
  void add() { parent_.push_back(static_cast<Id>(parent_.size())); }
  template <class Workers>
  void add(size_t count, const Workers& workers) {  // to be written by `place`
    parent_.extend(count, workers);
  }
  void truncate(size_t count) { parent_.resize(count); }
  void place(Id id, Id parent) { parent_[id] = parent; }

  bool canonical(Id id) const { return parent_[id] == id; }
  Id parent(Id id) const { return parent_[id]; }

  // Thread safety: any number of readers, no writer.
  Id find(Id id) const {
    while (parent_[id] != id) id = parent_[id];
    return id;
  }
  // As `find`; calls `moved(id)` for each id whose parent it changes.
  template <class Moved>
  Id shorten(Id id, Moved&& moved) {
    const Id root = find(id);
    while (parent_[id] != root && id != root) {
      const Id up = parent_[id];
      parent_[id] = root;
      moved(id);
      id = up;
    }
    return root;
  }
  // Requires: both canonical and older < younger.
  void link(Id older, Id younger) { parent_[younger] = older; }

  size_t size() const { return parent_.size(); }
  void reserve(size_t ids) { parent_.reserve(ids); }
  uint64_t bytes() const { return parent_.bytes(); }
  uint64_t growth(size_t ids) const { return parent_.growth(ids); }
  Array<Id>& array() { return parent_; }

 private:
  Array<Id> parent_;
};

}  // namespace egret::egraph
