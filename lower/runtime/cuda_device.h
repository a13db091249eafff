// A CUDA device through the driver, opened at run time: memory, cubins, launches on one stream.
//
// The library is libcuda.so.1, or what the environment variable EGRET_CUDA_DRIVER names (the tests' driver without a
// device).  Thread safety: one thread a device object.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/result.h"

namespace egret {

using DevicePointer = uint64_t;

class CudaDevice {
 public:
  // Errors: kUnsupported where there is no driver, no such device, or the driver refuses; of all calls below:
  // kUnsupported with the driver's words, kLimit where memory is short.
  static Result<CudaDevice> open(int ordinal);
  ~CudaDevice();
  CudaDevice(CudaDevice&&) noexcept;
  CudaDevice& operator=(CudaDevice&&) noexcept;

  // Compute capability, as 80 or 90.
  int capability() const;

  // Zeroed memory; lives until `release` or the end of the object.  Aligned to 256 bytes.
  Result<DevicePointer> allocate(uint64_t bytes);
  Status release(DevicePointer pointer);

  // Everything below is queued on the stream, in order, except that copies to and from host memory are done on return.
  Status copy_in(DevicePointer to, const void* from, uint64_t bytes);
  Status copy_out(void* to, DevicePointer from, uint64_t bytes);
  Status copy_within(DevicePointer to, DevicePointer from, uint64_t bytes);
  // Number of a module, for `function`.  Requires: `cubin` is a whole ELF file; `path` is for the error.
  Result<int> load(const std::string& cubin, const std::string& path);
  // Number of a function of a module, for `launch`.
  Result<int> function(int module, const std::string& name, uint32_t shared_bytes);
  // Pointers in order of the kernel's parameters.
  Status launch(int function, std::array<uint32_t, 3> grid, std::array<uint32_t, 3> block,
                const std::vector<DevicePointer>& arguments);
  // Marks a moment by a number from 0; `seconds_between` waits for the second one.
  Status mark(size_t number);
  Result<double> seconds_between(size_t first, size_t second);
  Status synchronize();

 private:
  struct Impl;
  explicit CudaDevice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Which of the architectures ("sm_80", "sm_90a", ...) runs best on a device of this compute capability; -1: none does.
// A cubin runs on devices of its own major version and at least its minor one; an "a" cubin on exactly its own.
int best_architecture(int capability, const std::vector<std::string>& architectures);

}  // namespace egret
