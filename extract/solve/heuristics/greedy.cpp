#include "extract/solve/heuristics/greedy.h"

#include <algorithm>
#include <cmath>

namespace egret::extract {
namespace {

constexpr double kHuge = 1e300;  // flows saturate here
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kPriceSteps = 10;  // of folded bytes, each 16 times the last
constexpr uint32_t kNone = UINT32_MAX;

// Estimates the covers steer by; updated from each cover found.
struct Expectation {
  std::vector<double> users;   // how many will read the item, >= 1: an operand's flow is shared by them
  std::vector<double> wanted;  // 0..1: will the item be stored at all
};

// Area flow over a rank, and the covers that follow from it.
class Flow {
 public:
  Flow(const Hypergraph& graph, std::vector<uint32_t> rank) : graph_(graph), rank_(std::move(rank)) {
    items_.resize(graph.items);
    for (uint32_t i = 0; i < graph.items; ++i) items_[rank_[i]] = i;
    for (uint32_t item = 0; item < graph.items; ++item) {
      for (uint32_t k : graph.producers[item]) {
        const auto reads = graph.operands[k];
        if (std::all_of(reads.begin(), reads.end(), [&](uint32_t o) { return rank_[o] < rank_[item]; })) {
          usable_.entries.push_back(k);
        }
      }
      usable_.close_row();
    }
  }

  // Fills producer(): for every item the producer of least flow.
  void run(const Expectation& expect, const std::vector<double>& cost) {
    flow_.assign(graph_.items, kInfinity);
    producer_.assign(graph_.items, kNone);
    for (uint32_t item : items_) {
      for (uint32_t k : usable_[item]) {
        double value = cost[k];
        for (uint32_t o : graph_.operands[k]) value += flow_[o] / expect.users[o];
        if (value == kInfinity) continue;
        double share = 1;
        for (uint32_t other : graph_.results[k]) {
          if (other != item) share += expect.wanted[other];
        }
        value = std::min(kHuge, value / share);
        if (value < flow_[item]) flow_[item] = value, producer_[item] = k;
      }
    }
  }

  // Walks down from the roots.  With `on_demand`, choices see what is asked for already; else they are producer().
  // `strict` refuses a maker that does not keep to the rank: then nothing waits in a circle.
  bool select(Cover& cover, const Expectation& expect, const std::vector<double>& cost, bool on_demand, bool strict) {
    for (size_t p = items_.size(); p-- > 0;) {
      const uint32_t item = items_[p];
      if (cover.users(item) == 0) continue;
      if (cover.makers(item) > 0 && (!strict || made_in_rank(cover, item))) continue;
      const uint32_t k = on_demand ? choose(cover, item, expect, cost) : producer_[item];
      if (k == kNone) return false;
      cover.add(k);
    }
    return cover.prune_if_valid();
  }

  const std::vector<uint32_t>& producer() const { return producer_; }

 private:
  bool made_in_rank(const Cover& cover, uint32_t item) const {
    const auto row = usable_[item];
    return std::any_of(row.begin(), row.end(), [&](uint32_t k) { return cover.chosen(k); });
  }

  uint32_t choose(const Cover& cover, uint32_t item, const Expectation& expect, const std::vector<double>& cost) const {
    uint32_t best = kNone;
    double least = kInfinity;
    for (uint32_t k : usable_[item]) {
      double value = cost[k];
      for (uint32_t o : graph_.operands[k]) {
        if (cover.users(o) == 0) value += flow_[o] / expect.users[o];
      }
      for (uint32_t other : graph_.results[k]) {
        if (other != item && cover.users(other) > 0 && cover.makers(other) == 0) value -= flow_[other];
      }
      if (value < least) least = value, best = k;
    }
    return best;
  }

  const Hypergraph& graph_;
  std::vector<uint32_t> rank_, items_;
  Rows usable_;  // item -> producers that read only items of lower rank
  std::vector<double> flow_;
  std::vector<uint32_t> producer_;
};

// Half old, half what the cover shows.
void learn(Expectation& expect, const Cover& cover) {
  for (uint32_t i = 0; i < cover.graph().items; ++i) {
    expect.users[i] = 0.5 * (expect.users[i] + std::max<uint32_t>(1, cover.users(i)));
    expect.wanted[i] = 0.5 * (expect.wanted[i] + (cover.users(i) > 0 ? 1.0 : 0.0));
  }
}

class Portfolio {
 public:
  Portfolio(const Hypergraph& graph, const SolveOptions& options, const Stopwatch& clock)
      : graph_(graph), options_(options), clock_(clock), cover_(graph) {}

  // Covers over one rank; those of several starting points are improved on.
  void run(const std::vector<uint32_t>& rank, const Rows& dependency, const std::vector<double>& cost) {
    Flow flow(graph_, rank);
    Expectation plain{std::vector<double>(graph_.items, 1), std::vector<double>(graph_.items, 0)};
    attempt(flow, plain, cost, false);
    Expectation fanout = plain;
    const Rows readers = dependency.size() == graph_.items ? dependency.transposed(graph_.items) : Rows{};
    for (uint32_t i = 0; i < graph_.items && readers.size() > 0; ++i) {
      fanout.users[i] = std::max<double>(1, static_cast<double>(readers[i].size()));
    }
    const int rounds = options_.once ? kRoundsOnce : kRounds;
    for (Expectation start : {plain, fanout}) {
      for (int round = 0; round < rounds && !clock_.expired(options_.limits); ++round) {
        if (attempt(flow, start, cost, round % 2 == 1)) learn(start, cover_);
      }
    }
  }

  // The cover of least tree costs alone.
  void one(const std::vector<uint32_t>& rank) {
    Flow flow(graph_, rank);
    attempt(flow, {std::vector<double>(graph_.items, 1), std::vector<double>(graph_.items, 0)}, graph_.cost, false);
  }

  bool found() const { return !best_.empty() || empty_found_; }

  // Local search from the best covers, cheapest first.
  GreedyAnswer finish() {
    GreedyAnswer answer;
    if (!found()) return answer;
    std::stable_sort(best_.begin(), best_.end(), [](const Kept& a, const Kept& b) { return a.cost < b.cost; });
    const size_t starts = std::min<size_t>(best_.size(), 3);
    for (size_t s = 0; s < starts; ++s) {
      cover_.assign(best_[s].chosen);
      local_search(cover_, best_[s].producer, options_.greedy_steps / starts, options_.limits, clock_);
      if (!answer.found || cover_.cost() < answer.cost) answer = {true, cover_.cost(), cover_.list()};
    }
    if (empty_found_) answer = {true, 0, {}};
    return answer;
  }

 private:
  static constexpr int kRounds = 8, kRoundsOnce = 4;
  static constexpr size_t kKept = 4;
  struct Kept {
    double cost;
    std::vector<uint32_t> chosen, producer;
  };

  // Leaves the cover in cover_.  False where it is not valid; one over the budget is not kept.
  bool attempt(Flow& flow, const Expectation& expect, const std::vector<double>& cost, bool on_demand) {
    flow.run(expect, cost);
    bool done = false;
    for (bool strict : {false, true}) {
      cover_.assign({});
      done = flow.select(cover_, expect, cost, on_demand, strict);
      if (done) break;
    }
    if (!done) return false;
    if (cover_.fold() <= graph_.fold_budget) keep(flow);
    return true;
  }

  void keep(const Flow& flow) {
    Kept kept{cover_.cost(), cover_.list(), flow.producer()};
    if (kept.chosen.empty()) empty_found_ = true;
    for (const Kept& other : best_) {
      if (other.chosen == kept.chosen) return;
    }
    best_.push_back(std::move(kept));
    if (best_.size() <= kKept) return;
    best_.erase(std::max_element(best_.begin(), best_.end(),
                                 [](const Kept& a, const Kept& b) { return a.cost < b.cost; }));
  }

  const Hypergraph& graph_;
  const SolveOptions& options_;
  const Stopwatch& clock_;
  Cover cover_;
  std::vector<Kept> best_;
  bool empty_found_ = false;
};

}  // namespace

GreedyAnswer greedy_covers(const Hypergraph& graph, const Rows& dependency, const SolveOptions& options,
                           const Stopwatch& clock) {
  Portfolio portfolio(graph, options, clock);
  const auto safe = tree_rank(graph), rank = item_rank(graph, dependency, safe);
  portfolio.run(rank, dependency, graph.cost);
  if (!portfolio.found() || !(options.once || clock.expired(options.limits))) portfolio.run(safe, dependency, graph.cost);
  // Where the fold budget binds, bytes get a price, then nothing but the bytes counts.
  double bytes = 0, total = 0;
  for (uint32_t k = 0; k < graph.size(); ++k) bytes += graph.fold[k], total += graph.cost[k];
  double price = (total > 0 ? total : 1) / std::max(bytes, 1.0) / 16;
  for (int step = 0; step < kPriceSteps && !portfolio.found() && bytes > 0; ++step, price *= 16) {
    std::vector<double> cost = graph.cost;
    for (uint32_t k = 0; k < graph.size(); ++k) cost[k] = std::min(kHuge, cost[k] + price * graph.fold[k]);
    portfolio.run(rank, dependency, cost);
    portfolio.run(safe, dependency, cost);
  }
  return portfolio.finish();
}

GreedyAnswer first_cover(const Hypergraph& graph, const SolveOptions& options, const Stopwatch& clock) {
  SolveOptions none = options;
  none.greedy_steps = 0;
  Portfolio portfolio(graph, none, clock);
  portfolio.one(tree_rank(graph));
  return portfolio.finish();
}

GreedyAnswer improve_cover(const Hypergraph& graph, const Rows& dependency, const std::vector<uint32_t>& chosen,
                           const SolveOptions& options, const Stopwatch& clock) {
  Cover cover(graph);
  cover.assign(chosen);
  Expectation expect{std::vector<double>(graph.items, 1), std::vector<double>(graph.items, 0)};
  for (int round = 0; round < 3; ++round) learn(expect, cover);
  Flow flow(graph, item_rank(graph, dependency, tree_rank(graph)));
  flow.run(expect, graph.cost);
  local_search(cover, flow.producer(), options.greedy_steps, options.limits, clock);
  return {true, cover.cost(), cover.list()};
}

Solution make_solution(const Problem& problem, const Hypergraph& graph, const std::vector<uint32_t>& chosen,
                       std::string method) {
  Solution solution;
  solution.method = std::move(method);
  for (uint32_t k : chosen) solution.chosen.push_back(graph.original[k]);
  std::sort(solution.chosen.begin(), solution.chosen.end());
  for (uint32_t k : solution.chosen) solution.cost += problem.candidates[k].cost;
  return solution;
}

Result<Solution> solve_greedy(const Problem& problem, const SolveOptions& options) {
  Stopwatch clock;
  EGRET_TRY(Hypergraph graph, make_hypergraph(problem));
  const bool negative = graph.has_negative_cost();
  for (double& cost : graph.cost) cost = std::max(cost, 0.0);  // the covers below know no gain in choosing more
  const GreedyAnswer answer = greedy_covers(graph, term_dependency(problem), options, clock);
  if (!answer.found) {
    return limit_error("greedy extraction: no cover keeps the limit on folded weights", "raise --fold-limit");
  }
  Solution solution = make_solution(problem, graph, answer.chosen, "greedy");
  solution.optimal = solution.cost == 0 && !negative;
  if (negative) solution.bound = -std::numeric_limits<double>::infinity();
  solution.seconds = clock.seconds();
  return solution;
}

}  // namespace egret::extract
