// The k best: after each answer one more row, "at most so many of its candidates that cost something".
#include <algorithm>
#include <cmath>

#include "extract/solve/answers/answers.h"
#include "extract/solve/heuristics/greedy.h"
#include "extract/solve/portfolio/whole.h"

namespace egret::extract {
namespace {

SideRow differs_from(const Problem& problem, const Hypergraph& graph, const Solution& solution, size_t distance) {
  SideRow row;
  row.member.assign(graph.size(), 0);
  for (uint32_t k = 0; k < graph.size(); ++k) {
    const uint32_t c = graph.original[k];
    row.member[k] = problem.candidates[c].cost > 0 && std::binary_search(solution.chosen.begin(), solution.chosen.end(), c);
    row.most += row.member[k];
  }
  row.most -= static_cast<double>(distance);
  return row;
}

}  // namespace

SolveOptions left_of(const SolveOptions& options, const Stopwatch& clock) {
  SolveOptions left = options;
  left.limits.seconds = std::max(0.0, options.limits.seconds - clock.seconds());
  return left;
}

Result<Answers> solve_top(const Problem& problem, size_t k, size_t distance, const SolveOptions& options) {
  const Stopwatch clock;
  if (distance == 0) return input_error("answers that differ in nothing are one", "ask for a distance of at least 1");
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  if (graph.has_negative_cost()) return unsupported_error("several answers need costs that are not below zero");
  if (!have_highs()) return unsupported_error("several answers need HiGHS, which this build was configured without", "configure with EGRET_ILP=ON");
  Answers out;
  std::vector<SideRow> rows;
  while (out.solutions.size() < k) {
    const Stopwatch one;
    if (rows.empty()) {
      EGRET_TRY(Solution first, solve_portfolio(problem, options));
      out.solutions.push_back(std::move(first));
    } else {
      if (rows.back().most < 0) {  // it has too few costed candidates to differ in so many
        out.complete = true;
        break;
      }
      uint64_t work = options.work;
      const Incumbent best = solve_whole(graph, problem, {}, rows, options, work, clock);
      if (!std::isfinite(best.upper)) {
        out.complete = best.lower >= best.upper;
        break;
      }
      Cover cover(graph);
      cover.assign(best.solution);
      cover.prune_if_valid();
      Solution next = make_solution(problem, graph, cover.list(), "top");
      next.bound = std::min(std::max(best.lower, out.solutions.back().bound), next.cost);
      next.optimal = next.cost - next.bound <= kProofGap * std::abs(next.cost);
      next.seconds = one.seconds();
      out.solutions.push_back(std::move(next));
    }
    rows.push_back(differs_from(problem, graph, out.solutions.back(), distance));
    if (!out.solutions.back().optimal) return out;
  }
  return out;
}

}  // namespace egret::extract
