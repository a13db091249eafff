#include "lower/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ir/evaluate/evaluate.h"
#include "lower/cuda/cuda.h"
#include "lower/host/compile.h"
#include "lower/kernel/stages.h"
#include "lower/memory_plan.h"
#include "lower/runtime/engine.h"
#include "lower/runtime/safetensors.h"
#include "support/hash.h"

namespace egret {
namespace {

using lower::HostKernel;
using lower::MemoryPlan;

constexpr int64_t kPicosecondsPerNanosecond = 1000;

const char* role_name(ProgramValue::Role role) {
  switch (role) {
    case ProgramValue::Role::kInput:
      return "input";
    case ProgramValue::Role::kWeight:
      return "weight";
    case ProgramValue::Role::kPrepared:
      return "prepared";
    case ProgramValue::Role::kIntermediate:
      return "intermediate";
    case ProgramValue::Role::kOutput:
      return "output";
  }
  return "";
}

std::string_view bytes_of(const Tensor& t) {
  return {reinterpret_cast<const char*>(t.bytes().data()), t.bytes().size()};
}

class Lowering {
 public:
  Lowering(const Program& program, const LowerOptions& options) : program_(program), options_(options) {}

  Result<Artifact> run() {
    EGRET_TRY_VOID(validate(program_));
    memory_ = lower::plan_memory(program_);
    describe();
    // Where the clock does not allow both, the target's code comes first.
    if (options_.cuda_source || !options_.cubins.empty()) EGRET_TRY_VOID(cuda_code());
    if (options_.host) EGRET_TRY_VOID(host_code());
    for (const PlanKernel& k : plan_.kernels) artifact_.uncompiled += lacks_code(k);
    EGRET_TRY_VOID(weights());
    for (const auto& [path, text] : artifact_.files) plan_.files[path] = digest(text);
    artifact_.files[kPlanFile] = print_plan(plan_);
    return std::move(artifact_);
  }

 private:
  double seconds_left() const { return std::max(0.0, options_.limits.seconds - watch_.seconds()); }

  bool lacks_code(const PlanKernel& k) const {
    if (k.schedule == to_string(ScheduleClass::kAlias)) return false;
    const bool source = options_.cuda_source || !options_.cubins.empty();
    return (options_.host && k.symbol.empty()) || (source && (!k.cuda || k.cuda->cubins.size() < options_.cubins.size()));
  }

  void describe() {
    plan_.name = program_.name;
    plan_.target = options_.target;
    plan_.device_hash = options_.device_hash;
    plan_.arena_bytes = memory_.arena_bytes;
    plan_.weight_bytes = memory_.weight_bytes;
    std::set<std::string> names;
    for (size_t v = 0; v < program_.values.size(); ++v) {
      const ProgramValue& value = program_.values[v];
      PlanValue out;
      out.role = role_name(value.role);
      out.type = value.type;
      out.name = value.name;
      out.offset = memory_.offsets[v];
      out.place = memory_.places[v] == MemoryPlan::Place::kArena     ? PlanValue::Place::kArena
                  : memory_.places[v] == MemoryPlan::Place::kWeights ? PlanValue::Place::kWeights
                                                                     : PlanValue::Place::kPrepare;
      // A view of a weight has the weight's place, and no bytes of its own in the file.
      const bool fixed = value.role == ProgramValue::Role::kWeight || value.role == ProgramValue::Role::kPrepared;
      if (fixed && (out.name.empty() || !names.insert(out.name).second)) {
        out.name = fmt::format("{}.{}", out.role, v);
        names.insert(out.name);
      }
      plan_.values.push_back(std::move(out));
    }
    for (const Kernel& kernel : program_.kernels) {
      PlanKernel out;
      out.schedule = to_string(kernel.plan.schedule);
      out.body = body_text(kernel.body);
      plan_.kernels.push_back(std::move(out));
    }
    for (const Launch& l : program_.prepare) plan_.prepare.push_back({l.kernel, l.inputs, l.outputs});
    for (size_t i = 0; i < program_.run.size(); ++i) {
      const Launch& l = program_.run[i];
      (memory_.skipped[i] ? plan_.views : plan_.run).push_back({l.kernel, l.inputs, l.outputs});
    }
    plan_.inputs = program_.inputs;
    plan_.outputs = program_.outputs;
    plan_.output_names = program_.output_names;
    for (const Alias& a : program_.aliases) plan_.aliases.push_back({a.output, a.input});
  }

  Status host_code() {
    const auto level = detect_host_level();
    if (!level) return unsupported_error("host code needs a processor of level x86-64-v2 or later");
    std::vector<HostKernel> kernels;
    std::vector<uint32_t> numbers;
    for (uint32_t k = 0; k < program_.kernels.size(); ++k) {
      const Kernel& kernel = program_.kernels[k];
      if (kernel.plan.schedule == ScheduleClass::kAlias) continue;
      if (seconds_left() == 0) break;
      auto stages = lower::make_stages(kernel);
      if (!stages.ok()) return stages.take_error();
      kernels.push_back(
          {fmt::format("egret_k{}", k), kernel.plan.schedule, std::move(*stages), memory_.in_place[k] != 0});
      numbers.push_back(k);
    }
    EGRET_TRY(lower::HostCode code, lower::compile_host(kernels, {.level = *level, .strict = options_.strict,
                                                                .threads = options_.threads, .seconds = seconds_left()}));
    for (size_t i = 0; i < kernels.size(); ++i) {
      if (!code.shapes[i].compiled) continue;
      PlanKernel& k = plan_.kernels[numbers[i]];
      k.symbol = kernels[i].symbol;
      k.items = code.shapes[i].items;
      k.scratch_bytes = code.shapes[i].scratch_bytes;
      artifact_.scratch_bytes = std::max(artifact_.scratch_bytes, static_cast<uint64_t>(k.scratch_bytes));
      k.item_picoseconds =
          std::max<int64_t>(1, static_cast<int64_t>(code.shapes[i].item_cost * kPicosecondsPerNanosecond));
    }
    plan_.host_level = name(*level);
    for (size_t i = 0; i < code.objects.size(); ++i) {
      plan_.host_objects.push_back(fmt::format("kernels/host-{}-{}.o", plan_.host_level, i));
      artifact_.files[plan_.host_objects.back()] = std::move(code.objects[i]);
    }
    return {};
  }

  Status cuda_code() {
    lower::CudaOptions options;
    options.cubins = options_.cubins;
    options.strict = options_.strict;
    options.threads = options_.threads;
    options.in_place = memory_.in_place;
    options.seconds = seconds_left();
    EGRET_TRY(auto parts, lower::add_cuda(program_, options, artifact_.files));
    for (size_t k = 0; k < parts.size(); ++k) {
      const lower::CudaPart& part = parts[k];
      if (part.source_path.empty()) continue;
      PlanCuda cuda;
      cuda.source = part.source_path;
      cuda.function = part.kernel.name;
      cuda.grid = part.kernel.grid;
      cuda.block = part.kernel.block;
      cuda.shared_bytes = part.kernel.shared_bytes;
      cuda.arch_min = part.kernel.arch_min;
      for (const auto& constant : part.kernel.constants) cuda.constants.push_back({constant.name, constant.value});
      cuda.cubins = part.cubins;
      plan_.kernels[k].cuda = std::move(cuda);
    }
    return {};
  }

  // Computes the prepared values and writes what the run plan reads.
  Status weights() {
    std::vector<Tensor> prepared;
    if (!program_.prepare.empty()) EGRET_TRY_VOID(prepare(&prepared));
    std::map<std::string, StoredTensor> stored;
    for (size_t v = 0; v < program_.values.size(); ++v) {
      const ProgramValue& value = program_.values[v];
      const bool is_weight = value.role == ProgramValue::Role::kWeight;
      PlanValue& out = plan_.values[v];
      if (is_weight) {
        if (!value.data) return internal_error(fmt::format("the weight `{}` has no value", value.name));
        out.hash = digest(bytes_of(*value.data));
      }
      if (out.place != PlanValue::Place::kWeights) continue;
      if (!is_weight && value.role != ProgramValue::Role::kPrepared) continue;  // a view
      const Tensor& data = is_weight ? *value.data : prepared[v];
      if (!(data.type() == value.type)) return internal_error(fmt::format("value {} was not prepared", v));
      out.hash = digest(bytes_of(data));
      out.embedded = options_.embed_weights || !is_weight;
      if (out.embedded) stored[out.name] = {value.type, bytes_of(data)};
    }
    artifact_.files[kWeightsFile] = write_safetensors(stored);
    return {};
  }

  Status prepare(std::vector<Tensor>* prepared) {
    if (plan_.host_level.empty()) return prepare_by_evaluation(prepared);
    Plan copy = plan_;
    copy.run.clear();
    copy.arena_bytes = copy.weight_bytes = 0;
    EGRET_TRY(auto engine, make_host_engine(std::move(copy), artifact_.files, options_.threads));
    std::vector<std::span<const std::byte>> weights(program_.values.size());
    for (size_t v = 0; v < weights.size(); ++v) {
      if (program_.values[v].data) weights[v] = program_.values[v].data->bytes();
    }
    EGRET_TRY(*prepared, engine->prepare(weights));
    return {};
  }

  Status prepare_by_evaluation(std::vector<Tensor>* prepared) {
    std::vector<Tensor>& values = *prepared;
    values.resize(program_.values.size());
    for (const Launch& l : program_.prepare) {
      std::vector<Tensor> inputs;
      for (uint32_t v : l.inputs) inputs.push_back(program_.values[v].data ? *program_.values[v].data : values[v]);
      EGRET_TRY(auto results, evaluate(program_.kernels[l.kernel].body, inputs, options_.limits));
      for (size_t i = 0; i < l.outputs.size(); ++i) values[l.outputs[i]] = std::move(results[i]);
    }
    return {};
  }

  const Program& program_;
  const LowerOptions& options_;
  const Stopwatch watch_;
  MemoryPlan memory_;
  Plan plan_;
  Artifact artifact_;
};

}  // namespace

Result<Artifact> lower_program(const Program& program, const LowerOptions& options) {
  return Lowering(program, options).run();
}

}  // namespace egret
