// The host's engine: object code in memory, values in an arena, items shared out among threads.
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/runtime/cpu.h"
#include "lower/runtime/elf_object.h"
#include "lower/runtime/engine.h"
#include "lower/runtime/symbols.h"
#include "lower/runtime/thread_pool.h"

namespace egret {
namespace {

// A launch shorter than this runs on one thread: waking another costs as much.
constexpr double kWorthSharing = 15e6;  // picoseconds
constexpr double kChunk = 4e6;

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Zeroed memory on huge pages where the system has them.
class Memory {
 public:
  explicit Memory(uint64_t bytes = 0);
  Memory(const Memory&) = delete;
  Memory& operator=(Memory&& other) noexcept;
  ~Memory();
  std::byte* data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_ = 0;
};

Memory::Memory(uint64_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) {
    size_ = 0;
    return;
  }
  madvise(p, bytes, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(p);
}

Memory& Memory::operator=(Memory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Memory::~Memory() {
  if (data_) munmap(data_, size_);
}

class HostEngine final : public Engine {
 public:
  HostEngine(Plan plan, int threads) : Engine(std::move(plan)), pool_(threads) {}
  Status load(const std::map<std::string, std::string>& files);

  Status put(uint32_t value, std::span<const std::byte> bytes) override {
    if (!bytes.empty()) std::memcpy(places_[value], bytes.data(), bytes.size());
    return {};
  }
  Status get(uint32_t value, std::span<std::byte> bytes) override {
    if (!bytes.empty()) std::memcpy(bytes.data(), places_[value], bytes.size());
    return {};
  }
  Status run() override {
    for (const PlanLaunch& l : plan_.run) EGRET_TRY_VOID(launch(l, places_));
    return {};
  }
  Status run_launch(size_t number) override {
    return launch(plan_.run[number], places_);
  }
  Result<double> timed_run() override {
    const auto start = Clock::now();
    for (const PlanLaunch& l : plan_.run) EGRET_TRY_VOID(launch(l, places_));
    return seconds_since(start);
  }
  Result<std::vector<double>> timed_launches() override {
    std::vector<double> seconds;
    for (const PlanLaunch& l : plan_.run) {
      const auto start = Clock::now();
      EGRET_TRY_VOID(launch(l, places_));
      seconds.push_back(seconds_since(start));
    }
    return seconds;
  }
  Result<std::vector<Tensor>> prepare(const std::vector<std::span<const std::byte>>& weights) override;

 private:
  Status launch(const PlanLaunch& launch, const std::vector<void*>& places);
  Status evaluate_launch(const PlanLaunch& launch, const std::vector<void*>& places) const;

  using Function = void (*)(void* const* ports, void* scratch, int64_t begin, int64_t end);
  std::vector<ElfObject> objects_;
  std::vector<Function> functions_;
  std::map<uint32_t, Graph> evaluated_;  // bodies of the kernels that have no code
  Memory arena_, weights_, scratch_;
  uint64_t scratch_stride_ = 0;
  std::vector<void*> places_;
  ThreadPool pool_;
};

Status HostEngine::load(const std::map<std::string, std::string>& files) {
  const Plan& p = plan_;
  const auto needed = host_level_from_name(p.host_level), here = detect_host_level();
  const bool has_code = !p.host_objects.empty();  // not where results are inputs, weights or views of them
  if (has_code && !needed) return input_error(fmt::format("host code for `{}` is not known", p.host_level));
  if (has_code && (!here || *here < *needed)) {
    return unsupported_error(fmt::format("the host code needs a processor of level {}; this one is {}", name(*needed),
                                         here ? name(*here) : "below x86-64-v2"),
                             "optimize anew on this machine");
  }
  for (const std::string& path : p.host_objects) {
    const auto file = files.find(path);
    if (file == files.end()) return input_error(fmt::format("the artifact lacks its file {}", path));
    EGRET_TRY(ElfObject object, ElfObject::load(file->second, runtime_symbol));
    objects_.push_back(std::move(object));
  }
  uint64_t scratch = 0;
  for (const PlanKernel& k : p.kernels) {
    void* f = nullptr;
    for (size_t i = 0; i < objects_.size() && !f && !k.symbol.empty(); ++i) f = objects_[i].function(k.symbol);
    if (!f && !k.symbol.empty()) return input_error(fmt::format("the host code has no function `{}`", k.symbol));
    functions_.push_back(reinterpret_cast<Function>(f));
    scratch = std::max(scratch, static_cast<uint64_t>(k.scratch_bytes));
  }
  for (const auto* launches : {&p.prepare, &p.run}) {
    for (const PlanLaunch& l : *launches) {
      if (functions_[l.kernel] || p.kernels[l.kernel].schedule == "alias" || evaluated_.contains(l.kernel)) continue;
      EGRET_TRY(Graph body, parse_graph(p.kernels[l.kernel].body, kPlanFile));
      if (body.inputs.size() != l.inputs.size() || body.outputs.size() != l.outputs.size()) return input_error("plan.json is damaged: a launch has other ports than its kernel");
      evaluated_.emplace(l.kernel, std::move(body));
    }
  }
  const DeviceBytes needed_bytes = host_bytes(p.arena_bytes, p.weight_bytes, scratch, pool_.threads());
  scratch_stride_ = needed_bytes.workspace / static_cast<uint64_t>(pool_.threads());
  scratch_ = Memory(needed_bytes.workspace);
  arena_ = Memory(needed_bytes.arena);
  weights_ = Memory(needed_bytes.weights);
  if (!scratch_.data() || !arena_.data() || !weights_.data()) {
    return limit_error(fmt::format("no memory for {} bytes of values", needed_bytes.total()));
  }
  allocated_ = scratch_.size() + arena_.size() + weights_.size();
  for (const PlanValue& v : p.values) {
    std::byte* base = v.place == PlanValue::Place::kArena     ? arena_.data()
                      : v.place == PlanValue::Place::kWeights ? weights_.data()
                                                              : nullptr;
    places_.push_back(base ? base + v.offset : nullptr);
  }
  return {};
}

// What the clock left no time to compile.
Status HostEngine::evaluate_launch(const PlanLaunch& launch, const std::vector<void*>& places) const {
  std::vector<Tensor> inputs;
  for (uint32_t v : launch.inputs) {
    inputs.emplace_back(plan_.values[v].type);
    if (!inputs.back().bytes().empty()) std::memcpy(inputs.back().bytes().data(), places[v], inputs.back().bytes().size());
  }
  EGRET_TRY(const std::vector<Tensor> results, evaluate(evaluated_.at(launch.kernel), inputs));
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].bytes().empty()) std::memcpy(places[launch.outputs[i]], results[i].bytes().data(), results[i].bytes().size());
  }
  return {};
}

Status HostEngine::launch(const PlanLaunch& launch, const std::vector<void*>& places) {
  if (!functions_[launch.kernel] && evaluated_.contains(launch.kernel)) return evaluate_launch(launch, places);
  const PlanKernel& kernel = plan_.kernels[launch.kernel];
  void* ports[64];
  size_t n = 0;
  for (uint32_t v : launch.inputs) ports[n++] = places[v];
  for (uint32_t v : launch.outputs) ports[n++] = places[v];
  const Function f = functions_[launch.kernel];
  if (!f) {  // an alias outside of the memory plan: a copy
    const auto bytes = static_cast<size_t>(plan_.values[launch.outputs[0]].type.bytes());
    if (ports[0] != ports[1]) std::memcpy(ports[1], ports[0], bytes);
    return {};
  }
  const double total = static_cast<double>(kernel.items) * static_cast<double>(kernel.item_picoseconds);
  int64_t chunk = kernel.items;
  if (total > kWorthSharing && pool_.threads() > 1) {
    const double pieces = std::min<double>(total / kChunk, 8.0 * pool_.threads());
    chunk = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(kernel.items) / pieces));
  }
  auto* scratch = scratch_.data();
  pool_.run(kernel.items, chunk, [&](int thread, int64_t begin, int64_t end) {
    f(ports, scratch + scratch_stride_ * static_cast<uint64_t>(thread), begin, end);
  });
  return {};
}

Result<std::vector<Tensor>> HostEngine::prepare(const std::vector<std::span<const std::byte>>& weights) {
  std::vector<Tensor> made(plan_.values.size());
  std::vector<void*> places(plan_.values.size(), nullptr);
  for (size_t v = 0; v < weights.size(); ++v) {
    if (!weights[v].empty()) places[v] = const_cast<std::byte*>(weights[v].data());
  }
  for (const PlanLaunch& l : plan_.prepare) {
    for (uint32_t v : l.outputs) {
      made[v] = Tensor(plan_.values[v].type);
      places[v] = made[v].bytes().data();
    }
    for (uint32_t v : l.inputs) {
      if (!places[v] && plan_.values[v].type.elements_count() > 0) {
        return input_error(fmt::format("the weight `{}` is needed to prepare and was not given", plan_.values[v].name));
      }
    }
    EGRET_TRY_VOID(launch(l, places));
  }
  return made;
}

}  // namespace

Result<std::unique_ptr<Engine>> make_host_engine(Plan plan, const std::map<std::string, std::string>& files,
                                                 int threads) {
  auto engine = std::make_unique<HostEngine>(std::move(plan), threads);
  EGRET_TRY_VOID(engine->load(files));
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace egret
