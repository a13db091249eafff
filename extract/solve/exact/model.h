// The integer program of a hypergraph (docs/extraction.md).  Columns: z_k, candidate k is chosen (0 or 1);
// m_i, item i is stored; w_c, class c is computed; y_n, term node n computes its class.  Every row holds in some
// optimal solution at least, so the optimum is that of the problem once the loop rows suffice.  Costs below zero are
// for problems of `terms` alone.
#pragma once

#include <vector>

#include "extract/solve/exact/highs_module.h"
#include "extract/solve/graph/terms.h"

namespace egret::extract {

// Items that wait for each other in an answer; the first of them to be made needs a producer from outside.
using Loop = std::vector<uint32_t>;

// At most `most` of these are chosen.
struct SideRow {
  std::vector<uint8_t> member;  // by Hypergraph::original
  double most = 0;
};

// Of these, by the graph's numbers, at least one is chosen.
using CutMembers = std::vector<uint32_t>;

// What a row says, and of which items or term nodes: rows with equal names but for those say the same elsewhere.
struct RowName {
  enum class What : uint8_t { kMade, kRead, kReadAlone, kServes, kStoredComputed, kNeeds, kOneNode, kNodeNeeds, kCover, kEdge, kCut, kLoop, kFold, kSide } what;
  uint32_t first = UINT32_MAX, second = UINT32_MAX;  // kCover, kEdge: the first is a term node
};

struct IlpModel {
  std::vector<double> cost, lower, upper;
  std::vector<uint8_t> integer;                 // z are columns 0 .. candidates - 1
  std::vector<double> row_lower, row_upper;
  std::vector<RowName> row_name;
  std::vector<int32_t> row_start{0}, index;
  std::vector<double> value;

  EgretHighsModel view(bool linear) const;
};

// Costs are multiplied by `scale`.  With side rows, what is valid and has nothing to spare is all that is assumed.
IlpModel build_model(const Hypergraph& graph, const Terms& terms, const std::vector<Loop>& loops, double scale,
                     const std::vector<SideRow>& side_rows = {}, const std::vector<CutMembers>& cuts = {});

// Loops among the chosen candidates: bottom components of "waits for".  Empty where all can start.
std::vector<Loop> find_loops(const Hypergraph& graph, const std::vector<uint32_t>& chosen);

}  // namespace egret::extract
