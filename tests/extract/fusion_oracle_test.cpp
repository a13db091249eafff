// Fusion against an oracle: the cheapest way to reach the roots by applying kernels to sets of available values (Dijkstra's
// algorithm over the sets), on random programs of a few operators, as imported and with alternatives from random unions.
// The solvers must find that cost, and no cover may lie below it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <queue>
#include <set>

#include "extract/fusion/columns.h"
#include "extract/fusion/runner_up.h"
#include "extract/solve/exact/cut_separation.h"
#include "extract/solve/exact/highs.h"
#include "extract/solve/exact/highs_engine.h"
#include "extract/solve/exact/kinds.h"
#include "rules/lang/fusion_rules.h"
#include "tests/extract/random.h"

namespace egret::extract {
namespace {

const rules::FusionRules& library_fusion() {
  static const rules::FusionRules fusion = [] {
    rules::RuleSet set;
    REQUIRE(set.add_library().ok());
    return rules::fusion_rules(set);
  }();
  return fusion;
}

const Device& device() {
  static const Device d = std::move(*load_device("h200"));
  return d;
}

// Maps, broadcasts, row reductions and products of a few matrices.
Graph random_program(Random& random, int operators) {
  GraphBuilder b;
  const int64_t n = random.one_in(2) ? 64 : 1024;
  const Type matrix = Type::tensor(DType::f32, {Dim(n), Dim(n)});
  std::vector<ValueId> full{b.input("x", matrix), b.input("y", matrix)}, rows;
  auto any = [&](const std::vector<ValueId>& from) { return from[from.size() - 1 - random.below(static_cast<uint32_t>(std::min<size_t>(from.size(), 4)))]; };
  const Attrs second{{"axes", std::vector<Dim>{Dim(1)}}};
  static const char* unary[] = {"exp", "neg", "tanh", "abs"};
  static const char* binary[] = {"add", "mul", "sub", "max"};
  for (int i = 0; i < operators; ++i) {
    Result<ValueId> made = 0;
    bool row = false;
    switch (random.below(7)) {
      case 0: case 1: made = b.add(unary[random.below(4)], {any(full)}); break;
      case 2: case 3: made = b.add(binary[random.below(4)], {any(full), any(full)}); break;
      case 4: made = b.add(random.one_in(2) ? "reduce_sum" : "reduce_max", {any(full)}, second), row = true; break;
      case 5:
        if (rows.empty()) { made = b.add("exp", {any(full)}); break; }
        made = b.add("broadcast", {any(rows)}, {{"dims", std::vector<Dim>{Dim(0)}}, {"sizes", std::vector<Dim>{Dim(n)}}});
        break;
      default:
        made = b.add("dot", {any(full), any(full)}, {{"lb", std::vector<Dim>{}}, {"rb", std::vector<Dim>{}}, {"lc", std::vector<Dim>{Dim(1)}}, {"rc", std::vector<Dim>{Dim(0)}}});
    }
    INFO((made.ok() ? std::string() : made.error().message));
    REQUIRE(made.ok());
    (row ? rows : full).push_back(*made);
  }
  b.output(full.back(), "out");
  if (!rows.empty() && random.one_in(2)) b.output(rows.back(), "row");
  if (full.size() > 4 && random.one_in(3)) b.output(full[full.size() - 2], "more");
  return remove_dead(b.take());
}

// The least cost of making the roots; values are bits, given ones are left out.
std::optional<double> oracle(const Problem& p) {
  std::map<uint32_t, int> bit;
  auto bits = [&](const std::vector<uint32_t>& items) {
    uint64_t set = 0;
    for (uint32_t i : items) {
      if (p.is_free(i)) continue;
      set |= uint64_t{1} << bit.try_emplace(i, static_cast<int>(bit.size())).first->second;
    }
    return set;
  };
  struct Step { uint64_t needs, makes; double cost; };
  std::vector<Step> steps;
  for (const Candidate& c : p.candidates) steps.push_back({bits(c.operands), bits(c.results), c.cost});
  const uint64_t goal = bits(p.roots);
  if (bit.size() > 40) return std::nullopt;
  std::map<uint64_t, double> settled;
  using Entry = std::pair<double, uint64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  queue.push({0, 0});
  while (!queue.empty()) {
    const auto [cost, have] = queue.top();
    queue.pop();
    if (!settled.try_emplace(have, cost).second) continue;
    if ((have & goal) == goal) return cost;
    if (settled.size() > 60'000) return std::nullopt;
    for (const Step& s : steps) {
      if ((s.needs & ~have) == 0 && (s.makes & ~have) != 0) queue.push({cost + s.cost, have | s.makes});
    }
  }
  return std::nullopt;
}

struct Runners {
  int kernels = 0, found = 0, least = 0;
};

// A runner-up is never below the least cost without the kernel, and mostly there.
void check_runners_up(const Problem& p, const Solution& optimum, Runners* runners) {
  for (uint32_t k : optimum.chosen) {
    if (p.candidates[k].operands.empty()) continue;
    Problem without = p;
    without.candidates[k].cost = 1;  // a second for a kernel: never worth it
    const auto other = solve_portfolio(without, {});
    REQUIRE(other.ok());
    const auto found = runner_up(p, optimum, k);
    ++runners->kernels;
    if (!found) continue;
    ++runners->found;
    const double least = other->cost - optimum.cost;
    CHECK(found->dearer >= std::min(least, 0.5) - 1e-12);
    CHECK(std::ranges::count(found->out, k) == 1);
    CHECK(std::ranges::count(found->in, k) == 0);
    runners->least += found->dearer <= least + 1e-12;
  }
}

// A random program of 3 to 12 operators in an e-graph.
struct InEGraph {
  Graph program;
  rules::TensorEGraph tensors;
  std::vector<Id> values, roots;

  explicit InEGraph(Random& random) : program(random_program(random, 3 + static_cast<int>(random.below(10)))), values(std::move(*tensors.insert(program))) {
    tensors.graph().rebuild();
    for (const GraphOutput& o : program.outputs) roots.push_back(values[o.value]);
  }

  // Alternatives: of so many values of equal types one is declared equal to the one before, unless one is made from the other.
  void unite_one_in(uint32_t share, Random& random) {
    for (ValueId v = 2; v + 1 < program.nodes.size(); ++v) {
      const auto& operands = program.nodes[v + 1].operands;
      const bool apart = program.type(v + 1) == program.type(v) && std::count(operands.begin(), operands.end(), v) == 0;
      if (random.one_in(share) && apart) tensors.graph().unite(values[v + 1], values[v], {});
    }
    tensors.graph().rebuild();
  }
};

}  // namespace

// EGRET_FUSION_CASES: how many random programs (1,000 where nothing is said).
TEST_CASE("fusion finds the cheapest program over its candidates", "[oracle]") {
  const char* wanted = std::getenv("EGRET_FUSION_CASES");
  const int cases = wanted ? std::atoi(wanted) : 1000;
  Runners runners;
  int compared = 0, best_cover_dearer = 0, several_results = 0;
  for (int seed = 0; seed < cases; ++seed) {
    Random random(static_cast<uint64_t>(seed));
    InEGraph in(random);
    auto& [program, tensors, values, roots] = in;
    if (seed % 2 == 1) in.unite_one_in(4, random);
    FusionOptions options;
    options.bodies_per_class = 6;
    FormTable forms(device(), library_fusion());
    FusionSpace space(tensors, forms);
    auto problem = fuse(space, roots, options);
    if (!problem.ok()) continue;  // unions that left no acyclic term
    const auto least = oracle(problem->problem);
    if (!least) continue;
    ++compared;
    INFO("seed " << seed);
    for (const Solution& cover : problem->covers) {
      CHECK(check_solution(problem->problem, cover).ok());
      CHECK(cover.cost >= *least * (1 - 1e-9));
    }
    SolveOptions solve;
    const auto exact = solve_portfolio(problem->problem, solve, problem->covers.empty() ? nullptr : &problem->covers.front());
    REQUIRE(exact.ok());
    CHECK(exact->cost == Approx(*least).epsilon(1e-9));
    best_cover_dearer += !problem->covers.empty() && problem->covers.front().cost > *least * (1 + 1e-9);
    several_results += std::ranges::any_of(exact->chosen, [&](uint32_t c) { return problem->problem.candidates[c].results.size() > 1; });
    if (seed % 8 == 1) check_runners_up(problem->problem, *exact, &runners);
    // More kernels never make it dearer, and keep the numbers of those that were there.
    const ColumnReport report = generate_columns(space, options, *exact, *problem);
    CHECK(check_solution(problem->problem, *exact).ok());
    if (report.taken > 0) {
      const auto more = solve_portfolio(problem->problem, solve, &*exact);
      REQUIRE(more.ok());
      CHECK(more->cost <= exact->cost * (1 + 1e-12));
    }
  }
  // The cases are hard enough: covers miss the optimum, and kernels of several results are in it.
  CHECK(compared > cases / 2);
  CHECK(several_results > cases / 50);
  CHECK(best_cover_dearer > cases / 500);
  WARN(runners.found << " runners-up of " << runners.kernels << " kernels, " << runners.least << " as cheap as any program without the kernel");
  CHECK(runners.found * 10 > runners.kernels * 8);
  CHECK(runners.least * 10 > runners.found * 8);
}

// However many rows are cuts of what is computed, the linear program stays a bound, and alternatives leave it something to gain.
TEST_CASE("cuts of the whole program cut off no optimum", "[oracle]") {
  if (!have_highs()) return;
  int compared = 0, tighter = 0;
  for (int seed = 0; seed < 240; ++seed) {
    Random random(static_cast<uint64_t>(seed));
    InEGraph in(random);
    in.unite_one_in(3, random);
    FormTable forms(device(), library_fusion());
    FusionSpace space(in.tensors, forms);
    FusionOptions options;
    options.bodies_per_class = 6;
    auto fused = fuse(space, in.roots, options);
    if (!fused.ok()) continue;  // unions that left no acyclic term
    for (Candidate& c : fused->problem.candidates) c.cost *= 1 + random.below(1000) * 1e-3;
    const auto least = oracle(fused->problem);
    if (!least) continue;
    const Hypergraph graph = std::move(*make_hypergraph(fused->problem));
    const Terms terms = trusted_terms(fused->problem, graph, graph.original);
    const Hypergraph computed = with_computed(graph, terms);
    const double scale = cost_scale(graph);
    const Stopwatch clock;
    const Interrupt interrupt{&options.limits, &clock, nullptr};
    std::vector<CutMembers> cuts;
    double first = 0;
    INFO("seed " << seed);
    for (uint32_t round = 0; round < 8; ++round) {
      const HighsAnswer answer = Highs::open()->solve(build_model(graph, terms, {}, scale, {}, cuts), {.linear = true, .interrupt = &interrupt});
      REQUIRE(answer.state.status == kHighsOptimal);
      CHECK(answer.state.objective <= *least * scale * (1 + 1e-6));
      if (round == 0) first = answer.state.objective;
      tighter += answer.state.objective > first * (1 + 1e-6);
      const std::vector<double> x(answer.x.begin(), answer.x.begin() + static_cast<ptrdiff_t>(graph.size()));
      const auto found = nested_cuts(computed, x, answer.reduced_cost, std::vector<uint8_t>(graph.size(), 0), 100, round);
      if (found.empty()) break;
      for (const CutRow& cut : found) {
        double weight = 0;
        for (uint32_t k : cut.leading) weight += x[k];
        CHECK(weight < 1);
        cuts.push_back(cut.leading);
      }
    }
    ++compared;
  }
  CHECK(compared > 100);
  CHECK(tighter > 0);
  WARN(compared << " programs, " << tighter << " rounds of cuts that raised the bound");
}

// Whatever is taken together, a lumped bound holds.
TEST_CASE("no colours make a lumped bound exceed the optimum", "[oracle]") {
  if (!have_highs()) return;
  int compared = 0, tight = 0;
  for (int seed = 0; seed < 120; ++seed) {
    Random random(static_cast<uint64_t>(seed));
    InEGraph in(random);
    FormTable forms(device(), library_fusion());
    FusionSpace space(in.tensors, forms);
    FusionOptions options;
    options.bodies_per_class = 6;
    const auto problem = fuse(space, in.roots, options);
    REQUIRE(problem.ok());
    const auto least = oracle(problem->problem);
    if (!least) continue;
    const Hypergraph graph = std::move(*make_hypergraph(problem->problem));
    const Terms terms = trusted_terms(problem->problem, graph, graph.original);
    const double scale = cost_scale(graph);
    const IlpModel model = build_model(graph, terms, {}, scale);
    for (uint32_t colours : {1u, 2u, 3u, 1000u}) {
      Colours by_item;
      for (uint32_t i = 0; i < graph.items; ++i) by_item.push_back(colours == 1000 ? i : random.below(colours));
      const Kinds kinds = find_kinds(model, terms, by_item);
      const Stopwatch clock;
      const Interrupt interrupt{&options.limits, &clock, nullptr};
      const HighsAnswer answer = Highs::open()->solve(lump(model, kinds, /*uniform=*/false), {.linear = true, .interrupt = &interrupt});
      INFO("seed " << seed << ", " << colours << " colours");
      REQUIRE(answer.state.status == kHighsOptimal);
      CHECK(answer.state.objective <= *least * scale * (1 + 1e-6));
      tight += colours == 1000 && answer.state.objective >= *least * scale * 0.95;
    }
    ++compared;
  }
  CHECK(compared > 60);
  CHECK(tight > compared / 2);  // with a colour for each item it is the whole linear program
}

// A layer many times over: what holds for one is copied, and the bound of all is that of the whole program.
TEST_CASE("equal layers are solved once") {
  if (!have_highs()) return;
  GraphBuilder b;
  const Type matrix = Type::tensor(DType::f32, {Dim(1024), Dim(1024)});  // too wide for two layers in one kernel
  ValueId x = b.input("x", matrix);
  const Attrs rows{{"axes", std::vector<Dim>{Dim(1)}}};
  const Attrs along{{"dims", std::vector<Dim>{Dim(0)}}, {"sizes", std::vector<Dim>{Dim(1024)}}};
  const Attrs product{{"lb", std::vector<Dim>{}}, {"rb", std::vector<Dim>{}}, {"lc", std::vector<Dim>{Dim(1)}}, {"rc", std::vector<Dim>{Dim(0)}}};
  for (int layer = 0; layer < 300; ++layer) {
    const ValueId w = b.input("w" + std::to_string(layer), matrix);
    const ValueId sum = *b.add("broadcast", {*b.add("reduce_sum", {*b.add("mul", {x, x})}, rows)}, along);
    const ValueId n = *b.add("mul", {x, *b.add("rsqrt", {sum})});
    const ValueId h = *b.add("dot", {n, w}, product);
    x = *b.add("add", {x, *b.add("mul", {h, *b.add("logistic", {h})})});
  }
  b.output(x, "out");
  const Graph program = b.take();
  rules::TensorEGraph tensors;
  const std::vector<Id> values = std::move(*tensors.insert(program));
  tensors.graph().rebuild();
  FormTable forms(device(), library_fusion());
  FusionSpace space(tensors, forms);
  const auto problem = fuse(space, {values[program.outputs[0].value]}, {});
  REQUIRE(problem.ok());
  const std::set<uint64_t> distinct(problem->colours.begin(), problem->colours.end());
  REQUIRE(distinct.size() > 1);
  CHECK(distinct.size() < problem->colours.size() / 2);
  const auto plain = plain_cover(*problem);
  REQUIRE(plain);
  const auto found = solve_kinds(problem->problem, problem->colours, *plain, 100'000, {});
  REQUIRE(found.ok());
  CHECK(check_solution(problem->problem, *found).ok());
  CHECK(found->cost <= problem->covers.front().cost * 1.001);
  CHECK(found->bound <= found->cost);
  CHECK(found->bound >= found->cost * 0.99);
  const auto exact = solve_portfolio(problem->problem, {}, &*found);
  REQUIRE(exact.ok());
  CHECK(found->bound <= exact->cost * (1 + 1e-9));
}

TEST_CASE("equal inputs give equal candidates for any number of threads") {
  Random random(7);
  const Graph program = random_program(random, 12);
  std::vector<std::vector<uint64_t>> keys;
  for (int threads : {1, 2, 4}) {
    rules::TensorEGraph tensors;
    const std::vector<Id> values = std::move(*tensors.insert(program));
    tensors.graph().rebuild();
    FusionOptions options;
    options.threads = threads;
    FormTable forms(device(), library_fusion());
    FusionSpace space(tensors, forms);
    auto problem = fuse(space, {values[program.outputs[0].value]}, options);
    REQUIRE(problem.ok());
    keys.emplace_back();
    for (const Body& b : problem->bodies) keys.back().push_back(b.key());
  }
  CHECK(keys[0] == keys[1]);
  CHECK(keys[0] == keys[2]);
}

}  // namespace egret::extract
