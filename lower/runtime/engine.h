// Engine: a plan ready to run on one device: values at fixed places, launches in order.
//
// What a run needs of a device and no more, so that the host and a GPU are loaded, filled, run and timed by the same
// code (executable.cpp).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/tensor.h"
#include "lower/runtime/plan.h"
#include "support/result.h"

namespace egret {

class Engine {
 public:
  virtual ~Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Plan& plan() const { return plan_; }
  uint64_t bytes() const { return allocated_; }  // of device memory that it holds

  // Bytes of a value to and from its place.  Requires: the value has one in the run plan, and is of this size.
  virtual Status put(uint32_t value, std::span<const std::byte> bytes) = 0;
  virtual Status get(uint32_t value, std::span<std::byte> bytes) = 0;

  // The run plan, or one launch of it; done on return.
  virtual Status run() = 0;
  virtual Status run_launch(size_t launch) = 0;
  // Seconds of one run, and of each of its launches.
  virtual Result<double> timed_run() = 0;
  virtual Result<std::vector<double>> timed_launches() = 0;

  // Runs the prepare plan: `weights[value]` are its inputs' bytes; returns its `prepared` values (empty tensors
  // elsewhere).
  virtual Result<std::vector<Tensor>> prepare(const std::vector<std::span<const std::byte>>& weights) = 0;

 protected:
  explicit Engine(Plan plan) : plan_(std::move(plan)) {}
  Plan plan_;
  uint64_t allocated_ = 0;
};

// Fails where `files` (of the artifact, by path) lack an object or a function of the plan, this processor lacks the
// plan's level, or memory is short.
Result<std::unique_ptr<Engine>> make_host_engine(Plan plan, const std::map<std::string, std::string>& files,
                                                 int threads);

// Fails where there is no such device, `files` (of the artifact, by path) hold no cubin that runs on it, or its memory
// is short.
Result<std::unique_ptr<Engine>> make_cuda_engine(Plan plan, const std::map<std::string, std::string>& files,
                                                 int ordinal);

}  // namespace egret
