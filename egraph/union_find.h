// UnionFind: which ids are equal.  The canonical id of a set is its lowest (oldest), so canonical ids are stable and
// do not depend on the order of unions.
// Invariant: parent(id) <= id; after `flatten`, parent(id) is canonical for every id.
#pragma once

#include <vector>

#include "egraph/egraph.h"

namespace egret::egraph {

class UnionFind {
 public:
  Id add() {
    parent_.push_back(static_cast<Id>(parent_.size()));
    return parent_.back();
  }

  bool canonical(Id id) const { return parent_[id] == id; }

  // Thread safety: any number of readers, no writer.
  Id find(Id id) const {
    while (parent_[id] != id) id = parent_[id];
    return id;
  }

  Id find_and_shorten(Id id) {
    while (parent_[id] != id) {
      parent_[id] = parent_[parent_[id]];
      id = parent_[id];
    }
    return id;
  }

  // Requires: both canonical and older < younger.
  void link(Id older, Id younger) { parent_[younger] = older; }

  void flatten() {
    for (Id id = 0; id < parent_.size(); ++id) parent_[id] = parent_[parent_[id]];  // parents first: parent(id) <= id
  }

  size_t size() const { return parent_.size(); }
  void reserve(size_t ids) { parent_.reserve(ids); }
  uint64_t bytes() const { return parent_.capacity() * sizeof(Id); }

 private:
  std::vector<Id> parent_;
};

}  // namespace egret::egraph
