#include "lower/cuda/driver.h"

#include <dlfcn.h>

#include <cstdlib>
#include <set>

namespace egret::lower {
namespace {

// The part of cuda.h that is used; names as the driver exports them (the _v2 ones take 64-bit sizes).
using Handle = void*;
struct Driver {
  int (*init)(unsigned) = nullptr;
  int (*error_string)(int, const char**) = nullptr;
  int (*device_get)(int*, int) = nullptr;
  int (*device_attribute)(int*, int, int) = nullptr;
  int (*context_retain)(Handle*, int) = nullptr;
  int (*context_release)(int) = nullptr;
  int (*context_set)(Handle) = nullptr;
  int (*context_synchronize)() = nullptr;
  int (*allocate)(DevicePointer*, size_t) = nullptr;
  int (*release)(DevicePointer) = nullptr;
  int (*copy_in)(DevicePointer, const void*, size_t) = nullptr;
  int (*copy_out)(void*, DevicePointer, size_t) = nullptr;
  int (*module_load)(Handle*, const void*) = nullptr;
  int (*module_unload)(Handle) = nullptr;
  int (*module_function)(Handle*, Handle, const char*) = nullptr;
  int (*function_attribute)(Handle, int, int) = nullptr;
  int (*launch)(Handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, Handle, void**,
                void**) = nullptr;
  std::string failure;
};
constexpr int kCapabilityMajor = 75, kCapabilityMinor = 76;  // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
constexpr int kMaxDynamicShared = 8;                         // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr uint32_t kSharedWithoutAsking = 48 * 1024;

Driver open_driver() {
  Driver api;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    api.failure = why ? why : "libcuda.so.1 cannot be opened";
    return api;
  }
  auto load = [&](const char* symbol, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
    if (!function && api.failure.empty()) api.failure = std::string("libcuda.so.1 lacks ") + symbol;
  };
  load("cuInit", api.init);
  load("cuGetErrorString", api.error_string);
  load("cuDeviceGet", api.device_get);
  load("cuDeviceGetAttribute", api.device_attribute);
  load("cuDevicePrimaryCtxRetain", api.context_retain);
  load("cuDevicePrimaryCtxRelease_v2", api.context_release);
  load("cuCtxSetCurrent", api.context_set);
  load("cuCtxSynchronize", api.context_synchronize);
  load("cuMemAlloc_v2", api.allocate);
  load("cuMemFree_v2", api.release);
  load("cuMemcpyHtoD_v2", api.copy_in);
  load("cuMemcpyDtoH_v2", api.copy_out);
  load("cuModuleLoadData", api.module_load);
  load("cuModuleUnload", api.module_unload);
  load("cuModuleGetFunction", api.module_function);
  load("cuFuncSetAttribute", api.function_attribute);
  load("cuLaunchKernel", api.launch);
  return api;
}

const Driver& driver() {
  static const Driver api = open_driver();
  return api;
}

Status check(int code, const char* what) {
  if (code == 0) return {};
  const char* text = nullptr;
  driver().error_string(code, &text);
  return unsupported_error(std::string("CUDA: ") + what + ": " + (text ? text : "error " + std::to_string(code)));
}

}  // namespace

struct CudaDevice::Impl {
  int device = 0;
  int capability = 0;
  Handle context = nullptr;
  std::set<DevicePointer> allocations;
  std::vector<Handle> modules;
  struct Function {
    Handle handle;
    uint32_t shared_bytes;
  };
  std::vector<Function> functions;

  ~Impl() {
    if (!context) return;
    driver().context_set(context);
    for (DevicePointer pointer : allocations) driver().release(pointer);
    for (Handle module : modules) driver().module_unload(module);
    driver().context_release(device);
  }
};

CudaDevice::CudaDevice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CudaDevice::~CudaDevice() = default;
CudaDevice::CudaDevice(CudaDevice&&) noexcept = default;
CudaDevice& CudaDevice::operator=(CudaDevice&&) noexcept = default;

Result<CudaDevice> CudaDevice::open(int ordinal) {
  const Driver& api = driver();
  if (!api.failure.empty())
    return unsupported_error("there is no CUDA driver here: " + api.failure,
                             "use --device cpu, or a machine with a GPU");
  EGRET_TRY_VOID(check(api.init(0), "the driver does not start"));
  auto impl = std::make_unique<Impl>();
  EGRET_TRY_VOID(check(api.device_get(&impl->device, ordinal), ("no device cuda:" + std::to_string(ordinal)).c_str()));
  int major = 0, minor = 0;
  EGRET_TRY_VOID(check(api.device_attribute(&major, kCapabilityMajor, impl->device), "capability"));
  EGRET_TRY_VOID(check(api.device_attribute(&minor, kCapabilityMinor, impl->device), "capability"));
  impl->capability = major * 10 + minor;
  EGRET_TRY_VOID(check(api.context_retain(&impl->context, impl->device), "no context"));
  EGRET_TRY_VOID(check(api.context_set(impl->context), "no context"));
  return CudaDevice(std::move(impl));
}

int CudaDevice::capability() const { return impl_->capability; }

int best_architecture(int capability, const std::vector<std::string>& architectures) {
  int best = -1, best_value = -1;
  for (size_t i = 0; i < architectures.size(); ++i) {
    const std::string& name = architectures[i];
    if (name.rfind("sm_", 0) != 0) continue;
    const int number = std::atoi(name.c_str() + 3);
    const bool exact = name.back() == 'a';
    const bool runs = exact ? number == capability : number / 10 == capability / 10 && number <= capability;
    const int value = number * 2 + exact;
    if (runs && value > best_value) best = static_cast<int>(i), best_value = value;
  }
  return best;
}

Result<DevicePointer> CudaDevice::allocate(uint64_t bytes) {
  DevicePointer pointer = 0;
  EGRET_TRY_VOID(check(driver().allocate(&pointer, bytes ? bytes : 1), "device memory"));
  impl_->allocations.insert(pointer);
  return pointer;
}

Status CudaDevice::release(DevicePointer pointer) {
  EGRET_CHECK(impl_->allocations.erase(pointer) == 1, "released memory was allocated here");
  return check(driver().release(pointer), "release");
}

Status CudaDevice::copy_in(DevicePointer to, const void* from, uint64_t bytes) {
  return bytes ? check(driver().copy_in(to, from, bytes), "copy to the device") : Status{};
}

Status CudaDevice::copy_out(void* to, DevicePointer from, uint64_t bytes) {
  return bytes ? check(driver().copy_out(to, from, bytes), "copy from the device") : Status{};
}

Result<int> CudaDevice::load(const std::string& cubin, const std::string& function, uint32_t shared_bytes) {
  Handle module = nullptr, handle = nullptr;
  EGRET_TRY_VOID(check(driver().module_load(&module, cubin.data()), ("load " + function).c_str()));
  impl_->modules.push_back(module);
  EGRET_TRY_VOID(
      check(driver().module_function(&handle, module, function.c_str()), ("no function " + function).c_str()));
  if (shared_bytes > kSharedWithoutAsking)
    EGRET_TRY_VOID(check(driver().function_attribute(handle, kMaxDynamicShared, static_cast<int>(shared_bytes)),
                         ("shared memory of " + function).c_str()));
  impl_->functions.push_back({handle, shared_bytes});
  return static_cast<int>(impl_->functions.size()) - 1;
}

Status CudaDevice::launch(int function, std::array<uint32_t, 3> grid, std::array<uint32_t, 3> block,
                          const std::vector<DevicePointer>& arguments) {
  const Impl::Function& chosen = impl_->functions[static_cast<size_t>(function)];
  std::vector<DevicePointer> values = arguments;
  std::vector<void*> pointers;
  for (DevicePointer& value : values) pointers.push_back(&value);
  return check(driver().launch(chosen.handle, grid[0], grid[1], grid[2], block[0], block[1], block[2],
                               chosen.shared_bytes, nullptr, pointers.data(), nullptr),
               "launch");
}

Status CudaDevice::synchronize() { return check(driver().context_synchronize(), "the device failed"); }

}  // namespace egret::lower
