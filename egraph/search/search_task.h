// SearchTask: one piece of an iteration's search and the matches that it found.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "egraph/pattern.h"
#include "egraph/store/array.h"

namespace egret::egraph {

struct MatchProducts {  // match_product.h
  struct Entry {
    Id root;
    uint32_t begin, count;  // of a list
  };
  Array<Entry> entries;  // by root
  Array<Id> members;     // the lists
  uint64_t bytes() const { return entries.bytes() + members.bytes(); }
};

struct SearchTask {
  uint32_t rule = 0;
  std::span<const Id> roots;  // to go down from
  bool everything = false;    // else: matches with a changed e-node
  bool searched = false;      // around what changed: nothing is left to search
  Array<Id> nodes;             // of each match, the e-nodes of the pattern's occurrences
  MatchProducts products;      // of a rewrite with them, instead
  std::vector<Match> matches;  // of a rewrite with a searcher, instead
  uint64_t count = 0;
  uint64_t cut = 0;   // matches seen and not kept; the task stopped at the first one
  bool full = false;  // it was cut for want of bytes
  uint64_t counted = 0;  // bytes that the run counts its matches with
  double seconds = 0;

  uint64_t bytes() const {
    uint64_t total = nodes.bytes() + products.bytes();
    for (const Match& m : matches) total += (m.nodes.size() + m.classes.size() + m.attrs.size() + 18) * sizeof(uint32_t);
    return total;
  }
  // Puts the matches, of `stride` e-nodes each, in the order of their e-nodes.
  void sort(uint32_t stride) {
    const size_t matches_found = nodes.size() / stride;
    const auto before = [&](uint32_t a, uint32_t b) {
      const Id *const x = nodes.data() + size_t{a} * stride, *const y = nodes.data() + size_t{b} * stride;
      return std::lexicographical_compare(x, x + stride, y, y + stride);
    };
    bool sorted = true;
    for (uint32_t m = 1; m < matches_found && sorted; ++m) sorted = !before(m, m - 1);
    if (sorted) return;
    std::vector<uint32_t> order(matches_found);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), before);
    Array<Id> ordered;
    ordered.reserve(nodes.size());
    for (const uint32_t m : order) ordered.append(nodes.data() + size_t{m} * stride, stride);
    nodes.swap(ordered);
  }
};

}  // namespace egret::egraph
