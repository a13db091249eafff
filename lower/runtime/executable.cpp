#include "lower/runtime/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "ir/evaluate/evaluate.h"
#include "lower/runtime/engine.h"
#include "lower/runtime/safetensors.h"
#include "support/files.h"
#include "support/hash.h"

namespace egret {

struct Executable::Impl {
  std::unique_ptr<Engine> engine;
  std::vector<Port> inputs, outputs;
};

Executable::Executable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executable::~Executable() = default;
Executable::Executable(Executable&&) noexcept = default;
Executable& Executable::operator=(Executable&&) noexcept = default;

const std::vector<Port>& Executable::inputs() const { return impl_->inputs; }
const std::vector<Port>& Executable::outputs() const { return impl_->outputs; }
const std::string& Executable::target() const { return impl_->engine->plan().target; }
uint64_t Executable::peak_bytes() const { return impl_->engine->bytes(); }

namespace {

// Paths of a plan stay inside the artifact.
bool plain_path(const std::string& path) {
  return !path.empty() && path[0] != '/' && path.find("..") == std::string::npos &&
         path.find('\\') == std::string::npos;
}

Status check_hashes(const Plan& plan, const std::map<std::string, std::string>& files) {
  for (const auto& [path, hash] : plan.files) {
    auto it = files.find(path);
    if (it == files.end()) return input_error(fmt::format("the artifact lacks its file {}", path));
    if (digest(it->second) != hash) {
      return input_error(fmt::format("{} was changed: its digest differs from the plan's", path),
                         "write the artifact again");
    }
  }
  return {};
}

std::string_view view(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Puts the run plan's weights in place: those of the artifact, then those named in `given`.  Where a given weight is
// not the one that was optimized with, what was prepared from weights is prepared anew.
Status place_weights(Engine& engine, const std::map<std::string, StoredTensor>& own,
                     const std::map<std::string, StoredTensor>& given) {
  const Plan& plan = engine.plan();
  bool other_weights = false;
  std::vector<std::span<const std::byte>> sources(plan.values.size());
  for (uint32_t v = 0; v < plan.values.size(); ++v) {
    const PlanValue& value = plan.values[v];
    if (value.role != "weight") continue;
    if (auto it = given.find(value.name); it != given.end()) {
      if (!(it->second.type == value.type)) {
        return input_error(fmt::format("weight `{}` is {}, expected {}", value.name, it->second.type.to_string(),
                                       value.type.to_string()));
      }
      sources[v] = {reinterpret_cast<const std::byte*>(it->second.bytes.data()), it->second.bytes.size()};
      other_weights = other_weights || digest(it->second.bytes) != value.hash;
    }
  }
  for (uint32_t v = 0; v < plan.values.size(); ++v) {
    const PlanValue& value = plan.values[v];
    if (value.place != PlanValue::Place::kWeights || value.hash.empty()) continue;  // no hash: a view of another
    std::string_view bytes = view(sources[v]);
    if (bytes.empty() && value.type.elements_count() > 0) {
      auto it = own.find(value.name);
      if (!value.embedded || it == own.end()) {
        return input_error(fmt::format("the artifact refers to weight `{}` and does not hold it", value.name),
                           "give it with --weights FILE");
      }
      if (!(it->second.type == value.type))
        return input_error(fmt::format("weight `{}` has another type than in the plan", value.name));
      bytes = it->second.bytes;
      if (digest(bytes) != value.hash) return input_error(fmt::format("weight `{}` was changed", value.name));
      if (value.role == "weight") sources[v] = {reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()};
    }
    EGRET_TRY_VOID(engine.put(v, std::as_bytes(std::span(bytes.data(), bytes.size()))));
  }
  if (!other_weights || plan.prepare.empty()) return {};
  EGRET_TRY(auto prepared, engine.prepare(sources));
  for (uint32_t v = 0; v < plan.values.size(); ++v) {
    if (plan.values[v].role == "prepared" && plan.values[v].place == PlanValue::Place::kWeights) {
      EGRET_TRY_VOID(engine.put(v, prepared[v].bytes()));
    }
  }
  return {};
}

// "cpu": none; "cuda:N": N.
Result<std::optional<int>> cuda_ordinal(const std::string& device) {
  if (device == "cpu") return std::optional<int>();
  const std::string_view prefix = "cuda:";
  int number = 0;
  const char *begin = device.data() + std::min(prefix.size(), device.size()), *end = device.data() + device.size();
  if (!device.starts_with(prefix) || std::from_chars(begin, end, number).ptr != end || begin == end || number < 0) {
    return input_error(fmt::format("`{}` is no device to run on", device), "--device cpu or cuda:0");
  }
  return std::optional<int>(number);
}

Result<std::unique_ptr<Engine>> engine_for(Plan plan, const std::map<std::string, std::string>& files,
                                           const std::string& device, int threads) {
  EGRET_TRY(const std::optional<int> ordinal, cuda_ordinal(device));
  if (ordinal) return make_cuda_engine(std::move(plan), files, *ordinal);
  const bool needs_code = std::ranges::any_of(plan.kernels, [](const PlanKernel& k) { return k.schedule != "alias"; });
  if (plan.host_level.empty() && needs_code) {
    return unsupported_error("the artifact has no host code",
                             "optimize it with --target host, or run it on its device");
  }
  return make_host_engine(std::move(plan), files, threads);
}

Result<std::unique_ptr<Engine>> make_engine(const std::map<std::string, std::string>& files, const std::string& device,
                                            int threads, std::string_view weights) {
  auto text = files.find(kPlanFile);
  if (text == files.end()) return input_error("the artifact has no plan.json");
  EGRET_TRY(Plan plan, parse_plan(text->second));
  EGRET_TRY_VOID(check_hashes(plan, files));
  EGRET_TRY(auto engine, engine_for(std::move(plan), files, device, threads));
  std::map<std::string, StoredTensor> own, given;
  if (auto it = files.find(kWeightsFile); it != files.end()) {
    EGRET_TRY(own, read_safetensors(it->second, kWeightsFile));
  }
  if (!weights.empty()) {
    EGRET_TRY(given, read_safetensors(weights, "--weights"));
  }
  EGRET_TRY_VOID(place_weights(*engine, own, given));
  return engine;
}

}  // namespace

Result<Executable> Executable::from_files(const std::map<std::string, std::string>& files, int threads,
                                          std::string_view weights, const std::string& device) {
  auto impl = std::make_unique<Impl>();
  EGRET_TRY(impl->engine, make_engine(files, device, threads, weights));
  const Plan& plan = impl->engine->plan();
  for (uint32_t v : plan.inputs) impl->inputs.push_back({plan.values[v].name, plan.values[v].type});
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    impl->outputs.push_back({plan.output_names[i], plan.values[plan.outputs[i]].type});
  }
  return Executable(std::move(impl));
}

Result<Executable> Executable::load(const std::string& folder, const std::string& device, int threads,
                                    const std::string& weights_file) {
  std::map<std::string, std::string> files;
  const std::string base = folder + "/";
  EGRET_TRY(files[kPlanFile], read_file(base + kPlanFile, uint64_t{1} << 30));
  EGRET_TRY(Plan plan, parse_plan(files[kPlanFile]));
  for (const auto& [path, hash] : plan.files) {
    if (!plain_path(path))
      return input_error(fmt::format("plan.json names the file `{}` outside of the artifact", path));
    EGRET_TRY(files[path], read_file(base + path));
  }
  std::string weights;
  if (!weights_file.empty()) {
    EGRET_TRY(weights, read_file(weights_file));
    if (auto read = read_safetensors(weights, weights_file); !read.ok()) return read.take_error();
  }
  return from_files(files, threads, weights, device);
}

namespace {

Result<Tensor> value_of(Engine& engine, uint32_t value) {
  Tensor tensor(engine.plan().values[value].type);
  EGRET_TRY_VOID(engine.get(value, tensor.bytes()));
  return tensor;
}

std::vector<LaunchFigure> figures(const Plan& plan) {
  std::vector<LaunchFigure> launches;
  for (const PlanLaunch& l : plan.run) {
    const PlanKernel& kernel = plan.kernels[l.kernel];
    launches.push_back({l.kernel, kernel.schedule, kernel.body, 0});
  }
  return launches;
}

Status put_inputs(Engine& engine, const std::vector<Tensor>& inputs) {
  const Plan& plan = engine.plan();
  if (inputs.size() != plan.inputs.size()) {
    return input_error(fmt::format("{} inputs were given, the program takes {}", inputs.size(), plan.inputs.size()));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const PlanValue& value = plan.values[plan.inputs[i]];
    if (!(inputs[i].type() == value.type)) {
      return input_error(fmt::format("input `{}` is {}, expected {}", value.name, inputs[i].type().to_string(),
                                     value.type.to_string()));
    }
    EGRET_TRY_VOID(engine.put(plan.inputs[i], inputs[i].bytes()));
  }
  return {};
}

}  // namespace

Result<std::vector<Tensor>> Executable::run(const std::vector<Tensor>& inputs) {
  Engine& engine = *impl_->engine;
  EGRET_TRY_VOID(put_inputs(engine, inputs));
  EGRET_TRY_VOID(engine.run());
  std::vector<Tensor> outputs;
  for (uint32_t v : engine.plan().outputs) {
    EGRET_TRY(Tensor tensor, value_of(engine, v));
    outputs.push_back(std::move(tensor));
  }
  return outputs;
}

Result<std::vector<double>> Executable::time(const std::vector<Tensor>& inputs, int repeat) {
  Engine& engine = *impl_->engine;
  EGRET_TRY_VOID(put_inputs(engine, inputs));
  EGRET_TRY_VOID(engine.run());
  std::vector<double> seconds;
  for (int i = 0; i < repeat; ++i) {
    // An output that took an input's buffer has overwritten it.
    if (!engine.plan().aliases.empty()) EGRET_TRY_VOID(put_inputs(engine, inputs));
    EGRET_TRY(const double s, engine.timed_run());
    seconds.push_back(s);
  }
  return seconds;
}

Result<std::vector<LaunchFigure>> Executable::profile(const std::vector<Tensor>& inputs, int repeat) {
  Engine& engine = *impl_->engine;
  std::vector<LaunchFigure> launches = figures(engine.plan());
  for (int i = 0; i < repeat; ++i) {
    EGRET_TRY_VOID(put_inputs(engine, inputs));
    EGRET_TRY(const auto seconds, engine.timed_launches());
    for (size_t l = 0; l < launches.size(); ++l) {
      launches[l].value = i == 0 ? seconds[l] : std::min(launches[l].value, seconds[l]);
    }
  }
  return launches;
}

Result<std::vector<LaunchFigure>> Executable::compare(Executable& reference, const std::vector<Tensor>& inputs) {
  Engine &own = *impl_->engine, &other = *reference.impl_->engine;
  const Plan& plan = own.plan();
  if (print_plan(plan) != print_plan(other.plan())) return input_error("two artifacts differ: nothing to compare");
  EGRET_TRY_VOID(put_inputs(other, inputs));
  std::vector<LaunchFigure> launches = figures(plan);
  for (size_t l = 0; l < plan.run.size(); ++l) {
    for (uint32_t v : plan.run[l].inputs) {
      EGRET_TRY(const Tensor input, value_of(other, v));
      EGRET_TRY_VOID(own.put(v, input.bytes()));
    }
    EGRET_TRY_VOID(other.run_launch(l));
    EGRET_TRY_VOID(own.run_launch(l));
    for (uint32_t v : plan.run[l].outputs) {
      EGRET_TRY(const Tensor expected, value_of(other, v));
      EGRET_TRY(const Tensor found, value_of(own, v));
      const double error = relative_error(expected, found);
      launches[l].ok &= error <= allowed_error(expected.dtype());
      launches[l].value = std::max(launches[l].value, error);
    }
  }
  return launches;
}

}  // namespace egret
