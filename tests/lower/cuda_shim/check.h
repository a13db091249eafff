// Every printed kernel against the reference interpreter, under the shim, at small sizes; and through NVRTC.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/kernel.h"
#include "lower/cuda/cuda.h"

namespace egret::lower {

struct ShimReport {
  int kernels = 0;     // distinct, aliases left out
  int runs = 0;        // comparisons with the reference interpreter
  std::map<ScheduleClass, int> in_place;  // results that lay where ports lay
  int same_text = 0;   // kernels that ran in the text they ship with, sizes made small by -D (or small as they are)
  int other_text = 0;  // kernels that ran only as printed anew at small sizes
  double worst_error = 0;
  std::vector<std::string> failures;
  std::vector<std::string> not_run;  // no small sizes were found; names and reasons
};

// Runs kernels at several sizes each: a tile and a tail, a few elements, ones.  `work`: most scalar operations that the
// interpreter is asked for in one comparison.
// `special`: infinities, NaN and zeros of both signs stand among the inputs, and indices out of range.  `choices`: its in_place and
// in_order are taken over; in place, results lie where ports lie wherever they may.
ShimReport check_under_shim(const std::vector<Kernel>& kernels, int64_t work = 400'000, double tolerance = 1e-4,
                            bool special = false, const CudaChoices& choices = {});

struct CubinReport {
  int cubins = 0;
  int most_registers = 0;
  std::vector<std::string> failures;  // does not compile, or spills
};
// Compiles every kernel at its own sizes.  Requires: NVRTC is there.
CubinReport check_cubins(const std::vector<Kernel>& kernels, const std::vector<std::string>& architectures);

// Kernels of a text program: the whole body where plan_kernel takes it, else an operator each; composites are expanded.
std::vector<Kernel> kernels_of_text(const std::string& text);

}  // namespace egret::lower
