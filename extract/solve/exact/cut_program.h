// The linear program whose rows are cuts (cut_separation.h), made as they are broken.  Its dual is a price certificate:
// the cuts with their prices, whatever HiGHS rounded, prove the bound that is computed from them.
#pragma once

#include <optional>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/exact/cut_separation.h"
#include "extract/solve/exact/highs.h"

namespace egret::extract {

class CutProgram {
 public:
  // Costs >= 0; the graph must outlive it.  `size`: about the optimum.
  CutProgram(const Hypergraph& graph, const Highs& highs, double size);

  // Under what is fixed, until the bound reaches `enough` or no broken cut is found.  The bound counts what is fixed in,
  // and is infinite where what is fixed out leaves a root unmade: then the one cut says so.  Ends soon after `last_work`.
  const DualAscent& solve(const std::vector<Fixed>& fixed, double enough, const Interrupt& interrupt,
                          uint64_t last_work = UINT64_MAX);

  // Drops all rows where enough has been fixed since the last time: other cuts, found without what is out by now, have
  // other duals, which may rule out more.  False where it is not worth it.
  bool start_anew(const std::vector<Fixed>& fixed);

  const std::vector<double>& x() const { return x_; }
  // The last answer chooses each candidate wholly or not at all, and breaks no cut.
  bool integral() const { return integral_; }
  // The last answer breaks no cut that was found, or more cuts gained nothing: solving again gains nothing.
  bool exhausted() const { return exhausted_; }
  uint64_t work() const { return work_; }  // units, about a million a second

 private:
  void add_row(CutRow row);
  bool solve_once(const std::vector<Fixed>& fixed, const Interrupt& interrupt, uint64_t last_work);
  void take_duals(const std::vector<Fixed>& fixed, const std::vector<double>& row_dual);

  const Hypergraph& graph_;
  const Highs highs_;
  const double scale_;
  IlpModel model_;
  std::vector<CutRow> rows_;
  Basis basis_;
  std::vector<double> x_, reduced_;  // of the last program
  DualAscent best_;
  bool integral_ = false, exhausted_ = false;
  uint32_t turn_ = 0;
  size_t open_at_start_;
  uint64_t work_ = 0;
};

}  // namespace egret::extract
