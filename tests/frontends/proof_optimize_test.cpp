// The proof that an optimization writes, from source to kernels.
#include <unistd.h>

#include <filesystem>

#include "frontends/pass.h"
#include "ir/evaluate/evaluate.h"
#include "support/files.h"
#include "tests/frontends/proof_cases.h"

using namespace egret;
using namespace egret::proof;

namespace {

OptimizeResult optimized(const Graph& source, int threads = 1, const char* numerics = "default") {
  OptimizeOptions options;
  options.numerics = numerics;
  options.target = "h200";
  options.extractor = OptimizeOptions::Extractor::kGreedy;
  options.lower = false;
  options.threads = threads;
  auto result = optimize(source, options);
  PROOF_REQUIRE_OK(result);
  return *std::move(result);
}

// Fills in the parameters' values.
Graph with_values(const char* text) {
  auto graph = parse_graph(text);
  PROOF_REQUIRE_OK(graph);
  const std::vector<Tensor> values = random_inputs(*graph, 3);
  for (size_t i = 0; i < graph->inputs.size(); ++i) {
    if (graph->inputs[i].role != InputRole::kData && !graph->inputs[i].data) graph->inputs[i].data = std::make_shared<const Tensor>(values[i]);
  }
  return *std::move(graph);
}

constexpr const char* kPrograms[] = {
    // Products of frozen weights are prepared.
    "graph layers\n  a: f32[64,32]\n  param b: f32[32,16]\n  param c: f32[16,4]\n  p = dot(a, b, lc=[1], rc=[0])\n  q = dot(p, c, lc=[1], rc=[0])\n"
    "  r = relu(q)\n  return r\n",
    // A normalization behind a convolution is folded into its weights.
    "graph folded\n  x: f32[1,3,8,8]\n  param w: f32[4,3,3,3]\n  param s: f32[4]\n  param b: f32[4]\n  param m: f32[4]\n  param v_var: f32[4]\n"
    "  c = conv(x, w, low=[1,1], high=[1,1])\n  n = batch_norm(c, s, b, m, v_var, epsilon=1e-05)\n  r = relu(n)\n  return r\n",
    // Attention, with composites and several results.
    "graph attention\n  q: f32[2,8,4]\n  k: f32[2,8,4]\n  v: f32[2,8,4]\n  param g: f32[4]\n  param h: f32[4]\n"
    "  s = dot(q, k, lb=[0], rb=[0], lc=[2], rc=[2])\n  p = softmax(s, axis=2)\n  o = dot(p, v, lb=[0], rb=[0], lc=[2], rc=[1])\n"
    "  n = layer_norm(o, g, h, axis=2, epsilon=1e-05)\n  e = gelu(n)\n  return e, p\n",
    // An output that is an input, one that stands twice, a constant.
    "graph corners\n  a: f32[4]\n  const k: f32[2] = [1, 2]\n  l = add(k, k)\n  b = neg(a)\n  c = neg(b)\n  return x = c, y = b, z = b, w = l\n",
};

}  // namespace

TEST_CASE("an optimization's proof holds") {
  for (const char* text : kPrograms) {
    INFO(text);
    const Graph source = with_values(text);
    const OptimizeResult result = optimized(source);
    const std::string& proof = result.artifact.files.at("proof.json");
    CheckInputs inputs;
    inputs.model = &source;
    const CheckReport report = check(proof, inputs);
    INFO(report.failed_step);
    CHECK(report.ok);
    for (const RuleUse& u : result.rules_used) {
      INFO(u.name);
      CHECK(u.count > 0);
      CHECK(proof.find("{\"name\":\"" + u.name + "\"") != std::string::npos);
    }
    CHECK(optimized(source, 2).artifact.files.at("proof.json") == proof);
  }
}

TEST_CASE("what is constant by another term than its own has a proof") {
  const std::pair<const char*, const char*> programs[] = {
      // x^0 is 1, so what is made of it is constant although it reads x.
      {"default", "graph ones\n  x: f32[2,9]\n  n = splat(value=0, dtype=f32, sizes=[2,9])\n  c = pow(x, n)\n  m = reduce_max(c, axes=[0,1])\n"
                  "  f = is_finite(m)\n  z = splat(value=0, dtype=f32, sizes=[])\n  s = select(f, m, z)\n  l = reduce_sum(x, axes=[0,1])\n"
                  "  o = log(s)\n  y = add(o, l)\n  return y\n"},
      {"fast", "graph nothing\n  x: f32[4,6]\n  y = sub(x, x)\n  return y\n"},
      // A class's value is the best of its terms': here not that of its first literal.
      {"fast", "graph normalized\n  v: f32[1,3]\n  s: f32[3]\n  b: f32[3]\n  y = layer_norm(v, s, b, axis=1, epsilon=0.001)\n  return y\n"}};
  for (const auto& [numerics, text] : programs) {
    INFO(text);
    const Graph source = with_values(text);
    const OptimizeResult result = optimized(source, 1, numerics);
    CheckInputs inputs;
    inputs.model = &source;
    const CheckReport report = check(result.artifact.files.at("proof.json"), inputs);
    INFO(report.failed_step);
    CHECK(report.ok);
  }
}

TEST_CASE("rules that the choice rests on are named") {
  const OptimizeResult result = optimized(with_values(kPrograms[0]));
  CHECK_FALSE(result.rules_used.empty());
  const auto proof = read(result.artifact.files.at("proof.json"), {});
  PROOF_REQUIRE_OK(proof);
  CHECK(proof->rules.size() == result.rules_used.size());
}

TEST_CASE("the proof of a training step holds") {
  auto text = read_file(std::string(EGRET_SOURCE_DIR) + "/experiments/suites/training_step.egret");
  PROOF_REQUIRE_OK(text);
  auto source = parse_graph(*text);
  PROOF_REQUIRE_OK(source);
  OptimizeOptions options;
  options.target = "h200";
  options.extractor = OptimizeOptions::Extractor::kGreedy;
  options.lower = false;
  options.freeze = false;
  options.limits.enodes = 4'000;
  auto result = optimize(*source, options);
  PROOF_REQUIRE_OK(result);
  CheckInputs inputs;
  inputs.model = &*source;
  const CheckReport report = check(result->artifact.files.at("proof.json"), inputs);
  INFO(report.failed_step);
  CHECK(report.ok);
}

TEST_CASE("an artifact is compared with its proof") {
  namespace fs = std::filesystem;
  const Graph source = with_values(kPrograms[0]), other = with_values(kPrograms[3]);
  OptimizeOptions options;
  options.extractor = OptimizeOptions::Extractor::kGreedy;
  auto result = optimize(source, options);
  if (!result.ok() && result.error().code == ErrorCode::kUnsupported) return;  // a build without LLVM
  PROOF_REQUIRE_OK(result);
  const fs::path folder = fs::temp_directory_path() / fmt::format("egret_proof_{}", ::getpid());
  PROOF_REQUIRE_OK(write_artifact(result->artifact, folder.string()));
  CheckInputs inputs;
  inputs.artifact = folder.string();
  const std::string proof = result->artifact.files.at("proof.json");
  CheckReport report = check(proof, inputs);
  INFO(report.failed_step);
  CHECK(report.ok);
  CHECK_FALSE(check(optimized(other).artifact.files.at("proof.json"), inputs).ok);
  std::string weights = result->artifact.files.at("weights.safetensors");
  weights.back() ^= 1;
  PROOF_REQUIRE_OK(write_file((folder / "weights.safetensors").string(), weights));
  report = check(proof, inputs);
  CHECK_FALSE(report.ok);
  CHECK(report.failed_step.find("weights.safetensors") != std::string::npos);
  fs::remove_all(folder);
}
