// HiGHS as the solvers here use it: a model in, an answer out, ended by an interrupt or by simplex iterations.
#pragma once

#include <optional>
#include <vector>

#include "extract/solve/exact/engine.h"
#include "extract/solve/exact/highs_module.h"
#include "extract/solve/exact/model.h"

namespace egret::extract {

// Where a linear program ended.  A program of the same columns, with rows of its own after the first ones, goes on there.
struct Basis {
  std::vector<int32_t> columns, rows;
};

struct HighsRun {
  bool linear = false;
  uint64_t iterations = UINT64_MAX;            // of the simplex method, together
  const Interrupt* interrupt = nullptr;        // with limits and a clock
  double absolute_gap = 0;
  const std::vector<double>* start = nullptr;  // of the integer columns
  Basis* basis = nullptr;                      // of a linear program: to go on from, and where it ended
};

struct HighsAnswer {
  EgretHighsAnswer state{};
  std::vector<double> x, reduced_cost, row_dual;  // the last two of a linear program
  uint64_t iterations() const { return static_cast<uint64_t>(state.iterations > 0 ? state.iterations : 0); }
};

class Highs {
 public:
  // None where this build has no HiGHS.
  static std::optional<Highs> open();
  HighsAnswer solve(const IlpModel& model, const HighsRun& run) const;

 private:
  explicit Highs(EgretHighsSolve solve) : solve_(solve) {}
  EgretHighsSolve solve_;
};

// HiGHS' tolerances are absolute: the power of two that brings `cost` just below 2^bits.
double scale_to(double cost, int bits);
// So that the dearest candidate becomes about 100.
double cost_scale(const Hypergraph& graph);

}  // namespace egret::extract
