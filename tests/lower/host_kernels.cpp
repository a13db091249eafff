#include "host_kernels.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>

#include "ir/evaluate/evaluate.h"
#include "ir/in_place.h"
#include "ir/text/text.h"
#include "lower/host/compile.h"
#include "lower/runtime/elf_object.h"
#include "lower/runtime/symbols.h"

namespace egret::test {

std::vector<HostCase> cases_of(const std::string& text, uint64_t seed) {
  auto graphs = parse_graphs(text, "cases");
  INFO((graphs.ok() ? "" : graphs.error().to_string()));
  REQUIRE(graphs.ok());
  std::vector<HostCase> cases;
  for (const Graph& graph : *graphs) {
    auto body = expand_composites(graph);
    REQUIRE(body.ok());
    HostCase c{graph.name, remove_dead(*body), {}};
    c.inputs = random_inputs(c.body, seed++);
    cases.push_back(std::move(c));
  }
  return cases;
}

std::vector<HostLevel> levels() {
  std::vector<HostLevel> all;
  const auto best = detect_host_level();
  for (HostLevel level : {HostLevel::kV2, HostLevel::kV3, HostLevel::kV4}) {
    if (best && level <= *best) all.push_back(level);
  }
  return all;
}

std::vector<Takeover> taken_in_place(const Kernel& kernel) {
  std::vector<uint32_t> buffers;
  for (uint32_t p = 0; p < kernel.body.inputs.size(); ++p) buffers.push_back(p);
  std::vector<Takeover> out;
  take_over(in_place(kernel), buffers, [](const Takeover&) { return true; }, [&](const Takeover& pair) { out.push_back(pair); });
  return out;
}

std::vector<std::vector<Tensor>> run_host(const std::vector<HostCase>& cases, HostLevel level, bool strict, bool in_place) {
  std::vector<lower::HostKernel> kernels;
  std::vector<std::vector<Takeover>> taken;
  for (size_t i = 0; i < cases.size(); ++i) {
    PlanResult plan = plan_kernel(cases[i].body);
    INFO(cases[i].name << ": " << plan.reason);
    REQUIRE(plan.plan);
    REQUIRE(plan.plan->schedule != ScheduleClass::kAlias);
    auto stages = lower::make_stages({cases[i].body, *plan.plan});
    INFO((stages.ok() ? "" : stages.error().to_string()));
    REQUIRE(stages.ok());
    taken.push_back(in_place ? taken_in_place({cases[i].body, *plan.plan}) : std::vector<Takeover>());
    kernels.push_back({"k" + std::to_string(i), plan.plan->schedule, *stages, in_place});
  }
  auto code = lower::compile_host(kernels, {.level = level, .strict = strict});
  INFO((code.ok() ? "" : code.error().to_string()));
  REQUIRE(code.ok());
  std::vector<ElfObject> objects;
  for (const std::string& bytes : code->objects) {
    auto loaded = ElfObject::load(bytes, runtime_symbol);
    INFO((loaded.ok() ? "" : loaded.error().to_string()));
    REQUIRE(loaded.ok());
    objects.push_back(std::move(*loaded));
  }
  std::vector<std::vector<Tensor>> results;
  for (size_t i = 0; i < cases.size(); ++i) {
    using Function = void (*)(void* const*, void*, int64_t, int64_t);
    Function f = nullptr;
    for (const ElfObject& object : objects) {
      if (!f) f = reinterpret_cast<Function>(object.function(kernels[i].symbol));
    }
    REQUIRE(f != nullptr);
    std::vector<Tensor> inputs = cases[i].inputs, outputs;
    for (const GraphOutput& o : cases[i].body.outputs) outputs.emplace_back(cases[i].body.type(o.value));
    for (Tensor& t : outputs) std::fill(t.bytes().begin(), t.bytes().end(), std::byte{0x7b});
    std::vector<void*> ports;
    for (Tensor& t : inputs) ports.push_back(t.bytes().data());
    for (Tensor& t : outputs) ports.push_back(t.bytes().data());
    for (const Takeover& pair : taken[i]) ports[inputs.size() + pair.result] = ports[pair.operand];
    const lower::HostKernelShape& shape = code->shapes[i];
    const int64_t a = shape.items / 3, b = shape.items - shape.items / 4;
    for (auto [begin, end] : {std::pair{b, shape.items}, std::pair{int64_t{0}, a}, std::pair{a, b}}) {
      if (begin >= end) continue;
      constexpr size_t kGuard = 4096;
      const size_t used = static_cast<size_t>(shape.scratch_bytes), bytes = used + kGuard;
      std::unique_ptr<char, decltype(&std::free)> scratch(
          static_cast<char*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), &std::free);
      std::fill(scratch.get(), scratch.get() + bytes, char{0x7d});
      f(ports.data(), scratch.get(), begin, end);
      INFO(cases[i].name << " stays inside of its scratch");
      CHECK(std::all_of(scratch.get() + used, scratch.get() + bytes, [](char c) { return c == char{0x7d}; }));
    }
    for (const Takeover& pair : taken[i]) {
      const auto from = inputs[pair.operand].bytes();
      std::copy(from.begin(), from.end(), outputs[pair.result].bytes().begin());
    }
    results.push_back(std::move(outputs));
  }
  return results;
}

void check_host(const std::vector<HostCase>& cases, double tolerance, bool reference) {
  for (HostLevel level : levels()) {
    const auto results = run_host(cases, level);
    for (size_t i = 0; i < cases.size(); ++i) {
      INFO(name(level) << " " << cases[i].name);
      auto expected = evaluate(cases[i].body, cases[i].inputs);
      REQUIRE(expected.ok());
      for (size_t r = 0; r < results[i].size(); ++r) {
        const DType dtype = results[i][r].dtype();
        const double allowed = dtype == DType::f16 || dtype == DType::bf16 ? 2e-2 : tolerance;
        CHECK(relative_error((*expected)[r], results[i][r]) <= allowed);
        if (!reference) continue;
        auto slow = evaluate_reference(cases[i].body, cases[i].inputs);
        REQUIRE(slow.ok());
        CHECK(relative_error((*slow)[r], results[i][r]) <= allowed);
      }
    }
  }
}

}  // namespace egret::test
