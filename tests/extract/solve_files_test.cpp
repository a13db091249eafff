// Real fusion problems (../shared/data/fusion): the proved optimum is reached, greedy is close, limits end a run
// at the same place every time.
#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>

#include "extract/solve/files/problem_json.h"
#include "extract/solve/solve.h"

using namespace egret;
using namespace egret::extract;
namespace fs = std::filesystem;

namespace {

constexpr size_t kExactCandidates = 32'000;  // larger and slower ones were solved by hand, not here
const char* const kSlow[] = {"onnx_densenet121", "train_resnet_block", "onnx_shufflenet"};

std::vector<fs::path> problem_files() {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fs::path(EGRET_SOURCE_DIR) / ".." / "shared/data/fusion", error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".json") || name.ends_with(".json.gz")) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool slow(const fs::path& path) {
  for (const char* name : kSlow) {
    if (path.filename().string().starts_with(name)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("real fusion problems reach their known optimum", "[extract]") {
  size_t exact_solved = 0, skipped = 0;
  double log_ratio = 0;
  const auto files = problem_files();
  if (files.empty()) WARN("skipped: ../shared/data/fusion is absent");
  for (const fs::path& path : files) {
    const auto file = read_problem(path.string());
    REQUIRE(file.ok());
    REQUIRE(file->best.has_value());
    CAPTURE(path.filename().string());
    const auto greedy = solve_greedy(file->problem);
    REQUIRE(greedy.ok());
    CHECK(check_solution(file->problem, *greedy).ok());
    CHECK(greedy->cost <= *file->best * 1.15);
    if (file->proved) CHECK(greedy->cost >= *file->best * (1 - 1e-6));  // proved within the tolerance of their solver
    log_ratio += std::log(greedy->cost / *file->best);
    if (file->problem.candidates.size() > kExactCandidates || slow(path)) {
      ++skipped;
      continue;
    }
    const auto exact = solve_portfolio(file->problem, {}, &*greedy);
    REQUIRE(exact.ok());
    CHECK(check_solution(file->problem, *exact).ok());
    CHECK(exact->optimal);
    CHECK(exact->cost <= *file->best * (1 + 1e-9));
    if (file->proved) CHECK(exact->cost >= *file->best * (1 - 1e-6));
    ++exact_solved;
  }
  if (!files.empty()) {
    CHECK(std::exp(log_ratio / static_cast<double>(files.size())) <= 1.02);
    WARN(exact_solved << " of " << files.size() << " solved exactly, " << skipped << " large ones by greedy only");
  }
}

TEST_CASE("a limit on work stops at the same place, never above the start", "[extract]") {
  const fs::path path = fs::path(EGRET_SOURCE_DIR) / ".." / "shared/data/fusion/train_transformer_block.json.gz";
  if (!fs::exists(path)) {
    WARN("skipped: " << path.filename() << " is absent");
    return;
  }
  const auto file = read_problem(path.string());
  REQUIRE(file.ok());
  for (uint64_t work : {0, 200'000, 1'500'000}) {
    SolveOptions options;
    options.work = work;
    options.greedy_steps = 1000;
    const auto greedy = solve_greedy(file->problem, options);
    REQUIRE(greedy.ok());
    const auto first = solve_portfolio(file->problem, options, &*greedy);
    const auto second = solve_portfolio(file->problem, options, &*greedy);
    REQUIRE(first.ok());
    REQUIRE(second.ok());
    CHECK(first->chosen == second->chosen);
    CHECK(first->bound == second->bound);
    CHECK(first->cost <= greedy->cost);
    CHECK(first->bound <= *file->best * (1 + 1e-9));
  }
}

TEST_CASE("what is no JSON is said with its place", "[extract]") {
  const auto broken = parse_problem("{\"format\": \"egret-problem 1\",\n \"goals\": [0],,}");
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().where.line == 2);
  CHECK(broken.error().where.column == 15);
  const auto huge = parse_problem(R"({"format": "egret-problem 1", "goals": [0], "candidates": [{"cost": 1e999, "makes": [0], "reads": []}]})");
  REQUIRE_FALSE(huge.ok());
  CHECK(huge.error().message == "this is no JSON: number overflow parsing '1e999'");
}
