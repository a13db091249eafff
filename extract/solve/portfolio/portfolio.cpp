// All engines on all blocks, in rounds: each engine of each open block gets a slice of work, in parallel; then what
// they found is merged in a fixed order, blocks that shrank are reduced and divided again, and the slices double.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "extract/solve/exact/core_guided.h"
#include "extract/solve/exact/cut_engine.h"
#include "extract/solve/exact/highs_engine.h"
#include "extract/solve/graph/earnings.h"
#include "extract/solve/heuristics/greedy.h"
#include "extract/solve/portfolio/block.h"
#include "extract/solve/portfolio/unlimited.h"
#include "extract/solve/portfolio/whole.h"

namespace egret::extract {
namespace {

constexpr uint64_t kFirstSlice = 50'000;
constexpr size_t kNeighbourhood = 300;      // candidates: solved exactly even where engines are not asked for
constexpr size_t kManyWithTerms = 16'000;  // candidates: then the program over the whole problem does better
constexpr uint64_t kBehind = 4;            // the part of a slice of an engine that gave nothing in the last one
constexpr double kWide = 1e-2;             // of the cost: a gap for which the engines get all of `more_work`
constexpr double kFar = 5e-2;              // and one for which the cuts of the whole program get all of `far_work`: in proportion where
constexpr double kLeastShare = 1.0 / 8;    // it is narrower, but so much of it
constexpr double kNear = 5e-3;             // of the cost: a gap that the cuts of the whole program are not asked to close
constexpr uint64_t kMaxSlice = uint64_t{1} << 25;

// One engine's slice on one block.
struct Task {
  Block* block;
  size_t engine;
  Step step;
  StopToken stop;
};

// Told of what is known whenever that may have become better; says whether to go on.
using Watch = std::function<bool(const Incumbent&)>;

struct Budget {
  uint64_t left, spent = 0;  // units of the exact engines
  void spend(uint64_t work) {
    left -= std::min(left, work);
    spent += work;
  }
};

class Portfolio {
 public:
  // `covers`: a program over the whole problem knows more than HiGHS on a block.
  Portfolio(const SolveOptions& options, Block& whole, bool covers, Budget& budget, const Watch& watch)
      : options_(options), whole_(whole), covers_(covers), budget_(budget), watch_(watch) {}

  bool go_on() const { return watch_(whole_.incumbent()); }

  // On blocks of at most `max_size` candidates, until a slice would be longer than `last_slice`.
  void run(const Stopwatch& clock, uint64_t last_slice, size_t max_size) {
    while (!clock.expired(options_.limits) && !close_enough() && budget_.left > 0) {
      std::vector<Block*> open;
      whole_.open_leaves(open);
      std::erase_if(open, [&](Block* b) { return b->graph().size() > max_size || !ready(*b) || b->slice > last_slice; });
      if (open.empty()) return;
      auto tasks = make_tasks(open);
      run_all(tasks, clock);
      for (auto& task : tasks) {
        budget_.spend(task->step.work);
        Block::Runner& runner = task->block->engines[task->engine];
        runner.leads = task->block->merge(task->step);
        if (task->step.outcome == Outcome::kGivenUp) runner.engine.reset();
      }
      for (Block* block : open) {
        auto& runners = block->engines;
        std::erase_if(runners, [](const auto& r) { return !r.engine; });
        if (std::none_of(runners.begin(), runners.end(), [](const auto& r) { return r.leads; })) {
          for (auto& r : runners) r.leads = true;
        }
        block->slice = std::min(kMaxSlice, 2 * block->slice);
        block->divide(options_, clock);
      }
      whole_.gather();
      if (!go_on()) return;
    }
  }

  bool close_enough() const {
    const Incumbent& best = whole_.incumbent();
    return whole_.proved() || best.upper - best.lower <= options_.gap * std::abs(best.upper);
  }

 private:
  // Has the block an engine that goes on?
  bool ready(Block& block) {
    if (block.slice == 0) {
      block.slice = kFirstSlice;
      const auto add = [&](std::unique_ptr<Engine> engine) {
        if (engine) block.engines.push_back({std::move(engine)});
      };
      if (options_.engines == Engines::kAll) add(make_cut_engine(block.graph()));
      if (options_.engines != Engines::kHighs && CoreGuided::takes(block.graph())) add(std::make_unique<CoreGuided>(block.graph(), false));
      if (!covers_ || block.engines.empty()) add(make_highs_engine(block.graph()));
    }
    return !block.engines.empty();
  }

  static std::vector<std::unique_ptr<Task>> make_tasks(const std::vector<Block*>& open) {
    std::vector<std::unique_ptr<Task>> tasks;
    for (Block* block : open) {
      for (size_t e = 0; e < block->engines.size(); ++e) {
        tasks.push_back(std::make_unique<Task>());
        tasks.back()->block = block;
        tasks.back()->engine = e;
      }
    }
    return tasks;
  }

  // An engine's proof ends the slices of those after it on the same block, never of those before it: so what is
  // merged does not depend on who was faster.
  void run_all(std::vector<std::unique_ptr<Task>>& tasks, const Stopwatch& clock) {
    std::atomic<size_t> next{0};
    const auto work = [&] {
      for (size_t t; (t = next++) < tasks.size();) {
        Task& task = *tasks[t];
        const Interrupt interrupt{&options_.limits, &clock, &task.stop};
        if (interrupt()) continue;
        const Block::Runner& runner = task.block->engines[task.engine];
        const uint64_t slice = std::max(kFirstSlice, runner.leads ? task.block->slice : task.block->slice / kBehind);
        task.step = runner.engine->advance(task.block->shared(), std::min(slice, budget_.left), interrupt);
        if (task.step.outcome != Outcome::kProved) continue;
        for (size_t later = t + 1; later < tasks.size() && tasks[later]->block == task.block; ++later) {
          tasks[later]->stop.request_stop();
        }
      }
    };
    const size_t cores = std::max(1u, std::thread::hardware_concurrency());
    const size_t wanted = options_.threads > 0 ? static_cast<size_t>(options_.threads) : cores;
    std::vector<std::thread> threads;
    for (size_t n = std::min({wanted, cores, tasks.size()}); n > 1; --n) threads.emplace_back(work);
    work();
    for (std::thread& t : threads) t.join();
    drop_what_proofs_ended(tasks);
  }

  static void drop_what_proofs_ended(std::vector<std::unique_ptr<Task>>& tasks) {
    for (size_t t = 0; t < tasks.size(); ++t) {
      if (tasks[t]->step.outcome != Outcome::kProved) continue;
      for (size_t later = t + 1; later < tasks.size() && tasks[later]->block == tasks[t]->block; ++later) {
        tasks[later]->step = Step{};
      }
    }
  }

  const SolveOptions& options_;
  Block& whole_;
  const bool covers_;
  Budget& budget_;
  const Watch& watch_;
};

// All of the work for a gap of `wide` and more, less for a narrower one.
uint64_t share_of(uint64_t work, const Incumbent& now, double wide) {
  const double share = (now.upper - now.lower) / (wide * std::abs(now.upper));
  return share < 1 ? static_cast<uint64_t>(std::max(share, kLeastShare) * static_cast<double>(work)) : work;
}

// The choice as candidates of the graph; empty where it is none.
std::vector<uint32_t> chosen_in(const Problem& problem, const Hypergraph& graph, const Solution* start) {
  std::vector<uint32_t> chosen;
  if (!start || !check_solution(problem, *start).ok()) return chosen;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    if (std::binary_search(start->chosen.begin(), start->chosen.end(), graph.original[k])) chosen.push_back(k);
  }
  return chosen;
}

// What candidates compute inside allows rows that only a program over the whole problem has; it gets the candidates
// that are still in question, and all the work that is left in one slice, since each slice starts the program anew.
void with_terms(const Problem& problem, const SolveOptions& options, const Hypergraph& graph, Block& whole, uint64_t& work, const Stopwatch& clock) {
  const auto keep = whole.survivors();
  Hypergraph named = graph;
  std::iota(named.original.begin(), named.original.end(), 0);
  Hypergraph rest = restrict_to(named, keep);
  const std::vector<uint32_t> number = rest.original;
  for (uint32_t& k : rest.original) k = graph.original[k];
  Incumbent start = whole.incumbent();
  const auto last = std::set_intersection(number.begin(), number.end(), start.solution.begin(), start.solution.end(), start.solution.begin());
  start.solution.erase(last, start.solution.end());
  for (uint32_t& k : start.solution) k = static_cast<uint32_t>(std::lower_bound(number.begin(), number.end(), k) - number.begin());
  Step step;
  step.found = solve_whole(rest, problem, std::move(start), {}, options, work, clock);
  for (uint32_t& k : step.found.solution) k = number[k];
  whole.merge(step);
}

// Covers and bounds; the engines on what these leave; where candidates say what they compute inside the program over all of
// it, and then the engines again, with more.
Incumbent solve_graph(const Problem& problem, const SolveOptions& options, const Hypergraph& graph, const std::vector<uint32_t>& chosen,
                      Budget& budget, const Stopwatch& clock, const Watch& watch) {
  Block whole(graph, Incumbent{});
  whole.begin(chosen, options, clock);
  const bool covers = !problem.term_nodes.empty() && have_highs();
  Portfolio portfolio(options, whole, covers, budget, watch);
  if (!whole.incumbent().solution.empty() && !portfolio.go_on()) return whole.incumbent();
  const bool answered = !whole.incumbent().solution.empty() && whole.incumbent().lower > 0;
  if (!answered || !clock.expired(options.limits)) whole.solve_parts(options, clock);
  if (!portfolio.go_on()) return whole.incumbent();
  if (options.engines == Engines::kNone) {
    if (options.greedy_steps > kFirstSlice) portfolio.run(clock, kFirstSlice, kNeighbourhood);
    return whole.incumbent();
  }
  if (!covers) {
    portfolio.run(clock, UINT64_MAX, SIZE_MAX);
    return whole.incumbent();
  }
  portfolio.run(clock, kFirstSlice, kManyWithTerms);
  const auto done = [&] { return portfolio.close_enough() || clock.expired(options.limits) || !portfolio.go_on(); };
  if (done()) return whole.incumbent();
  SolveOptions once = options;
  once.far_work = 0;
  const uint64_t before = budget.left;
  with_terms(problem, once, graph, whole, budget.left, clock);
  budget.spent += before - budget.left;
  if (done()) return whole.incumbent();
  if (!std::isfinite(graph.fold_budget)) {  // of the engines on parts only HiGHS knows that row
    budget.left += std::min(share_of(options.more_work, whole.incumbent(), kWide), UINT64_MAX - budget.left);
    portfolio.run(clock, UINT64_MAX, SIZE_MAX);
  }
  const Incumbent& best = whole.incumbent();
  if (done() || options.far_work == 0 || best.upper - best.lower <= kNear * best.upper) return best;
  uint64_t far = share_of(options.far_work, best, kFar);
  with_terms(problem, options, graph, whole, far, clock);
  return whole.incumbent();
}

Result<Solution> solve_nonnegative(const Problem& problem, const SolveOptions& options, const Solution* start) {
  const Stopwatch clock;
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  Budget budget{options.work};
  Incumbent best, reported;
  const auto report = [&] {
    const double bound = std::min(best.lower, best.upper);
    if (!options.progress || (best.upper >= reported.upper && bound <= reported.lower)) return;
    reported = {std::min(best.upper, reported.upper), {}, std::max(bound, reported.lower)};
    options.progress({budget.spent, clock.seconds(), reported.upper, reported.lower});
  };
  const auto take = [&](const Incumbent& found) {
    best.lower = std::max(best.lower, found.lower);
    if (found.upper < best.upper) best.upper = found.upper, best.solution = found.solution;
    report();
    return best.lower < best.upper;
  };
  std::vector<uint32_t> chosen = chosen_in(problem, graph, start);
  bool kept = false;  // the limit on folded bytes, without being asked to
  if (limited(graph) && !graph.has_negative_cost()) {
    const Unlimited unlimited(graph);
    const Watch watch = [&](const Incumbent& found) {
      const auto lifted = found.upper < best.upper ? unlimited.lift(found.solution) : std::nullopt;
      kept = found.upper >= best.upper || lifted;
      return take({lifted ? found.upper : best.upper, lifted.value_or(std::vector<uint32_t>()), found.lower}) && kept;
    };
    watch(solve_graph(problem, options, unlimited.graph(), unlimited.lower(chosen), budget, clock, watch));
    kept = kept && !best.solution.empty();
  }
  if (!kept) take(solve_graph(problem, options, graph, chosen, budget, clock, take));
  if (best.solution.empty() && !graph.roots.empty()) {
    if (best.lower >= best.upper) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
    return limit_error("extraction: no solution within its limits", "raise --time-limit or --fold-limit");
  }
  Solution solution = make_solution(problem, graph, best.solution, "portfolio");
  solution.bound = std::min(best.lower, solution.cost);
  solution.optimal = solution.cost - solution.bound <= kProofGap * std::abs(solution.cost);
  solution.seconds = clock.seconds();
  return solution;
}

}  // namespace

Result<Solution> solve_portfolio(const Problem& problem, const SolveOptions& options, const Solution* start) {
  if (options.engines == Engines::kHighs && !have_highs()) {
    return unsupported_error("exact extraction needs HiGHS, which this build was configured without",
                             "configure with EGRET_ILP=ON, or use another --method");
  }
  EGRET_TRY_VOID(validate(problem));
  const Earnings earnings(problem);
  if (earnings.none()) return solve_nonnegative(problem, options, start);
  std::optional<Solution> begun;
  if (start) begun = earnings.there(*start);
  SolveOptions there = options;
  if (options.progress) {
    there.progress = [&](const Progress& p) {
      options.progress({p.work, p.seconds, p.best + earnings.earned(), p.bound + earnings.earned()});
    };
  }
  EGRET_TRY(const Solution found, solve_nonnegative(earnings.problem(), there, begun ? &*begun : nullptr));
  return earnings.back(found);
}

}  // namespace egret::extract
