// The CUDA driver, opened at run time (libcuda.so.1): device memory, cubins and launches for the runtime.
//
// Part of the runtime's side: needs support and the system only.  Thread safety: one thread a device object.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/result.h"

namespace egret::lower {

using DevicePointer = uint64_t;

class CudaDevice {
 public:
  // Errors: kUnsupported where there is no driver, no such device, or the driver refuses.
  static Result<CudaDevice> open(int ordinal);
  ~CudaDevice();
  CudaDevice(CudaDevice&&) noexcept;
  CudaDevice& operator=(CudaDevice&&) noexcept;

  // Compute capability, as 80 or 90.
  int capability() const;

  // Memory lives until `release` or the end of the object.
  Result<DevicePointer> allocate(uint64_t bytes);
  Status release(DevicePointer pointer);
  Status copy_in(DevicePointer to, const void* from, uint64_t bytes);
  Status copy_out(void* to, DevicePointer from, uint64_t bytes);

  // Number of a function, for `launch`.  Equal cubins may be loaded twice.
  Result<int> load(const std::string& cubin, const std::string& function, uint32_t shared_bytes);
  // Queues a launch on the device's one stream; pointers in order of the kernel's parameters.
  Status launch(int function, std::array<uint32_t, 3> grid, std::array<uint32_t, 3> block,
                const std::vector<DevicePointer>& arguments);
  Status synchronize();

 private:
  struct Impl;
  explicit CudaDevice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Which of the architectures ("sm_80", "sm_90a", ...) runs best on a device of this compute capability; -1: none does.
// A cubin runs on devices of its own major version and at least its minor one; an "a" cubin on exactly its own.
int best_architecture(int capability, const std::vector<std::string>& architectures);

}  // namespace egret::lower
