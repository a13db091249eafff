#include "lower/cuda/nvrtc.h"

#include <dlfcn.h>

#include <cstdlib>
#include <regex>

namespace egret::lower {
namespace {

// The part of nvrtc.h that is used; its ABI is stable within a major version.
using Program = struct OpaqueProgram*;
struct Nvrtc {
  int (*version)(int*, int*) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*log_size)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*cubin_size)(Program, size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  const char* (*error_string)(int) = nullptr;
  std::string failure;  // why it cannot be used; empty when it can
};

std::vector<std::string> folders() {
  std::vector<std::string> result;
  if (const char* path = std::getenv("EGRET_NVRTC_PATH")) return {std::string(path) + "/"};
#ifdef EGRET_NVRTC_LIBRARY
  const std::string library = EGRET_NVRTC_LIBRARY;
  result.push_back(library.substr(0, library.rfind('/') + 1));
#endif
  result.push_back("");  // the loader's own search
  return result;
}

template <class F>
bool load(void* library, const char* symbol, F& function) {
  function = reinterpret_cast<F>(dlsym(library, symbol));
  return function != nullptr;
}

Nvrtc open_nvrtc() {
  Nvrtc api;
  for (const std::string& folder : folders()) {
    // NVRTC looks its builtins up by name among the libraries already loaded.
    dlopen((folder + "libnvrtc-builtins.so.13.0").c_str(), RTLD_NOW | RTLD_GLOBAL);
    void* library = dlopen((folder + "libnvrtc.so.13").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      if (const char* why = dlerror()) api.failure = why;
      continue;
    }
    const bool complete =
        load(library, "nvrtcVersion", api.version) && load(library, "nvrtcCreateProgram", api.create) &&
        load(library, "nvrtcDestroyProgram", api.destroy) && load(library, "nvrtcCompileProgram", api.compile) &&
        load(library, "nvrtcGetProgramLogSize", api.log_size) && load(library, "nvrtcGetProgramLog", api.log) &&
        load(library, "nvrtcGetCUBINSize", api.cubin_size) && load(library, "nvrtcGetCUBIN", api.cubin) &&
        load(library, "nvrtcGetErrorString", api.error_string);
    api.failure = complete ? "" : "libnvrtc.so.13 lacks a function of nvrtc.h";
    return api;
  }
  return api;
}

const Nvrtc& nvrtc() {
  static const Nvrtc api = open_nvrtc();
  return api;
}

Error absent() {
  return unsupported_error("NVRTC cannot be opened: " + nvrtc().failure,
                           "run ./setup.sh, or set EGRET_NVRTC_PATH to the folder that holds libnvrtc.so.13");
}

// Adds up the figures that ptxas -v prints for the functions of the text (there is one).
void read_figures(Cubin& cubin) {
  auto sum = [&](const char* pattern, int& total) {
    const std::regex regex(pattern);
    for (std::sregex_iterator it(cubin.log.begin(), cubin.log.end(), regex), end; it != end; ++it) {
      if (total < 0) total = 0;
      total += std::atoi((*it)[1].str().c_str());
    }
  };
  sum("([0-9]+) bytes stack frame", cubin.stack_bytes);
  sum("([0-9]+) bytes spill (?:stores|loads)", cubin.spill_bytes);
  sum("Used ([0-9]+) registers", cubin.registers);
}

struct ProgramHolder {
  Program program = nullptr;
  ~ProgramHolder() {
    if (program) nvrtc().destroy(&program);
  }
};

}  // namespace

bool nvrtc_available() { return nvrtc().failure.empty(); }

Result<std::string> nvrtc_version() {
  if (!nvrtc_available()) return absent();
  int major = 0, minor = 0;
  nvrtc().version(&major, &minor);
  return std::to_string(major) + "." + std::to_string(minor);
}

Result<Cubin> compile_cubin(const std::string& source, const std::string& name, const std::string& arch,
                            const std::vector<std::string>& more_options) {
  if (!nvrtc_available()) return absent();
  const Nvrtc& api = nvrtc();
  ProgramHolder holder;
  if (int code = api.create(&holder.program, source.c_str(), (name + ".cu").c_str(), 0, nullptr, nullptr); code != 0)
    return internal_error("NVRTC: " + std::string(api.error_string(code)));
  std::vector<std::string> options = {"--gpu-architecture=" + arch, "--std=c++17", "--ptxas-options=-v",
                                      "-diag-suppress=177", "--minimal"};  // no textures, no calls of the CUDA runtime
  options.insert(options.end(), more_options.begin(), more_options.end());
  std::vector<const char*> pointers;
  for (const std::string& option : options) pointers.push_back(option.c_str());
  const int code = api.compile(holder.program, static_cast<int>(pointers.size()), pointers.data());
  Cubin cubin;
  size_t size = 0;
  api.log_size(holder.program, &size);
  cubin.log.resize(size);
  if (size) api.log(holder.program, cubin.log.data());
  while (!cubin.log.empty() && cubin.log.back() == '\0') cubin.log.pop_back();
  if (code != 0)
    return internal_error("NVRTC does not compile kernel " + name + " for " + arch + ": " + api.error_string(code) +
                          "\n" + cubin.log);
  if (int status = api.cubin_size(holder.program, &size); status != 0)
    return internal_error("NVRTC gives no cubin for " + arch + ": " + api.error_string(status));
  cubin.bytes.resize(size);
  api.cubin(holder.program, cubin.bytes.data());
  read_figures(cubin);
  return cubin;
}

}  // namespace egret::lower
