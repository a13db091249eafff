// Program: the chosen kernels in order, over values in device memory.
//
// `prepare` runs once for a set of weights and fills the `prepared` values; `run` runs for each input (design decision 9).
#pragma once

#include <string>
#include <vector>

#include "ir/kernel.h"

namespace egret {

struct ProgramValue {
  enum class Role : uint8_t { kInput, kWeight, kPrepared, kIntermediate, kOutput } role = Role::kIntermediate;
  Type type;
  std::string name;    // inputs, weights and outputs: as in the source
  TensorRef data;      // weights and constants whose value is known
};

struct Launch {
  uint32_t kernel = 0;              // in Program::kernels
  std::vector<uint32_t> inputs;     // values, one a port
  std::vector<uint32_t> outputs;    // values, one a result
};

struct Program {
  std::string name;
  std::vector<Kernel> kernels;      // distinct
  std::vector<ProgramValue> values;
  std::vector<Launch> prepare, run;
  std::vector<uint32_t> inputs;     // values, in signature order (data, and parameters that are not frozen)
  std::vector<uint32_t> outputs;    // values, in signature order; a value may be an input or stand twice
  std::vector<std::string> output_names;
  std::vector<Alias> aliases;
};

Status validate(const Program& program);

// The program that runs every operator of `graph` as a kernel of its own, composites expanded, nothing folded or fused.
Result<Program> unfused_program(const Graph& graph, bool freeze);

}  // namespace egret
