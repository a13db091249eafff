// Plan: what plan.json holds: values with their places in memory, kernels, and the launches of the prepare and run
// plans.
//
// Format "egret-plan 2".  The text carries a digest of itself and of every other file of the artifact.  Reading checks
// every number before it is used: indices, offsets and sizes that do not fit together are errors.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ir/type.h"
#include "support/result.h"

namespace egret {

struct PlanValue {
  enum class Place : uint8_t { kArena, kWeights, kPrepare } place = Place::kArena;
  std::string role;  // "input", "weight", "prepared", "intermediate", "output"
  Type type;
  std::string name;
  uint64_t offset = 0;   // kArena: bytes; kWeights: of the weight memory
  std::string hash;      // kWeights: digest of the bytes
  bool embedded = true;  // kWeights: in weights.safetensors; else it is given by name at loading
};

// The CUDA part of a kernel.
struct PlanCuda {
  std::string source, function;  // path of the text; its function
  std::array<uint32_t, 3> grid = {1, 1, 1}, block = {1, 1, 1};
  uint32_t shared_bytes = 0;  // dynamic
  std::string arch_min;       // "sm_80"
  std::vector<std::pair<std::string, int64_t>> constants;  // of the text's head
  std::map<std::string, std::string> cubins;               // architecture -> path
};

struct PlanKernel {
  std::string schedule;
  std::string body;    // text form, as a proof names it
  std::string symbol;  // host function; empty: the host evaluates the body, which is slow
  int64_t items = 0, scratch_bytes = 0;
  int64_t item_picoseconds = 0;
  std::optional<PlanCuda> cuda;
};

struct PlanLaunch {
  uint32_t kernel = 0;
  std::vector<uint32_t> inputs, outputs;
};

struct Plan {
  std::string name, target, device_hash, host_level;
  std::vector<std::string> host_objects;  // paths
  std::vector<PlanValue> values;
  std::vector<PlanKernel> kernels;
  std::vector<PlanLaunch> prepare, run;
  std::vector<PlanLaunch> views;  // of the run plan, not launched: a result lies where its operand lies
  std::vector<uint32_t> inputs, outputs;
  std::vector<std::string> output_names;
  std::vector<std::pair<uint32_t, uint32_t>> aliases;  // output, input
  uint64_t arena_bytes = 0, weight_bytes = 0;
  std::map<std::string, std::string> files;  // path -> digest
};

inline constexpr const char* kPlanFile = "plan.json";
inline constexpr const char* kWeightsFile = "weights.safetensors";
inline constexpr uint64_t kPlaceAlignment = 64;

// Device memory that an engine allocates for the run plan: values, weights, and workspace of kernels.
struct DeviceBytes {
  uint64_t arena = 0, weights = 0, workspace = 0;
  uint64_t total() const { return arena + weights + workspace; }
};
DeviceBytes cuda_bytes(uint64_t arena, uint64_t weights);
// `scratch`: bytes that the neediest kernel asks for, for each of `threads` threads.
DeviceBytes host_bytes(uint64_t arena, uint64_t weights, uint64_t scratch, int threads);

std::string print_plan(const Plan& plan);
Result<Plan> parse_plan(std::string_view text);

}  // namespace egret
