// Equal parts of a problem solved once: rows and columns of the integer program that look alike are taken together.
//
// The caller colours items by what stands around them, a few steps far: the layers of a model share their items' colours, but
// for those at its ends.  Rows that say the same of items of the same colours are added up, and then the columns that have become equal
// (Grohe, Kersting, Mladenov, Selman, "Dimension reduction via colour refinement", ESA 2014).  Whatever the colours are, every
// point of the program is one of the lumped program at the same cost, so a lumped bound holds.
#pragma once

#include "extract/solve/exact/model.h"
#include "extract/solve/solve.h"

namespace egret::extract {

using Colours = std::vector<uint64_t>;  // by item of the problem

struct Kinds {
  std::vector<uint32_t> row, column;  // kind of each
  uint32_t rows = 0, columns = 0;     // kinds; numbered by their first member
  std::vector<uint32_t> copies;       // of each kind of column
};

Kinds find_kinds(const IlpModel& model, const Terms& terms, const Colours& colours);

// The lumped program.  `uniform`: all copies of an integer column are chosen or none is, and the column stands for that
// decision; else it stands for the sum of the copies.
IlpModel lump(const IlpModel& model, const Kinds& kinds, bool uniform);

// A bound from the lumped linear program, and a choice that treats copies alike where that is cheaper than `start`.  Where
// the problem has no equal parts, or the build no HiGHS, `start` comes back.  Errors: of make_hypergraph.
Result<Solution> solve_kinds(const Problem& problem, const Colours& colours, const Solution& start, uint64_t iterations, const Limits& limits);

}  // namespace egret::extract
