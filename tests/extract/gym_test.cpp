// The extraction gym (../shared/data/extraction-gym), the families that are solved in a moment: each file's proved
// optimum is reached and proved again, judged by a walk over the file's own classes that shares nothing with the
// solvers.  experiments/extraction/gym.py runs all of it.
#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "extract/solve/bound/price_certificate.h"
#include "extract/solve/exact/highs_engine.h"
#include "extract/solve/files/egraph_json.h"
#include "extract/solve/files/json_file.h"
#include "extract/solve/solve.h"

using namespace egret;
using namespace egret::extract;
namespace fs = std::filesystem;

namespace {

const fs::path kGym = fs::path(EGRET_SOURCE_DIR) / ".." / "shared/data/extraction-gym";
const char* const kFamilies[] = {"constructed", "dummy_examples", "eggcc-bril", "flexc", "impress", "lean-egg", "set_covering"};

// file -> best cost, of those proved.  A name with a comma in it is quoted, and left out here.
std::map<std::string, double> proved_costs() {
  std::map<std::string, double> out;
  std::ifstream in(kGym / "best_known.csv");
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    std::vector<std::string> field;
    for (std::string f; std::getline(fields, f, ',');) field.push_back(f);
    if (line[0] != '"' && field.size() > 7 && field[7] == "yes") out[field[0]] = std::stod(field[3]);
  }
  return out;
}

// The cost of the classes that the roots reach through the choice; nothing where it is no extraction.
std::optional<double> walk(const Problem& problem, const std::vector<uint32_t>& chosen) {
  std::map<uint32_t, uint32_t> choice;
  for (uint32_t k : chosen) choice[problem.candidates[k].results[0]] = k;
  std::map<uint32_t, int> state;  // 1: above us, 2: done
  double cost = 0;
  std::vector<std::pair<uint32_t, size_t>> path;
  for (uint32_t root : problem.roots) {
    path.push_back({root, 0});
    while (!path.empty()) {
      auto& [cls, next] = path.back();
      if (next == 0 && state[cls] == 2) {
        path.pop_back();
        continue;
      }
      if (next == 0 && state[cls] == 1) return std::nullopt;
      if (!choice.contains(cls)) return std::nullopt;
      state[cls] = 1;
      const Candidate& node = problem.candidates[choice[cls]];
      if (next == node.operands.size()) {
        state[cls] = 2;
        cost += node.cost;
        path.pop_back();
        continue;
      }
      const uint32_t child = node.operands[next++];
      if (state[child] == 1) return std::nullopt;
      if (state[child] != 2) path.push_back({child, 0});
    }
  }
  return cost;
}

}  // namespace

TEST_CASE("easy families of the gym are proved, at no more than the best known cost", "[extract]") {
  const auto known = proved_costs();
  if (known.empty()) WARN("skipped: " << kGym.filename() << " is absent");
  size_t files = 0;
  for (const auto& [name, best] : known) {
    const fs::path path = kGym / "data" / (name + ".gz");
    if (std::find(std::begin(kFamilies), std::end(kFamilies), name.substr(0, name.find('/'))) == std::end(kFamilies)) continue;
    if (!fs::exists(path)) continue;
    CAPTURE(name);
    const auto text = read_packed(path.string());
    REQUIRE(text.ok());
    const auto file = parse_egraph(*text);
    REQUIRE(file.ok());
    const auto found = solve_portfolio(file->problem);
    REQUIRE(found.ok());
    const auto cost = walk(file->problem, found->chosen);
    REQUIRE(cost.has_value());
    const double tolerance = 1e-9 * std::max(1.0, best);
    CHECK(std::abs(*cost - found->cost) <= tolerance);
    CHECK(found->optimal);
    CHECK(std::abs(*cost - best) <= 1e-6 * std::max(1.0, best));
    SolveOptions covers;
    covers.engines = Engines::kNone;
    const auto quick = solve_portfolio(file->problem, covers);
    REQUIRE(quick.ok());
    CHECK(quick->cost <= 1.25 * best + tolerance);
    CHECK(quick->bound <= best + tolerance);
    const auto prices = price_certificate(file->problem);
    REQUIRE(prices.ok());
    CHECK(prices->bound <= best + tolerance);
    CHECK(prices->bound >= 0.1 * best);
    ++files;
  }
  if (!known.empty()) CHECK(files >= 30);
}

// Open for CPLEX after 10 hours (fir, box) or closed by it in more than an hour (bert); the budgets are of work, three times what it takes.
TEST_CASE("open instances are proved within a budget of work", "[extract]") {
  struct Instance {
    const char* name;
    double optimum;
    uint64_t work;
  };
  const Instance instances[] = {{"rover/fir_8_tap_8iteration_egraph.json", 5936, 10'000'000},
                                {"rover/box_filter_4iteration_egraph.json", 1635, 6'000'000},
                                {"tensat/bert.json", 0.7047199767839629, 1'000'000}};
  for (const Instance& instance : instances) {
    const auto path = kGym / "data" / (instance.name + std::string(".gz"));
    if (!fs::exists(path) || !have_highs()) continue;
    CAPTURE(instance.name);
    const auto text = read_packed(path.string());
    REQUIRE(text.ok());
    const auto egraph = parse_egraph(*text);
    REQUIRE(egraph.ok());
    SolveOptions options;
    options.work = instance.work;
    const auto found = solve_portfolio(egraph->problem, options);
    REQUIRE(found.ok());
    REQUIRE(found->optimal);
    REQUIRE(found->cost == Approx(instance.optimum).epsilon(1e-9));
    REQUIRE(walk(egraph->problem, found->chosen).value_or(-1) == Approx(found->cost).epsilon(1e-9));
  }
}
