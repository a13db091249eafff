#include "extract/solve/portfolio/prover.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "extract/solve/bound/dual_ascent.h"
#include "extract/solve/exact/core_guided.h"
#include "extract/solve/exact/cut_cases.h"
#include "extract/solve/graph/earnings.h"
#include "extract/solve/graph/grain.h"
#include "extract/solve/heuristics/greedy.h"
#include "extract/solve/reduce/reduction_log.h"

namespace egret::extract {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRounding = 4e-12;  // relative: what sums of doubles may err by
constexpr double kMoving = 1e-14;    // of a cost that a reduction moves: what its rounding may take off the constant
constexpr uint64_t kAscentSteps = 20'000'000;
constexpr uint64_t kCoverSteps = 400;    // of the local search, a candidate
constexpr size_t kCutItems = 4'000'000;  // of all cuts of one part together
constexpr uint64_t kSlice = 100'000;
constexpr int kDepth = 60;              // of problems inside problems
constexpr double kWorthReducing = 0.9;
constexpr double kWorthDropping = 0.02;  // of the open candidates
constexpr uint64_t kCoresShare = 4;      // of the work: cores get one part
constexpr uint64_t kParts = 8;           // of a turn of the linear program: after each, what is too dear is dropped
constexpr double kClose = 2e-10;         // relative: what cases may leave of the claim

using Text = std::back_insert_iterator<std::string>;

// The grain, where costs are multiples of it to the last bit, and so are sums of them in doubles.
double exact_grain(const std::vector<double>& costs) {
  const double grain = cost_grain(costs);
  const bool exact = grain > 0 && std::fmod(grain, 0x1p-10) == 0 &&
                     std::all_of(costs.begin(), costs.end(), [&](double c) { return std::fmod(c, grain) == 0; });
  return exact ? grain : 0;
}

// Where some costs are below zero: the sum of their sizes, which a bound near zero does not show.
double size_below_zero(const Hypergraph& graph) {
  double size = 0;
  for (double c : graph.cost) size += std::abs(c);
  return graph.has_negative_cost() ? size : 0;
}

class Prover {
 public:
  explicit Prover(const SolveOptions& options) : options_(options) {}

  // `number` names the candidates of `graph` outside, where `count` are numbered; items keep their numbers.
  double level(const Hypergraph& graph, const std::vector<uint32_t>& number, uint32_t count, double upper, int depth) {
    text_ += "U\n";
    Reduction reduction = reduce_to_components(graph, [&] { return clock_.expired(options_.limits); });
    const auto outer = [&](uint32_t k) {
      return k < graph.size() ? number[k] : count + (k - static_cast<uint32_t>(graph.size()));
    };
    write_reduction_log(reduction.log, outer, text_);
    std::vector<double> lower;
    double sum = reduction.constant;
    for (const Component& c : reduction.components) {
      lower.push_back(c.graph.has_negative_cost() ? negative_sum(c.graph)
                                                  : dual_ascent(c.graph, RootOrder::kCheapFirst, kAscentSteps).bound);
      sum += lower.back();
    }
    double bound = reduction.constant, moved = 0;
    for (const ReductionStep& step : reduction.log) moved += step.amount;
    for (size_t c = 0; c < reduction.components.size(); ++c) {
      const Component& component = reduction.components[c];
      std::string before;
      before.swap(text_);
      sum -= lower[c];
      const double proved = part(component.graph, upper - sum, depth);
      sum += proved;
      bound += proved;
      before.swap(text_);
      fmt::format_to(Text(text_), "p {}\nk", proved);
      for (uint32_t k : component.graph.original) fmt::format_to(Text(text_), " {}", outer(k));
      text_ += "\ni";
      for (uint32_t i : component.item) fmt::format_to(Text(text_), " {}", i);
      text_ += '\n';
      text_ += before;
      text_ += ".\n";
    }
    return exact_grain(graph.cost) > 0 ? bound : bound - kMoving * moved;
  }

  std::string& text() { return text_; }

 private:
  static double negative_sum(const Hypergraph& graph) {
    double sum = 0;
    for (double c : graph.cost) sum += std::min(c, 0.0);
    return sum;
  }

  // What may be claimed of a bound that was summed in doubles; `size` is that of the numbers in the sum.
  static double claimed(double bound, double upper, double grain, double size = 0) {
    if (grain > 0) {
      const double next = grain * std::ceil(bound / grain - 1e-6);
      return std::min(next, std::isfinite(upper) ? grain * std::round(upper / grain) : kInfinity);
    }
    const double low = std::min(bound, upper);
    return low - kRounding * std::max(size, std::abs(low));
  }

  // Proves a bound of the part, at most `upper`, and appends the records.
  double part(const Hypergraph& graph, double upper, int depth) {
    const double grain = exact_grain(graph.cost);
    // What is aimed at around the part may lie between two costs that a choice here can have.
    if (grain > 0 && std::isfinite(upper)) upper = grain * std::ceil(upper / grain - 1e-6);
    if (graph.has_negative_cost()) return by_cores(graph, upper);
    SolveOptions small = options_;
    small.greedy_steps = kCoverSteps * graph.size();
    const auto cover = greedy_covers(graph, {}, small, clock_);
    if (cover.found) {
      double cost = 0;
      for (uint32_t k : cover.chosen) cost += graph.cost[k];
      upper = std::min(upper, cost);
    }
    const DualAscent dual = dual_ascent(graph, RootOrder::kCheapFirst, kAscentSteps, KeepCuts::kWhole, 4 * kCutItems);
    const bool short_cuts = cut_items(dual) <= kCutItems;
    if (short_cuts && dual.bound >= cutoff(upper, grain)) {
      const double claim = claimed(grain > 0 ? upper : dual.bound, upper, grain);
      write_grain(grain);
      write_cuts(dual.cuts, text_);
      text_ += "f\n";
      return claim;
    }
    if (short_cuts && depth < kDepth) {
      Shared shared;
      shared.incumbent.upper = upper;
      shared.fixed.assign(graph.size(), Fixed::kOpen);
      const auto dropped = too_dear(graph, dual, shared, grain);
      if (static_cast<double>(graph.size() - dropped.size()) <= kWorthReducing * static_cast<double>(graph.size())) {
        drop(dual, dropped, shared, grain);
        return within(graph, dual, shared, grain, depth);
      }
    }
    if (clock_.expired(options_.limits)) return by_prices(dual, upper, grain);
    return by_engines(graph, dual, upper, grain, depth);
  }

  // What the cuts prove by themselves.
  double by_prices(const DualAscent& dual, double upper, double grain) {
    if (cut_items(dual) > kCutItems) return 0;
    write_grain(grain);
    write_cuts(dual.cuts, text_);
    text_ += "f\n";
    return claimed(dual.bound, upper, grain);
  }

  // Core-guided search and cases over the linear program of cuts take turns, each with twice the work of its last turn.
  double by_engines(const Hypergraph& graph, const DualAscent& first, double upper, double grain, int depth) {
    const Interrupt interrupt{&options_.limits, &clock_, nullptr};
    const auto highs = Highs::open();
    std::optional<CoreGuided> cores;
    if (CoreGuided::takes(graph)) cores.emplace(graph, /*proof=*/true);
    std::optional<CutProgram> program;
    DualAscent dual = first;
    Step step;
    Shared shared;
    shared.incumbent.upper = upper;
    shared.fixed.assign(graph.size(), Fixed::kOpen);
    bool turn_left = true, linear_done = false;
    for (uint64_t work = kSlice; turn_left && !interrupt(); work *= 2) {
      turn_left = false;
      if (cores) {
        step = cores->advance(shared, std::max(kSlice, work / kCoresShare), interrupt);
        shared.incumbent.upper = std::min(shared.incumbent.upper, step.found.upper);
        if (step.outcome == Outcome::kProved) break;
        turn_left = step.outcome == Outcome::kSpent;
        if (!turn_left) cores.reset();
      }
      if (!highs || !std::isfinite(shared.incumbent.upper)) continue;
      const double enough = target(shared.incumbent.upper, grain);
      if (!program) program.emplace(graph, *highs, shared.incumbent.upper);
      const uint64_t last = program->work() + work;
      while (!linear_done && program->work() < last && !interrupt()) {
        const DualAscent& now = program->solve(shared.fixed, enough, interrupt, std::min(last, program->work() + work / kParts + 1));
        if (now.bound > dual.bound && std::isfinite(now.bound)) dual = now;
        if (now.bound >= enough || program->integral()) break;
        if (depth < kDepth && cut_items(now) <= kCutItems && drop_dear(graph, now, shared, grain) <= kWorthReducing * static_cast<double>(graph.size())) {
          return within(graph, dual, shared, grain, depth);
        }
        linear_done = program->exhausted() && !program->start_anew(shared.fixed);
      }
      turn_left = true;
      if (!linear_done && dual.bound < enough && !program->integral()) continue;
      Cases cases(graph, *program, enough);
      if (cases.prove(work, interrupt, shared.fixed)) {
        write_grain(grain);
        text_ += cases.records();
        return claimed(grain > 0 ? shared.incumbent.upper : enough, shared.incumbent.upper, grain);
      }
      shared.incumbent.upper = std::min(shared.incumbent.upper, cases.found());
    }
    const double by_cores = cores ? claimed(step.found.lower, shared.incumbent.upper, exact_grain(graph.cost)) : 0;
    if (!cores || by_cores < dual.bound) return by_prices(dual, shared.incumbent.upper, grain);
    text_ += cores->proof();
    return by_cores;
  }

  // What a bound must reach to prove `upper`: a little less where sums of prices are no multiples of the grain.
  static double target(double upper, double grain) {
    return grain > 0 ? cutoff(upper, grain) + 1e-9 * std::abs(upper) : upper - kClose * std::abs(upper);
  }

  static size_t cut_items(const DualAscent& dual) {
    size_t items = 0;
    for (const Cut& cut : dual.cuts) items += cut.items.size();
    return items;
  }

  void write_grain(double grain) {
    if (grain > 0) fmt::format_to(Text(text_), "v {}\n", grain);
  }

  static std::vector<uint32_t> too_dear(const Hypergraph& graph, const DualAscent& dual, const Shared& shared, double grain) {
    const double limit = target(shared.incumbent.upper, grain);
    std::vector<uint32_t> out;
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (shared.fixed[k] == Fixed::kOpen && dual.bound + dual.remaining[k] >= limit) out.push_back(k);
    }
    return out;
  }

  void drop(const DualAscent& dual, const std::vector<uint32_t>& dropped, Shared& shared, double grain) {
    write_grain(grain);
    write_dropped(dual.cuts, dropped, text_);
    for (uint32_t k : dropped) shared.fixed[k] = Fixed::kOut;
  }

  // How many candidates are left then.
  double drop_dear(const Hypergraph& graph, const DualAscent& dual, Shared& shared, double grain) {
    const auto open = [&] { return static_cast<double>(std::count(shared.fixed.begin(), shared.fixed.end(), Fixed::kOpen)); };
    const auto dropped = too_dear(graph, dual, shared, grain);
    if (static_cast<double>(dropped.size()) >= kWorthDropping * open()) drop(dual, dropped, shared, grain);
    return open();
  }

  // Without what has been dropped the part is a problem of its own, which may fall apart.  Where that proves less than
  // `dual`, for want of time, the prices of that stand instead.
  double within(const Hypergraph& graph, const DualAscent& dual, const Shared& shared, double grain, int depth) {
    const double upper = shared.incumbent.upper;
    std::vector<uint8_t> keep(graph.size());
    for (uint32_t k = 0; k < graph.size(); ++k) keep[k] = shared.fixed[k] == Fixed::kOpen;
    if (const auto blocked = blocked_cut(graph, keep)) {  // no solution beats `upper`
      write_blocked(*blocked, upper, text_);
      return claimed(upper, upper, grain);
    }
    Hypergraph named = graph;
    for (uint32_t k = 0; k < graph.size(); ++k) named.original[k] = k;
    const Hypergraph rest = restrict_to(named, keep);
    const size_t before = text_.size();
    text_ += "(\n";
    double bound = level(rest, rest.original, static_cast<uint32_t>(graph.size()), upper, depth + 1);
    text_ += ")\n";
    if (bound < dual.bound && bound < target(upper, grain) && cut_items(dual) <= kCutItems) {
      text_.resize(before);
      return by_prices(dual, upper, grain);
    }
    if (grain == 0) bound = std::min(bound, target(upper, grain));  // no more than what the dropped are known to cost
    return claimed(bound, upper, grain);
  }

  double by_cores(const Hypergraph& graph, double upper) {
    if (!CoreGuided::takes(graph)) return 0;
    CoreGuided engine(graph, /*proof=*/true);
    Shared shared;
    shared.incumbent.upper = upper;
    const Interrupt interrupt{&options_.limits, &clock_, nullptr};
    Step step;
    do {
      step = engine.advance(shared, kSlice, interrupt);
      shared.incumbent.upper = std::min(shared.incumbent.upper, step.found.upper);
    } while (step.outcome == Outcome::kSpent);
    text_ += engine.proof();
    return claimed(step.found.lower, shared.incumbent.upper, exact_grain(graph.cost), size_below_zero(graph));
  }

  const SolveOptions& options_;
  const Stopwatch clock_;
  std::string text_;
};

}  // namespace

Result<Proof> prove_bound(const Problem& problem, double upper, const SolveOptions& options) {
  if (const Earnings earnings(problem); !earnings.none()) {
    EGRET_TRY(Proof proof, prove_bound(earnings.problem(), upper - earnings.earned(), options));
    const double size = std::abs(earnings.earned()) + std::abs(proof.bound);
    proof.bound += earnings.earned() - kRounding * size;
    return proof;
  }
  EGRET_TRY(const Hypergraph graph, make_hypergraph(problem));
  if (upper <= 0 && !graph.has_negative_cost()) return Proof{"U\n", 0};
  Prover prover(options);
  Proof proof;
  const auto count = static_cast<uint32_t>(problem.candidates.size());
  proof.bound = prover.level(graph, graph.original, count, upper, 0);
  if (exact_grain(graph.cost) == 0) proof.bound -= kRounding * std::max(std::abs(proof.bound), size_below_zero(graph));
  proof.records = std::move(prover.text());
  return proof;
}

}  // namespace egret::extract
