// Printed CUDA kernels: under the shim against the reference interpreter, and through NVRTC.
#include <catch2/catch.hpp>
#include <iostream>

#include "ir/evaluate/evaluate.h"
#include "lower/cuda/nvrtc.h"
#include "tests/lower/cuda_kernels.h"
#include "tests/lower/cuda_random.h"
#include "tests/lower/cuda_shim/check.h"
#include "tests/lower/cuda_shim/shim_run.h"
#include "tests/lower/pair_bodies.h"

namespace egret::lower {
namespace {

std::vector<Kernel> all_kernels() {
  std::vector<Kernel> kernels;
  for (const char* text : kCudaKernelTexts) {
    for (Kernel& kernel : kernels_of_text(text)) kernels.push_back(std::move(kernel));
  }
  return kernels;
}

}  // namespace

TEST_CASE("printed kernels run under the shim as the reference interpreter does") {
  const ShimReport report = check_under_shim(all_kernels());
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  for (const std::string& skipped : report.not_run) FAIL_CHECK(skipped);
  std::cout << report.kernels << " kernels, " << report.runs << " runs, " << report.same_text << " in their own text, "
            << report.other_text << " printed anew, worst error " << report.worst_error << "\n";
  CHECK(report.same_text >= report.kernels * 9 / 10);
}

TEST_CASE("random fused bodies run under the shim as the reference interpreter does") {
  const std::vector<Kernel> kernels = random_kernels(11, 100);
  CHECK(kernels.size() == 100);
  std::map<ScheduleClass, int> classes;
  for (const Kernel& kernel : kernels) ++classes[kernel.plan.schedule];
  for (ScheduleClass c :
       {ScheduleClass::kElement, ScheduleClass::kRow, ScheduleClass::kContraction, ScheduleClass::kContractionRow})
    CHECK(classes[c] >= 8);
  const ShimReport report = check_under_shim(kernels, 300'000);
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  CHECK(report.runs >= 150);
}

TEST_CASE("contractions that fold the rows of another run under the shim as the reference interpreter does") {
  std::vector<Kernel> kernels;
  for (uint64_t seed = 1; kernels.size() < 25 && seed < 2000; ++seed) {
    const auto body = test::pair_body(seed);
    if (!body) continue;
    if (PlanResult plan = plan_kernel(*body); plan.plan && plan.plan->schedule == ScheduleClass::kContractionPair) kernels.push_back({*body, *plan.plan});
  }
  CHECK(kernels.size() == 25);
  for (bool strict : {false, true}) {
    CudaChoices choices;
    choices.in_place = choices.in_order = strict;
    const ShimReport report = check_under_shim(kernels, 300'000, 1e-4, false, choices);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
    CHECK(report.runs >= 50);
  }
}

TEST_CASE("results may lie where ports lie, in any order of threads") {
  const std::vector<Kernel> kernels = random_kernels(12, 80);
  for (bool in_order : {false, true}) {
    CudaChoices choices;
    choices.in_place = true;
    choices.in_order = in_order;
    ShimReport report = check_under_shim(kernels, 100'000, 1e-4, false, choices);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
    for (ScheduleClass c : {ScheduleClass::kElement, ScheduleClass::kRow, ScheduleClass::kContraction}) CHECK(report.in_place[c] > 10);
  }
}

TEST_CASE("the shim shows a missing barrier") {
  const struct {
    const char* text;
    int barriers;  // the first of them in the text, each of which must be missed when it is gone
  } cases[] = {
      {"graph g\n  a: f32[70,50]  b: f32[50,70]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y", 2},
      {"graph g\n  a: f32[40,33]  b: f32[33,150]\n  y = dot(a, b, lc=[1], rc=[0])  z = softmax(y, axis=1)\n  return z",
       3},
  };
  const std::string barrier = "__syncthreads();";
  for (const auto& c : cases) {
    const Kernel kernel = kernels_of_text(c.text).at(0);
    const auto printed = print_cuda(kernel, "k");
    REQUIRE(printed.ok());
    const std::vector<Tensor> inputs = random_inputs(kernel.body, 7);
    const auto reference = evaluate_reference(kernel.body, inputs);
    REQUIRE(reference.ok());
    ShimBatch batch;
    size_t at = 0;
    for (int b = 0; b < c.barriers; ++b, ++at) {
      at = printed->source.find(barrier, at);
      REQUIRE(at != std::string::npos);
      CudaKernel without = *printed;
      without.source.erase(at, barrier.size());
      batch.add(without);
    }
    REQUIRE(batch.compile().ok());
    for (int b = 0; b < c.barriers; ++b) {
      const auto results = batch.run(b, inputs, {kernel.body.type(kernel.body.outputs[0].value)});
      CHECK((!results.ok() || relative_error((*reference)[0], (*results)[0]) > 1e-3));
    }
  }
}

TEST_CASE("a program's kernels become files of the artifact") {
  Program program;
  for (const char* text : {"graph g\n  x: f32[40]\n  y = exp(x)\n  return y",
                           "graph g\n  x: f32[40]\n  y = reshape(x, sizes=[8,5])\n  return y",
                           "graph g\n  x: f32[5,100]\n  y = reduce_sum(x, axes=[1])\n  return y",
                           "graph g\n  a: f32[40,70]  b: f32[70,40]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
                           "graph g\n  a: f32[50,70]  b: f32[70,30]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
                           "graph g\n  x: f32[50]\n  y = exp(x)\n  return y"})
    program.kernels.push_back(kernels_of_text(text).at(0));
  CudaOptions options;
  if (nvrtc_available()) options.cubins = {"sm_80", "sm_90a"};
  std::map<std::string, std::string> one, two;
  auto parts = add_cuda(program, options, one);
  options.threads = 2;
  REQUIRE(parts.ok());
  REQUIRE(add_cuda(program, options, two).ok());
  CHECK(one == two);
  for (const char* source : {"k0", "k2", "k3", "k4", "k5"}) CHECK(one.count(std::string("kernels/") + source + ".cu") == 1);
  CHECK(one.size() == 5 + 2 * options.cubins.size());  // four kernels to a cubin
  for (const std::string& architecture : options.cubins) {
    CHECK((*parts)[4].cubins[architecture] == "kernels/k0-k4." + architecture + ".cubin");
    CHECK((*parts)[5].cubins[architecture] == "kernels/k5." + architecture + ".cubin");
    const std::string& together = one["kernels/k0-k4." + architecture + ".cubin"];
    for (const char* name : {".text.k0", ".text.k2", ".text.k3", ".text.k4"}) CHECK(together.find(name) != std::string::npos);
  }
  CHECK((*parts)[0].kernel.block[0] == 256);
  CHECK((*parts)[1].source_path.empty());
}

TEST_CASE("under strict numerics folds keep the order of indices bit for bit") {
  ShimBatch batch;
  std::vector<Kernel> kernels;
  for (const char* text : {"graph g\n  x: f32[5,1500]\n  y = reduce_sum(x, axes=[1])\n  return y",
                           "graph g\n  x: f32[5,100]\n  y = reduce_sum(x, axes=[1])\n  return y",
                           "graph g\n  a: f32[40,70]  b: f32[70,40]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
                           "graph g\n  a: f32[1,300]  b: f32[50,300]\n  y = dot(a, b, lc=[1], rc=[1])\n  return y"}) {
    kernels.push_back(kernels_of_text(text).at(0));
    const auto printed = print_cuda(kernels.back(), "k", true);
    REQUIRE(printed.ok());
    batch.add(*printed);
  }
  REQUIRE(batch.compile().ok());
  for (size_t k = 0; k < kernels.size(); ++k) {
    const Graph& body = kernels[k].body;
    const std::vector<Tensor> inputs = random_inputs(body, 3);
    const auto reference = evaluate_reference(body, inputs);
    const auto results = batch.run(static_cast<int>(k), inputs, {body.type(body.outputs[0].value)});
    REQUIRE((reference.ok() && results.ok()));
    CHECK((*reference)[0] == (*results)[0]);
  }
}

TEST_CASE("kernels of more than 2^30 elements compute indices in 64 bits") {
  const Kernel large = kernels_of_text("graph g\n  x: f32[70000,70000]\n  y = softmax(x, axis=1)\n  return y").at(0);
  const auto printed = print_cuda(large, "k");
  REQUIRE(printed.ok());
  CHECK(printed->source.find("typedef long long Index;") != std::string::npos);
  ShimBatch batch;
  std::vector<Kernel> kernels;
  for (const char* text : {"graph g\n  x: f32[5,600]\n  y = softmax(x, axis=1)\n  return y",
                           "graph g\n  a: f32[40,70]  b: f32[70,40]\n  y = dot(a, b, lc=[1], rc=[0])\n  return y",
                           "graph g\n  x: f32[1,3,9,9]  w: f32[8,3,3,3]\n  y = conv(x, w, low=[1,1])\n  return y"}) {
    kernels.push_back(kernels_of_text(text).at(0));
    const auto stages = make_stages(kernels.back());
    REQUIRE(stages.ok());
    CudaChoices choices = choose(kernels.back(), *stages);
    choices.wide_index = true;
    const auto wide = print_cuda(kernels.back(), *stages, choices, "k");
    REQUIRE(wide.ok());
    batch.add(*wide);
  }
  REQUIRE(batch.compile().ok());
  for (size_t k = 0; k < kernels.size(); ++k) {
    const Graph& body = kernels[k].body;
    const std::vector<Tensor> inputs = random_inputs(body, 3);
    const auto reference = evaluate_reference(body, inputs);
    const auto results = batch.run(static_cast<int>(k), inputs, {body.type(body.outputs[0].value)});
    REQUIRE((reference.ok() && results.ok()));
    CHECK(relative_error((*reference)[0], (*results)[0]) < 1e-5);
  }
}

TEST_CASE("infinities, NaN and odd integers go through kernels as through the reference interpreter") {
  std::vector<Kernel> kernels;
  for (Kernel& kernel : all_kernels()) {
    if (kernel.plan.schedule == ScheduleClass::kElement || kernel.plan.schedule == ScheduleClass::kRow)
      kernels.push_back(std::move(kernel));
  }
  const ShimReport report = check_under_shim(kernels, 20'000, 1e-4, true);
  CHECK(report.runs >= 150);
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
}

TEST_CASE("printed kernels compile for sm_80 and sm_90a without spills") {
  if (!nvrtc_available()) {
    WARN("skipped: " << all_kernels().size() << " kernels, NVRTC is not here");
    return;
  }
  const CubinReport report = check_cubins(all_kernels(), {"sm_80", "sm_90a"});
  for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  std::cout << report.cubins << " cubins, at most " << report.most_registers << " registers\n";
}

}  // namespace egret::lower
