#include "extract/fusion/covers.h"

#include <algorithm>
#include <unordered_map>

#include "extract/fusion/merge.h"

namespace egret::extract {
namespace {

constexpr int kMostTurns = 8;

// The cover whose kernels are `bodies`, those that the pool lacks added to it.
std::optional<Solution> adopt(const FusionGraph& graph, BodyTable& table, std::vector<Body> bodies, const char* method, FusionProblem& problem,
                              BodyKeys& seen) {
  std::unordered_map<uint64_t, uint32_t> place;
  for (uint32_t c = 0; c < problem.body_of.size(); ++c) {
    if (problem.body_of[c] >= 0) place.emplace(problem.bodies[static_cast<size_t>(problem.body_of[c])].key(), c);
  }
  std::vector<uint32_t> chosen;
  std::vector<Body> fresh;
  const auto next = static_cast<uint32_t>(problem.problem.candidates.size());
  for (Body& body : bodies) {
    if (std::all_of(body.outputs.begin(), body.outputs.end(), [&](Id o) { return graph.given(o); })) continue;
    auto [it, is_new] = place.emplace(body.key(), next + static_cast<uint32_t>(fresh.size()));
    chosen.push_back(it->second);
    if (!is_new) continue;
    seen.insert(body.key());
    fresh.push_back(std::move(body));
  }
  close_under_dropping(graph, table, fresh, seen);
  add_bodies(problem, std::move(fresh));
  return solution_of(problem, std::move(chosen), method);
}

}  // namespace

Result<std::vector<Solution>> cover_portfolio(const FusionGraph& graph, BodyTable& table, const FusionOptions& options,
                                              const std::vector<Id>& roots, FusionProblem& problem, BodyKeys& seen) {
  std::vector<Solution> out;
  Stopwatch watch;
  double before = 0;
  auto take = [&](std::optional<Solution> found) {
    const double now = watch.seconds();
    if (found) {
      found->seconds = now - before;
      out.push_back(std::move(*found));
    }
    before = now;
  };
  SolveOptions solve;
  solve.limits = options.limits;
  solve.greedy_steps = 0;
  EGRET_TRY(Solution flow, solve_greedy(problem.problem, solve));
  flow.method = "areaflow";
  take(flow);
  if (auto tree = solve_tree(problem.problem); tree.ok()) take(solution_of(problem, tree->chosen, "tree"));
  const std::vector<Choice> term = term_of(graph, problem, flow);
  for (const auto& [way, name] : {std::pair(MergeWay::kProducerIntoConsumers, "xla"), {MergeWay::kBestSaving, "inductor"}}) {
    take(adopt(graph, table, merged(graph, table, options.rules, term, roots, way, options.limits), name, problem, seen));
  }
  auto cheaper = [](const Solution& a, const Solution& b) { return a.cost < b.cost; };
  std::stable_sort(out.begin(), out.end(), cheaper);
  // Merging goes on from the best of them, in both ways by turns, while that helps.
  if (out.empty()) return out;
  Solution best = out.front();
  for (int turn = 0, idle = 0; turn < kMostTurns && idle < 2; ++turn) {
    const MergeWay way = turn % 2 == 0 ? MergeWay::kBestSaving : MergeWay::kProducerIntoConsumers;
    auto found = adopt(graph, table, merged_further(graph, table, options.rules, problem, best, roots, way, options.limits), "merged", problem, seen);
    ++idle;
    if (!found || found->cost >= best.cost) continue;
    best = std::move(*found);
    idle = 0;
  }
  if (best.cost < out.front().cost) take(std::move(best));
  std::stable_sort(out.begin(), out.end(), cheaper);
  return out;
}

}  // namespace egret::extract
