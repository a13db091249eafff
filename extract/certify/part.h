// A part of the reduced problem on its own: candidates, what each makes and reads, roots, exact costs.  Candidates and
// items are numbered within the part.
#pragma once

#include <vector>

#include "extract/certify/exact.h"

namespace egret::certify {

struct Part {
  double claim = 0;                                 // "every valid choice costs at least this here"
  double grain = 0;                                 // all costs and the claim are multiples of it; 0: not used
  bool terms = false;                               // an e-graph's: one maker an item, all reached from the roots
  std::vector<std::vector<uint32_t>> makes, reads;  // by candidate, ascending
  std::vector<std::vector<uint32_t>> makers;        // by item, ascending
  std::vector<Exact> cost;
  std::vector<char> root;  // by item

  uint32_t candidates() const { return static_cast<uint32_t>(cost.size()); }
  uint32_t items() const { return static_cast<uint32_t>(makers.size()); }
  bool negative() const;
  // May the item be taken to have at most one chosen maker?  Yes where all makers make it alone.
  bool one_maker(uint32_t item) const;
  // Does a bound so high prove the claim?
  bool closes(const Exact& bound) const;
};

}  // namespace egret::certify
