#include "extract/solve/exact/cut_separation.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "support/hash.h"

namespace egret::extract {
namespace {

constexpr double kBroken = 1 - 1e-6;
constexpr double kWhole = 1 - 1e-9;
constexpr uint32_t kStarts = 6;      // of nested cuts
constexpr int kPasses = 10;
constexpr uint32_t kPlainStarts = 2;  // of them by the values as they are; the others
constexpr double kShaken = 1;         // with values of up to so much more, for other cuts

class Separation {
 public:
  Separation(const Hypergraph& graph, std::vector<double> x, const std::vector<uint8_t>& shut)
      : graph_(graph), x_(std::move(x)), shut_(shut), in_(graph.size(), 0), made_(graph.items, 0), within_(graph.items, 0),
        critical_(graph.items, 0), missing_(graph.size()) {
    for (uint32_t k = 0; k < graph.size(); ++k) missing_[k] = static_cast<uint32_t>(graph.operands[k].size());
    for (uint32_t k = 0; k < graph.size(); ++k) {
      if (x_[k] >= kWhole && !shut[k]) let_in(k);
    }
    settled_ = trail_.size();
    settled_in_ = in_;
  }

  // One pass over the roots, or several: then what leads into a cut is taken for chosen as soon as it is found.  `shaken`: the order in
  // which candidates are let in is by values of up to so much more than theirs.
  std::vector<CutRow> run(const std::vector<double>& reduced_cost, size_t most, uint32_t turn, int passes, double shaken) {
    std::vector<uint32_t> order;
    std::vector<double> value = x_;
    for (uint32_t k = 0; k < graph_.size(); ++k) {
      if (!in_[k] && !shut_[k]) order.push_back(k);
      if (shaken > 0) value[k] *= 1 + shaken * static_cast<double>(mix(hash_combine(turn, k)) >> 40) / (1 << 24);
    }
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      if (value[a] != value[b]) return value[a] > value[b];
      return reduced_cost[a] != reduced_cost[b] ? reduced_cost[a] < reduced_cost[b] : a < b;
    });
    const auto support = std::find_if(order.begin(), order.end(), [&](uint32_t k) { return x_[k] <= 0; });
    const std::span<const uint32_t> weighing(order.begin(), support), rest(support, order.end());
    std::vector<uint32_t> roots = graph_.roots;
    std::rotate(roots.begin(), roots.begin() + static_cast<ptrdiff_t>(17 * size_t{turn} % std::max<size_t>(1, roots.size())), roots.end());
    std::vector<CutRow> out;
    std::set<std::vector<uint32_t>> known;
    const bool nested = passes > 1;
    for (; passes > 0 && !roots.empty(); --passes) {
      std::vector<uint32_t> broken;  // where no cut is, none will be
      for (uint32_t root : roots) {
        if (made_[root]) continue;
        CutRow cut = block(root, weighing, rest, nested);
        if (weight(cut) >= kBroken) continue;
        broken.push_back(root);
        if (!known.insert(cut.leading).second) continue;
        if (nested) settle(cut.leading);
        out.push_back(std::move(cut));
        if (out.size() >= most) return out;
      }
      roots = std::move(broken);
    }
    return out;
  }

 private:
  // Lets in all that leaves the root unmade.  `hurried`: what weighs nothing, and so makes a cut smaller and no lighter to speak of, only where
  // the cut is broken without it.
  CutRow block(uint32_t root, std::span<const uint32_t> weighing, std::span<const uint32_t> rest, bool hurried) {
    mark(root);
    for (uint32_t k : weighing) let_in_beside(k);
    CutRow cut;
    if (hurried) cut = shrink(root);
    if (!hurried || weight(cut) < kBroken) {
      for (uint32_t k : rest) let_in_beside(k);
      cut = shrink(root);
    }
    reset();
    return cut;
  }

  void settle(const std::vector<uint32_t>& leading) {
    for (uint32_t k : leading) {
      if (shut_[k] || in_[k]) continue;
      x_[k] = 1;
      let_in(k);
    }
    settled_ = trail_.size();
    settled_in_ = in_;
  }

  double weight(const CutRow& cut) const {
    double sum = 0;
    for (uint32_t k : cut.leading) sum += shut_[k] ? 0 : x_[k];
    return sum;
  }

  void let_in_beside(uint32_t k) {
    if (in_[k]) return;
    const size_t made = trail_.size(), critical = critical_trail_.size();
    if (let_in(k)) return;
    unmake(made);
    unmark(critical);
    in_[k] = 0;
  }

  // Makes what can now be made; false as soon as that would make the root.
  bool let_in(uint32_t k) {
    if (missing_[k] <= 1 && makes_critical(k)) {
      if (missing_[k] == 0) return false;
      mark(missing_operand(k));
    }
    in_[k] = 1;
    return missing_[k] > 0 || run_from(k);
  }
  bool run_from(uint32_t first) {
    std::vector<uint32_t> work{first};
    while (!work.empty()) {
      const uint32_t k = work.back();
      work.pop_back();
      for (uint32_t i : graph_.results[k]) {
        if (made_[i]) continue;
        if (critical_[i]) return false;
        made_[i] = 1;
        trail_.push_back(i);
        for (uint32_t reader : graph_.consumers[i]) {
          if (--missing_[reader] > 1 || !in_[reader]) continue;
          if (missing_[reader] == 0) work.push_back(reader);
          else if (makes_critical(reader)) mark(missing_operand(reader));
        }
      }
    }
    return true;
  }
  bool makes_critical(uint32_t k) const {
    const auto row = graph_.results[k];
    return std::any_of(row.begin(), row.end(), [&](uint32_t i) { return critical_[i]; });
  }
  uint32_t missing_operand(uint32_t k) const {
    for (uint32_t o : graph_.operands[k]) {
      if (!made_[o]) return o;
    }
    return UINT32_MAX;
  }
  // Were a critical item made, so would be the root: by candidates that are in and miss nothing else.
  void mark(uint32_t item) {
    std::vector<uint32_t> work{item};
    while (!work.empty()) {
      const uint32_t i = work.back();
      work.pop_back();
      if (i == UINT32_MAX || critical_[i]) continue;
      critical_[i] = 1;
      critical_trail_.push_back(i);
      for (uint32_t k : graph_.producers[i]) {
        if (in_[k] && missing_[k] == 1) work.push_back(missing_operand(k));
      }
    }
  }
  void unmark(size_t length) {
    for (; critical_trail_.size() > length; critical_trail_.pop_back()) critical_[critical_trail_.back()] = 0;
  }
  void unmake(size_t length) {
    while (trail_.size() > length) {
      made_[trail_.back()] = 0;
      for (uint32_t reader : graph_.consumers[trail_.back()]) ++missing_[reader];
      trail_.pop_back();
    }
  }
  void reset() {
    unmake(settled_);
    unmark(0);
    in_ = settled_in_;
  }

  // Of what is not made, only what keeps the other candidates from leading in.
  CutRow shrink(uint32_t root) {
    CutRow cut;
    cut.root = root;
    cut.items.push_back(root);
    within_[root] = 1;
    for (size_t p = 0; p < cut.items.size(); ++p) {
      for (uint32_t k : graph_.producers[cut.items[p]]) {
        if (!in_[k] && missing_[k] == 0) continue;  // it leads in
        uint32_t held = UINT32_MAX;
        bool inside = false;
        for (uint32_t o : graph_.operands[k]) {
          if (within_[o]) inside = true;
          if (!made_[o] && held == UINT32_MAX) held = o;
        }
        if (inside || held == UINT32_MAX) continue;
        within_[held] = 1;
        cut.items.push_back(held);
      }
    }
    for (uint32_t i : cut.items) within_[i] = 0;
    std::sort(cut.items.begin(), cut.items.end());
    cut.leading = leading_into(graph_, cut.items);
    return cut;
  }

  const Hypergraph& graph_;
  std::vector<double> x_;
  const std::vector<uint8_t>& shut_;
  std::vector<uint8_t> in_, settled_in_, made_, within_, critical_;
  std::vector<uint32_t> missing_, trail_, critical_trail_;
  size_t settled_ = 0;
};

}  // namespace

std::vector<uint32_t> leading_into(const Hypergraph& graph, const std::vector<uint32_t>& items) {
  std::vector<uint8_t> within(graph.items, 0);
  for (uint32_t i : items) within[i] = 1;
  std::vector<uint32_t> leading;
  for (uint32_t i : items) {
    for (uint32_t k : graph.producers[i]) {
      const auto reads = graph.operands[k];
      if (std::none_of(reads.begin(), reads.end(), [&](uint32_t o) { return within[o]; })) leading.push_back(k);
    }
  }
  std::sort(leading.begin(), leading.end());
  leading.erase(std::unique(leading.begin(), leading.end()), leading.end());
  return leading;
}

std::vector<CutRow> broken_cuts(const Hypergraph& graph, const std::vector<double>& x, const std::vector<double>& reduced_cost,
                                const std::vector<uint8_t>& shut, size_t most, uint32_t turn) {
  return Separation(graph, x, shut).run(reduced_cost, most, turn, 1, 0);
}

std::vector<CutRow> nested_cuts(const Hypergraph& graph, const std::vector<double>& x, const std::vector<double>& reduced_cost,
                                const std::vector<uint8_t>& shut, size_t most, uint32_t turn) {
  std::vector<CutRow> out;
  std::set<std::vector<uint32_t>> known;
  for (uint32_t start = 0; start < kStarts && out.size() < most; ++start) {
    for (CutRow& cut : Separation(graph, x, shut).run(reduced_cost, most - out.size(), turn * kStarts + start, kPasses, start < kPlainStarts ? 0 : kShaken)) {
      if (known.insert(cut.leading).second) out.push_back(std::move(cut));
    }
  }
  return out;
}

}  // namespace egret::extract
