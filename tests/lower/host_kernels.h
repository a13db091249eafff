// Kernels compiled for the host and run, against the evaluators of ir/.
#pragma once

#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/kernel.h"
#include "ir/tensor.h"
#include "lower/runtime/cpu.h"
#include "support/takeover.h"

namespace egret::test {

struct HostCase {
  std::string name;
  Graph body;  // composites expanded
  std::vector<Tensor> inputs;
};

// Ports that results of a kernel take over where all ports die: as many as may at once.
std::vector<Takeover> taken_in_place(const Kernel& kernel);

// Graphs of a text, each with seeded inputs.
std::vector<HostCase> cases_of(const std::string& text, uint64_t seed = 7);

// The levels this processor can run.
std::vector<HostLevel> levels();

// Compiles the bodies as kernels into one object for `level`; results by case.  Items are run in three ranges, out of
// order, on fresh scratch, so that an item that relies on another is found.  `in_place`: results lie where ports lie, wherever they may.
std::vector<std::vector<Tensor>> run_host(const std::vector<HostCase>& cases, HostLevel level, bool strict = false, bool in_place = false);

// Runs all cases at all levels and compares with `evaluate` (`reference`: also with `evaluate_reference`).
void check_host(const std::vector<HostCase>& cases, double tolerance = 1e-5, bool reference = false);

}  // namespace egret::test
