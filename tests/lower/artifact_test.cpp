// Programs lowered whole: artifact, memory plan, runtime; determinism, threads, weights, damaged files.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "lower/lower.h"
#include "lower/memory_plan.h"
#include "lower/runtime/executable.h"
#include "lower/runtime/plan.h"
#include "lower/runtime/safetensors.h"
#include "programs.h"
#include "support/files.h"

using namespace egret;
using namespace egret::test;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / fs::path("egret_artifact_test_" + std::to_string(::getpid()));
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

TEST_CASE("kernels that the clock left no time to compile are evaluated, and counted") {
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  const auto expected = expected_of(graph, data);
  const Program program = program_of(graph);
  LowerOptions late;
  late.cuda_source = true;
  late.limits.seconds = 0;
  const Artifact artifact = lowered(program, late);
  const auto aliases = std::count_if(program.kernels.begin(), program.kernels.end(), [](const Kernel& k) { return k.plan.schedule == ScheduleClass::kAlias; });
  CHECK(artifact.uncompiled == program.kernels.size() - static_cast<size_t>(aliases));
  CHECK(lowered(program).uncompiled == 0);
  for (const auto& [path, bytes] : artifact.files) CHECK(path.find("kernels/") == std::string::npos);
  auto executable = Executable::from_files(artifact.files, 1);
  INFO((executable.ok() ? "" : executable.error().to_string()));
  REQUIRE(executable.ok());
  const auto found = executable->run(data);
  REQUIRE(found.ok());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(relative_error(expected[i], (*found)[i]) < 1e-5);
}

TEST_CASE("a program runs from its folder as the evaluator says, on one thread and on two alike") {
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  const auto expected = expected_of(graph, data);
  const Program program = program_of(graph);
  LowerOptions two;
  two.threads = 2;
  const Artifact artifact = lowered(program), again = lowered(program, two);
  CHECK(artifact.files == again.files);
  Folder folder;
  REQUIRE(write_artifact(artifact, folder.path.string()).ok());
  std::vector<Tensor> first;
  for (int threads : {1, 2, 3}) {
    auto executable = Executable::load(folder.path.string(), "cpu", threads);
    INFO((executable.ok() ? "" : executable.error().to_string()));
    REQUIRE(executable.ok());
    REQUIRE(executable->inputs().size() == 1);
    CHECK(executable->inputs()[0].name == "x");
    CHECK(executable->outputs()[1].name == "k");
    for (int i = 0; i < 3; ++i) {
      auto results = executable->run(data);
      REQUIRE(results.ok());
      REQUIRE(results->size() == expected.size());
      for (size_t r = 0; r < expected.size(); ++r) CHECK(relative_error(expected[r], (*results)[r]) < 2e-5);
      if (first.empty()) first = *results;
      CHECK(first == *results);  // bit for bit
    }
    auto seconds = executable->time(data, 3);
    REQUIRE(seconds.ok());
    CHECK(seconds->size() == 3);
  }
}

TEST_CASE("a changed byte anywhere in an artifact is an error that names the file") {
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  const Artifact artifact = lowered(program_of(graph));
  REQUIRE(Executable::from_files(artifact.files, 1).ok());
  for (const auto& [path, bytes] : artifact.files) {
    for (size_t at : {size_t{0}, bytes.size() / 3, bytes.size() - 1}) {
      auto files = artifact.files;
      files[path][at] = static_cast<char>(files[path][at] ^ 4);
      auto executable = Executable::from_files(files, 1);
      REQUIRE_FALSE(executable.ok());
      CHECK(executable.error().message.find(path) != std::string::npos);
    }
    auto files = artifact.files;
    files.erase(path);
    auto executable = Executable::from_files(files, 1);
    REQUIRE_FALSE(executable.ok());
    CHECK(executable.error().message.find(path) != std::string::npos);
  }
}

TEST_CASE("wrong inputs are errors") {
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  auto executable = Executable::from_files(lowered(program_of(graph)).files, 1);
  REQUIRE(executable.ok());
  CHECK_FALSE(executable->run({}).ok());
  CHECK_FALSE(executable->run({Tensor(Type::tensor(DType::f32, {1, 8, 20, 21}))}).ok());
  CHECK_FALSE(Executable::load("/nonexistent", "cpu", 1).ok());
}

TEST_CASE("a folder with other files is left alone; an older artifact is replaced") {
  std::vector<Tensor> data;
  const Artifact artifact = lowered(program_of(with_values(graph_of(kBlock), &data)));
  Folder folder;
  fs::create_directories(folder.path);
  REQUIRE(write_file((folder.path / "thesis.tex").string(), "precious").ok());
  CHECK_FALSE(write_artifact(artifact, folder.path.string()).ok());
  CHECK_FALSE(fs::exists(folder.path / "plan.json"));
  fs::remove(folder.path / "thesis.tex");
  REQUIRE(write_artifact(artifact, folder.path.string()).ok());
  REQUIRE(write_file((folder.path / "kernels" / "k9.cu").string(), "old").ok());
  REQUIRE(write_artifact(artifact, folder.path.string()).ok());
  CHECK_FALSE(fs::exists(folder.path / "kernels" / "k9.cu"));
  CHECK(Executable::load(folder.path.string(), "cpu", 1).ok());
}

TEST_CASE("weights left outside are asked for by name and checked") {
  std::vector<Tensor> data;
  const Graph graph = with_values(graph_of(kBlock), &data);
  LowerOptions options;
  options.embed_weights = false;
  const Artifact artifact = lowered(program_of(graph), options);
  CHECK(artifact.files.at(kWeightsFile).size() < 500);
  auto without = Executable::from_files(artifact.files, 1);
  REQUIRE_FALSE(without.ok());
  std::map<std::string, StoredTensor> weights;
  for (const GraphInput& i : graph.inputs) {
    if (i.data)
      weights[graph.node(i.value).name] = {
          i.data->type(), {reinterpret_cast<const char*>(i.data->bytes().data()), i.data->bytes().size()}};
  }
  auto with = Executable::from_files(artifact.files, 1, write_safetensors(weights));
  INFO((with.ok() ? "" : with.error().to_string()));
  REQUIRE(with.ok());
  auto results = with->run(data);
  REQUIRE(results.ok());
  CHECK(relative_error(expected_of(graph, data)[0], (*results)[0]) < 2e-5);
}

TEST_CASE("prepared values are computed at lowering, and anew for other weights") {
  const Type w = Type::tensor(DType::f32, {30, 40});
  const Tensor x = Tensor::splat(Type::tensor(DType::f32, {5, 30}), 1), one = Tensor::splat(w, 1),
               two = Tensor::splat(w, 2);
  for (bool host : {true, false}) {
    LowerOptions options;
    options.host = host;
    const Artifact artifact = lowered(prepared_program(one, two), options);
    auto stored = read_safetensors(artifact.files.at(kWeightsFile), "w");
    REQUIRE(stored.ok());
    REQUIRE(stored->size() == 1);  // only what the run plan reads
    CHECK(reinterpret_cast<const float*>(stored->begin()->second.bytes.data())[7] == 3.0f);
    if (!host) continue;
    auto executable = Executable::from_files(artifact.files, 1);
    REQUIRE(executable.ok());
    CHECK((*executable->run({x}))[0].get(0) == 90);
    std::map<std::string, StoredTensor> given;
    const std::string_view bytes(reinterpret_cast<const char*>(two.bytes().data()), two.bytes().size());
    given["w1"] = {w, bytes};
    given["w2"] = {w, bytes};
    auto other = Executable::from_files(artifact.files, 1, write_safetensors(given));
    REQUIRE(other.ok());
    CHECK((*other->run({x}))[0].get(0) == 120);
  }
}

TEST_CASE("memory is shared by values of different lifetimes, and outputs take inputs where allowed") {
  const Graph graph = graph_of(R"(
graph chain
  x: f32[1000]
  s: f32[1000]
  a = exp(x)
  b = neg(a)
  c = exp(b)
  d = neg(c)
  e = add(s, d)
  return d, t = e
  alias 1 = s
)");
  const Program program = program_of(graph, false);
  const lower::MemoryPlan plan = lower::plan_memory(program);
  CHECK(plan.arena_bytes <= 4 * 4032);
  CHECK(plan.offsets[program.outputs[1]] == plan.offsets[program.inputs[1]]);
  // No two values that live at one time overlap: the results say so.
  auto inputs = random_inputs(graph, 3);
  auto executable = Executable::from_files(lowered(program).files, 2);
  REQUIRE(executable.ok());
  auto expected = evaluate(graph, inputs);
  REQUIRE(expected.ok());
  for (int i = 0; i < 2; ++i) {
    auto results = executable->run(inputs);
    REQUIRE(results.ok());
    for (size_t r = 0; r < 2; ++r) CHECK(relative_error((*expected)[r], (*results)[r]) < 1e-6);
  }
}

TEST_CASE("values of a long program do not overlap while they live, and need little more than what lives") {
  GraphBuilder b("long");
  std::vector<ValueId> values{b.input("x", Type::tensor(DType::f32, {Dim(16)}))};
  uint64_t state = 1;
  auto below = [&](size_t n) { return static_cast<size_t>((state = state * 6364136223846793005u + 1442695040888963407u) >> 33) % n; };
  for (int i = 0; i < 17'000; ++i) {
    const ValueId other = values[values.size() - 1 - below(std::min<size_t>(values.size(), 60))];
    const bool wide = i % 7 == 3;
    ValueId v = *b.add("add", {values.back(), other});
    if (wide) {
      const ValueId w = *b.add("broadcast", {v}, {{"dims", std::vector<Dim>{Dim(1)}}, {"sizes", std::vector<Dim>{Dim(int64_t{2} + i % 5)}}});
      v = *b.add("reduce_sum", {w}, {{"axes", std::vector<Dim>{Dim(0)}}});
    }
    values.push_back(v);
  }
  b.output(values.back(), "out");
  const Program program = program_of(b.take(), false);
  const lower::MemoryPlan plan = lower::plan_memory(program);
  std::vector<size_t> last(program.values.size(), 0);
  for (size_t i = 0; i < program.run.size(); ++i) {
    for (uint32_t v : program.run[i].inputs) last[v] = i;
    for (uint32_t v : program.run[i].outputs) last[v] = i;
  }
  last[program.outputs[0]] = program.run.size();
  std::map<uint64_t, uint64_t> alive;  // begin, end
  uint64_t now = 0, most = 0, overlaps = 0;
  auto end_of = [&](uint32_t v) { return plan.offsets[v] + (static_cast<uint64_t>(program.values[v].type.bytes()) + 63) / 64 * 64; };
  auto begin_life = [&](uint32_t v) {
    const auto after = alive.lower_bound(plan.offsets[v]);
    overlaps += after != alive.end() && after->first < end_of(v);
    overlaps += after != alive.begin() && std::prev(after)->second > plan.offsets[v];
    alive[plan.offsets[v]] = end_of(v);
    most = std::max(most, now += end_of(v) - plan.offsets[v]);
  };
  begin_life(program.inputs[0]);
  for (size_t i = 0; i < program.run.size(); ++i) {
    const Launch& l = program.run[i];
    for (uint32_t v : l.outputs) begin_life(v);
    std::set<uint32_t> touched(l.inputs.begin(), l.inputs.end());
    touched.insert(l.outputs.begin(), l.outputs.end());
    for (uint32_t v : touched) {
      if (last[v] != i) continue;
      alive.erase(plan.offsets[v]);
      now -= end_of(v) - plan.offsets[v];
    }
  }
  CHECK(overlaps == 0);
  CHECK(plan.arena_bytes >= most);
  CHECK(static_cast<double>(plan.arena_bytes) < 1.3 * static_cast<double>(most));
}

TEST_CASE("an output may be an input, stand twice, or be a view") {
  const Graph graph = graph_of(R"(
graph views
  x: f32[4,6]
  param w: f32[24]
  a = reshape(x, sizes=[24])
  b = add(a, w)
  c = reshape(b, sizes=[2,12])
  d = reshape(w, sizes=[3,8])
  return x, y = b, z = b, c, d, e = a
)");
  std::vector<Tensor> data;
  const Graph valued = with_values(graph, &data);
  auto executable = Executable::from_files(lowered(program_of(valued)).files, 1);
  INFO((executable.ok() ? "" : executable.error().to_string()));
  REQUIRE(executable.ok());
  auto results = executable->run(data);
  REQUIRE(results.ok());
  const auto expected = expected_of(valued, data);
  for (size_t r = 0; r < expected.size(); ++r) CHECK(expected[r] == (*results)[r]);
}

}  // namespace
