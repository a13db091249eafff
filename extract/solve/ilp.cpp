// The exact solver: reduce, solve the linear program, improve the incumbent on its support, drop what its reduced
// costs rule out, then the integer program; where its answer holds a loop, forbid the loop and solve again.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "extract/solve/greedy.h"
#include "extract/solve/model.h"
#include "extract/solve/reduce.h"
#include "support/module.h"

namespace egret::extract {
namespace {

constexpr double kGap = 1e-9;           // relative: below it a solution counts as optimal
constexpr double kFixMargin = 1e-6;     // relative: HiGHS' tolerances stay below it
constexpr int kMaxLoopRounds = 200;

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
    EGRET_TRY_VOID(find_incumbent(start));
    if (!have_incumbent_ || best_cost_ > 0) {
      int exponent = 0;
      std::frexp(have_incumbent_ ? best_cost_ : std::accumulate(graph_.cost.begin(), graph_.cost.end(), 0.0), &exponent);
      scale_ = std::ldexp(1.0, 10 - exponent);  // HiGHS' tolerances are absolute: the optimum becomes about 1000
      reduce_graph(std::vector<uint8_t>(graph_.size(), 1));
      linear_phase();
      integer_phase();
    }
    return finish();
  }

 private:
  double remaining() const { return std::max(0.0, options_.limits.seconds - clock_.seconds()); }
  bool closed() const { return have_incumbent_ && best_cost_ - bound_ <= kGap * best_cost_; }

  Status find_incumbent(const Solution* start) {
    const GreedyAnswer answer = greedy_covers(graph_, dependency_, options_, clock_);
    if (answer.found) accept(answer.chosen);
    if (start && check_solution(problem_, *start)) {
      std::vector<uint32_t> chosen;
      for (uint32_t k = 0; k < graph_.size(); ++k) {
        if (std::binary_search(start->chosen.begin(), start->chosen.end(), graph_.original[k])) chosen.push_back(k);
      }
      accept(chosen);
    }
    return {};
  }

  // `chosen` are candidates of graph_; what serves nothing is dropped.  Kept if valid, in budget and cheaper.
  bool accept(const std::vector<uint32_t>& chosen) {
    Cover cover(graph_);
    cover.assign(chosen);
    if (!cover.prune_if_valid() || cover.fold() > graph_.fold_budget) return false;
    if (have_incumbent_ && cover.cost() >= best_cost_) return true;
    have_incumbent_ = true;
    best_.clear();
    best_cost_ = 0;
    for (uint32_t k : cover.list()) {
      best_.push_back(graph_.original[k]);
      best_cost_ += graph_.cost[k];
    }
    return true;
  }

  std::vector<uint8_t> in_best() const {
    std::vector<uint8_t> flags(graph_.size(), 0);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      flags[k] = std::binary_search(best_.begin(), best_.end(), graph_.original[k]);
    }
    return flags;
  }

  void reduce_graph(const std::vector<uint8_t>& keep) {
    graph_ = restrict_to(graph_, keep);
    graph_ = reduce(graph_, in_best());
    terms_ = trusted_terms(problem_, graph_);
  }

  Answer run(const IlpModel& model, bool linear) {
    Answer answer;
    answer.x.resize(model.cost.size());
    answer.reduced_cost.resize(model.cost.size());
    EgretHighsModel view = model.view(linear);
    std::vector<double> start(model.cost.size(), 0);
    if (!linear && have_incumbent_) {
      const auto flags = in_best();
      std::copy(flags.begin(), flags.end(), start.begin());
      view.start = start.data();
    }
    view.iteration_limit = static_cast<int64_t>(options_.lp_iterations - std::min(options_.lp_iterations, iterations_));
    view.seconds = remaining();
    view.absolute_gap = have_incumbent_ ? kGap * best_cost_ * scale_ : 0;
    if (options_.limits.stop) {
      view.stop = stop_asked;
      view.stop_context = const_cast<StopToken*>(options_.limits.stop);
    }
    answer.state.solution = answer.x.data();
    answer.state.reduced_cost = linear ? answer.reduced_cost.data() : nullptr;
    double t0=clock_.seconds(); fprintf(stderr,"\n  %.2f %s cols %d rows %d nnz %d cands %zu ", t0, linear?"LP":"MIP", view.columns,view.rows,view.row_start[view.rows],graph_.size());
    highs_(&view, &answer.state);
    fprintf(stderr," took %.2f it %ld nodes %ld obj %.4f bound %.4f best %.4f\n", clock_.seconds()-t0,(long)answer.state.iterations,(long)answer.state.nodes,answer.state.objective,answer.state.bound,best_cost_*scale_);
    iterations_ += static_cast<uint64_t>(std::max<int64_t>(0, answer.state.iterations));
    return answer;
  }

  std::vector<uint32_t> chosen_in(const Answer& answer, double above) const {
    std::vector<uint32_t> chosen;
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (answer.x[k] > above) chosen.push_back(k);
    }
    return chosen;
  }

  void linear_phase() {
    const Answer answer = run(build_model(graph_, terms_, {}, scale_), /*linear=*/true);
    if (answer.state.status != kHighsOptimal) return;
    const double value = answer.state.objective;
    raise_bound(value / scale_);
    improve_on_support(chosen_in(answer, 1e-7));
    if (closed()) return;
    const double limit = have_incumbent_ ? best_cost_ * scale_ * (1 + kFixMargin) : HUGE_VAL;
    std::vector<uint8_t> keep = in_best();
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (value + answer.reduced_cost[k] <= limit) keep[k] = 1;
    }
    reduce_graph(keep);
  }

  // The linear program's support is a small problem of its own, on which greedy covers do well.
  void improve_on_support(const std::vector<uint32_t>& support) {
    std::vector<uint8_t> keep = in_best();
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
    accept(chosen);
    accept(improve_cover(graph_, dependency_, chosen, options_, clock_).chosen);
  }

  void integer_phase() {
    std::vector<Loop> loops;
    for (int round = 0; round < kMaxLoopRounds && !closed() && !clock_.expired(options_.limits); ++round) {
      const Answer answer = run(build_model(graph_, terms_, loops, scale_), /*linear=*/false);
      if (answer.state.status == kHighsFailed) return;
      if (answer.state.status == kHighsInfeasible) {
        infeasible_ = true;  // the fold budget; nothing else can be
        return;
      }
      const bool done = answer.state.status == kHighsOptimal;
      const bool good = answer.state.has_solution && accept(chosen_in(answer, 0.5));
      raise_bound(answer.state.bound / scale_);
      if (done && good) raise_bound(best_cost_);
      if (!done || good) return;
      const auto found = find_loops(graph_, chosen_in(answer, 0.5));
      if (found.empty()) return;
      loops.insert(loops.end(), found.begin(), found.end());
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
  Terms terms_;
  double scale_ = 1, bound_ = 0, best_cost_ = 0;
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
