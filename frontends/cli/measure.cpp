// `devices --measure`: this host's bandwidths, peaks and launch cost, measured with kernels that egret itself lowers,
// on as many threads as `run` takes; written as a device file that runs for the target `host` read from then on.
//
// Robust under noise: every probe runs in several rounds, apart in time, and its least time counts.  Figures are rounded
// to three digits.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>

#include "costmodel/costmodel.h"
#include "frontends/cli/cli.h"
#include "ir/evaluate/evaluate.h"
#include "ir/text/text.h"
#include "lower/lower.h"
#include "lower/runtime/executable.h"
#include "support/files.h"

namespace egret::cli {
namespace {

constexpr int kRounds = 3;
constexpr double kRoundSeconds = 0.1;  // of one probe

// A program and what one run of it does.
struct Probe {
  std::string what;
  double work = 0;  // bytes, operations or launches
  std::string text;
  double seconds = 0;  // least of all runs
  std::optional<Executable> executable = std::nullopt;
  std::vector<Tensor> inputs = {};
  double rate() const { return work / seconds; }
};

// y = a + b over `bytes` in all.
Probe stream(int64_t bytes) {
  const int64_t n = std::max<int64_t>(bytes / 12 / 64 * 64, 64);
  return {fmt::format("bandwidth of {} bytes", bytes), 12.0 * static_cast<double>(n),
          fmt::format("graph stream\n  a: f32[{0}]\n  b: f32[{0}]\n  y = add(a, b)\n  return y\n", n)};
}

Probe product(const std::string& dtype) {
  constexpr int64_t n = 512;
  return {"products in " + dtype, 2.0 * n * n * n,
          fmt::format("graph product\n  a: {0}[{1},{1}]\n  b: {0}[{1},{1}]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y\n", dtype, n)};
}

// A polynomial by Horner's rule: operations without memory.
Probe polynomial(const std::string& dtype) {
  constexpr int64_t n = 1 << 18;
  constexpr int kDegree = 24;
  std::string text = fmt::format("graph polynomial\n  x: {}[{}]\n  y0 = mul(x, x)\n", dtype, n);
  for (int i = 0; i < kDegree; ++i) text += fmt::format("  z{0} = mul(y{0}, x)\n  y{1} = add(z{0}, x)\n", i, i + 1);
  return {"elements in " + dtype, static_cast<double>(n) * (2 * kDegree + 1), text + fmt::format("  return y{}\n", kDegree)};
}

Probe launches() {
  constexpr int kCount = 200;
  std::string text = "graph launches\n  x0: f32[16]\n";
  for (int i = 0; i < kCount; ++i) text += fmt::format("  x{} = neg(x{})\n", i + 1, i);
  return {"launches", kCount, text + fmt::format("  return x{}\n", kCount)};
}

// The whole graph as one kernel where it may be one, else an operator a kernel.
Status lower_probe(Probe& probe, bool fused) {
  EGRET_TRY(const Graph graph, parse_graph(probe.text, probe.what));
  EGRET_TRY(Program program, unfused_program(graph, false));
  if (fused) {
    const PlanResult plan = plan_kernel(graph);
    if (!plan.plan) return internal_error(probe.what + ": " + plan.reason);
    const Launch all{0, program.inputs, program.outputs};
    program.kernels = {Kernel{graph, *plan.plan}};
    program.run = {all};
  }
  EGRET_TRY(const Artifact artifact, lower_program(program, {}));
  EGRET_TRY(Executable executable, Executable::from_files(artifact.files));
  probe.inputs = random_inputs(graph, 1);
  probe.executable = std::move(executable);
  return {};
}

Status time_round(Probe& probe) {
  for (double spent = 0; spent < kRoundSeconds;) {
    EGRET_TRY(const auto seconds, probe.executable->time(probe.inputs, 3));
    for (double s : seconds) {
      probe.seconds = probe.seconds == 0 ? s : std::min(probe.seconds, s);
      spent += std::max(s, 1e-6);
    }
  }
  return {};
}

double rounded(double x) {
  const double unit = std::pow(10.0, std::floor(std::log10(x)) - 2);
  return std::round(x / unit) * unit;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0 && line.find(':') != std::string::npos) return line.substr(line.find(':') + 2);
  }
  return "a processor";
}

int64_t system_value(int name, int64_t otherwise) {
  const long value = sysconf(name);
  return value > 0 ? value : otherwise;
}

struct Measured {
  std::vector<std::pair<int64_t, Probe>> caches;  // of one level's bytes
  Probe memory, launch;
  std::vector<std::pair<std::string, Probe>> products, elements;
};

std::string device_text(const Measured& m) {
  const int64_t pages = system_value(_SC_PHYS_PAGES, 1 << 20), page = system_value(_SC_PAGESIZE, 4096);
  std::string name = processor();
  std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32; });
  std::string text = "# Measured by `egret devices --measure`: operations and bytes a second, seconds, bytes.\n";
  text += fmt::format("name = \"host\"\nkind = \"host\"\narch = \"x86-64\"\nbandwidth = {:g}\ncache_bytes = {}\nlaunch_seconds = {:g}\nmemory_bytes = {}\n",
                      rounded(m.memory.rate()), m.caches.empty() ? int64_t{1} << 20 : m.caches.back().first, rounded(1 / m.launch.rate()), pages * page);
  text += fmt::format("source = \"measured: {}, {} processors\"\n", name, system_value(_SC_NPROCESSORS_ONLN, 1));
  auto table = [&](const char* title, const std::vector<std::pair<std::string, Probe>>& rows) {
    text += fmt::format("\n[{}]\n", title);
    for (const auto& [dtype, probe] : rows) text += fmt::format("{} = {:g}\n", dtype, rounded(probe.rate()));
  };
  table("contraction_peak", m.products);
  table("scalar_peak", m.elements);
  for (const auto& [bytes, probe] : m.caches) {
    text += fmt::format("\n[[cache]]\nbytes = {}\nbandwidth = {:g}\n", bytes, rounded(std::max(probe.rate(), m.memory.rate())));
  }
  return text;
}

Result<Measured> measure() {
  Measured m;
  for (int name : {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE}) {
    const int64_t bytes = system_value(name, 0);
    if (bytes > 0 && (m.caches.empty() || bytes > m.caches.back().first)) m.caches.push_back({bytes, stream(bytes / 2)});
  }
  const int64_t last = m.caches.empty() ? int64_t{1} << 25 : m.caches.back().first;
  m.memory = stream(std::clamp<int64_t>(4 * last, int64_t{64} << 20, int64_t{512} << 20));
  m.launch = launches();
  for (const char* dtype : {"f32", "f64", "bf16", "f16", "i32"}) m.products.push_back({dtype, product(dtype)});
  for (const char* dtype : {"f32", "f64", "bf16", "f16", "i32"}) m.elements.push_back({dtype, polynomial(dtype)});
  std::vector<Probe*> all = {&m.memory, &m.launch};
  for (auto& [bytes, probe] : m.caches) all.push_back(&probe);
  for (auto& [dtype, probe] : m.products) all.push_back(&probe);
  for (auto& [dtype, probe] : m.elements) all.push_back(&probe);
  for (Probe* probe : all) EGRET_TRY_VOID(lower_probe(*probe, probe != &m.launch));
  for (int round = 0; round < kRounds; ++round) {
    for (Probe* probe : all) EGRET_TRY_VOID(time_round(*probe));
  }
  return m;
}

}  // namespace

Status measure_host(const std::string& given) {
  std::string file = given;
  if (file.empty()) {
    EGRET_TRY(file, user_device_file("host"));
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path(), error);
  }
  EGRET_TRY_VOID(check_writable(file));
  EGRET_TRY(const Measured m, measure());
  const std::string text = device_text(m);
  if (auto device = parse_device(text, file); !device.ok()) return internal_error("the measured device: " + device.error().message);
  return write_file(file, text);
}

}  // namespace egret::cli
