// CUDA C++ text for kernels, and its compilation to cubins.
//
// One kernel, one self-contained text: no include, no PTX; NVRTC and nvcc compile it, and so does g++ under
// tests/lower/cuda_shim/shim.h.  Every size, tile and block length is an `#ifndef`-guarded constant at the head, from
// which strides, launch geometry (GRID_X, BLOCK_X) and shared bytes (SHARED_BYTES) follow, so that -D makes a kernel
// small.  Arguments of the kernel function: a pointer a port, then a pointer a result; results overlap no port, but for a kernel
// printed `in_place` those pairs of ir/in_place.h.
// Types to know: `CudaKernel`, `CudaPart`.  Reading order: cuda.h, sizes.h, scalar_text.h, expr_printer.h, schedules.h,
// tiles.h, nvrtc.h.
// May include: support, ir, lower/kernel, lower/program.h.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "ir/kernel.h"
#include "lower/kernel/stages.h"
#include "lower/program.h"
#include "support/result.h"

namespace egret::lower {

// A constant of the text's head: `#ifndef name / #define name value / #endif`.
struct CudaConstant {
  std::string name;
  int64_t value = 0;
};

struct CudaKernel {
  std::string name;    // of the `extern "C" __global__` function; a C identifier
  std::string source;  // empty: kAlias, nothing to launch
  std::array<uint32_t, 3> grid = {1, 1, 1}, block = {1, 1, 1};
  uint32_t shared_bytes = 0;  // dynamic shared memory of a block; above 48 KiB the function's limit must be raised
  std::string arch_min = "sm_80";
  std::vector<CudaConstant> constants;
  std::string head;  // the part of `source` that holds the constants; the rest is the same for other sizes
};

// Of a contraction: a block computes m x n sums, k products of each at a time; a thread thread_m x thread_n of them.
struct Tile {
  int m = 0, n = 0, k = 0, thread_m = 0, thread_n = 0;
  int threads() const { return thread_m ? m / thread_m * (n / thread_n) : 0; }
};

// What the printer decides by looking at sizes.  A kernel printed at other sizes under the same choices has the same
// text after its head, wherever its index arithmetic names sizes only through the constants.
struct CudaChoices {
  bool wide_index = false;         // 64-bit index arithmetic
  bool in_order = false;           // folds in index order: every thread of a row folds all of it
  bool in_place = false;           // a result may lie where a port lies (ir/in_place.h)
  int threads_per_row = 0;         // kRow: 1, 32 or 256; thin contractions: 1 or 32
  std::vector<uint8_t> in_shared;  // classes with rows: a stage's row is staged in shared memory, else recomputed
  Tile tile;                       // kContraction*
  bool rows_along = false, columns_along = false;  // kContraction*: that factor's memory runs along the result
  int second_thread_n = 0;     // kContractionPair: columns of the second product that a thread holds; its rows as the tile's
  bool second_along = false;   // ... and whether its other factor's memory runs along the result
  bool over_sums = false;      // ... and whether the rows that it folds take the place of the first one's sums
  bool thin = false;  // kContraction: no tiles, a few threads a result (a matrix times a vector, depthwise)
};

// Errors (kUnsupported): a body that its plan's schedule cannot print; says which part.
Result<CudaKernel> print_cuda(const Kernel& kernel, const std::string& name, bool in_order = false, bool in_place = false);
CudaChoices choose(const Kernel& kernel, const Stages& stages);
Result<CudaKernel> print_cuda(const Kernel& kernel, const Stages& stages, const CudaChoices& choices,
                              const std::string& name);

// What plan.json says of one kernel of the program.
struct CudaPart {
  CudaKernel kernel;                          // `source` and `head` emptied
  std::string source_path;                    // "kernels/NAME.cu"; empty: nothing to launch, or the clock came first
  std::map<std::string, std::string> cubins;  // architecture -> "kernels/FIRST-LAST.ARCH.cubin", of several kernels
};

struct CudaOptions {
  std::vector<std::string> cubins;  // architectures to compile for: "sm_80", "sm_90a"
  bool strict = false;              // folds in index order, products and sums rounded apart
  std::vector<uint8_t> in_place;    // by kernel: a result may lie where a port lies
  int threads = 1;                  // of the compilation; the bytes do not depend on it
  double seconds = std::numeric_limits<double>::infinity();  // no kernel is printed, no cubin begun past these
};

// Prints every kernel of the program into `files` ("kernels/k<number>.cu"), compiles them for options.cubins, a few to
// a cubin, and returns a part a kernel, in order of Program::kernels.  Errors: as print_cuda and compile_cubin.
Result<std::vector<CudaPart>> add_cuda(const Program& program, const CudaOptions& options,
                                       std::map<std::string, std::string>& files);

}  // namespace egret::lower
