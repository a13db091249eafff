#include "extract/solve/exact/highs_engine.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "extract/solve/exact/cut_separation.h"
#include "extract/solve/exact/highs.h"
#include "extract/solve/graph/grain.h"
#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr double kSupport = 1e-7;           // a larger value in the linear program counts as chosen in part
constexpr double kMargin = 1e-6;            // relative: HiGHS' tolerances stay below it
constexpr int kMaxLinearRounds = 200;
constexpr int kStalled = 10;                // rounds of cuts, each of which
constexpr double kLittle = 0.01;            // closes less of the gap: more would not pay
constexpr size_t kMostCuts = 2'000;         // a round
constexpr uint64_t kCutWork = 20;           // units a candidate for a round's cuts
constexpr int kCoversEvery = 8;             // rounds
constexpr double kWorthAnew = 0.5;          // of the linear program's candidates are still open: a smaller one takes its place
constexpr uint64_t kSupportSteps = 20'000'000;   // elementary steps of covers on the support of the linear program
constexpr double kNarrow = 1.0 / 16;        // of the gap between linear bound and incumbent
constexpr size_t kNarrowLeast = 600;        // candidates: the narrow window is no smaller
constexpr uint64_t kNarrowWork = 3;         // times the iterations of the linear program, and
constexpr uint64_t kNarrowBase = 4000;      // so many more

class HighsEngine : public Engine {
 public:
  HighsEngine(const Hypergraph& graph, const Problem* problem, std::vector<SideRow> side_rows, Window window, Highs highs)
      : graph_(graph), problem_(problem), candidate_(graph.original), side_rows_(std::move(side_rows)), window_(window), highs_(highs), grain_(cost_grain(graph.cost)),
        fixed_(graph.size(), Fixed::kOpen) {
    std::iota(graph_.original.begin(), graph_.original.end(), 0);  // numbers of this graph, whatever it becomes
    if (problem) dependency_ = term_dependency(*problem);
  }

  const char* name() const override { return "highs"; }

  Step advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) override {
    step_ = Step{};
    best_ = shared.incumbent;
    interrupted_ = &interrupted;
    units_ = unit_of(graph_);
    iterations_left_ = std::max<uint64_t>(1, work / units_);
    const double size = std::isfinite(best_.upper) ? best_.upper : std::accumulate(graph_.cost.begin(), graph_.cost.end(), 0.0);
    scale_ = scale_to(size, 10);
    take_over(shared.fixed);
    if (!linear_done_) {
      solve_linear();
    } else {
      if (!narrow_done_) solve_narrow();
      if (window_ == Window::kNarrow) {
        step_.outcome = Outcome::kGivenUp;
      } else if (best_.lower < cutoff(best_.upper, grain_)) {
        solve_integer(open_graph(), best_.upper, UINT64_MAX);
      }
    }
    step_.fixed = fixed_;
    conclude(step_, best_, grain_, interrupted());
    return std::move(step_);
  }

 private:
  // An iteration of a larger program takes longer: about a million units a second.
  static uint64_t unit_of(const Hypergraph& graph) { return 200 + (graph.operands.entries.size() + graph.results.entries.size()) / 100; }

  void take_over(const std::vector<Fixed>& fixed) {
    for (size_t k = 0; k < fixed.size(); ++k) {
      if (fixed[k] != Fixed::kOpen) fixed_[k] = fixed[k];
    }
  }

  // Without what is fixed out.  Empty where that leaves a root unmade: then nothing beats the incumbent.
  Hypergraph open_graph() {
    std::vector<uint8_t> keep(graph_.size());
    for (uint32_t k = 0; k < graph_.size(); ++k) keep[k] = fixed_[k] != Fixed::kOut;
    const auto made = makeable(graph_, keep);
    for (uint32_t r : graph_.roots) {
      if (!made[r]) return {};
    }
    return restrict_to(graph_, keep);
  }

  Terms terms_of(const Hypergraph& graph) const {
    if (!problem_) return {};
    std::vector<uint32_t> candidate;
    for (uint32_t k : graph.original) candidate.push_back(candidate_[k]);
    return trusted_terms(*problem_, graph, candidate);
  }

  // `basis`: of a linear program over the same graph.
  HighsAnswer run(const Hypergraph& graph, bool linear, uint64_t most_iterations, Basis* basis = nullptr) {
    IlpModel model = build_model(graph, terms_of(graph), loops_, scale_, side_rows_, cuts_within(graph));
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (fixed_[graph.original[k]] == Fixed::kOut) model.upper[k] = 0;
    }
    std::vector<double> start;
    if (!linear && !best_.solution.empty() && contains(graph, best_.solution)) {
      start.assign(model.cost.size(), 0);
      for (uint32_t k = 0; k < graph.size(); ++k) {
        start[k] = std::binary_search(best_.solution.begin(), best_.solution.end(), graph.original[k]);
      }
    }
    HighsRun how{linear, std::min(most_iterations, iterations_left_), interrupted_, 0, &start, basis};
    if (std::isfinite(best_.upper)) how.absolute_gap = (best_.upper - cutoff(best_.upper, grain_)) * scale_;
    HighsAnswer answer = highs_.solve(model, how);
    const uint64_t used = std::max<uint64_t>(1, answer.iterations());
    iterations_left_ -= std::min(iterations_left_, used);
    iterations_ += used;
    step_.work += used * units_;
    return answer;
  }

  static bool contains(const Hypergraph& graph, const std::vector<uint32_t>& chosen) {
    return std::includes(graph.original.begin(), graph.original.end(), chosen.begin(), chosen.end());
  }

  static std::vector<uint32_t> chosen_in(const Hypergraph& graph, const HighsAnswer& answer, double above) {
    std::vector<uint32_t> chosen;
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (answer.x[k] > above) chosen.push_back(k);
    }
    return chosen;
  }

  bool forbid_loops(const Hypergraph& graph, const std::vector<uint32_t>& chosen) {
    const auto found = find_loops(graph, chosen);
    loops_.insert(loops_.end(), found.begin(), found.end());
    return !found.empty();
  }

  void raise(double bound) { best_.lower = std::max(best_.lower, std::min(bound, best_.upper)); }

  // Slices go on where the last one ended; with a program of what is open where much has been fixed.
  void solve_linear() {
    const auto open = static_cast<size_t>(std::count_if(linear_.original.begin(), linear_.original.end(), [&](uint32_t k) { return fixed_[k] != Fixed::kOut; }));
    if (linear_.size() == 0 || static_cast<double>(open) < kWorthAnew * static_cast<double>(linear_.size())) begin_linear();
    if (linear_.size() == 0) return raise(best_.upper);
    for (int round = 0; round < kMaxLinearRounds; ++round) {
      HighsAnswer answer = run(linear_, /*linear=*/true, UINT64_MAX, &basis_);
      if (answer.state.status == kHighsInfeasible) return raise(best_.upper);  // the fold budget, or nothing open is better
      if (answer.state.status != kHighsOptimal) {
        // The next slice, which is longer, tries again; where HiGHS fails the integer program may not.
        linear_done_ = answer.state.status == kHighsFailed;
        return;
      }
      const double objective = answer.state.objective / scale_;
      const double bound = objective - 1e-12 * std::abs(objective) - 1e-9 / scale_;
      const double gained = bound - std::max(best_.lower, 0.0), gap = best_.upper - best_.lower;
      stalled_ = gained > kLittle * gap ? 0 : stalled_ + 1;
      raise(round_up(bound, grain_));
      const auto support = chosen_in(linear_, answer, kSupport);
      const bool last = stalled_ > kStalled || !add_cuts(answer);
      if (problem_ && (round % kCoversEvery == 0 || last)) improve_on_support(linear_, support);
      fix_out(linear_, answer, bound);
      if (best_.lower >= cutoff(best_.upper, grain_)) return;
      if ((*interrupted_)()) break;
      if (last && (problem_ || !forbid_loops(linear_, support))) break;
      if (iterations_left_ == 0) return;
    }
    linear_done_ = true;
  }

  void begin_linear() {
    linear_ = open_graph();
    basis_ = {};
    if (problem_) computed_ = with_computed(linear_, terms_of(linear_));
  }

  // Cuts that the answer breaks; false where none is found.
  bool add_cuts(const HighsAnswer& answer) {
    if (!problem_) return false;
    const std::vector<double> x(answer.x.begin(), answer.x.begin() + static_cast<ptrdiff_t>(linear_.size()));
    std::vector<uint8_t> shut(linear_.size());
    for (uint32_t k = 0; k < linear_.size(); ++k) shut[k] = fixed_[linear_.original[k]] == Fixed::kOut;
    const auto found = nested_cuts(computed_, x, answer.reduced_cost, shut, kMostCuts, turn_++);
    for (const CutRow& row : found) {
      CutMembers& cut = cuts_.emplace_back();
      for (uint32_t k : row.leading) cut.push_back(linear_.original[k]);
    }
    const uint64_t work = kCutWork * linear_.size();
    step_.work += work;
    iterations_left_ -= std::min(iterations_left_, work / units_);
    return !found.empty();
  }

  // The cuts as rows of a program over `graph`: what is fixed out is in no better solution.
  std::vector<CutMembers> cuts_within(const Hypergraph& graph) const {
    std::vector<uint32_t> place(graph_.size(), UINT32_MAX);
    for (uint32_t k = 0; k < graph.size(); ++k) place[graph.original[k]] = k;
    std::vector<CutMembers> out(cuts_.size());
    for (size_t c = 0; c < cuts_.size(); ++c) {
      for (uint32_t k : cuts_[c]) {
        if (place[k] != UINT32_MAX) out[c].push_back(place[k]);
      }
    }
    return out;
  }

  // What costs too much by its reduced cost.
  void fix_out(const Hypergraph& graph, const HighsAnswer& answer, double bound) {
    linear_bound_ = bound;
    bound_with_.assign(graph_.size(), std::numeric_limits<double>::infinity());
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (fixed_[graph.original[k]] != Fixed::kOut) bound_with_[graph.original[k]] = bound + answer.reduced_cost[k] / scale_;
    }
    if (!std::isfinite(best_.upper)) return;
    const double limit = std::max(cutoff(best_.upper, grain_), bound) + kMargin * std::abs(best_.upper);
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (bound_with_[graph.original[k]] > limit) fixed_[graph.original[k]] = Fixed::kOut;
    }
  }

  // The linear program's support is a small problem of its own, on which greedy covers do well.
  void improve_on_support(const Hypergraph& graph, const std::vector<uint32_t>& support) {
    std::vector<uint8_t> keep(graph_.size(), 0);
    for (uint32_t k : best_.solution) keep[k] = 1;
    for (uint32_t k : support) keep[graph.original[k]] = 1;
    const auto made = makeable(graph_, keep);
    for (uint32_t r : graph_.roots) {
      if (!made[r]) return;
    }
    SolveOptions covers;
    covers.greedy_steps = kSupportSteps;
    const Hypergraph small = restrict_to(graph_, keep);
    const GreedyAnswer found = greedy_covers(small, dependency_, covers, *interrupted_->clock);
    if (!found.found) return;
    accept(small, found.chosen);
    std::vector<uint32_t> chosen;
    for (uint32_t k : found.chosen) chosen.push_back(small.original[k]);
    accept(graph_, improve_cover(graph_, dependency_, chosen, covers, *interrupted_->clock).chosen);
  }

  void solve_narrow() {
    narrow_done_ = true;
    if (!problem_ || !std::isfinite(best_.upper) || bound_with_.empty()) return;
    std::vector<double> sorted = bound_with_;
    std::sort(sorted.begin(), sorted.end());
    const double least = sorted[std::min(sorted.size() - 1, kNarrowLeast)];
    const double limit = std::max(least, linear_bound_ + kNarrow * (best_.upper - linear_bound_));
    if (!(limit < best_.upper)) return;
    std::vector<uint8_t> keep(graph_.size(), 0);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      keep[k] = fixed_[k] != Fixed::kOut && bound_with_[k] <= limit + kMargin * std::abs(limit);
    }
    for (uint32_t k : best_.solution) keep[k] = 1;
    solve_integer(restrict_to(graph_, keep), limit, window_ == Window::kNarrow ? UINT64_MAX : kNarrowBase + kNarrowWork * iterations_);
  }

  // What is not in `graph` costs at least `outside`.
  void solve_integer(const Hypergraph& graph, double outside, uint64_t most_iterations) {
    if (graph.size() == 0) return raise(outside);
    const uint64_t last = iterations_ + std::min(most_iterations, UINT64_MAX - iterations_);
    while (iterations_left_ > 0 && iterations_ < last && !(*interrupted_)()) {
      const HighsAnswer answer = run(graph, /*linear=*/false, last - iterations_);
      if (answer.state.status == kHighsFailed) {
        step_.outcome = Outcome::kGivenUp;
        return;
      }
      if (answer.state.status == kHighsInfeasible) return raise(outside);
      const bool done = answer.state.status == kHighsOptimal;
      const auto chosen = chosen_in(graph, answer, 0.5);
      const bool whole = answer.state.has_solution && accept(graph, chosen);
      const double bound = answer.state.bound / scale_;
      raise(std::min(outside, round_up(bound - 1e-9 * std::abs(bound), grain_)));
      if (done && whole) raise(std::min(outside, best_.upper));
      if (!done || whole) return;
      if (forbid_loops(graph, chosen)) continue;
      step_.outcome = Outcome::kGivenUp;  // it keeps a row by HiGHS' tolerance alone
      return;
    }
  }

  // True where the choice can run.
  bool accept(const Hypergraph& graph, const std::vector<uint32_t>& chosen) {
    std::vector<uint8_t> allowed(graph.size(), 0);
    double cost = 0, fold = 0;
    for (uint32_t k : chosen) allowed[k] = 1, cost += graph.cost[k], fold += graph.fold[k];
    if (fold > graph.fold_budget) return false;
    for (const SideRow& row : side_rows_) {
      const auto inside = std::count_if(chosen.begin(), chosen.end(), [&](uint32_t k) { return row.member[graph.original[k]]; });
      if (static_cast<double>(inside) > row.most) return false;
    }
    const auto made = makeable(graph, allowed);
    for (uint32_t k : chosen) {
      for (uint32_t o : graph.operands[k]) {
        if (!made[o]) return false;
      }
    }
    for (uint32_t r : graph.roots) {
      if (!made[r]) return false;
    }
    if (cost >= best_.upper) return true;
    best_.upper = cost;
    best_.solution.clear();
    for (uint32_t k : chosen) best_.solution.push_back(graph.original[k]);
    step_.found.upper = cost;
    step_.found.solution = best_.solution;
    return true;
  }

  Hypergraph graph_;
  const Problem* const problem_;
  const std::vector<uint32_t> candidate_;  // of the problem
  Rows dependency_;
  const std::vector<SideRow> side_rows_;
  const Window window_;
  const Highs highs_;
  const double grain_;
  double scale_ = 1, linear_bound_ = 0;
  std::vector<double> bound_with_;         // by candidate: no solution that has it costs less; of the linear program
  std::vector<Fixed> fixed_;
  std::vector<Loop> loops_;                // forbidden so far
  std::vector<CutMembers> cuts_;           // by candidates of graph_
  Hypergraph linear_, computed_;           // of the linear program; with what is computed inside
  Basis basis_;                            // of the linear program
  uint32_t turn_ = 0;
  int stalled_ = 0;
  bool linear_done_ = false, narrow_done_ = false;
  uint64_t iterations_left_ = 0, iterations_ = 0, units_ = 1;
  const Interrupt* interrupted_ = nullptr;
  Incumbent best_;
  Step step_;
};

}  // namespace

std::unique_ptr<Engine> make_highs_engine(const Hypergraph& graph, const Problem* problem, std::vector<SideRow> side_rows, Window window) {
  const auto highs = Highs::open();
  if (!highs) return nullptr;
  const bool terms = problem && !problem->term_nodes.empty() && !graph.has_negative_cost();
  return std::make_unique<HighsEngine>(graph, terms ? problem : nullptr, std::move(side_rows), window, *highs);
}

bool have_highs() { return Highs::open().has_value(); }

}  // namespace egret::extract
