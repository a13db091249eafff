#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "extract/fusion/colours.h"
#include "extract/fusion/covers.h"
#include "extract/fusion/enumerate.h"
#include "extract/fusion/pool.h"

namespace egret::extract {
namespace {

constexpr int kMultiResultRounds = 3;

}  // namespace

std::optional<Solution> plain_cover(const FusionProblem& problem) {
  const Problem& p = problem.problem;
  // The candidate that absorbs least (leaves that every reader absorbs aside, one operator), then the cheapest.
  std::vector<int64_t> maker(p.items, -1);
  auto rank = [&](uint32_t c) {
    const int body = problem.body_of[c];
    return std::pair(body < 0 ? 0 : problem.bodies[static_cast<size_t>(body)].inside.size(), p.candidates[c].cost);
  };
  for (uint32_t c = 0; c < p.candidates.size(); ++c) {
    if (p.candidates[c].results.size() != 1) continue;
    int64_t& best = maker[p.candidates[c].results[0]];
    if (best < 0 || rank(c) < rank(static_cast<uint32_t>(best))) best = c;
  }
  Solution out;
  std::vector<uint8_t> seen = p.free_items;
  std::vector<uint32_t> work(p.roots.begin(), p.roots.end());
  while (!work.empty()) {
    const uint32_t item = work.back();
    work.pop_back();
    if (seen[item]) continue;
    seen[item] = 1;
    if (maker[item] < 0) return std::nullopt;
    const auto c = static_cast<uint32_t>(maker[item]);
    out.chosen.push_back(c);
    out.cost += p.candidates[c].cost;
    work.insert(work.end(), p.candidates[c].operands.begin(), p.candidates[c].operands.end());
  }
  std::sort(out.chosen.begin(), out.chosen.end());
  out.method = "an operator a kernel";
  if (!check_solution(p, out).ok()) return std::nullopt;
  return out;
}

Result<FusionProblem> fuse(FusionSpace& space, const std::vector<Id>& roots, const FusionOptions& options) {
  const Stopwatch watch;
  const FusionGraph& graph = space.graph;
  BodyTable& table = space.table;
  Enumeration enumeration = enumerate(graph, table, roots, options);
  for (Id r : roots) {
    const Id c = graph.find(r);
    if (graph.given(c) || !enumeration.bodies[c].empty()) continue;
    std::string operators;
    for (Id n : graph.tensors().graph().nodes_of(c)) operators += (operators.empty() ? "" : ", ") + graph.tensors().op(n).name;
    return unsupported_error(fmt::format("no kernel can make an output of the program ({})", operators),
                             "an operator unknown to egret may stand before it; see `fallbacks`");
  }
  std::vector<std::optional<Body>> seeds;
  for (size_t i = 0; i < options.seeds.size(); ++i) {
    const bool wanted = !enumeration.limit_reached || options.chosen_seeds.empty() || options.chosen_seeds[i];
    seeds.push_back(wanted ? reseated(graph, table, options.seeds[i]) : std::nullopt);
    if (!seeds.back()) continue;
    for (Id p : seeds.back()->ports) {  // what is there before the run may be read, whether or not another body reads it
      if (!graph.given(p) || enumeration.known[p]) continue;
      enumeration.known[p] = 1;
      enumeration.classes.push_back(p);
    }
  }
  std::vector<Body> bodies;
  for (Id c : enumeration.classes) {
    for (Body& b : enumeration.bodies[c]) bodies.push_back(std::move(b));
  }
  std::unordered_map<uint64_t, size_t> place;
  place.reserve(bodies.size());
  for (size_t i = 0; i < bodies.size(); ++i) place.try_emplace(bodies[i].key(), i);
  std::vector<int> seed_body;
  for (std::optional<Body>& body : seeds) {
    // Classes that only what is now an input was made of are no items any more.
    auto item = [&](Id c) { return enumeration.known[c] != 0; };
    const bool known = body && std::all_of(body->ports.begin(), body->ports.end(), item) &&
                       std::all_of(body->outputs.begin(), body->outputs.end(), item);
    if (!known || body->outputs.empty()) {
      seed_body.push_back(known ? FusionProblem::kNothingLeft : -1);
      continue;
    }
    auto [it, fresh] = place.try_emplace(body->key(), bodies.size());
    if (fresh) bodies.push_back(std::move(*body));
    seed_body.push_back(static_cast<int>(it->second));
  }
  FusionProblem out = empty_problem(graph, std::move(enumeration.classes), roots, options.fold_limit);
  const int first = static_cast<int>(out.problem.candidates.size());
  add_bodies(out, std::move(bodies));
  for (int b : seed_body) out.seed_candidate.push_back(b < 0 ? b : first + b);
  BodyKeys seen;
  for (const auto& [key, at] : place) seen.insert(key);
  for (int round = 0; round < kMultiResultRounds && table.rules().side_by_side && !watch.expired(options.limits); ++round) {
    SolveOptions solve;
    solve.limits = options.limits;
    solve.greedy_steps = 0;
    EGRET_TRY(const Solution cover, solve_greedy(out.problem, solve));
    std::vector<Body> more = multi_result(graph, table, table.rules(), out, cover.chosen, seen);
    if (more.empty()) break;
    add_bodies(out, std::move(more));
  }
  Limits left = options.limits;
  left.seconds = std::max(0.0, left.seconds - watch.seconds());
  EGRET_TRY(out.covers, cover_portfolio(graph, table, table.rules(), left, roots, out, seen));
  out.limit_reached = enumeration.limit_reached;
  out.colours = item_colours(graph, out);
  return out;
}

}  // namespace egret::extract
