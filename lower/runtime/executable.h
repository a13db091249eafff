// Executable: an artifact loaded and ready to run.  Part of the runtime, which stands alone: it needs none of the
// optimizer's dependencies (ir's Type and Tensor, support, and the system).
//
// Loading runs native code's relocations, nothing more; running an artifact is running native code: trust it as an
// executable.  Hashes of all parts are checked at loading.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ir/tensor.h"
#include "support/result.h"

namespace egret {

struct Port {
  std::string name;
  Type type;
};

struct LaunchFigure {
  uint32_t kernel = 0;   // number in plan.json
  std::string schedule;  // its schedule class
  std::string body;      // text form
  double value = 0;      // seconds, or an error
  bool ok = true;        // of errors: each result's is one that its element type allows
};

class Executable {
 public:
  // From a folder written by write_artifact, or from the files themselves.  `device`: "cpu" or "cuda:N".  `weights`: a
  // safetensors file (its text) with weights by name: those that the artifact only refers to, or others in their place.
  // Errors: kUnsupported where there is no such device, or the artifact has no code for it.
  static Result<Executable> load(const std::string& folder, const std::string& device = "cpu", int threads = 0,
                                 const std::string& weights_file = {});
  static Result<Executable> from_files(const std::map<std::string, std::string>& files, int threads = 0,
                                       std::string_view weights = {}, const std::string& device = "cpu");
  ~Executable();
  Executable(Executable&&) noexcept;
  Executable& operator=(Executable&&) noexcept;

  const std::vector<Port>& inputs() const;
  const std::vector<Port>& outputs() const;
  const std::string& target() const;  // name of the device that the artifact was optimized for
  uint64_t peak_bytes() const;  // of device memory: weights, prepared values, the memory plan's arena, workspace

  // Runs once.  Inputs in signature order, types as in inputs().  What is prepared from weights was prepared at
  // lowering, or at loading where other weights were given.
  Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs);
  // Seconds of each of `repeat` runs after one warm-up, without copying inputs and outputs.
  Result<std::vector<double>> time(const std::vector<Tensor>& inputs, int repeat);
  // Of each launch of the run plan, in order: its least seconds over `repeat` runs.
  Result<std::vector<LaunchFigure>> profile(const std::vector<Tensor>& inputs, int repeat);
  // Every launch by itself, on the inputs that it has in a run of `reference`: the error of its results against those
  // of `reference` (contract, "Error of a result").  Requires: both of one artifact.
  Result<std::vector<LaunchFigure>> compare(Executable& reference, const std::vector<Tensor>& inputs);

 private:
  struct Impl;
  explicit Executable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace egret
