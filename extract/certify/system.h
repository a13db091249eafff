// A problem as the checker holds it: candidates, what each makes and reads, roots, exact costs.  Read from the file that
// the solver was given; an e-graph's text by the reader of support/.
#pragma once

#include "extract/certify/exact.h"
#include "extract/certify/record.h"

namespace egret::certify {

// Candidates are numbered as they stand in the file (nodes that are `subsumed` left out); items as they first occur: an
// e-graph's as the class of a node, a problem's in `goals`, `ops`, then each candidate's `makes` and `reads`.  Then for each
// candidate of a problem that costs below 0 an item, a root: it makes it for nothing, and a new one at the price that is missed.
struct System {
  bool terms = false;                 // an e-graph's: one maker an item, all reached from the roots
  std::vector<List> makes, reads;     // by candidate, ascending; a candidate that makes nothing is gone
  std::vector<List> makers, readers;  // by item, ascending: the same from the other side
  std::vector<Exact> cost;            // by candidate
  std::vector<char> root;             // by item
  Exact constant;                     // paid whatever is chosen

  uint32_t candidates() const { return static_cast<uint32_t>(cost.size()); }
  uint32_t items() const { return static_cast<uint32_t>(root.size()); }
  void resize_items(size_t count) { makers.resize(count), readers.resize(count), root.resize(count); }
  // An item that the candidate reads is not made by it; one that makes nothing is gone, unless it earns.
  void add(const Exact& cost, List makes, List reads);
  bool negative() const { return std::any_of(cost.begin(), cost.end(), [](const Exact& c) { return c.negative(); }); }
  // Makers of an item of the set (ascending) that read nothing of it: one is chosen if something of the set is made.
  List leading_in(const List& set) const;
};

// Throws Refused or an exception of the JSON library.
System read_system(std::string_view json);

// A part of the reduced problem on its own, numbered within the part.
struct Part : System {
  double claim = 0;  // "every valid choice costs at least this here"
  double grain = 0;  // all costs and the claim are multiples of it; 0: not used

  // Does a bound so high prove the claim?
  bool closes(const Exact& bound) const {
    return bound >= Exact(claim) || (grain > 0 && bound > Exact(claim) - Exact(grain));
  }
};

}  // namespace egret::certify
