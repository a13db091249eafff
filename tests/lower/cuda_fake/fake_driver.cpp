// A CUDA driver without a device, for tests: the entry points that lower/runtime/cuda_device.cpp uses, as a shared
// library that EGRET_CUDA_DRIVER names.
//
// Device memory is host memory between guards.  A "cubin" that shim_artifact.h made is a shared object that runs the
// printed kernel under the shim; a real cubin is accepted, and its launches are checked and not run.  What is queued on
// a stream is done only when somebody waits for it, so that a missing wait shows.  Every misuse (a pointer that lies in
// no live memory, memory freed under queued work, a launch unlike the kernel's own geometry, an overrun) is written
// down: egret_fake_violations gives the list, and the call at fault fails.
//
// EGRET_FAKE_CUDA, a list such as "devices=1,capability=90,memory=1000000", says what device it plays.
#include <dlfcn.h>
#include <elf.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

enum Code { kSuccess, kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100, kInvalidDevice = 101, kInvalidImage = 200,
            kInvalidHandle = 400, kNotFound = 500, kNotReady = 600, kLaunchFailed = 719 };

constexpr size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xA5, kFresh = 0xFF;  // fresh memory reads as NaN
constexpr unsigned kSharedWithoutAsking = 48 * 1024;

struct Allocation {
  std::unique_ptr<unsigned char[]> block;
  uint64_t begin = 0;
  size_t size = 0;
  bool whole() const {
    auto guarded = [](const unsigned char* p) {
      return std::all_of(p, p + kGuard, [](unsigned char c) { return c == kGuardByte; });
    };
    const auto* data = reinterpret_cast<const unsigned char*>(begin);
    return guarded(data - kGuard) && guarded(data + size);
  }
};

struct Module {
  void* library = nullptr;  // null: a real cubin, which is not run
  int functions = 0;
};
struct Function {
  std::shared_ptr<Module> module;
  int (*run)(int reversed, void** arguments) = nullptr;
  long long grid = 0, block = 0, shared = 0;
  int parameters = -1;
  unsigned shared_allowed = kSharedWithoutAsking;
};
struct Event {
  bool recorded = false, reached = false;
  std::chrono::steady_clock::time_point time;
};
struct Stream {
  std::vector<std::function<void()>> queue;
};

struct Fake {
  int devices = 1, capability = 90;
  size_t memory = size_t{1} << 34, used = 0;
  bool started = false;
  int contexts = 0;
  std::map<uint64_t, Allocation> allocations;  // by begin
  std::map<void*, std::shared_ptr<Module>> modules;
  std::map<void*, std::unique_ptr<Function>> functions;
  std::set<void*> streams, events;
  long long launches = 0;
  std::string violations;

  Fake() {
    const char* text = std::getenv("EGRET_FAKE_CUDA");
    for (std::string rest = text ? text : ""; !rest.empty();) {
      const size_t comma = rest.find(','), equal = rest.find('=');
      const std::string name = rest.substr(0, equal);
      const long long value = equal == std::string::npos ? 0 : std::atoll(rest.c_str() + equal + 1);
      if (name == "devices") devices = static_cast<int>(value);
      if (name == "capability") capability = static_cast<int>(value);
      if (name == "memory") memory = static_cast<size_t>(value);
      rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    }
  }

  int violate(const std::string& what, int code = kInvalidValue) {
    violations += what + "\n";
    std::fprintf(stderr, "fake CUDA driver: %s\n", what.c_str());
    return code;
  }
  // Whether [pointer, pointer + bytes) lies in live memory.
  bool lies(uint64_t pointer, size_t bytes) const {
    auto it = allocations.upper_bound(pointer);
    if (it == allocations.begin()) return false;
    const Allocation& a = std::prev(it)->second;
    return pointer >= a.begin && pointer + bytes <= a.begin + a.size;
  }
  void check_guards(const std::string& after) {
    for (auto& [begin, a] : allocations) {
      if (!a.whole()) violate("memory beyond an allocation of " + std::to_string(a.size) + " bytes was written by " + after);
    }
  }
};
Fake& fake() {
  static Fake instance;
  return instance;
}

Stream* stream_of(void* handle) { return fake().streams.count(handle) ? static_cast<Stream*>(handle) : nullptr; }
Event* event_of(void* handle) { return fake().events.count(handle) ? static_cast<Event*>(handle) : nullptr; }

void drain(Stream& stream) {
  std::vector<std::function<void()>> work;
  work.swap(stream.queue);
  for (auto& step : work) step();
}

bool work_is_queued() {
  for (void* s : fake().streams) {
    if (!static_cast<Stream*>(s)->queue.empty()) return true;
  }
  return false;
}

// Bytes of an ELF file: up to the end of its sections and of their table.
size_t elf_size(const unsigned char* image) {
  Elf64_Ehdr head;
  std::memcpy(&head, image, sizeof head);
  size_t size = head.e_shoff + size_t{head.e_shnum} * head.e_shentsize;
  for (int i = 0; i < head.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, image + head.e_shoff + size_t(i) * head.e_shentsize, sizeof section);
    if (section.sh_type != SHT_NOBITS) size = std::max<size_t>(size, section.sh_offset + section.sh_size);
  }
  return size;
}

void* open_image(const unsigned char* image) {
  std::string name = "/tmp/egret-fake-cuda-XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0) return nullptr;
  const size_t size = elf_size(image);
  const bool written = write(file, image, size) == static_cast<ssize_t>(size);
  close(file);
  void* library = written ? dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) std::fprintf(stderr, "fake CUDA driver: %s\n", dlerror());
  unlink(name.c_str());
  return library;
}

}  // namespace

extern "C" {

const char* egret_fake_violations() { return fake().violations.c_str(); }
void egret_fake_forget() { fake().violations.clear(); }
void egret_fake_configure(int devices, int capability, size_t memory) {
  fake().devices = devices, fake().capability = capability, fake().memory = memory;
}
// What is alive: allocations, modules, streams, events, contexts; and launches done.
void egret_fake_counts(long long* out) {
  const Fake& f = fake();
  out[0] = static_cast<long long>(f.allocations.size()), out[1] = static_cast<long long>(f.modules.size());
  out[2] = static_cast<long long>(f.streams.size()), out[3] = static_cast<long long>(f.events.size());
  out[4] = f.contexts, out[5] = f.launches;
}

int cuInit(unsigned) {
  if (fake().devices == 0) return kNoDevice;
  fake().started = true;
  return kSuccess;
}
int cuGetErrorString(int code, const char** text) {
  static const std::map<int, const char*> kTexts = {
      {kSuccess, "no error"}, {kInvalidValue, "invalid argument"}, {kOutOfMemory, "out of memory"},
      {kNoDevice, "no CUDA-capable device is detected"}, {kInvalidDevice, "invalid device ordinal"},
      {kInvalidImage, "device kernel image is invalid"}, {kInvalidHandle, "invalid resource handle"},
      {kNotFound, "named symbol not found"}, {kNotReady, "device not ready"}, {kLaunchFailed, "unspecified launch failure"}};
  const auto found = kTexts.find(code);
  *text = found == kTexts.end() ? nullptr : found->second;
  return found == kTexts.end() ? kInvalidValue : kSuccess;
}
int cuDeviceGet(int* device, int ordinal) {
  if (!fake().started) return fake().violate("cuDeviceGet before cuInit");
  if (ordinal < 0 || ordinal >= fake().devices) return kInvalidDevice;
  *device = ordinal;
  return kSuccess;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  *value = attribute == 75 ? fake().capability / 10 : attribute == 76 ? fake().capability % 10 : 0;
  return kSuccess;
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  ++fake().contexts;
  *context = reinterpret_cast<void*>(static_cast<uintptr_t>(device) + 1);
  return kSuccess;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  if (fake().contexts == 0) return fake().violate("a context is released that was not retained");
  --fake().contexts;
  return kSuccess;
}
int cuCtxSetCurrent(void*) { return fake().contexts > 0 ? kSuccess : fake().violate("no context"); }

int cuMemGetInfo_v2(size_t* left, size_t* total) {
  *total = fake().memory;
  *left = fake().memory - std::min(fake().memory, fake().used);
  return kSuccess;
}
int cuMemAlloc_v2(uint64_t* pointer, size_t bytes) {
  Fake& f = fake();
  if (bytes == 0) return kInvalidValue;
  if (bytes > f.memory || f.used > f.memory - bytes) return kOutOfMemory;
  Allocation a;
  a.size = bytes;
  a.block = std::make_unique<unsigned char[]>(bytes + 3 * kGuard);
  a.begin = (reinterpret_cast<uint64_t>(a.block.get()) + 2 * kGuard - 1) / kGuard * kGuard;
  auto* data = reinterpret_cast<unsigned char*>(a.begin);
  std::memset(data - kGuard, kGuardByte, kGuard);
  std::memset(data, kFresh, bytes);
  std::memset(data + bytes, kGuardByte, kGuard);
  f.used += bytes;
  *pointer = a.begin;
  f.allocations[a.begin] = std::move(a);
  return kSuccess;
}
int cuMemFree_v2(uint64_t pointer) {
  Fake& f = fake();
  const auto found = f.allocations.find(pointer);
  if (found == f.allocations.end()) return f.violate("memory is freed that is not live");
  if (work_is_queued()) f.violate("memory is freed while work is queued");
  f.check_guards("what ran before a release");
  f.used -= found->second.size;
  f.allocations.erase(found);
  return kSuccess;
}

int cuStreamCreate(void** stream, unsigned) {
  *stream = new Stream;
  fake().streams.insert(*stream);
  return kSuccess;
}
int cuStreamDestroy_v2(void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream) return fake().violate("no such stream", kInvalidHandle);
  if (!stream->queue.empty()) fake().violate("a stream ends with work queued");
  fake().streams.erase(handle);
  delete stream;
  return kSuccess;
}
int cuStreamSynchronize(void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream) return fake().violate("no such stream", kInvalidHandle);
  const std::string before = fake().violations;
  drain(*stream);
  return fake().violations == before ? kSuccess : kLaunchFailed;
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream || !fake().lies(to, bytes)) return fake().violate("cuMemsetD8Async outside of memory");
  stream->queue.push_back([=] { std::memset(reinterpret_cast<void*>(to), value, bytes); });
  return kSuccess;
}
// From pageable host memory: taken at once, arrives in order.
int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream || !fake().lies(to, bytes)) return fake().violate("a copy to the device lies outside of memory");
  const auto* data = static_cast<const unsigned char*>(from);
  auto staged = std::make_shared<std::vector<unsigned char>>(data, data + bytes);
  stream->queue.push_back([=] { std::memcpy(reinterpret_cast<void*>(to), staged->data(), staged->size()); });
  return kSuccess;
}
int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream || !fake().lies(from, bytes)) return fake().violate("a copy from the device lies outside of memory");
  stream->queue.push_back([=] { std::memcpy(to, reinterpret_cast<const void*>(from), bytes); });
  return kSuccess;
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* handle) {
  Stream* stream = stream_of(handle);
  if (!stream || !fake().lies(from, bytes) || !fake().lies(to, bytes))
    return fake().violate("a copy on the device lies outside of memory");
  stream->queue.push_back(
      [=] { std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes); });
  return kSuccess;
}

int cuEventCreate(void** event, unsigned) {
  *event = new Event;
  fake().events.insert(*event);
  return kSuccess;
}
int cuEventDestroy_v2(void* handle) {
  Event* event = event_of(handle);
  if (!event) return fake().violate("no such event", kInvalidHandle);
  if (work_is_queued()) fake().violate("an event ends while work is queued");
  fake().events.erase(handle);
  delete event;
  return kSuccess;
}
int cuEventRecord(void* handle, void* stream_handle) {
  Event* event = event_of(handle);
  Stream* stream = stream_of(stream_handle);
  if (!event || !stream) return fake().violate("cuEventRecord without event or stream", kInvalidHandle);
  event->recorded = true;
  event->reached = false;
  stream->queue.push_back([event] {
    event->reached = true;
    event->time = std::chrono::steady_clock::now();
  });
  return kSuccess;
}
int cuEventSynchronize(void* handle) {
  Event* event = event_of(handle);
  if (!event) return fake().violate("no such event", kInvalidHandle);
  const std::string before = fake().violations;
  for (void* s : fake().streams) drain(*static_cast<Stream*>(s));
  return fake().violations == before ? kSuccess : kLaunchFailed;
}
int cuEventElapsedTime(float* milliseconds, void* first, void* second) {
  Event *a = event_of(first), *b = event_of(second);
  if (!a || !b || !a->recorded || !b->recorded) return fake().violate("time between events that were not recorded");
  if (!a->reached || !b->reached) return kNotReady;
  *milliseconds = std::chrono::duration<float, std::milli>(b->time - a->time).count();
  return kSuccess;
}

int cuModuleLoadData(void** handle, const void* image) {
  const auto* bytes = static_cast<const unsigned char*>(image);
  if (std::memcmp(bytes, ELFMAG, SELFMAG) != 0) return kInvalidImage;
  Elf64_Ehdr head;
  std::memcpy(&head, bytes, sizeof head);
  auto loaded = std::make_shared<Module>();
  constexpr int kCuda = 190;  // EM_CUDA
  if (head.e_machine != kCuda) {
    loaded->library = open_image(bytes);
    if (!loaded->library) return kInvalidImage;
  }
  *handle = loaded.get();
  fake().modules[loaded.get()] = std::move(loaded);
  return kSuccess;
}
int cuModuleUnload(void* handle) {
  Fake& f = fake();
  const auto found = f.modules.find(handle);
  if (found == f.modules.end()) return f.violate("no such module", kInvalidHandle);
  if (work_is_queued()) f.violate("a module is unloaded while work is queued");
  for (auto it = f.functions.begin(); it != f.functions.end();) {
    it = it->second->module.get() == handle ? f.functions.erase(it) : std::next(it);
  }
  if (found->second->library) dlclose(found->second->library);
  f.modules.erase(found);
  return kSuccess;
}
int cuModuleGetFunction(void** handle, void* module, const char* name) {
  Fake& f = fake();
  const auto found = f.modules.find(module);
  if (found == f.modules.end()) return f.violate("no such module", kInvalidHandle);
  auto function = std::make_unique<Function>();
  function->module = found->second;
  if (void* library = found->second->library) {
    auto symbol = [&](const char* what) { return dlsym(library, (std::string("egret_shim_") + what + "_" + name).c_str()); };
    function->run = reinterpret_cast<int (*)(int, void**)>(symbol("run"));
    auto geometry = reinterpret_cast<void (*)(long long*)>(symbol("geometry"));
    if (!function->run || !geometry) return kNotFound;
    long long out[4];
    geometry(out);
    function->grid = out[0], function->block = out[1], function->shared = out[2];
    function->parameters = static_cast<int>(out[3]);
  }
  *handle = function.get();
  f.functions[function.get()] = std::move(function);
  return kSuccess;
}
int cuFuncSetAttribute(void* handle, int attribute, int value) {
  const auto found = fake().functions.find(handle);
  if (found == fake().functions.end()) return fake().violate("no such function", kInvalidHandle);
  constexpr int kMaxDynamicShared = 8, kMost = 227 * 1024;
  if (attribute != kMaxDynamicShared || value < 0 || value > kMost) return kInvalidValue;
  found->second->shared_allowed = static_cast<unsigned>(value);
  return kSuccess;
}
int cuLaunchKernel(void* handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void* stream_handle, void** parameters, void** extra) {
  Fake& f = fake();
  const auto found = f.functions.find(handle);
  Stream* stream = stream_of(stream_handle);
  if (found == f.functions.end() || !stream || extra) return f.violate("a launch without function or stream", kInvalidHandle);
  const Function& function = *found->second;
  if (shared > function.shared_allowed) return f.violate("more shared memory than the function may have");
  if (gx == 0 || gy == 0 || gz == 0 || bx == 0 || bx * by * bz > 1024) return f.violate("a launch of an odd size");
  ++f.launches;
  if (!function.run) return kSuccess;
  if (gx != function.grid || gy != 1 || gz != 1 || bx != function.block || by != 1 || bz != 1 || shared != function.shared)
    return f.violate("a launch unlike the kernel's own geometry");
  std::vector<void*> arguments;
  for (int i = 0; i < function.parameters; ++i) {
    uint64_t pointer = 0;
    std::memcpy(&pointer, parameters[i], sizeof pointer);
    if (!f.lies(pointer, 0)) return f.violate("argument " + std::to_string(i) + " lies in no live memory");
    arguments.push_back(reinterpret_cast<void*>(pointer));
  }
  const int reversed = static_cast<int>(f.launches % 2);
  stream->queue.push_back([run = function.run, arguments, reversed]() mutable {
    if (run(reversed, arguments.data()) != 0) fake().violate("shared memory was overrun");
    fake().check_guards("a kernel");
  });
  return kSuccess;
}

}  // extern "C"
