// The kernels of a program printed and compiled.
//
// A cubin holds a few kernels: NVRTC takes as long to start as to compile a small kernel.  Which kernels stand together
// follows from their order alone, so any number of threads gives the same files.
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <optional>

#include "lower/cuda/cuda.h"
#include "lower/cuda/nvrtc.h"
#include "support/limits.h"

namespace egret::lower {
namespace {

constexpr size_t kKernelsPerCubin = 4;  // 8 are no faster a kernel, and leave threads idle

// A kernel's text behind another's: names of its own, and its constants undefined at the end.
std::string section(const CudaKernel& kernel) {
  std::string text = "namespace in_" + kernel.name + " {\n" + kernel.source + "}\n";
  for (const CudaConstant& c : kernel.constants) text += "#undef " + c.name + "\n";
  return text;
}

struct Batch {
  std::vector<size_t> kernels;
  std::string name, source;  // name: that of its only kernel, or of the first and the last
  std::vector<std::string> cubins;  // by architecture
};

std::vector<Batch> batches(const std::vector<CudaPart>& parts) {
  std::vector<Batch> all;
  for (size_t k = 0; k < parts.size(); ++k) {
    if (parts[k].kernel.source.empty()) continue;
    if (all.empty() || all.back().kernels.size() == kKernelsPerCubin) all.emplace_back();
    all.back().kernels.push_back(k);
  }
  for (Batch& b : all) {
    const CudaKernel &first = parts[b.kernels.front()].kernel, &last = parts[b.kernels.back()].kernel;
    const bool alone = b.kernels.size() == 1;
    b.name = alone ? first.name : first.name + "-" + last.name;
    if (alone) b.source = first.source;
    for (size_t k : b.kernels) b.source += alone ? "" : section(parts[k].kernel);
  }
  return all;
}

}  // namespace

Result<std::vector<CudaPart>> add_cuda(const Program& program, const CudaOptions& options,
                                       std::map<std::string, std::string>& files) {
  const Stopwatch watch;
  std::vector<CudaPart> parts(program.kernels.size());
  std::vector<std::optional<Error>> errors(parts.size());
  tbb::task_arena arena(std::max(1, options.threads));
  // Runs `one` for each number below `count`; the error of the first number that has one.
  auto each = [&](size_t count, const auto& one) -> Status {
    arena.execute([&] { tbb::parallel_for(size_t{0}, count, one, tbb::simple_partitioner()); });
    for (auto& error : errors) {
      if (error) return *std::move(error);
    }
    return {};
  };
  EGRET_TRY_VOID(each(parts.size(), [&](size_t k) {
    if (watch.seconds() >= options.seconds) return;
    const bool in_place = k < options.in_place.size() && options.in_place[k] != 0;
    auto printed = print_cuda(program.kernels[k], "k" + std::to_string(k), options.strict, in_place);
    if (!printed.ok()) return void(errors[k] = printed.take_error());
    parts[k].kernel = std::move(*printed);
  }));

  std::vector<std::string> more;
  if (options.strict) more.push_back("--fmad=false");
  std::vector<Batch> all = batches(parts);
  EGRET_TRY_VOID(each(all.size(), [&](size_t i) {
    for (const std::string& architecture : options.cubins) {
      if (watch.seconds() >= options.seconds) return;
      auto cubin = compile_cubin(all[i].source, all[i].name, architecture, more);
      if (!cubin.ok()) return void(errors[i] = cubin.take_error());
      all[i].cubins.push_back(std::move(cubin->bytes));
    }
  }));

  for (Batch& b : all) {
    for (size_t a = 0; a < b.cubins.size(); ++a) {
      const std::string path = "kernels/" + b.name + "." + options.cubins[a] + ".cubin";
      files[path] = std::move(b.cubins[a]);
      for (size_t k : b.kernels) parts[k].cubins[options.cubins[a]] = path;
    }
    for (size_t k : b.kernels) {
      CudaPart& part = parts[k];
      part.source_path = "kernels/" + part.kernel.name + ".cu";
      files[part.source_path] = std::move(part.kernel.source);
      part.kernel.source.clear();
      part.kernel.head.clear();
    }
  }
  return parts;
}

}  // namespace egret::lower
