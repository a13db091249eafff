// Printed CUDA kernels: under the shim against the reference interpreter, and through NVRTC.
#include <iostream>

#include <catch2/catch.hpp>

#include "lower/cuda/nvrtc.h"
#include "tests/lower/cuda_kernels.h"
#include "tests/lower/cuda_shim/check.h"

namespace egret::lower {
namespace {

std::vector<Kernel> all_kernels() {
  std::vector<Kernel> kernels;
  for (const char* text : kCudaKernelTexts) {
    for (Kernel& kernel : kernels_of_text(text)) kernels.push_back(std::move(kernel));
  }
  return kernels;
}

}  // namespace

TEST_CASE("printed kernels run under the shim as the reference interpreter does") {
  const ShimReport report = check_under_shim(all_kernels());
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  for (const std::string& skipped : report.not_run) FAIL_CHECK(skipped);
  std::cout << report.kernels << " kernels, " << report.runs << " runs, " << report.same_text << " in their own text, "
            << report.other_text << " printed anew, worst error " << report.worst_error << "\n";
  CHECK(report.same_text >= report.kernels * 9 / 10);
}

TEST_CASE("printed kernels compile for sm_80 and sm_90a without spills") {
  if (!nvrtc_available()) {
    WARN("skipped: " << all_kernels().size() << " kernels, NVRTC is not here");
    return;
  }
  const CubinReport report = check_cubins(all_kernels(), {"sm_80", "sm_90a"});
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  std::cout << report.cubins << " cubins, at most " << report.most_registers << " registers\n";
}

}  // namespace egret::lower
