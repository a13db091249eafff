#include "extract/fusion/covers.h"

#include <algorithm>
#include <unordered_map>

#include "extract/fusion/merge.h"

namespace egret::extract {
namespace {

constexpr int kMostTurns = 8;
constexpr double kMergeSeconds = 20;  // of what area flow took: where less is left, one way of merging is all there is time for

// Candidates of a growing pool by the keys of their bodies.
class Places {
 public:
  std::unordered_map<uint64_t, uint32_t>& of(const FusionProblem& problem) {
    const auto size = static_cast<uint32_t>(problem.body_of.size());
    for (; known_ < size; ++known_) {
      if (const int body = problem.body_of[known_]; body >= 0) place_.emplace(problem.bodies[static_cast<size_t>(body)].key(), known_);
    }
    return place_;
  }

 private:
  std::unordered_map<uint64_t, uint32_t> place_;
  uint32_t known_ = 0;
};

// The cover whose kernels are `bodies`, those that the pool lacks added to it.
std::optional<Solution> adopt(const FusionGraph& graph, BodyTable& table, std::vector<Body> bodies, const char* method,
                              FusionProblem& problem, BodyKeys& seen, Places& places) {
  if (bodies.empty()) return solution_of(problem, {}, method);
  auto& place = places.of(problem);
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

// The best of `candidates` alone by area flow, in the numbers of the problem.
std::optional<Solution> flow_over(const FusionProblem& problem, const std::vector<uint32_t>& candidates, const SolveOptions& solve) {
  Problem part = problem.problem;
  part.candidates.clear();
  for (uint32_t c : candidates) part.candidates.push_back(problem.problem.candidates[c]);
  auto found = solve_greedy(part, solve);
  if (!found.ok()) return std::nullopt;
  std::vector<uint32_t> chosen;
  for (uint32_t k : found->chosen) chosen.push_back(candidates[k]);
  return solution_of(problem, std::move(chosen), "twophase");
}

// Rewriting first, by the cost of operators; then fusion of that term alone: what joint choice must not lose to.
std::optional<Solution> two_phases(const FusionGraph& graph, const FusionProblem& problem, const SolveOptions& solve) {
  auto select = [&](auto&& takes) {
    std::vector<uint32_t> out;
    for (uint32_t c = 0; c < problem.body_of.size(); ++c) {
      if (problem.body_of[c] < 0 || takes(problem.bodies[static_cast<size_t>(problem.body_of[c])])) out.push_back(c);
    }
    return out;
  };
  auto leaf = [&](const Choice& c) { return graph.operands(c.node).empty(); };
  const auto apart = flow_over(problem, select([&](const Body& b) {
    return std::count_if(b.inside.begin(), b.inside.end(), [&](const Choice& c) { return !leaf(c); }) <= 1;
  }), solve);
  if (!apart) return std::nullopt;
  std::vector<Choice> term = term_of(graph, problem, *apart);
  std::sort(term.begin(), term.end());
  return flow_over(problem, select([&](const Body& b) {
    return std::all_of(b.inside.begin(), b.inside.end(), [&](const Choice& c) {
      return leaf(c) || std::binary_search(term.begin(), term.end(), c);
    });
  }), solve);
}

}  // namespace

Result<std::vector<Solution>> cover_portfolio(const FusionGraph& graph, BodyTable& table, const rules::FusionRules& rules,
                                              const Limits& limits, const std::vector<Id>& roots, FusionProblem& problem, BodyKeys& seen) {
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
  solve.limits = limits;
  solve.greedy_steps = 0;
  EGRET_TRY(Solution flow, solve_greedy(problem.problem, solve));
  flow.method = "areaflow";
  take(flow);
  if (watch.expired(limits)) return out;
  if (auto tree = solve_tree(problem.problem); tree.ok()) take(solution_of(problem, tree->chosen, "tree"));
  const bool short_of_time = limits.seconds - watch.seconds() < kMergeSeconds * watch.seconds();
  Places places;
  const std::vector<Choice> term = term_of(graph, problem, flow);
  for (const auto& [way, name] : {std::pair(MergeWay::kProducerIntoConsumers, "xla"), {MergeWay::kBestSaving, "inductor"}}) {
    if (short_of_time && way == MergeWay::kProducerIntoConsumers) continue;
    take(adopt(graph, table, merged(graph, table, rules, term, roots, way, limits), name, problem, seen, places));
  }
  if (!short_of_time) take(two_phases(graph, problem, solve));
  auto cheaper = [](const Solution& a, const Solution& b) { return a.cost < b.cost; };
  std::stable_sort(out.begin(), out.end(), cheaper);
  // Merging goes on from the best of them, in both ways by turns, while that helps.
  if (out.empty() || short_of_time) return out;
  Solution best = out.front();
  for (int turn = 0, idle = 0; turn < kMostTurns && idle < 2; ++turn) {
    const MergeWay way = turn % 2 == 0 ? MergeWay::kBestSaving : MergeWay::kProducerIntoConsumers;
    std::vector<Body> kernels = merged_further(graph, table, rules, problem, best, roots, way, limits);
    auto found = adopt(graph, table, std::move(kernels), "merged", problem, seen, places);
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
