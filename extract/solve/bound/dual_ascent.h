// A lower bound by dual ascent, after Wong's for Steiner arborescences (Mathematical Programming 28, 1984): while
// some root cannot be made of candidates whose cost is used up, take a set of items around it out of which none of
// those leads.  Some chosen candidate makes an item of the set and reads none of it: all of these lose the least of
// their remaining costs, and the bound rises by it.  The cuts are a dual solution of the linear program with loop
// rows, so `remaining` are reduced costs, and the cuts themselves a price certificate.
#pragma once

#include <optional>
#include <vector>

#include "extract/solve/graph/hypergraph.h"

namespace egret::extract {

struct Cut {
  uint32_t root = 0;
  double price = 0;
  std::vector<uint32_t> items;     // ascending, with the root
  bool grows = false;              // then `items` are those that the cut before it, which it holds, has not
};

enum class KeepCuts { kNone, kWhole, kGrowing };

struct DualAscent {
  double bound = 0;
  double error = 0;                // what rounding may have added to the bound, at most
  std::vector<double> remaining;   // by candidate, >= 0: bound + the remaining costs of a choice <= its cost
  std::vector<Cut> cuts;           // where asked for
  uint64_t steps = 0;
};

enum class RootOrder { kCheapFirst, kDearFirst };

// Costs >= 0.  Ends after `max_steps` elementary steps, or when the cuts that are kept hold `max_cut_items` items; the
// bound is valid at any time.
DualAscent dual_ascent(const Hypergraph& graph, RootOrder order, uint64_t max_steps, KeepCuts keep = KeepCuts::kNone,
                       uint64_t max_cut_items = UINT64_MAX);

// The set of what cannot be made of `allowed` candidates, where the first such root is in it; its price is left at 0.  None
// where all roots can be made.
std::optional<Cut> blocked_cut(const Hypergraph& graph, const std::vector<uint8_t>& allowed);

// For each candidate a lower bound on every pruned solution with it: the dual bound, what is left of its own cost,
// of the dearest operand's cheapest derivation, and of the cheapest way from it up to a root.
std::vector<double> bound_with(const Hypergraph& graph, const DualAscent& dual);

}  // namespace egret::extract
