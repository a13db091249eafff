#include "extract/fusion/columns.h"

#include <algorithm>

#include "extract/fusion/moves.h"
#include "extract/solve/exact/relaxation.h"
#include "extract/solve/reduce/undominated.h"

namespace egret::extract {
namespace {

constexpr int kMaxRounds = 6;
constexpr size_t kMostOffered = 6'000;     // bodies priced in a round
constexpr size_t kMostTaken = 1'500;       // of a round, the cheapest by reduced cost
constexpr double kSupport = 1e-6;          // a larger value counts as chosen in part
constexpr double kWorth = 1e-7;            // of the bound: a smaller gain is noise
constexpr double kEnough = 1e-5;           // of the bound: where a round gains less, the next would not pay
constexpr size_t kSmall = 16'000;          // candidates: of so few all that could serve a better choice is taken, ...
constexpr int kSmallRounds = 3;            // ... in so many rounds
constexpr double kLoose = 0.025;           // of the best cover: a relaxation further below has prices that mislead
constexpr double kLooseSmall = 0.1;        // the same of a small pool, where more than its prices is asked; of the first round
constexpr double kNear = 0.003;            // of the bound: a candidate that costs so much more may serve beside new ones
constexpr uint64_t kIterations = 20'000;   // of the simplex method in all; fewer where the relaxation is large:
constexpr uint64_t kWork = 600'000'000;    // iterations times candidates
constexpr double kShareOfTime = 0.2;       // of what the clock leaves: the rest is the solver's
constexpr size_t kLargest = 60'000;        // candidates of a relaxation

// The candidates `numbers` of a problem as a problem.
Problem part(const Problem& problem, const std::vector<uint32_t>& numbers) {
  Problem out = problem;
  out.candidates.clear();
  for (uint32_t c : numbers) out.candidates.push_back(problem.candidates[c]);
  return out;
}

// Candidates that an optimum may need.
std::vector<uint32_t> undominated(const Problem& problem) {
  auto graph = make_hypergraph(problem);
  if (!graph.ok()) return {};
  return extract::undominated(*graph).original;
}

}  // namespace

ColumnReport generate_columns(FusionSpace& space, const FusionOptions& options, const Solution& incumbent, FusionProblem& problem) {
  ColumnReport report;
  if (problem.problem.candidates.size() > kLargest) return report;
  const double best = incumbent.cost;
  const bool small = problem.problem.candidates.size() <= kSmall;
  const int rounds = small ? kSmallRounds : kMaxRounds;
  Stopwatch watch;
  const FusionGraph& graph = space.graph;
  BodyTable& table = space.table;
  BodyKeys seen;
  for (const Body& b : problem.bodies) seen.insert(b.key());
  std::vector<uint32_t> active = undominated(problem.problem);  // candidates of the relaxation
  const uint64_t budget = std::min(kIterations, kWork / std::max<uint64_t>(1, active.size()));
  for (int round = 0; round < rounds; ++round) {
    Problem master = part(problem.problem, active);
    Limits left = options.limits;
    left.seconds = std::max(0.0, kShareOfTime * options.limits.seconds - watch.seconds());
    const auto relaxed = solve_relaxation(master, problem.colours, budget - report.iterations, left);
    if (!relaxed.ok()) break;
    report.iterations += relaxed->iterations;
    const double before = report.last_bound;
    report.last_bound = relaxed->bound;
    if (round == 0) report.first_bound = relaxed->bound;
    ++report.rounds;
    if (relaxed->bound < best * (1 - kLoose) && !small) break;
    if (relaxed->bound < best * (1 - kLooseSmall) && round == 0) break;
    if (!small && round > 0 && relaxed->bound >= before * (1 - kEnough)) break;
    if (relaxed->bound >= best * (1 - kWorth)) break;

    std::vector<uint32_t> support;
    for (size_t k = 0; k < active.size(); ++k) {
      if (relaxed->value[k] > kSupport) support.push_back(active[k]);
    }
    if (small) {  // whole kernels too: what fractions of a choice have in common is often no part of any
      support.insert(support.end(), incumbent.chosen.begin(), incumbent.chosen.end());
      std::sort(support.begin(), support.end());
      support.erase(std::unique(support.begin(), support.end()), support.end());
    }
    // What stays far above the bound does not come back.
    if (round == 0) {
      const double slack = 2 * std::max(0.0, best - relaxed->bound) + kNear * relaxed->bound;
      std::vector<uint32_t> near;
      for (size_t k = 0; k < active.size(); ++k) {
        if (relaxed->value[k] > kSupport || relaxed->reduced_cost[k] <= slack) near.push_back(active[k]);
      }
      active = std::move(near);
    }
    if (round + 1 == rounds || watch.expired(options.limits)) break;

    // Of the bodies that moves offer, those that lower the bound become candidates; of a small pool all whose reduced cost is less
    // than the gap, for no other can be a part of a better choice.
    FusionProblem offered;
    offered.item_class = problem.item_class;
    offered.term_enode = problem.term_enode;
    add_bodies(offered, moves(graph, table, table.rules(), problem, support, kMostOffered, seen));
    const size_t inside = master.candidates.size();
    for (Candidate& c : offered.problem.candidates) master.candidates.push_back(std::move(c));
    const auto price = priced(master, *relaxed);
    if (!price.ok()) break;
    const double most = small ? best - relaxed->bound : -kWorth * relaxed->bound;
    std::vector<std::pair<double, size_t>> wanted;
    for (size_t b = 0; b < offered.bodies.size(); ++b) {
      if ((*price)[inside + b] < most) wanted.emplace_back((*price)[inside + b], b);
    }
    report.offered += offered.bodies.size();
    if (wanted.empty()) break;
    std::sort(wanted.begin(), wanted.end());
    if (wanted.size() > kMostTaken) wanted.resize(kMostTaken);
    std::vector<Body> taken;
    for (const auto& [cost, b] : wanted) taken.push_back(std::move(offered.bodies[b]));
    close_under_dropping(graph, table, taken, seen);
    for (size_t t = 0; t < taken.size(); ++t) active.push_back(static_cast<uint32_t>(problem.problem.candidates.size() + t));
    report.taken += taken.size();
    add_bodies(problem, std::move(taken));
    if (budget - report.iterations < relaxed->iterations / 4 * 5) break;  // the next one takes somewhat more
  }
  return report;
}

}  // namespace egret::extract
