// The engine of a CUDA device: the memory plan's arena and the weights in device memory, cubins, one stream.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lower/runtime/cuda_device.h"
#include "lower/runtime/engine.h"

namespace egret {
namespace {

class CudaEngine final : public Engine {
 public:
  CudaEngine(Plan plan, CudaDevice device) : Engine(std::move(plan)), device_(std::move(device)) {}

  Status load(const std::map<std::string, std::string>& files) {
    functions_.assign(plan_.kernels.size(), kNone);
    for (const auto* launches : {&plan_.prepare, &plan_.run}) {
      for (const PlanLaunch& l : *launches) EGRET_TRY_VOID(load_kernel(l, files));
    }
    const DeviceBytes needed = cuda_bytes(plan_.arena_bytes, plan_.weight_bytes);
    EGRET_TRY(const DevicePointer arena, allocate(needed.arena));
    EGRET_TRY(const DevicePointer weights, allocate(needed.weights));
    for (const PlanValue& v : plan_.values) {
      places_.push_back(v.place == PlanValue::Place::kArena     ? arena + v.offset
                        : v.place == PlanValue::Place::kWeights ? weights + v.offset
                                                                : 0);
    }
    return device_.synchronize();
  }

  Status put(uint32_t value, std::span<const std::byte> bytes) override {
    return device_.copy_in(places_[value], bytes.data(), bytes.size());
  }
  Status get(uint32_t value, std::span<std::byte> bytes) override {
    return device_.copy_out(bytes.data(), places_[value], bytes.size());
  }

  Status run() override {
    for (const PlanLaunch& l : plan_.run) EGRET_TRY_VOID(launch(l, places_));
    return device_.synchronize();
  }
  Status run_launch(size_t number) override {
    EGRET_TRY_VOID(launch(plan_.run[number], places_));
    return device_.synchronize();
  }
  Result<double> timed_run() override {
    EGRET_TRY_VOID(device_.mark(0));
    for (const PlanLaunch& l : plan_.run) EGRET_TRY_VOID(launch(l, places_));
    EGRET_TRY_VOID(device_.mark(1));
    return device_.seconds_between(0, 1);
  }
  Result<std::vector<double>> timed_launches() override {
    EGRET_TRY_VOID(device_.mark(0));
    for (size_t i = 0; i < plan_.run.size(); ++i) {
      EGRET_TRY_VOID(launch(plan_.run[i], places_));
      EGRET_TRY_VOID(device_.mark(i + 1));
    }
    std::vector<double> seconds;
    for (size_t i = 0; i < plan_.run.size(); ++i) {
      EGRET_TRY(const double s, device_.seconds_between(i, i + 1));
      seconds.push_back(s);
    }
    return seconds;
  }

  // In memory of its own, which is given back.
  Result<std::vector<Tensor>> prepare(const std::vector<std::span<const std::byte>>& weights) override {
    std::vector<Tensor> made(plan_.values.size());
    std::vector<DevicePointer> places(plan_.values.size(), 0);
    Status done = prepare_in(weights, places, made);
    for (DevicePointer p : places) {
      if (p == 0) continue;
      Status released = device_.release(p);
      if (done.ok()) done = std::move(released);
    }
    if (!done.ok()) return done.take_error();
    return made;
  }

 private:
  static constexpr int kNone = -1;

  // Held as long as the engine.
  Result<DevicePointer> allocate(uint64_t bytes) {
    if (bytes == 0) return DevicePointer{0};
    EGRET_TRY(const DevicePointer pointer, device_.allocate(bytes));
    allocated_ += bytes;
    return pointer;
  }

  Status load_kernel(const PlanLaunch& l, const std::map<std::string, std::string>& files) {
    const PlanKernel& kernel = plan_.kernels[l.kernel];
    if (functions_[l.kernel] != kNone || kernel.schedule == "alias") return {};
    if (!kernel.cuda) {
      return unsupported_error("the artifact has no CUDA code for a kernel",
                               "optimize with --target of this device (h200, a100, ...), and a larger --time-limit if that ended it");
    }
    std::vector<std::string> architectures;
    std::string list;
    for (const auto& [architecture, path] : kernel.cuda->cubins) {
      architectures.push_back(architecture);
      list += (list.empty() ? "" : ", ") + architecture;
    }
    if (list.empty()) {
      return unsupported_error("a kernel of the artifact was not compiled for a GPU: the time limit of its optimization came first",
                               "optimize with a larger --time-limit; on the host it runs as it is");
    }
    const int best = best_architecture(device_.capability(), architectures);
    if (best < 0) {
      return unsupported_error(
          fmt::format("the artifact has code for {}, and this device is of architecture sm_{}",
                      list, device_.capability()),
          "optimize with --target of this device (h200, a100, ...)");
    }
    const std::string& path = kernel.cuda->cubins.at(architectures[static_cast<size_t>(best)]);
    const auto file = files.find(path);
    if (file == files.end()) return input_error(fmt::format("the artifact lacks its file {}", path));
    auto module = modules_.find(path);
    if (module == modules_.end()) {
      EGRET_TRY(const int number, device_.load(file->second, path));
      module = modules_.emplace(path, number).first;
    }
    EGRET_TRY(functions_[l.kernel],
              device_.function(module->second, kernel.cuda->function, kernel.cuda->shared_bytes));
    return {};
  }

  Status launch(const PlanLaunch& l, const std::vector<DevicePointer>& places) {
    if (functions_[l.kernel] == kNone) {  // an alias outside of the memory plan: a copy
      if (l.inputs.empty() || l.outputs.empty()) return input_error("plan.json is damaged: an alias without ports");
      const auto bytes = static_cast<uint64_t>(plan_.values[l.outputs[0]].type.bytes());
      return device_.copy_within(places[l.outputs[0]], places[l.inputs[0]], bytes);
    }
    std::vector<DevicePointer> ports;
    for (uint32_t v : l.inputs) ports.push_back(places[v]);
    for (uint32_t v : l.outputs) ports.push_back(places[v]);
    const PlanCuda& cuda = *plan_.kernels[l.kernel].cuda;
    return device_.launch(functions_[l.kernel], cuda.grid, cuda.block, ports);
  }

  Status prepare_in(const std::vector<std::span<const std::byte>>& weights, std::vector<DevicePointer>& places,
                    std::vector<Tensor>& made) {
    for (const PlanLaunch& l : plan_.prepare) {
      for (uint32_t v : l.inputs) {
        if (places[v] != 0) continue;
        if (v >= weights.size() || (weights[v].empty() && plan_.values[v].type.elements_count() > 0)) {
          return input_error(
              fmt::format("the weight `{}` is needed to prepare and was not given", plan_.values[v].name));
        }
        EGRET_TRY(places[v], device_.allocate(weights[v].size()));
        EGRET_TRY_VOID(device_.copy_in(places[v], weights[v].data(), weights[v].size()));
      }
      for (uint32_t v : l.outputs) {
        EGRET_TRY(places[v], device_.allocate(static_cast<uint64_t>(plan_.values[v].type.bytes())));
      }
      EGRET_TRY_VOID(launch(l, places));
    }
    for (const PlanLaunch& l : plan_.prepare) {
      for (uint32_t v : l.outputs) {
        made[v] = Tensor(plan_.values[v].type);
        EGRET_TRY_VOID(device_.copy_out(made[v].bytes().data(), places[v], made[v].bytes().size()));
      }
    }
    return {};
  }

  CudaDevice device_;
  std::map<std::string, int> modules_;  // by path of the cubin
  std::vector<int> functions_;          // by kernel
  std::vector<DevicePointer> places_;
};

}  // namespace

Result<std::unique_ptr<Engine>> make_cuda_engine(Plan plan, const std::map<std::string, std::string>& files,
                                                 int ordinal) {
  EGRET_TRY(CudaDevice device, CudaDevice::open(ordinal));
  auto engine = std::make_unique<CudaEngine>(std::move(plan), std::move(device));
  EGRET_TRY_VOID(engine->load(files));
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace egret
