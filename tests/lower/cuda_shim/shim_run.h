// Printed kernels compiled by g++ under shim.h, many in one translation unit, and run on host memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/tensor.h"
#include "lower/cuda/cuda.h"
#include "support/result.h"
#include "support/takeover.h"

namespace egret::lower {

class ShimBatch {
 public:
  ShimBatch() = default;
  ~ShimBatch();
  ShimBatch(const ShimBatch&) = delete;
  ShimBatch& operator=(const ShimBatch&) = delete;

  // Number of the entry.  `defines` stand for -D: values of constants of the kernel's head.
  int add(const CudaKernel& kernel, const std::map<std::string, int64_t>& defines = {});
  // Compiles what was added, with `jobs` processes of g++.
  Status compile(int jobs = 2);
  // Runs an entry twice, with threads in order and reversed: both must agree bit for bit, write every byte of the
  // results and none beyond them.  `in_place`: results that lie where inputs lie.
  Result<std::vector<Tensor>> run(int entry, const std::vector<Tensor>& inputs, const std::vector<Type>& results,
                                  const std::vector<Takeover>& in_place = {}) const;
  struct Geometry {
    int64_t grid, block, shared_bytes;
  };
  Geometry geometry(int entry) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string text;  // everything the translation unit needs of it
    int (*run)(int reversed, void** arguments) = nullptr;
    void (*geometry)(long long* out) = nullptr;
  };
  Status compile_part(size_t first, size_t last, const std::string& stem);
  Status open_part(size_t first, size_t last, const std::string& stem);

  std::vector<Entry> entries_;
  std::vector<void*> libraries_;
  std::string folder_;
};

}  // namespace egret::lower
