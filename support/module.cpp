#include "support/module.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace egret {
namespace {

std::filesystem::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&own_folder), &info) && info.dli_fname) {
    std::error_code error;
    auto path = std::filesystem::canonical(info.dli_fname, error);
    if (!error) return path.parent_path();
  }
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

Result<void*> open_module_symbol(const std::string& name, const std::string& symbol) {
  static std::mutex mutex;
  static std::map<std::string, void*> opened;
  std::lock_guard lock(mutex);
  void*& handle = opened[name];
  std::string reason;
  if (!handle) {
    const std::string file = "lib" + name + ".so";
    std::vector<std::filesystem::path> folders;
    if (const char* path = std::getenv("EGRET_MODULE_PATH")) folders.emplace_back(path);
    folders.push_back(own_folder() / ".." / "lib");
    folders.push_back(own_folder());
    for (const auto& folder : folders) {
      std::error_code error;
      if (!std::filesystem::exists(folder / file, error)) continue;
      handle = dlopen((folder / file).c_str(), RTLD_NOW | RTLD_LOCAL);
      if (handle) break;
      reason = dlerror();
    }
    if (!handle) {
      return unsupported_error(
          fmt::format("the module {} cannot be opened{}", file, reason.empty() ? "" : ": " + reason),
          "this build was configured without it; `egret --version` says what is on");
    }
  }
  void* address = dlsym(handle, symbol.c_str());
  if (!address) return internal_error(fmt::format("module {} has no symbol {}", name, symbol));
  return address;
}

}  // namespace egret
