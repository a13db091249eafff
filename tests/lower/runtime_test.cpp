// The runtime's parts alone: object loader, thread pool, weights file, plan file; mostly on damaged input.
#include <elf.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <numeric>

#include "host_kernels.h"
#include "lower/host/compile.h"
#include "lower/runtime/elf_object.h"
#include "lower/runtime/plan.h"
#include "lower/runtime/safetensors.h"
#include "lower/runtime/symbols.h"
#include "lower/runtime/thread_pool.h"
#include "support/hash.h"

using namespace egret;
using namespace egret::test;

namespace {

// A kernel with calls of the runtime's table, constants and a microkernel.
std::string some_object() {
  std::vector<lower::HostKernel> kernels;
  for (const HostCase& c :
       cases_of("graph a\n  x: f64[9]\n  r = tanh(x)\n  return r\n"
                "graph b\n  x: f32[20,30]\n  y: f32[30,40]\n  r = dot(x, y, lc=[1], rc=[0])\n  return r\n")) {
    auto plan = plan_kernel(c.body).plan;
    REQUIRE(plan);
    auto stages = lower::make_stages({c.body, *plan});
    REQUIRE(stages.ok());
    kernels.push_back({"k" + std::to_string(kernels.size()), plan->schedule, *stages});
  }
  auto code = lower::compile_host(kernels, {.level = HostLevel::kV2});
  REQUIRE(code.ok());
  REQUIRE(code->objects.size() == 1);
  return code->objects[0];
}

uint64_t next(uint64_t& state) { return mix(state += 0x9e3779b97f4a7c15ULL); }

TEST_CASE("the object loader finds functions and refuses unknown symbols") {
  const std::string object = some_object();
  auto loaded = ElfObject::load(object, runtime_symbol);
  REQUIRE(loaded.ok());
  CHECK(loaded->function("k0") != nullptr);
  CHECK(loaded->function("k1") != nullptr);
  CHECK(loaded->function("k2") == nullptr);
  auto none = ElfObject::load(object, [](std::string_view) -> void* { return nullptr; });
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().message.find("egret_tanh") != std::string::npos);
}

TEST_CASE("truncated objects are errors") {
  const std::string object = some_object();
  for (size_t length = 0; length < object.size(); length += length < 200 ? 1 : 37) {
    CHECK_FALSE(ElfObject::load(std::string_view(object).substr(0, length), runtime_symbol).ok());
  }
}

TEST_CASE("corrupted objects never crash the loader") {
  const std::string object = some_object();
  Elf64_Ehdr head;
  std::memcpy(&head, object.data(), sizeof head);
  uint64_t state = 5;
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bad = object;
    // Half of the changes hit the tables, where offsets and sizes stand.
    for (int i = 0; i < 3; ++i) {
      const size_t from = round % 2 ? head.e_shoff : 0;
      const size_t at = from + next(state) % (bad.size() - from);
      bad[at] = static_cast<char>(next(state));
    }
    refused += !ElfObject::load(bad, runtime_symbol).ok();
  }
  CHECK(refused > 400);
}

TEST_CASE("every item is run once, whatever the chunks and threads") {
  for (int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.threads() == threads);
    for (int64_t items : {0, 1, 2, 63, 1000}) {
      for (int64_t chunk : {1, 7, 5000}) {
        std::vector<std::atomic<int>> count(static_cast<size_t>(items));
        pool.run(items, chunk, [&](int thread, int64_t begin, int64_t end) {
          REQUIRE((thread >= 0 && thread < threads));
          for (int64_t i = begin; i < end; ++i) ++count[static_cast<size_t>(i)];
        });
        for (auto& c : count) CHECK(c == 1);
      }
    }
  }
}

TEST_CASE("weights are written sorted and read back; damaged ones are errors") {
  std::map<std::string, StoredTensor> tensors;
  const std::string a(24, 'a'), b(6, 'b');
  tensors["w.2"] = {Type::tensor(DType::f32, {2, 3}), a};
  tensors["a"] = {Type::tensor(DType::bf16, {3}), b};
  tensors["empty"] = {Type::tensor(DType::i64, {0, 7}), {}};
  tensors["scalar"] = {Type::tensor(DType::boolean, {}), std::string_view(b).substr(0, 1)};
  const std::string text = write_safetensors(tensors);
  auto read = read_safetensors(text, "w");
  REQUIRE(read.ok());
  REQUIRE(read->size() == 4);
  for (const auto& [name, tensor] : tensors) {
    CHECK(read->at(name).type == tensor.type);
    CHECK(read->at(name).bytes == tensor.bytes);
  }
  for (size_t length = 0; length < text.size(); ++length)
    CHECK_FALSE(read_safetensors(std::string_view(text).substr(0, length), "w").ok());
  uint64_t state = 3;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = text;
    bad[next(state) % bad.size()] = static_cast<char>(next(state));
    (void)read_safetensors(bad, "w").ok();
  }
  CHECK_FALSE(read_safetensors(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10), "w").ok());
}

TEST_CASE("a plan reads back as it was written; any changed byte is an error") {
  Plan plan;
  plan.name = "p";
  plan.host_level = "x86-64-v2";
  plan.values = {{PlanValue::Place::kArena, "input", Type::tensor(DType::f32, {4}), "x", 0, "", true},
                 {PlanValue::Place::kWeights, "weight", Type::tensor(DType::f32, {4}), "w", 0, "00", true},
                 {PlanValue::Place::kArena, "output", Type::tensor(DType::f32, {4}), "", 64, "", true}};
  PlanKernel kernel;
  kernel.schedule = "element";
  kernel.symbol = "egret_k0";
  kernel.items = 4;
  kernel.item_picoseconds = 1000;
  plan.kernels = {kernel};
  plan.run = {{0, {0, 1}, {2}}};
  plan.inputs = {0};
  plan.outputs = {2};
  plan.output_names = {"r"};
  plan.arena_bytes = 128;
  plan.weight_bytes = 64;
  plan.files = {{"weights.safetensors", "abc"}};
  const std::string text = print_plan(plan);
  auto read = parse_plan(text);
  INFO((read.ok() ? "" : read.error().message));
  REQUIRE(read.ok());
  CHECK(print_plan(*read) == text);
  uint64_t state = 1;
  for (int i = 0; i < 2000; ++i) {
    std::string bad = text;
    const size_t at = next(state) % bad.size();
    bad[at] = static_cast<char>(bad[at] ^ (1 << next(state) % 8));
    CHECK_FALSE(parse_plan(bad).ok());
  }
  // Numbers that do not fit together, with a right digest.
  auto broken = [&](auto change) {
    Plan copy = plan;
    change(copy);
    return !parse_plan(print_plan(copy)).ok();
  };
  CHECK(broken([](Plan& p) { p.values[2].offset = 128; }));
  CHECK(broken([](Plan& p) { p.values[2].offset = 3; }));
  CHECK(broken([](Plan& p) { p.run[0].inputs[0] = 3; }));
  CHECK(broken([](Plan& p) { p.run[0].kernel = 1; }));
  CHECK(broken([](Plan& p) { p.run[0].outputs[0] = 1; }));
  CHECK(broken([](Plan& p) { p.outputs[0] = 9; }));
  CHECK(broken([](Plan& p) { p.arena_bytes = 8; }));
}

}  // namespace
