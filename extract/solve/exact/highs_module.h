// The narrow C interface between the solvers and HiGHS, which sits in a module of its own (libegret_highs.so) that
// is opened on first use.  Complete models only: HiGHS has no callback for lazy rows.
#pragma once

#include <cstdint>

extern "C" {

// min cost x, lower <= x <= upper, row_lower <= A x <= row_upper; A by rows.  Infinite bounds are +-HUGE_VAL.
struct EgretHighsModel {
  int32_t columns, rows;
  const double *cost, *lower, *upper;
  const uint8_t* integer;             // null: a linear program
  const double *row_lower, *row_upper;
  const int32_t *row_start, *index;   // rows + 1 starts
  const double* value;
  const double* start;                // of the integer columns (others are ignored); null: none
  const int32_t *column_basis, *row_basis;  // of an earlier answer, from which a linear program goes on; null: none
  int64_t iteration_limit;            // of the LPs together; deterministic
  double seconds;                     // safety net
  double absolute_gap;
  int (*stop)(void*);                 // asked now and then; may be null
  void* stop_context;
};

enum EgretHighsStatus { kHighsOptimal = 0, kHighsInfeasible = 1, kHighsStopped = 2, kHighsFailed = 3 };

struct EgretHighsAnswer {
  int32_t status;
  int32_t has_solution;
  double objective, bound;            // bound: of the MIP, or the objective of an optimal linear program
  int64_t iterations, nodes;
  double* solution;                   // [columns], given by the caller
  double* reduced_cost;               // [columns], of a linear program; may be null
  double* row_dual;                   // [rows], of a linear program; may be null
  int32_t *column_basis, *row_basis;  // [columns], [rows]: where a linear program ended; may be null
  int32_t has_basis;
};

// One thread, seed 0: the same model gives the same answer, unless `seconds` or `stop` ends it.
typedef void (*EgretHighsSolve)(const EgretHighsModel*, EgretHighsAnswer*);

}
