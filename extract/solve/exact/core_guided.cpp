#include "extract/solve/exact/core_guided.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "extract/solve/exact/core_formula.h"
#include "extract/solve/exact/core_weights.h"
#include "extract/solve/exact/counters.h"

namespace egret::extract {
namespace {

constexpr uint64_t kWorkOfConflict = 150;
constexpr uint64_t kWorkOfCall = 60;
constexpr size_t kMinimized = 1000;            // literals: larger cores are only trimmed
constexpr int kTrims = 3;                      // solves of the core alone
constexpr uint64_t kTrimConflicts = 300;       // of each
constexpr uint64_t kDropConflicts = 40;        // of the try without one literal
constexpr uint64_t kMinimizeConflicts = 2500;  // of one core
constexpr uint64_t kExhaustConflicts = 60;     // of the try that one more of a core is paid

}  // namespace

class CoreGuided::Search {
 public:
  Search(const Hypergraph& graph, bool proof)
      : graph_(graph),
        log_(proof ? std::make_unique<CoreLog>() : nullptr),
        sat_(log_.get()),
        costs_(graph.cost),
        formula_(graph, sat_, log_.get()),
        next_variable_(formula_.first_free_variable()),
        counters_(sat_, next_variable_, log_.get()) {
    set_weights();
    threshold_ = next_threshold(INT64_MAX);
    include_softs();
  }

  Step advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) {
    Step step;
    const uint64_t begin = spent();
    budget_ = begin + work;
    stop_ = [&interrupted] { return interrupted(); };
    improved_ = false;
    take(shared);
    while (!proved_ && !given_up_ && spent() < budget_ && !interrupted()) round();
    step.outcome = proved_              ? Outcome::kProved
                   : given_up_          ? Outcome::kGivenUp
                   : spent() >= budget_ ? Outcome::kSpent
                                        : Outcome::kInterrupted;
    step.found.lower = lower();
    if (improved_) {
      step.found.upper = upper_cost_;
      step.found.solution = best_;
    } else {
      step.found.upper = shared.incumbent.upper;
    }
    step.work = spent() - begin;
    stop_ = nullptr;
    return step;
  }

  const std::string& proof() const { return log_->text(); }
  Statistics statistics() const {
    Statistics s = statistics_;
    s.conflicts = sat_.conflicts();
    s.calls = sat_.calls();
    s.loops = formula_.loops();
    return s;
  }

 private:
  // A literal that costs `weight` where it holds.
  int64_t& weight(int literal) {
    const size_t place = 2 * static_cast<size_t>(std::abs(literal)) + (literal < 0);
    if (place >= weight_.size()) weight_.resize(2 * place, 0);
    return weight_[place];
  }

  uint64_t spent() const { return sat_.conflicts() * kWorkOfConflict + sat_.calls() * kWorkOfCall; }
  double lower() const { return std::min(upper_cost_, costs_.cost(have_upper_ ? std::min(lower_, upper_) : lower_)); }

  void set_weights() {
    const auto& w = costs_.weights();
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (w[k] < 0) lower_ += w[k];
      (w[k] < 0 ? weight(-formula_.chosen(k)) : weight(formula_.chosen(k))) += std::abs(w[k]);
    }
    if (graph_.has_negative_cost()) return;
    // What every producer of an item costs, the item costs.
    for (uint32_t i = 0; i < graph_.items; ++i) {
      const auto producers = graph_.producers[i];
      if (producers.size() < 2) continue;
      int64_t least = INT64_MAX;
      for (uint32_t k : producers) least = std::min(least, graph_.results[k].size() == 1 ? w[k] : 0);
      if (least == 0) continue;
      for (uint32_t k : producers) weight(formula_.chosen(k)) -= least;
      weight(formula_.made(i)) += least;
      if (log_) log_->shift(i, costs_.cost(least));
    }
  }

  void take(const Shared& shared) {
    if (shared.incumbent.upper < upper_cost_) set_upper(shared.incumbent.upper);
    fixed_.resize(graph_.size(), Fixed::kOpen);
    for (uint32_t k = 0; k < shared.fixed.size(); ++k) {
      if (shared.fixed[k] == Fixed::kOpen || shared.fixed[k] == fixed_[k]) continue;
      fixed_[k] = shared.fixed[k];
      sat_.add({fixed_[k] == Fixed::kIn ? formula_.chosen(k) : -formula_.chosen(k)});
    }
  }

  void set_upper(double cost) {
    upper_cost_ = cost;
    upper_ = costs_.ceiling(cost);
    have_upper_ = true;
    harden();
  }

  void raise_lower(int64_t weight) {
    lower_ += weight;
    if (have_upper_ && lower_ >= upper_) proved_ = true;
  }

  // What cannot be paid without passing the upper bound is not paid.
  void harden() {
    if (!have_upper_) return;
    if (lower_ >= upper_) proved_ = true;
    std::erase_if(assumptions_, [&](int negated) { return try_harden(-negated); });
    std::erase_if(later_, [&](int literal) { return try_harden(literal); });
  }
  bool try_harden(int literal) {
    int64_t& w = weight(literal);
    if (w == 0) return true;
    if (lower_ + w < upper_) return false;
    w = 0;
    if (log_) {
      sat_.flush_log();
      log_->harden(literal);
    }
    sat_.add({-literal});
    return true;
  }

  // Strata: first the dear ones.
  int64_t next_threshold(int64_t below) const {
    std::map<int64_t, size_t, std::greater<>> count;
    for (int64_t w : weight_) {
      if (w > 0 && w < below) ++count[w];
    }
    if (count.empty()) return 1;
    size_t total = 0, distinct = 0;
    for (auto [w, n] : count) {
      total += n;
      ++distinct;
      if (static_cast<double>(total) > 1.25 * static_cast<double>(distinct)) return w;
    }
    return count.rbegin()->first;
  }

  void include_softs() {
    later_.clear();
    assumptions_.clear();
    for (size_t place = 0; place < weight_.size(); ++place) {
      if (weight_[place] == 0) continue;
      const int literal = place & 1 ? -static_cast<int>(place / 2) : static_cast<int>(place / 2);
      if (weight_[place] >= threshold_) {
        assumptions_.push_back(-literal);
      } else {
        later_.push_back(literal);
      }
    }
    std::stable_sort(assumptions_.begin(), assumptions_.end(), [&](int a, int b) { return weight(-a) > weight(-b); });
  }

  void include(int literal) {
    if (weight(literal) >= threshold_) {
      assumptions_.push_back(-literal);
    } else {
      later_.push_back(literal);
    }
  }

  SatStatus solve(std::span<const int> assumptions, uint64_t conflicts) {
    return sat_.solve(assumptions, conflicts, stop_);
  }

  void round() {
    const SatStatus status = solve(assumptions_, (budget_ - spent()) / kWorkOfConflict + 1);
    if (status == SatStatus::kUnknown) return;
    if (status == SatStatus::kUnsatisfiable) {
      std::vector<int> core;
      for (int a : assumptions_) {
        if (sat_.failed(a)) core.push_back(-a);
      }
      if (core.empty()) {
        EGRET_CHECK(have_upper_, "the clauses refute an extraction problem that has a solution");
        if (log_) {
          sat_.flush_log();
          log_->add({});
        }
        raise_lower(std::max<int64_t>(0, upper_ - lower_));
        return;
      }
      minimize(core);
      pay(core);
      harden();
      return;
    }
    const auto solution = formula_.solution_or_loops();
    if (solution.empty()) return;
    ++statistics_.models;
    const bool all_assumed = waiting_.empty() && later_.empty();  // asked before a new upper bound hardens some
    accept(solution);
    if (proved_) return;
    if (all_assumed) {
      proved_ = true;  // nothing is paid above the bound: but for rounding, the model is optimal
    } else if (!waiting_.empty()) {
      relax();
      harden();
    } else if (!later_.empty()) {
      threshold_ = next_threshold(threshold_);
      include_softs();
    }
  }

  void accept(const std::vector<uint32_t>& solution) {
    double cost = 0;
    for (uint32_t k : solution) cost += graph_.cost[k];
    if (cost >= upper_cost_) return;
    best_ = solution;
    improved_ = true;
    set_upper(cost);
  }

  std::vector<int> negated(const std::vector<int>& literals) const {
    std::vector<int> out;
    for (int literal : literals) out.push_back(-literal);
    return out;
  }

  void keep_failed(std::vector<int>& core) {
    std::erase_if(core, [&](int literal) { return !sat_.failed(-literal); });
  }

  void minimize(std::vector<int>& core) {
    for (int trim = 0; trim < kTrims && core.size() > 1; ++trim) {
      const size_t before = core.size();
      if (solve(negated(core), kTrimConflicts) != SatStatus::kUnsatisfiable) break;
      keep_failed(core);
      if (core.size() == before) break;
    }
    if (core.size() < 2 || core.size() > kMinimized) return;
    std::stable_sort(core.begin(), core.end(), [&](int a, int b) { return weight(a) < weight(b); });
    const uint64_t last = sat_.conflicts() + kMinimizeConflicts;
    for (size_t next = 0; next < core.size() && core.size() > 1 && sat_.conflicts() < last;) {
      std::vector<int> rest = core;
      rest.erase(rest.begin() + static_cast<ptrdiff_t>(next));
      if (solve(negated(rest), kDropConflicts) == SatStatus::kUnsatisfiable) {
        const int keep = next > 0 ? rest[next - 1] : 0;
        keep_failed(rest);
        core = std::move(rest);
        // The literals before `next` were needed, and still are.
        next = keep == 0 ? 0 : static_cast<size_t>(std::find(core.begin(), core.end(), keep) - core.begin()) + 1;
        next = std::min(next, core.size());
      } else {
        ++next;
      }
    }
  }

  // A counter whose outputs cost `weight` each.
  struct Paid {
    uint32_t node;
    int64_t weight;
  };

  void pay(const std::vector<int>& core) {
    int64_t least = INT64_MAX;
    for (int literal : core) least = std::min(least, weight(literal));
    ++statistics_.cores;
    statistics_.core_literals += core.size();
    const uint32_t node = core.size() > 1 ? counters_.build(core) : 0;
    if (log_) {
      sat_.flush_log();
      log_->core(costs_.cost(least), node, core);
    }
    sat_.add(core);
    for (int literal : core) weight(literal) -= least;
    raise_lower(least);
    std::erase_if(assumptions_, [&](int a) {
      const int64_t w = weight(-a);
      if (w > 0 && w < threshold_) later_.push_back(-a);
      return w < threshold_;
    });
    // An output that is paid lets its successor count.
    for (int literal : core) follow(literal);
    if (core.size() > 1) waiting_.push_back({node, least});
  }

  void follow(int literal) {
    const auto it = output_of_.find(literal);
    if (it == output_of_.end()) return;
    const auto [paid, k] = it->second;
    output_of_.erase(it);
    if (k < counters_.size(paid.node)) add_output(paid, k + 1);
  }

  void add_output(const Paid& paid, uint32_t k) {
    const int literal = counters_.output(paid.node, k);
    weight(literal) += paid.weight;
    output_of_[literal] = {paid, k};
    include(literal);
  }

  // The counters of the cores found since the last model.  As long as one more can be refuted with little work, it is.
  void relax() {
    std::vector<Paid> list;
    list.swap(waiting_);
    for (const Paid& paid : list) {
      uint32_t k = 2;
      for (; k <= counters_.size(paid.node); ++k) {
        const int literal = counters_.output(paid.node, k);
        const int assumption = -literal;
        if (solve({&assumption, 1}, kExhaustConflicts) != SatStatus::kUnsatisfiable) break;
        if (log_) {
          sat_.flush_log();
          log_->core(costs_.cost(paid.weight), 0, {&literal, 1});
        }
        sat_.add({literal});
        raise_lower(paid.weight);
      }
      if (k <= counters_.size(paid.node)) add_output(paid, k);
    }
  }

  const Hypergraph& graph_;
  std::unique_ptr<CoreLog> log_;
  SatSolver sat_;
  IntegerCosts costs_;
  CoreFormula formula_;
  int next_variable_;
  Counters counters_;
  std::vector<int64_t> weight_;   // by 2 variable + (negative)
  std::vector<int> assumptions_;  // negated literals of this stratum
  std::vector<int> later_;        // literals of later strata
  std::vector<Paid> waiting_;
  std::map<int, std::pair<Paid, uint32_t>> output_of_;
  std::vector<uint32_t> best_;
  std::vector<Fixed> fixed_;
  std::function<bool()> stop_;
  Statistics statistics_;
  int64_t threshold_ = 0, lower_ = 0, upper_ = 0;
  double upper_cost_ = std::numeric_limits<double>::infinity();
  uint64_t budget_ = 0;
  bool have_upper_ = false, improved_ = false, proved_ = false, given_up_ = false;
};

CoreGuided::CoreGuided(const Hypergraph& graph, bool proof) : search_(std::make_unique<Search>(graph, proof)) {}
CoreGuided::~CoreGuided() = default;

Step CoreGuided::advance(const Shared& shared, uint64_t work, const Interrupt& interrupted) {
  return search_->advance(shared, work, interrupted);
}

bool CoreGuided::takes(const Hypergraph& graph) {
  if (!SatSolver::available()) return false;
  double folded = 0;
  for (double bytes : graph.fold) folded += bytes;
  if (folded > graph.fold_budget) return false;
  if (!graph.has_negative_cost()) return true;
  for (uint32_t k = 0; k < graph.size(); ++k) {
    if (graph.results[k].size() != 1) return false;
  }
  return graph.terms;
}

const std::string& CoreGuided::proof() const { return search_->proof(); }
CoreGuided::Statistics CoreGuided::statistics() const { return search_->statistics(); }

}  // namespace egret::extract
