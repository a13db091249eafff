#include "extract/solve/exact/cut_cases.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace egret::extract {
namespace {

constexpr int kMaxDepth = 400;
constexpr double kWorthAgain = 0.2;   // of the open candidates dropped: the program is solved again before branching

void write_list(const std::vector<uint32_t>& list, std::string& text) {
  for (uint32_t i : list) fmt::format_to(std::back_inserter(text), " {}", i);
}

}  // namespace

void write_cuts(const std::vector<Cut>& cuts, std::string& text) {
  for (const Cut& cut : cuts) {
    fmt::format_to(std::back_inserter(text), "u {}", cut.price);
    write_list(cut.items, text);
    text += '\n';
  }
}

void write_dropped(const std::vector<Cut>& cuts, const std::vector<uint32_t>& dropped, std::string& text) {
  write_cuts(cuts, text);
  text += 'K';
  write_list(dropped, text);
  text += "\nq\n";
}

void write_blocked(const Cut& cut, double size, std::string& text) {
  write_cuts({{cut.root, std::ldexp(1.0, std::ilogb(std::abs(size) + 1) + 2), cut.items}}, text);
  text += "f\n";
}

bool Cases::prove(uint64_t work, const Interrupt& interrupt, const std::vector<Fixed>& fixed) {
  text_.clear();
  found_ = std::numeric_limits<double>::infinity();
  fixed_ = fixed;
  fixed_.resize(graph_.size(), Fixed::kOpen);
  interrupt_ = &interrupt;
  last_work_ = program_.work() + work;
  return prove_case(0);
}

bool Cases::drop_dear(const DualAscent& dual, std::vector<uint32_t>& dropped) {
  std::vector<uint32_t> dear;
  size_t open = 0;
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    if (fixed_[k] != Fixed::kOpen) continue;
    ++open;
    if (dual.bound + dual.remaining[k] >= enough_) dear.push_back(k);
  }
  if (dear.empty()) return false;
  write_dropped(dual.cuts, dear, text_);
  for (uint32_t k : dear) fixed_[k] = Fixed::kOut;
  dropped.insert(dropped.end(), dear.begin(), dear.end());
  return static_cast<double>(dear.size()) >= kWorthAgain * static_cast<double>(open);
}

// The most undecided cost.
uint32_t Cases::branching_candidate() const {
  uint32_t best = UINT32_MAX;
  double most = 0;
  for (uint32_t k = 0; k < graph_.size(); ++k) {
    if (fixed_[k] != Fixed::kOpen) continue;
    const double x = program_.x()[k], score = std::min(x, 1 - x) * (graph_.cost[k] + 1e-3 * enough_);
    if (score > most) most = score, best = k;
  }
  return most > 1e-6 * enough_ * 1e-3 ? best : UINT32_MAX;
}

bool Cases::prove_case(int depth) {
  std::vector<uint32_t> dropped;
  const auto leave = [&](bool proved) {
    for (uint32_t k : dropped) fixed_[k] = Fixed::kOpen;
    return proved;
  };
  for (;;) {
    if (depth > kMaxDepth || (*interrupt_)() || program_.work() >= last_work_) return leave(false);
    const DualAscent& dual = program_.solve(fixed_, enough_, *interrupt_, last_work_);
    if (std::isinf(dual.bound)) {
      write_blocked(dual.cuts[0], enough_, text_);
      return leave(true);
    }
    if (dual.bound >= enough_) {
      write_cuts(dual.cuts, text_);
      text_ += "f\n";
      return leave(true);
    }
    if (program_.integral()) {
      found_ = 0;
      for (uint32_t k = 0; k < graph_.size(); ++k) found_ += program_.x()[k] > 0.5 ? graph_.cost[k] : 0;
      return leave(false);
    }
    if (!drop_dear(dual, dropped)) break;
  }
  const uint32_t k = branching_candidate();
  if (k == UINT32_MAX) return leave(false);
  fmt::format_to(std::back_inserter(text_), "B {}\n", k);
  fixed_[k] = Fixed::kOut;
  bool proved = prove_case(depth + 1);
  if (proved) {
    text_ += "/\n";
    fixed_[k] = Fixed::kIn;
    proved = prove_case(depth + 1);
    text_ += "^\n";
  }
  fixed_[k] = Fixed::kOpen;
  return leave(proved);
}

}  // namespace egret::extract
