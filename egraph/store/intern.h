// Interning a column of requests: the e-node of each key, an old one or a new one (intern.cpp, intern_parallel.cpp).
#pragma once

#include "egraph/store/store.h"

namespace egret::egraph {

struct Column {
  static constexpr size_t kChunk = 1024;
  static constexpr size_t kSlotsAhead = 24, kRowsAhead = 12;  // requests between fetching memory and using it

  EGraph::Store& store;
  const EGraph::Store::Requests& requests;
  std::span<Row> keys;
  Id* ids;
  uint32_t* tags;

  void fill(size_t begin, size_t end) const { requests.fill(begin, end); }
  // The request's e-node is a new one.
  void put(size_t request, Id id) const {
    store.enodes.row(id) = keys[request];
    store.sets.place(id, requests.container ? requests.container(request) : id);
    ids[request] = id;
  }
};

inline bool same_row(const Row& a, const Row& b) { return std::memcmp(&a, &b, sizeof(Row)) == 0; }

// Writes rows, parents and slots of the new e-nodes, the first of which is `first`, and returns their number.  `places`:
// room for a word a request.  Requires: places in the hash-cons are below 2^32 - 1.
size_t intern_parallel(const Column& column, Id first, uint32_t* places, const Workers& workers);

}  // namespace egret::egraph
