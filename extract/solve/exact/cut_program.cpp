#include "extract/solve/exact/cut_program.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace egret::extract {
namespace {

constexpr int kMaxRounds = 2000;
constexpr int kStalled = 30;          // rounds that gain next to nothing
constexpr double kGain = 1e-5;       // relative
constexpr size_t kMostCuts = 16;     // a round: a program of few new rows is solved in less time than cuts are found
constexpr size_t kMostEntries = 20'000'000;
constexpr double kFraction = 1e-6;
constexpr uint64_t kLeastIterations = 100;
constexpr double kWorthAnew = 0.97;   // of the open candidates are left

}  // namespace

CutProgram::CutProgram(const Hypergraph& graph, const Highs& highs, double size)
    : graph_(graph), highs_(highs), scale_(scale_to(size, 18)), x_(graph.size(), 0), open_at_start_(graph.size()) {
  for (double c : graph.cost) model_.cost.push_back(c * scale_);
  model_.lower.assign(graph.size(), 0);
  model_.upper.assign(graph.size(), 1);
}

void CutProgram::add_row(CutRow row) {
  for (uint32_t k : row.leading) {
    model_.index.push_back(static_cast<int32_t>(k));
    model_.value.push_back(1);
  }
  model_.row_start.push_back(static_cast<int32_t>(model_.index.size()));
  model_.row_lower.push_back(1);
  model_.row_upper.push_back(HUGE_VAL);
  rows_.push_back(std::move(row));
}

bool CutProgram::start_anew(const std::vector<Fixed>& fixed) {
  const auto open = static_cast<size_t>(std::count(fixed.begin(), fixed.end(), Fixed::kOpen));
  const bool worth = static_cast<double>(open) <= kWorthAnew * static_cast<double>(open_at_start_);
  if (!worth) return false;
  open_at_start_ = open;
  rows_.clear();
  model_.row_start.resize(1);
  model_.row_lower.clear();
  model_.row_upper.clear();
  model_.index.clear();
  model_.value.clear();
  basis_ = {};
  return true;
}

// What the prices prove, summed from the prices alone.
void CutProgram::take_duals(const std::vector<Fixed>& fixed, const std::vector<double>& row_dual) {
  DualAscent out;
  out.remaining = graph_.cost;
  for (size_t r = 0; r < rows_.size(); ++r) {
    const double price = row_dual[r] / scale_;
    if (!(price > 0)) continue;
    out.bound += price;
    for (uint32_t k : rows_[r].leading) out.remaining[k] -= price;
    out.cuts.push_back({rows_[r].root, price, rows_[r].items});
  }
  reduced_ = out.remaining;
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    if (fixed[k] == Fixed::kIn || (fixed[k] == Fixed::kOpen && out.remaining[k] < 0)) out.bound += out.remaining[k];
    out.remaining[k] = std::max(0.0, out.remaining[k]);
  }
  if (best_.remaining.empty() || out.bound > best_.bound) best_ = std::move(out);
}

bool CutProgram::solve_once(const std::vector<Fixed>& fixed, const Interrupt& interrupt, uint64_t last_work) {
  const uint64_t unit = 100 + model_.index.size() / 100;
  HighsRun run{.linear = true, .interrupt = &interrupt, .basis = &basis_};
  if (last_work < UINT64_MAX) run.iterations = kLeastIterations + (last_work - std::min(work_, last_work)) / unit;
  const HighsAnswer answer = highs_.solve(model_, run);
  work_ += (1 + answer.iterations()) * unit;
  if (answer.state.status != kHighsOptimal) return false;
  x_ = answer.x;
  take_duals(fixed, answer.row_dual);
  return true;
}

const DualAscent& CutProgram::solve(const std::vector<Fixed>& fixed, double enough, const Interrupt& interrupt,
                                    uint64_t last_work) {
  best_ = {};
  integral_ = exhausted_ = false;
  std::vector<uint8_t> shut(graph_.size()), open(graph_.size());
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    shut[k] = fixed[k] == Fixed::kOut;
    open[k] = !shut[k];
    model_.upper[k] = open[k];
    model_.lower[k] = fixed[k] == Fixed::kIn;
  }
  if (auto blocked = blocked_cut(graph_, open)) {
    best_.bound = std::numeric_limits<double>::infinity();
    best_.remaining = graph_.cost;
    best_.cuts = {std::move(*blocked)};
    return best_;
  }
  double last = -std::numeric_limits<double>::infinity();
  for (int round = 0, stalled = 0; round < kMaxRounds && !interrupt() && (round == 0 || work_ < last_work); ++round) {
    exhausted_ = stalled >= kStalled;
    if (exhausted_ || !solve_once(fixed, interrupt, last_work) || best_.bound >= enough) break;
    stalled = best_.bound > last + kGain * std::abs(enough) ? 0 : stalled + 1;
    last = best_.bound;
    auto cuts = broken_cuts(graph_, x_, reduced_, shut, kMostCuts, turn_++);
    work_ += graph_.size();
    if (cuts.empty()) {
      exhausted_ = true;
      integral_ = std::all_of(x_.begin(), x_.end(), [](double v) { return v < kFraction || v > 1 - kFraction; });
      break;
    }
    if (model_.index.size() > kMostEntries) {
      exhausted_ = true;
      break;
    }
    for (CutRow& cut : cuts) add_row(std::move(cut));
  }
  if (best_.remaining.empty()) best_.remaining = graph_.cost;  // nothing known: the bound is 0
  return best_;
}

}  // namespace egret::extract
