#include "tests/lower/cuda_shim/shim_run.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "support/files.h"

namespace egret::lower {
namespace {

constexpr size_t kGuard = 64;
constexpr unsigned char kPoison = 0xcd;  // a float no kernel computes

}  // namespace

ShimBatch::~ShimBatch() {
  for (void* library : libraries_) dlclose(library);
  if (!folder_.empty()) std::filesystem::remove_all(folder_);
}

int ShimBatch::add(const CudaKernel& kernel, const std::map<std::string, int64_t>& defines) {
  const std::string number = std::to_string(entries_.size()), space = "entry" + number;
  std::string text = "#define " + kernel.name + " kernel_" + number + "\n";
  for (const auto& [name, value] : defines) text += "#define " + name + " " + std::to_string(value) + "\n";
  text += "namespace " + space + " {\n" + kernel.source + "}\n";
  text += "extern \"C\" int run_" + number + "(int reversed, void** arguments) {\n  using namespace " + space +
          ";\n  return shim::launch(" + space + "::" + kernel.name +
          ", GRID_X, BLOCK_X, SHARED_BYTES, reversed != 0, arguments);\n}\n";
  text += "extern \"C\" void geometry_" + number + "(long long* out) {\n  using namespace " + space +
          ";\n  out[0] = GRID_X, out[1] = BLOCK_X, out[2] = SHARED_BYTES;\n}\n";
  for (const CudaConstant& constant : kernel.constants) text += "#undef " + constant.name + "\n";
  text += "#undef " + kernel.name + "\n";
  entries_.push_back({std::move(text)});
  return static_cast<int>(entries_.size()) - 1;
}

Status ShimBatch::compile_part(size_t first, size_t last, const std::string& stem) {
  std::string text = "#include \"tests/lower/cuda_shim/shim.h\"\n";
  for (size_t i = first; i < last; ++i) text += entries_[i].text;
  EGRET_TRY_VOID(write_file(stem + ".cpp", text));
  const std::string command =
      "g++ -std=c++17 -O1 -w -fPIC -shared -fno-math-errno -ffp-contract=off -I '" EGRET_SOURCE_DIR "' '" + stem +
      ".cpp' -o '" + stem + ".so' 2> '" + stem + ".log'";
  if (std::system(command.c_str()) == 0) return {};
  auto log = read_file(stem + ".log");
  return internal_error("g++ does not compile the printed kernels:\n" + (log.ok() ? log->substr(0, 4000) : ""));
}

Status ShimBatch::open_part(size_t first, size_t last, const std::string& stem) {
  void* library = dlopen((stem + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return internal_error(std::string("dlopen: ") + dlerror());
  libraries_.push_back(library);
  for (size_t i = first; i < last; ++i) {
    entries_[i].run = reinterpret_cast<int (*)(int, void**)>(dlsym(library, ("run_" + std::to_string(i)).c_str()));
    entries_[i].geometry =
        reinterpret_cast<void (*)(long long*)>(dlsym(library, ("geometry_" + std::to_string(i)).c_str()));
    entries_[i].text.clear();
  }
  return {};
}

Status ShimBatch::compile(int jobs) {
  if (folder_.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "egret-shim-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return io_error("no temporary folder");
    folder_ = pattern;
  }
  size_t done = 0;
  while (done < entries_.size() && entries_[done].run) ++done;
  const size_t part = (entries_.size() - done + jobs - 1) / jobs;
  std::vector<std::thread> threads;
  std::vector<Status> results(jobs);
  std::vector<std::pair<size_t, size_t>> ranges;
  for (int j = 0; j < jobs; ++j) {
    const size_t first = std::min(entries_.size(), done + j * part), last = std::min(entries_.size(), first + part);
    ranges.push_back({first, last});
    if (first < last)
      threads.emplace_back(
          [&, j, first, last] { results[j] = compile_part(first, last, folder_ + "/p" + std::to_string(first)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int j = 0; j < jobs; ++j) {
    EGRET_TRY_VOID(results[j]);
    const auto [first, last] = ranges[j];
    if (first < last) EGRET_TRY_VOID(open_part(first, last, folder_ + "/p" + std::to_string(first)));
  }
  return {};
}

Result<std::vector<Tensor>> ShimBatch::run(int entry, const std::vector<Tensor>& inputs,
                                           const std::vector<Type>& results,
                                           const std::vector<Takeover>& in_place) const {
  std::vector<Tensor> first;
  for (int reversed = 0; reversed < 2; ++reversed) {
    // Copies, so that an overrun read of a neighbour or a written port shows.
    std::vector<std::vector<std::byte>> memory;
    for (const Tensor& input : inputs) memory.emplace_back(input.bytes().begin(), input.bytes().end());
    for (const Type& type : results) memory.emplace_back(type.bytes() + kGuard, std::byte{kPoison});
    std::vector<void*> arguments;
    for (auto& bytes : memory) arguments.push_back(bytes.data());
    std::vector<uint8_t> written(inputs.size(), 0);
    for (const Takeover& pair : in_place) {
      arguments[inputs.size() + pair.result] = arguments[pair.operand];
      written[pair.operand] = 1;
    }
    if (entries_[entry].run(reversed, arguments.data()) != 0) return internal_error("shared memory was overrun");
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!written[i] && std::memcmp(memory[i].data(), inputs[i].bytes().data(), memory[i].size()) != 0)
        return internal_error("a port was written");
    }
    for (const Takeover& pair : in_place)
      std::copy(memory[pair.operand].begin(), memory[pair.operand].end(), memory[inputs.size() + pair.result].begin());
    std::vector<Tensor> outputs;
    for (size_t r = 0; r < results.size(); ++r) {
      auto& bytes = memory[inputs.size() + r];
      for (size_t i = bytes.size() - kGuard; i < bytes.size(); ++i) {
        if (bytes[i] != std::byte{kPoison}) return internal_error("a result was overrun");
      }
      bytes.resize(bytes.size() - kGuard);
      outputs.emplace_back(results[r], bytes);
    }
    if (reversed == 0) {
      first = std::move(outputs);
      continue;
    }
    for (size_t r = 0; r < results.size(); ++r) {
      if (!(outputs[r] == first[r]))
        return internal_error("the order of threads changes a result: a barrier is missing");
    }
  }
  return first;
}

ShimBatch::Geometry ShimBatch::geometry(int entry) const {
  long long out[3] = {0, 0, 0};
  entries_[entry].geometry(out);
  return {out[0], out[1], out[2]};
}

}  // namespace egret::lower
