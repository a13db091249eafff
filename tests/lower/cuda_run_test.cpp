// Artifacts on a CUDA device, played by the fake driver: results, memory, order, other weights, errors.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "lower/runtime/cuda_device.h"
#include "lower/runtime/executable.h"
#include "lower/runtime/plan.h"
#include "lower/runtime/safetensors.h"
#include "programs.h"
#include "tests/lower/cuda_fake/shim_artifact.h"

using namespace egret;
using namespace egret::test;

namespace {

using Files = std::map<std::string, std::string>;

// The driver under test, opened once; its state goes back to one H100 of 1 GiB at the start of each test.
struct Driver {
  void* library = nullptr;
  Driver() {
    setenv("EGRET_CUDA_DRIVER", EGRET_FAKE_CUDA_DRIVER, 1);
    library = dlopen(EGRET_FAKE_CUDA_DRIVER, RTLD_NOW | RTLD_LOCAL);
    configure(1, 90, size_t{1} << 30);
    reinterpret_cast<void (*)()>(dlsym(library, "egret_fake_forget"))();
  }
  void configure(int devices, int capability, size_t memory) {
    reinterpret_cast<void (*)(int, int, size_t)>(dlsym(library, "egret_fake_configure"))(devices, capability, memory);
  }
  std::string violations() { return reinterpret_cast<const char* (*)()>(dlsym(library, "egret_fake_violations"))(); }
  struct Counts {
    long long allocations, modules, streams, events, contexts, launches;
  };
  Counts counts() {
    Counts c{};
    reinterpret_cast<void (*)(long long*)>(dlsym(library, "egret_fake_counts"))(&c.allocations);
    return c;
  }
  void check_nothing_is_left() {
    CHECK(violations() == "");
    const Counts c = counts();
    CHECK(c.allocations + c.modules + c.streams + c.events + c.contexts == 0);
  }
};

Files shim_files(const Program& program) {
  LowerOptions options;
  options.cuda_source = true;
  auto files = lower::with_shim_cubins(lowered(program, options).files);
  INFO((files.ok() ? "" : files.error().to_string()));
  REQUIRE(files.ok());
  return *files;
}

Executable opened(const Files& files, const std::string& device = "cuda:0", std::string_view weights = {}) {
  auto executable = Executable::from_files(files, 1, weights, device);
  INFO((executable.ok() ? "" : executable.error().to_string()));
  REQUIRE(executable.ok());
  return std::move(*executable);
}

const Files& block_files() {
  static const Files files = [] {
    std::vector<Tensor> data;
    return shim_files(program_of(with_values(graph_of(kBlock), &data)));
  }();
  return files;
}

TEST_CASE("launches of half precision may differ by more than those of single") {
  Driver driver;
  for (const char* dtype : {"f32", "f16", "bf16"}) {
    const Graph graph = graph_of(std::string("graph g\n  x: ") + dtype + "[400]\n  y = mul(x, splat(value=1.25, dtype=" + dtype + ", sizes=[400]))\n  return y");
    LowerOptions options;
    options.cuda_source = true;
    Files files = lowered(program_of(graph), options).files;
    const std::string text = files.at("kernels/k0.cu");
    const size_t at = text.find("0x1.4p+0f");
    REQUIRE(at != std::string::npos);
    files["kernels/k0.cu"].insert(at + 5, "2");  // the device's code is wrong by 0.6 %
    auto altered = lower::with_shim_cubins(files);
    REQUIRE(altered.ok());
    (*altered)["kernels/k0.cu"] = text;
    Executable device = opened(*altered), host = opened(*altered, "cpu");
    auto errors = device.compare(host, random_inputs(graph, 5));
    REQUIRE(errors.ok());
    CHECK((errors->at(0).value > 1e-3 && errors->at(0).value < 2e-2));
    CHECK(errors->at(0).ok == (dtype[1] != '3'));
  }
}

TEST_CASE("a program runs on the device as on the host, as often as asked, and leaves nothing behind") {
  Driver driver;
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  {
    Executable device = opened(block_files()), host = opened(block_files(), "cpu");
    for (uint64_t seed : {11, 12, 11}) {
      std::vector<Tensor> inputs = {random_inputs(graph, seed)[0]};
      auto expected = host.run(inputs), found = device.run(inputs);
      REQUIRE((expected.ok() && found.ok()));
      REQUIRE(found->size() == 4);
      for (size_t r = 0; r < expected->size(); ++r) CHECK(relative_error((*expected)[r], (*found)[r]) < 2e-5);
    }
    const long long before = driver.counts().launches;
    auto seconds = device.time(data, 3);
    REQUIRE(seconds.ok());
    CHECK(seconds->size() == 3);
    for (double s : *seconds) CHECK(s > 0);
    auto launches = device.profile(data, 2);
    REQUIRE(launches.ok());
    const auto a_run = static_cast<long long>(launches->size());
    CHECK(driver.counts().launches - before == a_run * 6);  // a warm-up, three and two
    for (const LaunchFigure& l : *launches) CHECK(l.value > 0);
    auto errors = device.compare(host, data);
    REQUIRE(errors.ok());
    REQUIRE(errors->size() == launches->size());
    for (const LaunchFigure& e : *errors) CHECK((e.ok && e.value < 2e-5));
    CHECK(driver.violations() == "");
  }
  driver.check_nothing_is_left();
}

TEST_CASE("a launch of another size than the kernel's is refused") {
  Driver driver;
  std::vector<Tensor> data;
  with_values(graph_of(kBlock), &data);
  Files files = block_files();
  Plan plan = *parse_plan(files[kPlanFile]);
  const auto launched = plan.run.back().kernel;
  plan.kernels[launched].cuda->grid[0] += 1;
  files[kPlanFile] = print_plan(plan);
  Executable device = opened(files), host = opened(files, "cpu");
  auto errors = device.compare(host, data);
  REQUIRE_FALSE(errors.ok());
  CHECK(driver.violations().find("geometry") != std::string::npos);
}

TEST_CASE("what is prepared from weights is prepared anew on the device") {
  Driver driver;
  const Type type = Type::tensor(DType::f32, {30, 40});
  Tensor one(type), two(type), three(type);
  for (int64_t i = 0; i < one.size(); ++i) one.set(i, 0.01 * i), two.set(i, 1), three.set(i, 0.5 - 0.002 * i);
  const Files files = shim_files(prepared_program(one, two));
  std::map<std::string, StoredTensor> given;
  given["w1"] = {type, {reinterpret_cast<const char*>(one.bytes().data()), one.bytes().size()}};
  given["w2"] = {type, {reinterpret_cast<const char*>(three.bytes().data()), three.bytes().size()}};
  const std::string weights = write_safetensors(given);
  Tensor x(Type::tensor(DType::f32, {5, 30}));
  for (int64_t i = 0; i < x.size(); ++i) x.set(i, 0.1 * (i % 7) - 0.2);
  {
    for (const std::string& chosen : {std::string(), weights}) {
      Executable device = opened(files, "cuda:0", chosen), host = opened(files, "cpu", chosen);
      auto expected = host.run({x}), found = device.run({x});
      REQUIRE((expected.ok() && found.ok()));
      CHECK(relative_error((*expected)[0], (*found)[0]) < 2e-5);
    }
  }
  driver.check_nothing_is_left();
}

TEST_CASE("aliases of the signature, empty tensors and inputs that are results") {
  Driver driver;
  const Graph graph = graph_of(R"(
graph step
  p: f32[30]
  g: f32[30]
  e: f32[0,4]
  s = mul(g, g)
  q = sub(p, s)
  n = neg(e)
  return q, n, g
  alias 0 = p
)");
  const Files files = shim_files(program_of(graph, false));
  const auto inputs = random_inputs(graph, 3);
  {
    Executable device = opened(files), host = opened(files, "cpu");
    for (int i = 0; i < 2; ++i) {
      auto expected = host.run(inputs), found = device.run(inputs);
      REQUIRE((expected.ok() && found.ok()));
      for (size_t r = 0; r < expected->size(); ++r) CHECK(relative_error((*expected)[r], (*found)[r]) < 1e-6);
    }
    REQUIRE(device.time(inputs, 2).ok());
  }
  driver.check_nothing_is_left();
}

TEST_CASE("what a device cannot do is said clearly, and nothing is left") {
  Driver driver;
  auto refused = [&](const std::string& device, ErrorCode code, const std::string& words) {
    auto executable = Executable::from_files(block_files(), 1, {}, device);
    REQUIRE_FALSE(executable.ok());
    INFO(executable.error().to_string());
    CHECK(executable.error().code == code);
    CHECK(executable.error().message.find(words) != std::string::npos);
    CHECK_FALSE(executable.error().hint.empty());
    driver.check_nothing_is_left();
  };
  refused("cuda:1", ErrorCode::kUnsupported, "no device cuda:1");
  for (const char* name : {"cuda", "cuda:", "cuda:x", "cuda:-1", "cuda:0x", "gpu:0"})
    refused(name, ErrorCode::kInput, name);
  driver.configure(1, 80, size_t{1} << 30);
  refused("cuda:0", ErrorCode::kUnsupported, "sm_80");
  driver.configure(1, 90, 10'000);
  refused("cuda:0", ErrorCode::kLimit, "10000");
  driver.configure(0, 90, size_t{1} << 30);
  refused("cuda:0", ErrorCode::kUnsupported, "no device");
}

TEST_CASE("an artifact without code for the device says so") {
  Driver driver;
  std::vector<Tensor> data;
  const Files files = lowered(program_of(with_values(graph_of(kBlock), &data))).files;
  auto executable = Executable::from_files(files, 1, {}, "cuda:0");
  REQUIRE_FALSE(executable.ok());
  CHECK(executable.error().message.find("no CUDA code") != std::string::npos);
  driver.check_nothing_is_left();
}

TEST_CASE("cubins are chosen by compute capability") {
  CHECK(best_architecture(90, {"sm_80", "sm_90a"}) == 1);
  CHECK(best_architecture(89, {"sm_80", "sm_90a"}) == 0);
  CHECK(best_architecture(100, {"sm_80", "sm_90a"}) == -1);
  CHECK(best_architecture(86, {"sm_80", "sm_86", "sm_89"}) == 1);
}

}  // namespace
