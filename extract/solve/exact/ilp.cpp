// The exact solver: reduce, solve the linear program, improve the incumbent on its support, then the integer
// program over two windows.  A solution that uses a candidate outside the window "linear bound + reduced cost <=
// limit" costs more than the limit, so a window whose optimum lies below its limit is the whole proof.  The first
// is narrow and gets little work: where the linear program is nearly tight it proves, else it finds a better
// incumbent.  The second (limit = incumbent) always proves.  Where an answer holds a loop, the loop is forbidden
// and the window solved again.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "extract/solve/heuristics/greedy.h"
#include "extract/solve/exact/model.h"
#include "extract/solve/reduce/reduce.h"
#include "support/module.h"

namespace egret::extract {
namespace {

constexpr double kGap = 1e-9;           // relative: below it a solution counts as optimal
constexpr double kSupport = 1e-7;       // a larger value in the linear program counts as chosen in part
constexpr double kFixMargin = 1e-6;     // relative: HiGHS' tolerances stay below it
constexpr int kMaxLoopRounds = 200;
constexpr double kNarrow = 1.0 / 16;    // of the gap between linear bound and incumbent
constexpr size_t kNarrowLeast = 600;    // candidates: the narrow window is no smaller
constexpr uint64_t kNarrowWork = 3;     // times the iterations of the linear program, and
constexpr uint64_t kNarrowBase = 4000;  // so many more

struct Answer {
  EgretHighsAnswer state{};
  std::vector<double> x, reduced_cost;
};

int stop_asked(void* token) { return static_cast<const StopToken*>(token)->stop_requested(); }

class Exact {
 public:
  Exact(const Problem& problem, const SolveOptions& options, EgretHighsSolve highs)
      : problem_(problem), options_(options), highs_(highs), dependency_(term_dependency(problem)) {}

  Result<Solution> solve(const Solution* start) {
    EGRET_TRY(graph_, make_hypergraph(problem_));
    if (graph_.has_negative_cost()) return unsupported_error("exact extraction expects costs of at least 0");
    EGRET_TRY_VOID(find_incumbent(start));
    if (!have_incumbent_ || best_cost_ > 0) {
      int exponent = 0;
      std::frexp(have_incumbent_ ? best_cost_ : std::accumulate(graph_.cost.begin(), graph_.cost.end(), 0.0), &exponent);
      scale_ = std::ldexp(1.0, 10 - exponent);  // HiGHS' tolerances are absolute: the optimum becomes about 1000
      graph_ = reduce(graph_, in_best(graph_));
      if (linear_phase()) {
        window_phase();
      } else if (!closed()) {
        solve_integer(graph_, HUGE_VAL, UINT64_MAX);
      }
    }
    return finish();
  }

 private:
  double remaining() const { return std::max(0.0, options_.limits.seconds - clock_.seconds()); }
  bool closed() const { return have_incumbent_ && best_cost_ - bound_ <= kGap * best_cost_; }

  Status find_incumbent(const Solution* start) {
    const GreedyAnswer answer = greedy_covers(graph_, dependency_, options_, clock_);
    if (answer.found) accept(graph_, answer.chosen);
    if (start && check_solution(problem_, *start)) {
      std::vector<uint32_t> chosen;
      for (uint32_t k = 0; k < graph_.size(); ++k) {
        if (std::binary_search(start->chosen.begin(), start->chosen.end(), graph_.original[k])) chosen.push_back(k);
      }
      accept(graph_, chosen);
    }
    return {};
  }

  // What serves nothing is dropped.  True where `chosen` is valid and in budget; it is kept where cheaper.
  bool accept(const Hypergraph& graph, const std::vector<uint32_t>& chosen) {
    Cover cover(graph);
    cover.assign(chosen);
    if (!cover.prune_if_valid() || cover.fold() > graph.fold_budget) return false;
    if (have_incumbent_ && cover.cost() >= best_cost_) return true;
    have_incumbent_ = true;
    best_.clear();
    best_cost_ = 0;
    for (uint32_t k : cover.list()) {
      best_.push_back(graph.original[k]);
      best_cost_ += graph.cost[k];
    }
    return true;
  }

  std::vector<uint8_t> in_best(const Hypergraph& graph) const {
    std::vector<uint8_t> flags(graph.size(), 0);
    for (uint32_t k = 0; k < graph.size(); ++k) {
      flags[k] = std::binary_search(best_.begin(), best_.end(), graph.original[k]);
    }
    return flags;
  }

  Answer run(const Hypergraph& graph, const std::vector<Loop>& loops, bool linear, uint64_t last_iteration) {
    const IlpModel model = build_model(graph, trusted_terms(problem_, graph), loops, scale_);
    Answer answer;
    answer.x.resize(model.cost.size());
    answer.reduced_cost.resize(model.cost.size());
    EgretHighsModel view = model.view(linear);
    std::vector<double> start(model.cost.size(), 0);
    if (!linear && have_incumbent_) {
      const auto flags = in_best(graph);
      std::copy(flags.begin(), flags.end(), start.begin());
      view.start = start.data();
    }
    view.iteration_limit = static_cast<int64_t>(last_iteration - std::min(last_iteration, iterations_));
    view.seconds = remaining();
    view.absolute_gap = have_incumbent_ ? kGap * best_cost_ * scale_ : 0;
    if (options_.limits.stop) {
      view.stop = stop_asked;
      view.stop_context = const_cast<StopToken*>(options_.limits.stop);
    }
    answer.state.solution = answer.x.data();
    answer.state.reduced_cost = linear ? answer.reduced_cost.data() : nullptr;
    highs_(&view, &answer.state);
    iterations_ += static_cast<uint64_t>(std::max<int64_t>(0, answer.state.iterations));
    return answer;
  }

  static std::vector<uint32_t> chosen_in(const Hypergraph& graph, const Answer& answer, double above) {
    std::vector<uint32_t> chosen;
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (answer.x[k] > above) chosen.push_back(k);
    }
    return chosen;
  }

  // False where the linear program was not solved or there is nothing to hold its bound against.
  bool linear_phase() {
    Answer answer = run(graph_, {}, /*linear=*/true, options_.lp_iterations);
    if (answer.state.status != kHighsOptimal) return false;
    linear_bound_ = answer.state.objective / scale_;
    raise_bound(linear_bound_);
    improve_on_support(chosen_in(graph_, answer, kSupport));
    reduced_cost_ = std::move(answer.reduced_cost);
    reduced_cost_.resize(graph_.size());
    for (double& cost : reduced_cost_) cost /= scale_;
    return have_incumbent_;
  }

  void window_phase() {
    std::vector<double> sorted = reduced_cost_;
    std::sort(sorted.begin(), sorted.end());
    const double least = sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, kNarrowLeast)];
    const double narrow = linear_bound_ + std::max(least, kNarrow * (best_cost_ - linear_bound_));
    if (!closed() && narrow < best_cost_) solve_window(narrow, kNarrowBase + kNarrowWork * iterations_);
    if (!closed()) solve_window(best_cost_, UINT64_MAX);
  }

  void solve_window(double limit, uint64_t work) {
    std::vector<uint8_t> keep = in_best(graph_);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (linear_bound_ + reduced_cost_[k] <= limit * (1 + kFixMargin)) keep[k] = 1;
    }
    const Hypergraph window = restrict_to(graph_, keep);
    solve_integer(reduce(window, in_best(window)), limit, work);
  }

  // The linear program's support is a small problem of its own, on which greedy covers do well.
  void improve_on_support(const std::vector<uint32_t>& support) {
    std::vector<uint8_t> keep = in_best(graph_);
    for (uint32_t k : support) keep[k] = 1;
    const auto made = makeable(graph_, keep);
    for (uint32_t r : graph_.roots) {
      if (!made[r]) return;
    }
    const Hypergraph small = restrict_to(graph_, keep);
    const GreedyAnswer found = greedy_covers(small, dependency_, options_, clock_);
    if (!found.found) return;
    std::vector<uint32_t> chosen;
    for (uint32_t s = 0, k = 0; s < found.chosen.size(); ++s) {
      while (graph_.original[k] != small.original[found.chosen[s]]) ++k;
      chosen.push_back(k);
    }
    accept(graph_, chosen);
    accept(graph_, improve_cover(graph_, dependency_, chosen, options_, clock_).chosen);
  }

  // Solves `graph`; what is not in it costs at least `outside`.  Ends early after `work` LP iterations.
  void solve_integer(const Hypergraph& graph, double outside, uint64_t work) {
    const uint64_t last = work > options_.lp_iterations ? options_.lp_iterations : iterations_ + work;
    for (int round = 0; round < kMaxLoopRounds && !clock_.expired(options_.limits); ++round) {
      const Answer answer = run(graph, loops_, /*linear=*/false, std::min(last, options_.lp_iterations));
      if (answer.state.status == kHighsFailed) return;
      if (answer.state.status == kHighsInfeasible) {
        infeasible_ = true;  // the fold budget; nothing else can be
        return;
      }
      const bool done = answer.state.status == kHighsOptimal;
      const auto chosen = chosen_in(graph, answer, 0.5);
      const bool good = answer.state.has_solution && accept(graph, chosen);
      raise_bound(std::min(outside, done && good ? best_cost_ : answer.state.bound / scale_));
      if (!done || good) return;
      const auto found = find_loops(graph, chosen);
      if (found.empty()) return;
      loops_.insert(loops_.end(), found.begin(), found.end());
    }
  }

  void raise_bound(double bound) {
    bound_ = std::max(bound_, have_incumbent_ ? std::min(bound, best_cost_) : bound);
  }

  Result<Solution> finish() {
    if (!have_incumbent_) {
      if (infeasible_) return input_error("infeasible: no choice keeps the limit on folded weights", "raise --fold-limit");
      return limit_error("exact extraction: no solution within its limits", "raise --time-limit or --fold-limit");
    }
    Solution solution;
    solution.chosen = best_;
    for (uint32_t k : best_) solution.cost += problem_.candidates[k].cost;
    solution.bound = std::min(bound_, solution.cost);
    solution.optimal = solution.cost - solution.bound <= kGap * solution.cost;
    solution.method = "ilp";
    solution.seconds = clock_.seconds();
    return solution;
  }

  const Problem& problem_;
  const SolveOptions& options_;
  const EgretHighsSolve highs_;
  const Stopwatch clock_;
  const Rows dependency_;
  Hypergraph graph_;
  double scale_ = 1, bound_ = 0, best_cost_ = 0, linear_bound_ = 0;
  std::vector<double> reduced_cost_;  // of graph_'s candidates
  std::vector<Loop> loops_;           // forbidden so far; they hold in every window
  bool have_incumbent_ = false, infeasible_ = false;
  std::vector<uint32_t> best_;  // candidates of the problem, ascending
  uint64_t iterations_ = 0;
};

}  // namespace

Result<Solution> solve_ilp(const Problem& problem, const SolveOptions& options, const Solution* start) {
#ifdef EGRET_HAVE_ILP
  EGRET_TRY(void* symbol, open_module_symbol("egret_highs", "egret_highs_solve"));
  return Exact(problem, options, reinterpret_cast<EgretHighsSolve>(symbol)).solve(start);
#else
  return unsupported_error("exact extraction needs HiGHS, which this build was configured without",
                           "configure with EGRET_ILP=ON, or use the greedy extractor");
#endif
}

}  // namespace egret::extract
