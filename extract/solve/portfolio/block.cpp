#include "extract/solve/portfolio/block.h"

#include <algorithm>
#include <cmath>
#include <future>
#include <numeric>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/bound/semidefinite.h"
#include "extract/solve/graph/grain.h"
#include "extract/solve/heuristics/anneal.h"
#include "extract/solve/heuristics/greedy.h"

namespace egret::extract {
namespace {

constexpr uint64_t kAscentSteps = 20'000'000;
constexpr uint64_t kCoverSteps = 400;      // of the local search, a candidate
constexpr uint64_t kAnnealSteps = 1'000'000;
constexpr uint64_t kMostSteps = 100'000'000;
constexpr uint64_t kNegativeSteps = 30'000;        // a candidate: no reductions and no bound to speak of: a better answer is all
constexpr double kWorthDividing = 0.9;     // of the open candidates are left
constexpr double kManyFixed = 0.01;        // of the open candidates
constexpr size_t kSmall = 2'000;           // candidates: divided again even where once should do
constexpr uint64_t kOnceSteps = 60;        // of dual ascent, a candidate
constexpr double kReducing = 0.25;         // of the time that is left
constexpr size_t kLarge = 50'000;          // candidates: a first answer before the reductions

}  // namespace

Block::Block(Hypergraph graph, Incumbent start) : graph_(std::move(graph)), grain_(cost_grain(graph_.cost)) {
  shared_.incumbent = std::move(start);
  shared_.fixed.assign(graph_.size(), Fixed::kOpen);
  open_at_split_ = graph_.size();
}

bool Block::once(const SolveOptions& options) const { return options.once && graph_.size() > kSmall; }

void Block::raise(double bound) {
  Incumbent& best = shared_.incumbent;
  best.lower = std::max(best.lower, std::min(round_up(bound, grain_), best.upper));
  if (best.lower >= cutoff(best.upper, grain_)) best.lower = best.upper;
}

void Block::accept(const std::vector<uint32_t>& chosen) {
  double cost = 0;
  for (uint32_t k : chosen) cost += graph_.cost[k];
  if (cost >= shared_.incumbent.upper) return;
  shared_.incumbent.upper = cost;
  shared_.incumbent.solution = chosen;
  raise(shared_.incumbent.lower);
}

size_t Block::open_candidates() const {
  return static_cast<size_t>(std::count_if(shared_.fixed.begin(), shared_.fixed.end(), [](Fixed f) { return f != Fixed::kOut; }));
}

// The first bound, and beside it, on a thread of its own where there is more than one, the first covers.
DualAscent Block::first_bound(const SolveOptions& options, const Stopwatch& clock) {
  const auto policy = options.threads != 1 && graph_.size() > kSmall ? std::launch::async : std::launch::deferred;
  auto covers = std::async(policy, [&] { return greedy_covers(graph_, {}, options, clock); });
  const uint64_t steps = once(options) ? std::min(kAscentSteps, kOnceSteps * graph_.size()) : kAscentSteps;
  DualAscent dual = dual_ascent(graph_, RootOrder::kCheapFirst, steps);
  raise(dual.bound);
  const GreedyAnswer whole = covers.get();
  if (whole.found) accept(whole.chosen);
  return dual;
}

void Block::narrow_covers(const SolveOptions& options, const Stopwatch& clock, const std::vector<double>& remaining) {
  // Where the dual ascent used the costs up is a small graph with good covers.
  std::vector<uint8_t> keep(graph_.size(), 0);
  for (uint32_t k = 0; k < graph_.size(); ++k) keep[k] = remaining[k] <= 0;
  for (uint32_t k : shared_.incumbent.solution) keep[k] = 1;
  Hypergraph named = graph_;
  std::iota(named.original.begin(), named.original.end(), 0);
  const auto made = makeable(named, keep);
  for (uint32_t r : named.roots) {
    if (!made[r]) return;
  }
  const Hypergraph tight = restrict_to(named, keep);
  const auto narrow = greedy_covers(tight, {}, options, clock);
  if (!narrow.found) return;
  std::vector<uint32_t> chosen;
  for (uint32_t k : narrow.chosen) chosen.push_back(tight.original[k]);
  accept(chosen);
  if (once(options)) return;
  const auto better = improve_cover(graph_, {}, chosen, options, clock);
  if (better.found) accept(better.chosen);
}

bool Block::fix_by_bounds(const std::vector<double>& bound_with) {
  const double limit = cutoff(shared_.incumbent.upper, grain_);
  const double margin = 1e-9 * std::abs(shared_.incumbent.upper);
  bool fixed = false;
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    if (shared_.fixed[k] == Fixed::kOut || bound_with[k] < limit + margin) continue;
    shared_.fixed[k] = Fixed::kOut;
    fixed = true;
  }
  return fixed;
}

void Block::begin(const std::vector<uint32_t>& chosen, const SolveOptions& options, const Stopwatch& clock) {
  double least = 0;
  for (double c : graph_.cost) least += std::min(c, 0.0);
  raise(least);
  if (!chosen.empty() || graph_.roots.empty()) accept(chosen);
  if (chosen.empty() && graph_.size() >= kLarge && !graph_.has_negative_cost()) {
    const auto first = first_cover(graph_, options, clock);
    if (first.found) accept(first.chosen);
    raise(dual_ascent(graph_, RootOrder::kCheapFirst, kAscentSteps).bound);
  }
}

void Block::solve_parts(const SolveOptions& options, const Stopwatch& clock) {
  if (!proved()) split(options, clock);
}

// Where each candidate makes one item.
void Block::anneal_more(const SolveOptions& options, const Stopwatch& clock, uint64_t steps) {
  if (shared_.incumbent.solution.empty() || proved() || options.greedy_steps == 0) return;
  if (graph_.results.entries.size() != graph_.size() || std::isfinite(graph_.fold_budget)) return;
  accept(anneal(graph_, shared_.incumbent.solution, std::min(steps, options.greedy_steps), options.limits, clock));
}

void Block::prepare(const SolveOptions& options, const Stopwatch& clock) {
  if (graph_.size() == 0) return;
  if (graph_.has_negative_cost()) return prepare_negative(options, clock);
  SolveOptions small = options;
  small.greedy_steps = std::min(options.greedy_steps, kCoverSteps * graph_.size());
  const DualAscent first = first_bound(small, clock);
  if (!clock.expired(options.limits)) narrow_covers(small, clock, first.remaining);
  if (proved() || clock.expired(options.limits)) return;
  anneal_more(options, clock, std::min(kAnnealSteps, 1000 * uint64_t{graph_.size()}));
  if (proved() || clock.expired(options.limits) || once(options)) return;
  fix_by_bounds(bound_with(graph_, first));
  const auto second = dual_ascent(graph_, RootOrder::kDearFirst, kAscentSteps);
  raise(second.bound);
  if (proved()) return;
  fix_by_bounds(bound_with(graph_, second));
  divide(options, clock);
}

// The covers know no gain in choosing more: they see such costs as nothing.
void Block::prepare_negative(const SolveOptions& options, const Stopwatch& clock) {
  double least = 0;
  for (uint32_t i = 0; i < graph_.items; ++i) {
    double best = 0;
    for (uint32_t k : graph_.producers[i]) best = std::min(best, graph_.cost[k]);
    least += best;
  }
  if (graph_.terms) raise(least);   // each item is made once
  if (!clock.expired(options.limits)) raise(semidefinite_bound(graph_));
  Hypergraph clipped = graph_;
  for (double& c : clipped.cost) c = std::max(c, 0.0);
  const auto found = greedy_covers(clipped, {}, options, clock);
  if (found.found) accept(found.chosen);
  const uint64_t steps = std::min(kMostSteps, kNegativeSteps * graph_.size());
  for (uint64_t share : {16, 4, 1}) anneal_more(options, clock, steps / share);  // the first may do, where the bound says so
}

bool Block::divide(const SolveOptions& options, const Stopwatch& clock) {
  if (!parts_.empty() || proved() || graph_.has_negative_cost()) return false;
  const size_t open = open_candidates();
  if (static_cast<double>(open) > kWorthDividing * static_cast<double>(open_at_split_)) return false;
  open_at_split_ = open;
  return split(options, clock);
}

bool Block::split(const SolveOptions& options, const Stopwatch& clock) {
  std::vector<uint8_t> keep(graph_.size());
  for (uint32_t k = 0; k < graph_.size(); ++k) keep[k] = shared_.fixed[k] != Fixed::kOut;
  const auto made = makeable(graph_, keep);
  for (uint32_t r : graph_.roots) {
    if (made[r]) continue;
    raise(shared_.incumbent.upper);
    return true;
  }
  Hypergraph named = graph_;
  std::iota(named.original.begin(), named.original.end(), 0);
  const bool all = std::find(keep.begin(), keep.end(), 0) == keep.end();
  rest_ = std::make_unique<Hypergraph>(all ? std::move(named) : restrict_to(named, keep));
  const double now = clock.seconds(), last = now + kReducing * std::max(0.0, options.limits.seconds - now);
  reduction_ = std::make_unique<Reduction>(reduce_to_components(
      *rest_, [&, last] { return clock.expired(options.limits) || clock.seconds() > last; }, options.once ? 1 : kMaxGlobalRounds));
  if (reduction_->over_budget) {
    reduction_.reset();
    raise(shared_.incumbent.upper);
    return true;
  }
  for (Component& c : reduction_->components) {
    parts_.push_back(std::make_unique<Block>(c.graph, Incumbent{}));
    parts_.back()->prepare(options, clock);
  }
  engines.clear();
  gather();
  return true;
}

void Block::gather() {
  if (!reduction_) return;
  double lower = reduction_->constant, upper = reduction_->constant;
  std::vector<std::vector<uint32_t>> chosen;
  for (const auto& part : parts_) {
    part->gather();
    lower += part->incumbent().lower;
    upper += part->incumbent().upper;
    chosen.push_back(part->incumbent().solution);
  }
  if (upper < shared_.incumbent.upper) {
    std::vector<uint32_t> lifted;
    for (uint32_t k : reduction_->lift(*rest_, chosen)) lifted.push_back(rest_->original[k]);
    accept(lifted);
  }
  raise(lower);   // what was left out costs at least `upper`
}

std::vector<uint8_t> Block::survivors() const {
  std::vector<uint8_t> out(graph_.size(), 0);
  for (uint32_t k : shared_.incumbent.solution) out[k] = 1;
  if (!reduction_) {
    for (uint32_t k = 0; k < graph_.size(); ++k) out[k] |= shared_.fixed[k] != Fixed::kOut;
    return out;
  }
  const auto keep = [&](Span bundle) {
    for (uint32_t k : bundle) out[rest_->original[k]] = 1;
  };
  for (uint32_t i = 0; i < reduction_->maker.size(); ++i) keep(reduction_->maker[i]);
  for (size_t p = 0; p < parts_.size(); ++p) {
    const auto inside = parts_[p]->survivors();
    for (uint32_t k = 0; k < inside.size(); ++k) {
      if (inside[k]) keep(reduction_->bundles[reduction_->components[p].graph.original[k]]);
    }
  }
  return out;
}

bool Block::merge(const Step& step) {
  const Incumbent& best = shared_.incumbent;
  const double lower = best.lower, upper = best.upper;
  size_t open = 0, fixed = 0;
  for (size_t k = 0; k < step.fixed.size(); ++k) {
    open += shared_.fixed[k] == Fixed::kOpen;
    if (step.fixed[k] == Fixed::kOpen) continue;
    fixed += shared_.fixed[k] != step.fixed[k];
    shared_.fixed[k] = step.fixed[k];
  }
  if (!step.found.solution.empty()) accept(step.found.solution);
  raise(step.found.lower);
  if (step.outcome == Outcome::kProved) raise(shared_.incumbent.upper);
  return best.lower > lower || best.upper < upper || static_cast<double>(fixed) > kManyFixed * static_cast<double>(open);
}

void Block::open_leaves(std::vector<Block*>& out) {
  if (proved()) return;
  if (!reduction_) out.push_back(this);
  for (const auto& part : parts_) part->open_leaves(out);
}

}  // namespace egret::extract
