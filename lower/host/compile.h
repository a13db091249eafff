// Host code: kernels as stages to relocatable objects, a few kernels each, through LLVM.
//
// This header does not know LLVM; the code stands in the module egret_llvm, opened on first use (support/module.h).
// Objects are made in parallel; which kernels share one follows from their order alone.
// Thread safety: `compile_host` may be called from several threads.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "lower/kernel/stages.h"
#include "lower/runtime/cpu.h"
#include "support/result.h"

namespace egret::lower {

struct HostKernel {
  std::string symbol;
  ScheduleClass schedule = ScheduleClass::kElement;
  Stages stages;
  bool in_place = false;  // a result may lie where a port lies that is read only at the same element
};

// What the runtime must know to launch it.
struct HostKernelShape {
  int64_t items = 0;          // independent work items
  int64_t scratch_bytes = 0;  // for each thread, aligned to 64
  double item_cost = 0;       // rough nanoseconds an item
  bool compiled = true;       // false: the clock came first; the rest is 0
};

struct HostCode {
  std::vector<std::string> objects;  // ELF64 x86-64 relocatable; undefined symbols only of runtime/symbols.h
  std::vector<HostKernelShape> shapes;  // a kernel
};

struct HostOptions {
  HostLevel level = HostLevel::kV2;
  bool strict = false;  // folds in index order, products and sums rounded apart
  bool code = true;     // false: the shapes alone, which takes a fraction of the time
  int threads = 1;      // of the compilation; the bytes do not depend on it
  double seconds = std::numeric_limits<double>::infinity();  // no object is begun past these
};

// Same kernels and options, same bytes.
Result<HostCode> compile_host(std::span<const HostKernel> kernels, const HostOptions& options);

// The module's entry: one object of all the kernels.
using CompileHostFn = void (*)(std::span<const HostKernel> kernels, const HostOptions& options,
                               Result<HostCode>* result);
inline constexpr const char* kHostModule = "egret_llvm";
inline constexpr const char* kCompileHostSymbol = "egret_compile_host";

}  // namespace egret::lower
