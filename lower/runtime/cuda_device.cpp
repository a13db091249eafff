#include "lower/runtime/cuda_device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <set>

namespace egret {
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
  int (*memory_info)(size_t*, size_t*) = nullptr;
  int (*stream_create)(Handle*, unsigned) = nullptr;
  int (*stream_destroy)(Handle) = nullptr;
  int (*stream_synchronize)(Handle) = nullptr;
  int (*event_create)(Handle*, unsigned) = nullptr;
  int (*event_destroy)(Handle) = nullptr;
  int (*event_record)(Handle, Handle) = nullptr;
  int (*event_synchronize)(Handle) = nullptr;
  int (*event_elapsed)(float*, Handle, Handle) = nullptr;
  int (*allocate)(DevicePointer*, size_t) = nullptr;
  int (*release)(DevicePointer) = nullptr;
  int (*set)(DevicePointer, unsigned char, size_t, Handle) = nullptr;
  int (*copy_in)(DevicePointer, const void*, size_t, Handle) = nullptr;
  int (*copy_out)(void*, DevicePointer, size_t, Handle) = nullptr;
  int (*copy_within)(DevicePointer, DevicePointer, size_t, Handle) = nullptr;
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
constexpr unsigned kNonBlocking = 1;  // CU_STREAM_NON_BLOCKING: apart from the default stream
enum Code { kSuccess = 0, kOutOfMemory = 2, kNoDevice = 100, kInvalidDevice = 101 };

Driver open_driver() {
  Driver api;
  const char* chosen = std::getenv("EGRET_CUDA_DRIVER");
  const std::string name = chosen && *chosen ? chosen : "libcuda.so.1";
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char* why = dlerror();
    api.failure = why ? why : name + " cannot be opened";
    return api;
  }
  auto load = [&](const char* symbol, auto& function) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(dlsym(library, symbol));
    if (!function && api.failure.empty()) api.failure = name + " lacks " + symbol;
  };
  load("cuInit", api.init);
  load("cuGetErrorString", api.error_string);
  load("cuDeviceGet", api.device_get);
  load("cuDeviceGetAttribute", api.device_attribute);
  load("cuDevicePrimaryCtxRetain", api.context_retain);
  load("cuDevicePrimaryCtxRelease_v2", api.context_release);
  load("cuCtxSetCurrent", api.context_set);
  load("cuMemGetInfo_v2", api.memory_info);
  load("cuStreamCreate", api.stream_create);
  load("cuStreamDestroy_v2", api.stream_destroy);
  load("cuStreamSynchronize", api.stream_synchronize);
  load("cuEventCreate", api.event_create);
  load("cuEventDestroy_v2", api.event_destroy);
  load("cuEventRecord", api.event_record);
  load("cuEventSynchronize", api.event_synchronize);
  load("cuEventElapsedTime", api.event_elapsed);
  load("cuMemAlloc_v2", api.allocate);
  load("cuMemFree_v2", api.release);
  load("cuMemsetD8Async", api.set);
  load("cuMemcpyHtoDAsync_v2", api.copy_in);
  load("cuMemcpyDtoHAsync_v2", api.copy_out);
  load("cuMemcpyDtoDAsync_v2", api.copy_within);
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

Status check(int code, const std::string& what) {
  if (code == kSuccess) return {};
  const char* text = nullptr;
  driver().error_string(code, &text);
  const std::string message = fmt::format("CUDA: {}: {}", what, text ? text : fmt::format("error {}", code));
  if (code == kOutOfMemory) return limit_error(message);
  return unsupported_error(message);
}

}  // namespace

struct CudaDevice::Impl {
  int device = 0;
  int capability = 0;
  Handle context = nullptr, stream = nullptr;
  std::vector<Handle> events;
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
    if (stream) driver().stream_synchronize(stream);
    for (Handle event : events) driver().event_destroy(event);
    for (DevicePointer pointer : allocations) driver().release(pointer);
    for (Handle module : modules) driver().module_unload(module);
    if (stream) driver().stream_destroy(stream);
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
    return unsupported_error(fmt::format("cuda:{}: there is no CUDA driver here: {}", ordinal, api.failure),
                             "use --device cpu, or a machine with a GPU");
  const int started = api.init(0);
  if (started == kNoDevice) return unsupported_error("there is a CUDA driver here, but no device", "use --device cpu");
  EGRET_TRY_VOID(check(started, "the driver does not start"));
  auto impl = std::make_unique<Impl>();
  const int found = api.device_get(&impl->device, ordinal);
  if (found == kInvalidDevice)
    return unsupported_error(fmt::format("there is no device cuda:{}", ordinal), "devices count from cuda:0");
  EGRET_TRY_VOID(check(found, fmt::format("no device cuda:{}", ordinal)));
  int major = 0, minor = 0;
  EGRET_TRY_VOID(check(api.device_attribute(&major, kCapabilityMajor, impl->device), "capability"));
  EGRET_TRY_VOID(check(api.device_attribute(&minor, kCapabilityMinor, impl->device), "capability"));
  impl->capability = major * 10 + minor;
  EGRET_TRY_VOID(check(api.context_retain(&impl->context, impl->device), "no context"));
  EGRET_TRY_VOID(check(api.context_set(impl->context), "no context"));
  EGRET_TRY_VOID(check(api.stream_create(&impl->stream, kNonBlocking), "no stream"));
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
  const uint64_t size = bytes ? bytes : 1;
  const int code = driver().allocate(&pointer, size);
  if (code == kOutOfMemory) {
    size_t left = 0, total = 0;
    driver().memory_info(&left, &total);
    return limit_error(
        fmt::format("the device has no memory for {} bytes: {} of {} are free", size, left, total),
        "free memory of the device, or use --device cpu");
  }
  EGRET_TRY_VOID(check(code, "device memory"));
  impl_->allocations.insert(pointer);
  EGRET_TRY_VOID(check(driver().set(pointer, 0, size, impl_->stream), "device memory"));
  return pointer;
}

Status CudaDevice::release(DevicePointer pointer) {
  EGRET_CHECK(impl_->allocations.erase(pointer) == 1, "released memory was allocated here");
  EGRET_TRY_VOID(synchronize());
  return check(driver().release(pointer), "release");
}

Status CudaDevice::copy_in(DevicePointer to, const void* from, uint64_t bytes) {
  if (bytes == 0) return {};
  EGRET_TRY_VOID(check(driver().copy_in(to, from, bytes, impl_->stream), "copy to the device"));
  return synchronize();
}

Status CudaDevice::copy_out(void* to, DevicePointer from, uint64_t bytes) {
  if (bytes == 0) return {};
  EGRET_TRY_VOID(check(driver().copy_out(to, from, bytes, impl_->stream), "copy from the device"));
  return synchronize();
}

Status CudaDevice::copy_within(DevicePointer to, DevicePointer from, uint64_t bytes) {
  if (bytes == 0 || to == from) return {};
  return check(driver().copy_within(to, from, bytes, impl_->stream), "copy on the device");
}

Result<int> CudaDevice::load(const std::string& cubin, const std::string& path) {
  Handle module = nullptr;
  EGRET_TRY_VOID(check(driver().module_load(&module, cubin.data()), "load " + path));
  impl_->modules.push_back(module);
  return static_cast<int>(impl_->modules.size()) - 1;
}

Result<int> CudaDevice::function(int module, const std::string& name, uint32_t shared_bytes) {
  Handle handle = nullptr;
  EGRET_TRY_VOID(check(driver().module_function(&handle, impl_->modules[static_cast<size_t>(module)], name.c_str()),
                       "no function " + name));
  if (shared_bytes > kSharedWithoutAsking)
    EGRET_TRY_VOID(check(driver().function_attribute(handle, kMaxDynamicShared, static_cast<int>(shared_bytes)),
                         "shared memory of " + name));
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
                               chosen.shared_bytes, impl_->stream, pointers.data(), nullptr),
               "launch");
}

Status CudaDevice::mark(size_t number) {
  while (impl_->events.size() <= number) {
    Handle event = nullptr;
    EGRET_TRY_VOID(check(driver().event_create(&event, 0), "event"));
    impl_->events.push_back(event);
  }
  return check(driver().event_record(impl_->events[number], impl_->stream), "event");
}

Result<double> CudaDevice::seconds_between(size_t first, size_t second) {
  EGRET_CHECK(first < impl_->events.size() && second < impl_->events.size(), "the moments were marked");
  EGRET_TRY_VOID(check(driver().event_synchronize(impl_->events[second]), "the device failed"));
  float milliseconds = 0;
  EGRET_TRY_VOID(check(driver().event_elapsed(&milliseconds, impl_->events[first], impl_->events[second]), "event"));
  return static_cast<double>(milliseconds) * 1e-3;
}

Status CudaDevice::synchronize() { return check(driver().stream_synchronize(impl_->stream), "the device failed"); }

}  // namespace egret
