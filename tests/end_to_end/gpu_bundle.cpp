// Artifacts that run every distinct kernel of models, each on inputs of its own: what experiments/gpu takes to a GPU.
//
//   gpu_bundle [--target DEVICE] [--shim] --out FOLDER MODEL.onnx|PROGRAM.egret ...
//   gpu_bundle --shim-artifact FROM --out FOLDER
//
// FOLDER/NAME is an artifact a model; a kernel that an earlier model has stands there alone.  --shim: the cubins are
// the kernels' texts compiled by g++, for the fake driver (tests/lower/cuda_fake); --shim-artifact does that to an
// artifact that is there.  EGRET_HOST_LEVEL lowers the processor that the host code needs.
#include <filesystem>
#include <iostream>
#include <set>

#include <fmt/format.h>

#include "costmodel/costmodel.h"
#include "lower/cuda/nvrtc.h"
#include "lower/lower.h"
#include "lower/runtime/plan.h"
#include "support/files.h"
#include "tests/end_to_end/model_kernels.h"
#include "tests/lower/cuda_fake/shim_artifact.h"

namespace egret::test {
namespace {

struct Options {
  std::string target = "h200", out, shim_artifact;
  bool shim = false;
  std::vector<std::string> models;
};

// A program that runs each kernel once: ports are inputs, results are outputs.
Program apart(const std::string& name, std::vector<Kernel> kernels) {
  Program program;
  program.name = name;
  using Role = ProgramValue::Role;
  auto value = [&](Role role, const Type& type, const std::string& label) {
    program.values.push_back({role, type, label, nullptr});
    return static_cast<uint32_t>(program.values.size() - 1);
  };
  for (size_t k = 0; k < kernels.size(); ++k) {
    const Graph& body = kernels[k].body;
    Launch launch;
    launch.kernel = static_cast<uint32_t>(k);
    for (const GraphInput& input : body.inputs) {
      launch.inputs.push_back(value(Role::kInput, body.type(input.value), fmt::format("k{}.p{}", k, launch.inputs.size())));
      program.inputs.push_back(launch.inputs.back());
    }
    for (const GraphOutput& output : body.outputs) {
      launch.outputs.push_back(value(Role::kOutput, body.type(output.value), ""));
      program.output_names.push_back(fmt::format("k{}.r{}", k, launch.outputs.size() - 1));
      program.outputs.push_back(launch.outputs.back());
    }
    program.run.push_back(std::move(launch));
  }
  program.kernels = std::move(kernels);
  return program;
}

Status write(std::map<std::string, std::string> files, bool shim, const std::string& folder) {
  if (shim) {
    EGRET_TRY(files, lower::with_shim_cubins(std::move(files)));
  }
  return write_artifact({std::move(files)}, folder);
}

Status bundle(const Options& options, const std::string& model, std::set<std::string>& seen) {
  EGRET_TRY(std::vector<Kernel> kernels, kernels_of_model(model, options.target));
  std::erase_if(kernels, [&](const Kernel& k) {
    return k.plan.schedule == ScheduleClass::kAlias || !seen.insert(body_text(k.body)).second;
  });
  EGRET_TRY(const Device device, load_device(options.target));
  const std::string name = std::filesystem::path(model).stem().string();
  LowerOptions lower;
  lower.target = options.target;
  lower.device_hash = device.hash;
  lower.threads = 2;
  lower.cuda_source = true;
  if (!options.shim) lower.cubins = {device.arch};
  const size_t count = kernels.size();
  EGRET_TRY(Artifact artifact, lower_program(apart(name, std::move(kernels)), lower));
  EGRET_TRY_VOID(write(std::move(artifact.files), options.shim, options.out + "/" + name));
  std::cout << name << ": " << count << " kernels" << std::endl;
  return {};
}

Status shim_artifact(const Options& options) {
  std::map<std::string, std::string> files;
  EGRET_TRY(files[kPlanFile], read_file(options.shim_artifact + "/" + kPlanFile));
  EGRET_TRY(const Plan plan, parse_plan(files[kPlanFile]));
  for (const auto& [path, hash] : plan.files) {
    EGRET_TRY(files[path], read_file(options.shim_artifact + "/" + path));
  }
  return write(std::move(files), true, options.out);
}

Status run(const Options& options) {
  if (!options.shim_artifact.empty()) return shim_artifact(options);
  if (!options.shim && !lower::nvrtc_available()) return unsupported_error("NVRTC is not here", "run setup.sh, or give --shim");
  std::set<std::string> seen;
  for (const std::string& model : options.models) EGRET_TRY_VOID(bundle(options, model, seen));
  return {};
}

}  // namespace
}  // namespace egret::test

int main(int argc, char** argv) {
  egret::test::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--target" && more) {
      options.target = argv[++i];
    } else if (word == "--out" && more) {
      options.out = argv[++i];
    } else if (word == "--shim-artifact" && more) {
      options.shim_artifact = argv[++i];
    } else if (word == "--shim") {
      options.shim = true;
    } else {
      options.models.push_back(word);
    }
  }
  if (options.out.empty() || options.models.empty() == options.shim_artifact.empty()) {
    std::cerr << "gpu_bundle: [--target DEVICE] [--shim] --out FOLDER MODEL..., or --shim-artifact FROM --out FOLDER\n";
    return 1;
  }
  std::filesystem::create_directories(options.out);
  if (auto status = egret::test::run(options); !status.ok()) {
    std::cerr << "gpu_bundle: " << status.error().to_string() << "\n";
    return 1;
  }
  return 0;
}
