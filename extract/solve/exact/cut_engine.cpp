#include "extract/solve/exact/cut_engine.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "extract/solve/exact/cut_cases.h"
#include "extract/solve/graph/grain.h"
#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr double kSupport = 1e-7;      // a larger value in the linear program counts as chosen in part
constexpr double kMargin = 1e-9;       // relative
constexpr uint64_t kParts = 8;         // of a slice
constexpr uint64_t kSupportSteps = 2'000'000;

class CutEngine : public Engine {
 public:
  CutEngine(const Hypergraph& graph, const Highs& highs)
      : graph_(graph), grain_(cost_grain(graph.cost)), program_(graph, highs, std::accumulate(graph.cost.begin(), graph.cost.end(), 0.0)),
        fixed_(graph.size(), Fixed::kOpen) {}

  const char* name() const override { return "cuts"; }

  Step advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) override {
    step_ = Step{};
    best_ = shared.incumbent;
    if (!std::isfinite(best_.upper)) return step_.outcome = Outcome::kGivenUp, std::move(step_);
    for (size_t k = 0; k < shared.fixed.size(); ++k) {
      if (shared.fixed[k] == Fixed::kOut) fixed_[k] = Fixed::kOut;
    }
    const uint64_t begun = program_.work(), last = begun + work;
    if (!linear_done_) {
      solve_linear(last, interrupted);
    } else {
      solve_cases(last, interrupted);
    }
    step_.work = program_.work() - begun;
    step_.fixed = fixed_;
    conclude(step_, best_, grain_, interrupted());
    return std::move(step_);
  }

 private:
  double enough() const { return cutoff(best_.upper, grain_) + kMargin * (grain_ > 0 ? std::abs(best_.upper) : 0); }

  // In parts of the slice, since each dual rules out candidates of its own.
  void solve_linear(uint64_t last, const Interrupt& interrupted) {
    const uint64_t part = (last - program_.work()) / kParts + 1;
    while (program_.work() < last && !linear_done_ && !interrupted()) {
      const DualAscent& dual = program_.solve(fixed_, enough(), interrupted, std::min(last, program_.work() + part));
      best_.lower = std::max(best_.lower, std::min(round_up(dual.bound, grain_), best_.upper));
      if (std::isinf(dual.bound) || best_.lower >= best_.upper) return;
      fix_out(dual);
      if (program_.integral()) accept_integral();
      linear_done_ = program_.exhausted() && !program_.start_anew(fixed_);
    }
    improve_on_support(*interrupted.clock);
  }

  void fix_out(DualAscent dual) {
    const double limit = cutoff(best_.upper, grain_) + kMargin * std::abs(best_.upper);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (fixed_[k] == Fixed::kOut) dual.remaining[k] = std::numeric_limits<double>::infinity();
    }
    const auto least = bound_with(graph_, dual);
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (least[k] >= limit) fixed_[k] = Fixed::kOut;
    }
  }

  void solve_cases(uint64_t last, const Interrupt& interrupted) {
    Cases cases(graph_, program_, enough());
    if (cases.prove(last - program_.work(), interrupted, fixed_)) {
      best_.lower = best_.upper;
    } else if (cases.found() < best_.upper) {
      accept_integral();
    }
  }

  // The program's answer is a choice; what has nothing to read, and so no part in it, is left out.
  void accept_integral() {
    std::vector<uint8_t> allowed(graph_.size());
    for (uint32_t k = 0; k < graph_.size(); ++k) allowed[k] = program_.x()[k] > 0.5;
    const auto made = makeable(graph_, allowed);
    std::vector<uint32_t> chosen;
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      const auto reads = graph_.operands[k];
      if (allowed[k] && std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return made[o]; })) chosen.push_back(k);
    }
    accept(chosen);
  }

  // Expects a valid choice.
  void accept(const std::vector<uint32_t>& chosen) {
    double cost = 0;
    for (uint32_t k : chosen) cost += graph_.cost[k];
    if (cost >= best_.upper) return;
    best_.upper = step_.found.upper = cost;
    best_.solution = step_.found.solution = chosen;
  }

  // The support and the incumbent make a small problem of their own, on which greedy covers do well.
  void improve_on_support(const Stopwatch& clock) {
    std::vector<uint8_t> keep(graph_.size(), 0);
    for (uint32_t k : best_.solution) keep[k] = 1;
    for (uint32_t k = 0; k < graph_.size(); ++k) keep[k] |= program_.x()[k] > kSupport;
    Hypergraph named = graph_;
    std::iota(named.original.begin(), named.original.end(), 0);
    const auto made = makeable(named, keep);
    if (!std::all_of(named.roots.begin(), named.roots.end(), [&](uint32_t r) { return made[r]; })) return;
    SolveOptions covers;
    covers.greedy_steps = kSupportSteps;
    const Hypergraph small = restrict_to(named, keep);
    const GreedyAnswer found = greedy_covers(small, {}, covers, clock);
    if (!found.found) return;
    std::vector<uint32_t> chosen;
    for (uint32_t k : found.chosen) chosen.push_back(small.original[k]);
    accept(chosen);
  }

  const Hypergraph& graph_;
  const double grain_;
  CutProgram program_;
  std::vector<Fixed> fixed_;
  bool linear_done_ = false;
  Incumbent best_;
  Step step_;
};

}  // namespace

std::unique_ptr<Engine> make_cut_engine(const Hypergraph& graph) {
  const auto highs = Highs::open();
  if (!highs || graph.has_negative_cost() || std::isfinite(graph.fold_budget)) return nullptr;
  return std::make_unique<CutEngine>(graph, *highs);
}

}  // namespace egret::extract
